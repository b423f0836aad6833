"""Objects: written whole, found by content, and never read when their bytes have changed."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from engine.artifacts.store import CHUNK_BYTES, ArtifactStore
from engine.core.errors import IntegrityError, InvalidInput, NotFound, WorkspaceError
from tests.builders import make_workspace


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(make_workspace(tmp_path))


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "workspace" / "artifacts").rglob("*") if path.is_file()]


@pytest.mark.parametrize("data", [b"", b"weights", os.urandom(3 * CHUNK_BYTES + 1)], ids=["none", "few", "many"])
def test_bytes_and_files_come_back_as_they_were(store: ArtifactStore, tmp_path: Path, data: bytes) -> None:
    local = tmp_path / "local"
    local.write_bytes(data)
    blob = store.put_bytes(data)
    assert blob == store.put_file(local)
    assert (blob.digest, blob.size_bytes) == (sha256(data).hexdigest(), len(data))
    with store.open(blob.digest) as stream:
        assert stream.read() == data
    assert store.verify(blob.digest)


def test_the_same_bytes_are_stored_once_and_nothing_else_is_left(store: ArtifactStore, tmp_path: Path) -> None:
    blobs = {store.put_bytes(b"same") for _ in range(3)}
    assert files(tmp_path) == [store.path_of(blob.digest) for blob in blobs]


def test_a_changed_byte_is_found_before_anything_is_read(store: ArtifactStore) -> None:
    blob = store.put_bytes(b"the model that was approved")
    store.path_of(blob.digest).write_bytes(b"the model that was swapped!")
    with pytest.raises(IntegrityError, match="changed"):
        store.open(blob.digest)
    assert not store.verify(blob.digest)


def test_an_object_cut_short_by_a_bad_disk_is_written_again(store: ArtifactStore) -> None:
    blob = store.put_bytes(b"0123456789")
    store.path_of(blob.digest).write_bytes(b"01234")
    assert not store.verify(blob.digest)
    store.put_bytes(b"0123456789")
    assert store.verify(blob.digest)


def test_a_missing_object_is_an_integrity_error(store: ArtifactStore) -> None:
    digest = sha256(b"never stored").hexdigest()
    with pytest.raises(IntegrityError, match="cannot be read"):
        store.open(digest)
    assert not store.verify(digest)


@pytest.mark.parametrize("digest", ["", "..", "a" * 63, "../../" + "a" * 58])
def test_only_digests_are_looked_up(store: ArtifactStore, digest: str) -> None:
    for ask in (store.open, store.verify, store.path_of):
        with pytest.raises(InvalidInput):
            ask(digest)


def test_files_that_cannot_be_read_are_named(store: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing"):
        store.put_file(tmp_path / "nothing")
    with pytest.raises(InvalidInput, match="regular"):
        store.put_file(tmp_path)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(InvalidInput, match="regular"):
        store.put_file(fifo)


def test_a_link_is_stored_as_the_file_it_points_to(store: ArtifactStore, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"content")
    link = tmp_path / "link"
    link.symlink_to(target)
    assert store.put_file(link) == store.put_bytes(b"content")


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    workspace.artifacts.rmdir()
    workspace.artifacts.write_text("a file where the folder should be")
    with pytest.raises(WorkspaceError):
        ArtifactStore(workspace).put_bytes(b"x")


def test_objects_are_private_to_their_owner(store: ArtifactStore, tmp_path: Path) -> None:
    blob = store.put_bytes(b"secret")
    for folder in store.path_of(blob.digest).parents[:2]:
        assert folder.stat().st_mode & 0o077 == 0
