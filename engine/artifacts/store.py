"""The artifact files of a workspace: written whole or not at all, and never read unchecked."""

from __future__ import annotations

import fcntl
import os
import re
import time
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from engine.artifacts.model import Blob, check_digest
from engine.core.errors import IntegrityError, InvalidInput, NotFound
from engine.db.disk import disk_errors, sync

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from hashlib import _Hash as Hash
    from io import FileIO
    from pathlib import Path
    from typing import Self

    from engine.db.workspace import Workspace

CHUNK_BYTES = 1 << 20
"""Bytes read at a time; a file of any size passes through this much memory."""

WRITE_BACK_BYTES = 8 << 20
"""Bytes after which the disk is told to begin: waiting for it at the end alone takes a third longer."""

LEFT_OVER_S = 86_400.0
"""Seconds after which a `.part` file belongs to no process that still lives, where a file system knows no locks."""

_UPLOAD = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MOST_SOUND = 1_024

_RESTORE = "Run `qd db check`, and restore it from a backup."


class ArtifactStore:
    """Objects named by the SHA-256 of their bytes, below `artifacts/objects/`.

    The same bytes are stored once. Objects are never changed; a crash leaves at most a `.part` file behind, which a
    later process removes: whoever still writes one holds its lock.

    Args:
        workspace: Where they live.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._objects = workspace.artifacts / "objects"
        self._parts = workspace.artifacts / "parts"
        self._swept = False
        self._sound: dict[str, tuple[int, ...]] = {}

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
        if self.holds(digest, len(data)):
            return Blob(digest, len(data))
        with self.incoming() as incoming:
            incoming.write(data)
            return incoming.keep()

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
        with _source(path) as source, self.incoming() as incoming:
            while chunk := source.read(CHUNK_BYTES):
                incoming.write(chunk)
            return incoming.keep()

    def incoming(self) -> Incoming:
        """Begin to store bytes that come piece by piece.

        Returns:
            What takes them; nothing is stored before its `keep`.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        with disk_errors(self._objects, "the artifact folder"):
            self._objects.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._swept:
                self.sweep()
            return Incoming(self, self._objects)

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
        stream = self.open_unchecked(digest)
        try:
            unchanged = _digest_of(stream) == digest
        except OSError as error:
            stream.close()
            raise _unreadable(digest, error) from error
        if not unchanged:
            stream.close()
            raise _changed(digest)
        stream.seek(0)
        return stream

    def open_unchecked(self, digest: str) -> BinaryIO:
        """Open an object for whoever compares its bytes with its digest while reading them.

        Args:
            digest: 64 lower-case hex digits.

        Returns:
            The open file, at its beginning; the caller closes it.

        Raises:
            InvalidInput: it is not a digest.
            IntegrityError: the object is missing.
        """
        try:
            return self.path_of(digest).open("rb")
        except OSError as error:
            raise _unreadable(digest, error) from error

    def open_sound(self, digest: str) -> BinaryIO:
        """Open an object for reading, after checking its bytes, unless this process has and the file is untouched.

        For readers that come back for one piece after the other.

        Args:
            digest: 64 lower-case hex digits.

        Returns:
            The open file, at its beginning; the caller closes it.

        Raises:
            InvalidInput: it is not a digest.
            IntegrityError: the object is missing, or its bytes have changed.
        """
        stream = self.open_unchecked(digest)
        if not self.is_known_sound(digest, stream):
            stream.close()
            stream = self.open(digest)
            self.remember_sound(digest, stream)
        return stream

    def is_known_sound(self, digest: str, stream: BinaryIO) -> bool:
        """Whether this process has compared an object with its digest, and the file is untouched since.

        Args:
            digest: 64 lower-case hex digits.
            stream: The object's open file.
        """
        return self._sound.get(digest) == _state(stream)

    def remember_sound(self, digest: str, stream: BinaryIO | FileIO) -> None:
        """Remember that an object's bytes have just been compared with its digest.

        Args:
            digest: 64 lower-case hex digits.
            stream: The object's open file, from which they were read.
        """
        if len(self._sound) >= _MOST_SOUND:
            self._sound.clear()
        self._sound[digest] = _state(stream)

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

    def part_path(self, upload_id: str, number: int, digest: str) -> Path:
        """Where a part of an upload lies, whether or not it has come.

        One sent again with other bytes lies beside the earlier one, so that what is noted of a part always has a file.

        Args:
            upload_id: 32 lower-case hex digits.
            number: The part's.
            digest: That of its bytes, 64 lower-case hex digits.

        Raises:
            InvalidInput: it is no upload id.
        """
        return self._parts_of(upload_id) / f"{number}-{digest}"

    def join_parts(self, upload_id: str, parts: Sequence[tuple[int, str]]) -> Blob:
        """Store the parts of an upload, one after the other, as one object; durable when this returns.

        Args:
            upload_id: The upload.
            parts: Number and digest of each.

        Returns:
            The digest and size of the whole.

        Raises:
            InvalidInput: it is no upload id.
            IntegrityError: a part is missing, or its bytes have changed.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        with self.incoming() as incoming:
            for number, digest in parts:
                hashed = _sha256()
                try:
                    with self.part_path(upload_id, number, digest).open("rb") as source:
                        while chunk := source.read(CHUNK_BYTES):
                            hashed.update(chunk)
                            incoming.write(chunk)
                except OSError as error:
                    raise _unreadable(digest, error) from error
                if hashed.hexdigest() != digest:
                    raise _changed(digest)
            return incoming.keep()

    def uploads_with_parts(self) -> set[str]:
        """The ids of uploads of which a part has come."""
        try:
            return {each.name for each in self._parts.iterdir() if _UPLOAD.fullmatch(each.name)}
        except OSError:
            return set()

    def drop_parts(self, upload_id: str) -> None:
        """Remove the parts of an upload, if there are any.

        Args:
            upload_id: The upload.

        Raises:
            InvalidInput: it is no upload id.
        """
        folder = self._parts_of(upload_id)
        with suppress(OSError):
            for part in folder.iterdir():
                part.unlink()
            folder.rmdir()

    def _parts_of(self, upload_id: str) -> Path:
        if not _UPLOAD.fullmatch(upload_id):
            raise InvalidInput("An upload's id is 32 lower-case hex digits.")
        return self._parts / upload_id

    def holds(self, digest: str, size_bytes: int) -> bool:
        """Whether an object of that digest and length is there.

        A damaged object of the right length is found by `open`; one cut short by a bad disk is written again.

        Args:
            digest: 64 lower-case hex digits.
            size_bytes: Its size.
        """
        try:
            return self.path_of(digest).stat().st_size == size_bytes
        except OSError:
            return False

    def sweep(self) -> None:
        """Remove what processes that were killed have left; what others still write stays."""
        self._swept = True
        for part in self._objects.glob("*.part"):
            with suppress(OSError), part.open("rb") as file:
                if _is_left_over(file.fileno()):
                    part.unlink(missing_ok=True)

    def adopt(self, part: Path, digest: str) -> None:
        """Make a synced file of this folder the object of that digest; durable when this returns.

        Args:
            part: The file; gone afterwards.
            digest: SHA-256 of its bytes.

        Raises:
            OSError: the disk failed.
        """
        path = self.path_of(digest)
        if not path.parent.exists():
            path.parent.mkdir(exist_ok=True, mode=0o700)
            sync(self._objects)
        part.replace(path)
        sync(path.parent)


class Incoming:
    """Bytes on their way into the store: hashed as they come, an object once they are whole.

    One thread at a time writes, any may discard; leaving its `with` block before `keep` leaves nothing behind.

    Args:
        store: Where they go.
        folder: Where the bytes wait.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(self, store: ArtifactStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._hashed = _sha256()
        self._busy = Lock()
        self.size_bytes = 0
        self._told_bytes = 0
        self._part, self._target = _locked_part(folder)

    def write(self, data: bytes) -> None:
        """Take the next bytes.

        Args:
            data: Best about `CHUNK_BYTES` at a time.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceError: the disk failed.
        """
        self.append(data)
        self.count(data)

    def append(self, data: bytes | memoryview) -> None:
        """Write the next bytes, for whoever has them counted too, in another thread.

        Args:
            data: The bytes.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceError: the disk failed.
        """
        with self._busy, disk_errors(self._folder, "the artifact folder"):
            rest = memoryview(data)
            while rest:
                rest = rest[self._target.write(rest) :]
            self.size_bytes += len(data)
            self._write_back()

    def count(self, data: bytes | memoryview) -> None:
        """Let the next bytes count for the digest, for whoever has them appended too.

        Args:
            data: The bytes.
        """
        self._hashed.update(data)

    def _write_back(self) -> None:
        """Have the system write what has come, without waiting: the advice drops no page that is not on the disk."""
        come = self.size_bytes - self._told_bytes
        if come >= WRITE_BACK_BYTES and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._target.fileno(), self._told_bytes, come, os.POSIX_FADV_DONTNEED)
            self._told_bytes = self.size_bytes

    def keep(self) -> Blob:
        """Store what has come; durable when this returns.

        Returns:
            The digest and size.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        digest = self._hashed.hexdigest()
        with disk_errors(self._folder, "the artifact folder"):
            if not self._store.holds(digest, self.size_bytes):
                os.fsync(self._target.fileno())
                self._store.adopt(self._part, digest)
                self._store.remember_sound(digest, self._target)  # these are the bytes that were hashed as they came
        return Blob(digest, self.size_bytes)

    def keep_part(self, upload_id: str, number: int) -> Blob:
        """Keep what has come as a part of an upload; durable when this returns.

        Args:
            upload_id: The upload.
            number: The part's.

        Returns:
            The digest and size.

        Raises:
            InvalidInput: it is no upload id.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        digest = self._hashed.hexdigest()
        path = self._store.part_path(upload_id, number, digest)
        with disk_errors(self._folder, "the artifact folder"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.fsync(self._target.fileno())
            self._part.replace(path)
            sync(path.parent)
        return Blob(digest, self.size_bytes)

    def discard(self) -> None:
        """Close, and leave nothing behind of what was not kept."""
        with self._busy:  # a write that goes on in another thread ends first
            self._target.close()
        with suppress(OSError):
            self._part.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()


def _locked_part(folder: Path) -> tuple[Path, FileIO]:
    """A new file and its lock, which goes with the process; another one, should a sweep take it for left over."""
    while True:
        part = folder / f"{os.urandom(8).hex()}.part"
        file = part.open("xb", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            swept = not os.fstat(file.fileno()).st_nlink
        except BlockingIOError:
            swept = True
        except OSError:  # this file system knows no locks
            swept = False
        if not swept:
            return part, file
        file.close()


def _is_left_over(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # this file system knows no locks
        return os.fstat(file).st_mtime < time.time() - LEFT_OVER_S
    return True


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


def _changed(digest: str) -> IntegrityError:
    """The error for an object whose bytes are no longer what they were."""
    return IntegrityError(
        f"The bytes of the artifact {digest[:12]} have changed since they were stored.", hint=_RESTORE
    )


def _unreadable(digest: str, error: OSError) -> IntegrityError:
    """The error for an object that is missing or cannot be read."""
    return IntegrityError(f"The artifact {digest[:12]} cannot be read: {error.strerror}.", hint=_RESTORE)


def _state(stream: BinaryIO | FileIO) -> tuple[int, ...]:
    found = os.fstat(stream.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _sha256(data: bytes = b"") -> Hash:
    from hashlib import sha256  # loads OpenSSL, some milliseconds that a list of runs does not pay

    return sha256(data)


def _digest_of(stream: BinaryIO) -> str:
    hashed = _sha256()
    while chunk := stream.read(CHUNK_BYTES):
        hashed.update(chunk)
    return hashed.hexdigest()
