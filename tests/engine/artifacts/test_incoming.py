"""Bytes that come piece by piece: an object once they are whole, nothing before."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread

import pytest

from engine.artifacts.store import ArtifactStore
from engine.core.errors import IntegrityError, InvalidInput
from tests.builders import make_workspace

UPLOAD = "0d" * 16


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(make_workspace(tmp_path))


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "workspace" / "artifacts").rglob("*") if path.is_file()]


def test_pieces_become_one_object(store: ArtifactStore) -> None:
    pieces = [os.urandom(size) for size in (1, 70_000, 0, 3)]
    with store.incoming() as incoming:
        for piece in pieces:
            incoming.write(piece)
        blob = incoming.keep()
    whole = b"".join(pieces)
    assert (blob.digest, blob.size_bytes) == (sha256(whole).hexdigest(), len(whole))
    with store.open(blob.digest) as stream:
        assert stream.read() == whole


def test_what_is_not_kept_leaves_nothing(store: ArtifactStore, tmp_path: Path) -> None:
    with store.incoming() as incoming:
        incoming.write(b"half of ")
        assert files(tmp_path)
    assert files(tmp_path) == []


def test_what_a_killed_process_left_goes_and_what_another_still_writes_stays(
    store: ArtifactStore, tmp_path: Path
) -> None:
    with store.incoming() as incoming:
        incoming.write(b"still coming")
        (alive,) = files(tmp_path)
        (alive.parent / "dead.part").write_bytes(b"half of what a killed process took")
        other = ArtifactStore(make_workspace(tmp_path))
        other.sweep()
        assert files(tmp_path) == [alive]
        blob = incoming.keep()
    assert files(tmp_path) == [store.path_of(blob.digest)]


def test_sweeping_beside_those_who_write_loses_nothing(store: ArtifactStore, tmp_path: Path) -> None:
    other = ArtifactStore(make_workspace(tmp_path))
    over = Event()

    def sweep() -> None:
        while not over.is_set():
            other.sweep()

    sweeper = Thread(target=sweep)
    sweeper.start()
    try:
        blobs = [store.put_bytes(os.urandom(8)) for _ in range(200)]
    finally:
        over.set()
        sweeper.join()
    assert all(store.verify(blob.digest) for blob in blobs)


def test_what_is_there_already_is_not_stored_again(store: ArtifactStore, tmp_path: Path) -> None:
    blob = store.put_bytes(b"same")
    before = store.path_of(blob.digest).stat()
    with store.incoming() as incoming:
        incoming.write(b"same")
        assert incoming.keep() == blob
    assert store.path_of(blob.digest).stat().st_ino == before.st_ino
    assert files(tmp_path) == [store.path_of(blob.digest)]


def test_giving_up_while_another_thread_writes_is_safe(store: ArtifactStore, tmp_path: Path) -> None:
    incoming = store.incoming()

    def write() -> None:
        try:
            for _ in range(200):
                incoming.write(b"x" * 100_000)
        except ValueError:  # the file has been closed under us, never another one written
            return

    writer = Thread(target=write)
    writer.start()
    incoming.discard()
    writer.join()
    assert files(tmp_path) == []


def test_a_sound_object_is_compared_again_once_its_file_has_been_touched(store: ArtifactStore) -> None:
    blob = store.put_bytes(b"the model that was approved")
    store.open_sound(blob.digest).close()
    store.path_of(blob.digest).write_bytes(b"the model that was swapped!")
    with pytest.raises(IntegrityError, match="changed"):
        store.open_sound(blob.digest)


def keep_part(store: ArtifactStore, number: int, data: bytes) -> tuple[int, str]:
    with store.incoming() as incoming:
        incoming.write(data)
        return number, incoming.keep_part(UPLOAD, number).digest


def test_parts_become_one_object_and_stay_until_they_are_dropped(store: ArtifactStore, tmp_path: Path) -> None:
    parts = [keep_part(store, number, bytes([number]) * 1_000) for number in (1, 2, 3)]
    blob = store.join_parts(UPLOAD, parts)
    with store.open(blob.digest) as stream:
        assert stream.read() == b"\1" * 1_000 + b"\2" * 1_000 + b"\3" * 1_000
    assert len(files(tmp_path)) == 4
    store.drop_parts(UPLOAD)
    assert files(tmp_path) == [store.path_of(blob.digest)]
    store.drop_parts(UPLOAD)


def test_a_part_that_has_changed_or_gone_is_never_joined(store: ArtifactStore, tmp_path: Path) -> None:
    parts = [keep_part(store, 1, b"first"), keep_part(store, 2, b"second")]
    store.part_path(UPLOAD, *parts[1]).write_bytes(b"SECOND")
    with pytest.raises(IntegrityError, match="changed"):
        store.join_parts(UPLOAD, parts)
    store.part_path(UPLOAD, *parts[1]).unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        store.join_parts(UPLOAD, parts)
    assert files(tmp_path) == [store.part_path(UPLOAD, *parts[0])]


@pytest.mark.parametrize("upload", ["", "..", "../x", "0D" * 16, "0d" * 15, "0d" * 16 + "\n", "/" + "0" * 31])
def test_an_upload_id_never_becomes_another_folder(store: ArtifactStore, upload: str) -> None:
    with pytest.raises(InvalidInput):
        store.part_path(upload, 1, "0" * 64)
    with pytest.raises(InvalidInput):
        store.drop_parts(upload)
