"""The artifact files of a workspace: written whole or not at all, and never read unchecked."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from engine.artifacts.model import Blob, check_digest
from engine.core.errors import IntegrityError, InvalidInput, NotFound
from engine.db.disk import disk_errors, sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from hashlib import _Hash as Hash
    from pathlib import Path

    from engine.db.workspace import Workspace

CHUNK_BYTES = 1 << 20
"""Bytes read at a time; a file of any size passes through this much memory."""

LEFT_OVER_S = 86_400.0
"""Seconds after which a `.part` file belongs to no process that still lives, and is removed."""

_RESTORE = "Run `qd db check`, and restore it from a backup."


class ArtifactStore:
    """Objects named by the SHA-256 of their bytes, below `artifacts/objects/`.

    The same bytes are stored once. Objects are never changed; a crash leaves at most a `.part` file behind, which a
    later process removes.

    Args:
        workspace: Where they live.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._objects = workspace.artifacts / "objects"
        self._swept = False

    def path_of(self, digest: str) -> Path:
        """Where an object lies, whether or not it has been stored.

        Args:
            digest: 64 lower-case hex digits.

        Raises:
            InvalidInput: it is not a digest.
        """
        check_digest(digest)
        return self._objects / digest[:2] / digest[2:]

    def put_bytes(self, data: bytes) -> Blob:
        """Store bytes; durable when this returns.

        Args:
            data: Any bytes, also none.

        Returns:
            Their digest and size.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        digest = _sha256(data).hexdigest()
        if not self._is_stored(digest, len(data)):
            with self._writing() as (part, target):
                target.write(data)
                self._keep(part, target, digest)
        return Blob(digest, len(data))

    def put_file(self, path: Path) -> Blob:
        """Store a copy of a file; durable when this returns.

        Args:
            path: A regular file, or a link to one.

        Returns:
            The digest and size of what was read.

        Raises:
            NotFound: there is no such file.
            InvalidInput: it is a folder or a device, or cannot be read.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        with _source(path) as source, self._writing() as (part, target):
            hashed, size_bytes = _sha256(), 0
            while chunk := source.read(CHUNK_BYTES):
                hashed.update(chunk)
                target.write(chunk)
                size_bytes += len(chunk)
            digest = hashed.hexdigest()
            if not self._is_stored(digest, size_bytes):
                self._keep(part, target, digest)
        return Blob(digest, size_bytes)

    def open(self, digest: str) -> BinaryIO:
        """Open an object for reading, after checking that its bytes still have its digest.

        Args:
            digest: 64 lower-case hex digits.

        Returns:
            The open file, at its beginning; the caller closes it.

        Raises:
            InvalidInput: it is not a digest.
            IntegrityError: the object is missing, or its bytes have changed.
        """
        path = self.path_of(digest)
        try:
            stream = path.open("rb")
        except OSError as error:
            raise _unreadable(digest, error) from error
        try:
            unchanged = _digest_of(stream) == digest
        except OSError as error:
            stream.close()
            raise _unreadable(digest, error) from error
        if not unchanged:
            stream.close()
            raise IntegrityError(
                f"The bytes of the artifact {digest[:12]} have changed since they were stored.", hint=_RESTORE
            )
        stream.seek(0)
        return stream

    def verify(self, digest: str) -> bool:
        """Whether an object is there and its bytes still have its digest.

        Args:
            digest: 64 lower-case hex digits.

        Raises:
            InvalidInput: it is not a digest.
        """
        try:
            self.open(digest).close()
        except IntegrityError:
            return False
        return True

    def _is_stored(self, digest: str, size_bytes: int) -> bool:
        # A damaged object of the right length is found by `open`; one cut short by a bad disk is written again.
        try:
            return self.path_of(digest).stat().st_size == size_bytes
        except OSError:
            return False

    @contextmanager
    def _writing(self) -> Iterator[tuple[Path, BinaryIO]]:
        part = self._objects / f"{os.urandom(8).hex()}.part"
        with disk_errors(self._objects, "the artifact folder"):
            self._objects.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sweep()
            try:
                with part.open("xb") as target:
                    yield part, target
            finally:
                with suppress(FileNotFoundError):
                    part.unlink()

    def _sweep(self) -> None:
        """Remove, once, what processes that were killed have left."""
        if self._swept:
            return
        self._swept = True
        oldest = time.time() - LEFT_OVER_S
        for part in self._objects.glob("*.part"):
            with suppress(FileNotFoundError):
                if part.stat().st_mtime < oldest:
                    part.unlink()

    def _keep(self, part: Path, target: BinaryIO, digest: str) -> None:
        target.flush()
        os.fsync(target.fileno())
        path = self.path_of(digest)
        if not path.parent.exists():
            path.parent.mkdir(exist_ok=True, mode=0o700)
            sync(self._objects)
        part.replace(path)
        sync(path.parent)


@contextmanager
def _source(path: Path) -> Iterator[BinaryIO]:
    if not path.exists():
        raise NotFound(f"There is no file {path}.")
    if not path.is_file():
        raise InvalidInput(f"{path} is not a regular file.", hint="Log folders with log_artifacts.")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    with stream:
        yield stream


def _unreadable(digest: str, error: OSError) -> IntegrityError:
    return IntegrityError(f"The artifact {digest[:12]} cannot be read: {error.strerror}.", hint=_RESTORE)


def _sha256(data: bytes = b"") -> Hash:
    from hashlib import sha256  # loads OpenSSL, some milliseconds that a list of runs does not pay

    return sha256(data)


def _digest_of(stream: BinaryIO) -> str:
    hashed = _sha256()
    while chunk := stream.read(CHUNK_BYTES):
        hashed.update(chunk)
    return hashed.hexdigest()
