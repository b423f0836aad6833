"""CSV files are cut between records, whatever is in them."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tables.cutting import cut

TEXTS = st.text(st.sampled_from('ab,"\n\r é'), max_size=6)
RECORDS = st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=30)


def pieces(path: Path, data: bytes, size: int) -> list[tuple[bytes, int]]:
    path.write_bytes(data)
    digest, cuts = cut(path, 0, cut_bytes=size)
    assert digest == hashlib.sha256(data).hexdigest()
    ends = [0, *(each.end for each in cuts)]
    assert [each.start for each in cuts] == ends[:-1]
    return [(data[each.start : each.end], each.first_row) for each in cuts]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cutting") / "in.csv"


@given(records=RECORDS, size=st.integers(1, 60), ending=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
def test_pieces_hold_whole_records_and_know_their_numbers(
    scratch: Path, records: list[list[str]], size: int, ending: str, last: bool
) -> None:
    kept = [[text.replace("\r", "") for text in record] for record in records]
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator=ending).writerows(kept)
    data = written.getvalue().encode()
    found: list[list[str]] = []
    for piece, first_row in pieces(scratch, data if last else data.removesuffix(ending.encode()), size):
        assert first_row == len(found) + 1
        found += csv.reader(io.StringIO(piece.decode(), newline=""))
    assert found == kept


@given(data=st.binary(max_size=200) | st.text(st.sampled_from('ab,"\n\r'), max_size=80).map(str.encode))
def test_nothing_of_a_broken_file_is_lost(scratch: Path, data: bytes) -> None:
    found = b"".join(piece for piece, _ in pieces(scratch, data, 7))
    assert data.startswith(found)
    assert data[len(found) :].strip(b"\r\n") == b""


@pytest.mark.parametrize("stray", [b'5" pipe,1\n', b"a\rb,1\n", b'a"b"c,1\n', b' "a",1\n'])
def test_nothing_is_cut_after_a_stray_quote_or_return(tmp_path: Path, stray: bytes) -> None:
    before, after = b"1,2\n" * 3, b'3,"\n"\n' * 50
    found = pieces(tmp_path / "in.csv", before + stray + after, 4)
    assert found[-1][0].endswith(stray + after)


def test_empty_lines_are_no_rows(tmp_path: Path) -> None:
    found = pieces(tmp_path / "in.csv", b"1,2\n\n\r\n\n3,4\n\n5,6\n\n\n", 8)
    assert [first for _, first in found] == [1, 2, 3][: len(found)]
    assert b"".join(piece for piece, _ in found).split() == [b"1,2", b"3,4", b"5,6"]
