"""Files that come in parts: in any order, again after a failure, over a restart, and never for somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.artifacts.model import Blob
from engine.artifacts.uploads import LIFETIME_MS, MAX_PARTS
from engine.core.access import Actor, Role
from engine.core.clock import ManualClock
from engine.core.errors import InvalidInput, NotFound, PermissionDenied, QuarterdeckError
from tests.builders import empty_workspace

PATH = "1/" + "0a" * 16 + "/artifacts/big.bin"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return empty_workspace(tmp_path / "workspace").path


@pytest.fixture
def opened(workspace: Path, clock: ManualClock) -> Iterator[Engine]:
    with engine.open(workspace, clock=clock) as found:
        yield found


def send(opened: Engine, upload: str, number: int, data: bytes) -> Blob:
    with opened.artifacts.incoming() as incoming:
        incoming.write(data)
        return opened.uploads.keep_part(upload, number, incoming)


def read(opened: Engine, blob: Blob) -> bytes:
    with opened.artifacts.open(blob.digest) as stream:
        return stream.read()


def test_parts_are_joined_by_number_in_whatever_order_they_came(opened: Engine) -> None:
    upload = opened.uploads.create(PATH).upload_id
    parts = [(number, send(opened, upload, number, data).digest) for number, data in ((3, b"c"), (1, b"a"), (2, b"b"))]
    assert read(opened, opened.uploads.join(upload, PATH, parts)) == b"abc"


def test_a_part_that_comes_again_replaces_the_earlier_one(opened: Engine) -> None:
    upload = opened.uploads.create(PATH).upload_id
    first = send(opened, upload, 1, b"half")
    second = send(opened, upload, 1, b"whole")
    with pytest.raises(InvalidInput, match="another ETag"):
        opened.uploads.join(upload, PATH, [(1, first.digest)])
    assert read(opened, opened.uploads.join(upload, PATH, [(1, f'"{second.digest}"')])) == b"whole"


def test_an_upload_outlives_a_restart(workspace: Path) -> None:
    with engine.open(workspace) as before:
        upload = before.uploads.create(PATH).upload_id
        first = send(before, upload, 1, b"before ")
    with engine.open(workspace) as after:
        second = send(after, upload, 2, b"after")
        blob = after.uploads.join(upload, PATH, [(1, first.digest), (2, second.digest)])
        assert read(after, blob) == b"before after"


def test_closing_removes_the_parts_and_the_upload(opened: Engine, workspace: Path) -> None:
    upload = opened.uploads.create(PATH).upload_id
    send(opened, upload, 1, b"x")
    opened.uploads.close(upload)
    assert [path for path in (workspace / "artifacts").rglob("*") if path.is_file()] == []
    with pytest.raises(NotFound):
        opened.uploads.close(upload)


def test_an_upload_expires_and_the_next_one_clears_it_away(opened: Engine, clock: ManualClock) -> None:
    upload = opened.uploads.create(PATH).upload_id
    part = opened.artifacts.part_path(upload, 1, send(opened, upload, 1, b"x").digest)
    clock.advance(LIFETIME_MS)
    with pytest.raises(NotFound):
        opened.uploads.check_part(upload, 2)
    assert part.exists()
    opened.uploads.create(PATH)
    assert not part.exists()


@pytest.mark.parametrize("number", [0, -1, MAX_PARTS + 1, 2**70])
def test_a_number_out_of_range_is_refused(opened: Engine, number: int) -> None:
    upload = opened.uploads.create(PATH).upload_id
    with pytest.raises(InvalidInput):
        opened.uploads.check_part(upload, number)


@pytest.mark.parametrize("parts", [[], [(1, "0" * 64)], [(2, "")], "twice"], ids=str)
def test_only_parts_that_have_come_are_joined(opened: Engine, parts: object) -> None:
    upload = opened.uploads.create(PATH).upload_id
    blob = send(opened, upload, 1, b"x")
    wanted = [(1, blob.digest), (1, blob.digest)] if parts == "twice" else parts
    with pytest.raises(InvalidInput):
        opened.uploads.join(upload, PATH, wanted)  # type: ignore[arg-type]


def test_an_upload_ends_where_it_was_begun_for(opened: Engine) -> None:
    upload = opened.uploads.create(PATH).upload_id
    blob = send(opened, upload, 1, b"x")
    with pytest.raises(InvalidInput, match="another path"):
        opened.uploads.join(upload, PATH + "2", [(1, blob.digest)])


@pytest.mark.parametrize("path", ["", "../x", "1/x/artifacts/../../y", "control.db"])
def test_a_path_that_leads_nowhere_is_refused_at_once(opened: Engine, path: str) -> None:
    with pytest.raises(InvalidInput):
        opened.uploads.create(path)


def test_nobody_goes_on_with_the_upload_of_another(opened: Engine) -> None:
    upload = opened.uploads.create(PATH).upload_id
    blob = send(opened, upload, 1, b"x")
    other = opened.acting(Actor("mallory"), Role.WRITER).uploads
    refused: list[QuarterdeckError] = []
    for attempt in (
        lambda: other.check_part(upload, 2),
        lambda: other.join(upload, PATH, [(1, blob.digest)]),
        lambda: other.close(upload),
    ):
        with pytest.raises(NotFound) as caught:
            attempt()
        refused.append(caught.value)
    assert len({str(error) for error in refused}) == 1


def test_a_viewer_uploads_nothing(opened: Engine) -> None:
    with pytest.raises(PermissionDenied):
        opened.acting(Actor("eve"), Role.VIEWER).uploads.create(PATH)


def test_a_part_that_comes_again_and_is_not_noted_leaves_the_earlier_one(opened: Engine) -> None:
    upload = opened.uploads.create(PATH).upload_id
    blob = send(opened, upload, 1, b"noted")
    with opened.artifacts.incoming() as incoming:
        incoming.write(b"other")
        incoming.keep_part(upload, 1)
    assert read(opened, opened.uploads.join(upload, PATH, [(1, blob.digest)])) == b"noted"
