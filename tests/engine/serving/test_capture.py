from __future__ import annotations

import json

import msgspec
import pytest

from engine.serving.bodies import row_text
from engine.serving.predicting import sampled


@pytest.mark.parametrize("share", [0.01, 0.25, 0.9])
def test_as_many_requests_are_captured_as_was_asked(share: float) -> None:
    ids = [b"abc-%x" % number for number in range(20_000)]
    found = sum(sampled(each, share) for each in ids) / len(ids)
    assert abs(found - share) < 4 * (share * (1 - share) / len(ids)) ** 0.5


def test_whether_a_request_is_captured_depends_on_its_id_alone() -> None:
    assert all(sampled(b"x", share) <= sampled(b"x", share + 0.1) for share in (0.1, 0.5, 0.9))
    assert sampled(b"x", 1.0)
    assert not sampled(b"x", 0.0)


@pytest.mark.parametrize(
    ("text", "kept"), [(b"[1, 2.5]", True), (b"[[1, 2.5]]", False), (b"[1," + b" " * 999 + b"2]", False)]
)
def test_a_row_is_kept_as_it_was_written_unless_it_is_padded_or_nested(text: bytes, *, kept: bool) -> None:
    found = row_text(msgspec.Raw(text), 2)
    assert bool(found) == kept
    assert not kept or json.loads(found) == [[1, 2.5]]
