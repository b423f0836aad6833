"""Files below things: listing, reading, keeping and removing them, whatever they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from engine.artifacts import file_store
from engine.artifacts.model import Artifact, Manifest, ManifestEntry, manifest, safe_path
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.core.frozen import frozen
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.artifacts.file_store import FileRow, FileTable
    from engine.artifacts.store import ArtifactStore
    from engine.core.access import Access
    from engine.db.database import Database
    from engine.db.transaction import Snapshot, Transaction


class Owner(NamedTuple):
    """What files belong to.

    Args:
        row_id: Its integer key.
        public_id: Its public id.
    """

    row_id: int
    public_id: str


@frozen
class Owners:
    """Things of one kind that files belong to.

    Args:
        kind: The kind, as events and the audit log name it.
        noun: What messages call one.
        table: Where their files are written down.
        find: Looks one up by its public id; raises `NotFound`.
        find_open: The same for one that files are added to or removed from; raises `NotFound`, or `Conflict` when it
            takes none.
        record: Writes an audit record: transaction, verb, owner, state before, state after.
    """

    kind: str
    noun: str
    table: FileTable
    find: Callable[[Snapshot, str], Owner]
    find_open: Callable[[Snapshot, str], Owner]
    record: Callable[[Transaction, str, Owner, dict[str, object], dict[str, object]], None]


class Files:
    """The files of things of one kind.

    Args:
        owners: The things.
        database: The control database.
        access: Who acts, with which role.
        artifacts: The bytes.
    """

    def __init__(self, owners: Owners, database: Database, access: Access, artifacts: ArtifactStore) -> None:
        self._owners = owners
        self._database = database
        self._access = access
        self._artifacts = artifacts

    def level(self, owner_id: str, path: str = "") -> tuple[Artifact, ...]:
        """What lies in one folder: its files, and its folders in sum.

        Args:
            owner_id: Whose.
            path: The folder; empty for the top. A file gives itself.

        Returns:
            Folders and files, by path; nothing when there is no such folder.

        Raises:
            NotFound: there is no such owner.
            InvalidInput: the path is not safe.
        """
        folder = safe_path(path) if path else ""
        table = self._owners.table
        with self._database.snapshot() as snapshot:
            owner = self._owners.find(snapshot, owner_id).row_id
            if folder:
                rows = file_store.files_under(snapshot, table, owner, folder)
            else:
                rows = file_store.files(snapshot, table, owner)
        return _level(rows, folder)

    def manifest(self, owner_id: str, path: str = "") -> Manifest:
        """What a path holds, with the digest that stands for all of it.

        Args:
            owner_id: Whose.
            path: A file or folder; empty for all there is.

        Raises:
            NotFound: there is no such owner, or nothing at that path.
            InvalidInput: the path is not safe.
        """
        wanted = safe_path(path) if path else ""
        with self._database.snapshot() as snapshot:
            owner = self._owners.find(snapshot, owner_id)
            if wanted:
                rows = file_store.files_under(snapshot, self._owners.table, owner.row_id, wanted)
            else:
                rows = file_store.files(snapshot, self._owners.table, owner.row_id)
        if not rows:
            raise self._nothing(owner, wanted)
        return _manifest(wanted, rows)

    def file(self, owner_id: str, path: str) -> Artifact:
        """One file.

        Args:
            owner_id: Whose.
            path: The file.

        Raises:
            NotFound: there is no such owner or file.
            InvalidInput: the path is not safe, or names a folder.
        """
        found = self.manifest(owner_id, safe_path(path))
        if found.is_dir:
            raise InvalidInput(f"{clean(path)} is a folder.", hint="Name one of the files in it.")
        return Artifact(found.path, found.digest, found.size_bytes)

    def open(self, owner_id: str, path: str) -> BinaryIO:
        """Open one file for reading; its bytes have been checked against its digest.

        Args:
            owner_id: Whose.
            path: The file.

        Returns:
            The open file; the caller closes it.

        Raises:
            NotFound: there is no such owner or file.
            InvalidInput: the path is not safe, or names a folder.
            IntegrityError: the stored bytes are missing or have changed.
        """
        return self._artifacts.open(self.file(owner_id, path).digest)

    def keep_bytes(self, owner_id: str, data: bytes, path: str) -> Artifact:
        """Keep bytes as a file.

        Args:
            owner_id: Whose.
            data: The bytes.
            path: Where, such as `plots/roc.png`; what was there is replaced.

        Returns:
            The file.

        Raises:
            InvalidInput: the path is not safe.
            Conflict: a file stands where the path needs a folder or the other way round, or the owner takes no files.
            NotFound: there is no such owner.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor's role is too low.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        target = self.may_keep(owner_id, path)
        blob = self._artifacts.put_bytes(data)
        return self.attach(owner_id, [Artifact(target, blob.digest, blob.size_bytes)])[0]

    def keep_files(self, owner_id: str, files: Sequence[tuple[Path, str]]) -> tuple[Artifact, ...]:
        """Keep copies of local files; all of them or none show up.

        Args:
            owner_id: Whose.
            files: Local file and the path it gets, each.

        Returns:
            The files.

        Raises:
            InvalidInput: a path is not safe, or a local file is no regular file.
            Conflict: a file stands where a path needs a folder or the other way round, or the owner takes no files.
            NotFound: there is no such owner or local file.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor's role is too low.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        self._access.require_still(Role.WRITER, self._operation("log"))
        targets = [(local, safe_path(path)) for local, path in files]
        self._refuse_unknown(owner_id)
        stored = [(path, self._artifacts.put_file(local)) for local, path in targets]
        return self.attach(owner_id, [Artifact(path, blob.digest, blob.size_bytes) for path, blob in stored])

    def may_keep(self, owner_id: str, path: str) -> str:
        """Refuse a file before its megabytes come, when it could not be attached then.

        Args:
            owner_id: Whose.
            path: Where it shall be.

        Returns:
            The normalised path.

        Raises:
            InvalidInput: the path is not safe.
            Conflict: a file stands where the path needs a folder or the other way round, or the owner takes no files.
            NotFound: there is no such owner.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor's role is too low.
        """
        self._access.require_still(Role.WRITER, self._operation("log"))
        target = safe_path(path)
        with self._database.snapshot() as snapshot:
            owner = self._owners.find_open(snapshot, owner_id)
            self._refuse_overlap(snapshot, owner.row_id, [target])
        return target

    def attach(self, owner_id: str, files: Sequence[Artifact]) -> tuple[Artifact, ...]:
        """Put files whose bytes are stored already under paths; all of them or none.

        Args:
            owner_id: Whose.
            files: The files; what was at their paths is replaced.

        Returns:
            The files.

        Raises:
            InvalidInput: a path is not safe.
            Conflict: a file stands where a path needs a folder or the other way round, or the owner takes no files.
            NotFound: there is no such owner.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor's role is too low.
        """
        actor = self._access.require_still(Role.WRITER, self._operation("log"))
        safe = [Artifact(safe_path(each.path), each.digest, each.size_bytes) for each in files]
        with self._database.transaction(actor) as tx:
            owner = self._owners.find_open(tx, owner_id)
            self._refuse_overlap(tx, owner.row_id, [each.path for each in safe])
            file_store.add(tx, self._owners.table, owner.row_id, safe)
            tx.emit(kind=self._owners.kind, change="changed", key=owner.public_id, row_id=owner.row_id)
        return tuple(safe)

    def remove(self, owner_id: str, path: str) -> int:
        """Remove a file, or a folder of files; their bytes stay as long as something else holds them.

        Args:
            owner_id: Whose.
            path: The file or folder.

        Returns:
            How many files were removed.

        Raises:
            InvalidInput: the path is not safe.
            NotFound: there is no such owner, or nothing at that path.
            Conflict: the owner takes no changes.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, self._operation("remove"))
        wanted = safe_path(path)
        table = self._owners.table
        with self._database.transaction(actor) as tx:
            owner = self._owners.find_open(tx, owner_id)
            rows = file_store.files_under(tx, table, owner.row_id, wanted)
            if not rows:
                raise self._nothing(owner, wanted)
            file_store.remove(tx, table, owner.row_id, wanted)
            before: dict[str, object] = {"artifact": wanted, "digest": _manifest(wanted, rows).digest}
            self._owners.record(tx, "remove-artifact", owner, before, {"artifact": None, "digest": None})
            tx.emit(kind=self._owners.kind, change="changed", key=owner.public_id, row_id=owner.row_id)
        return len(rows)

    def _operation(self, verb: str) -> str:
        return f"{self._owners.noun}s {verb}"

    def _refuse_unknown(self, owner_id: str) -> None:
        """Before megabytes are copied for an owner that is not there."""
        with self._database.snapshot() as snapshot:
            self._owners.find_open(snapshot, owner_id)

    def _nothing(self, owner: Owner, path: str) -> NotFound:
        what = f"artifact {clean(path)}" if path else "artifacts"
        hint = f"Run `qd runs show {owner.public_id[:8]}` to see what it has." if self._owners.kind == "run" else ""
        return NotFound(f"The {self._owners.noun} {clean(owner.public_id, limit=40)} has no {what}.", hint=hint)

    def _refuse_overlap(self, snapshot: Snapshot, row_id: int, paths: Sequence[str]) -> None:
        folders = {
            "/".join(parts[:depth]) for parts in (path.split("/") for path in paths) for depth in range(1, len(parts))
        }
        table = self._owners.table
        taken = file_store.occupied(snapshot, table, row_id, folders) or next(
            (path for path in paths if path in folders), None
        )
        if taken is not None:
            raise Conflict(
                f"The artifact {clean(taken)} is a file; it cannot be a folder too.", hint="Use another path."
            )
        for path in paths:
            if file_store.has_folder(snapshot, table, row_id, path):
                raise Conflict(f"The artifact {clean(path)} is a folder already.", hint="Use another path.")


def _level(rows: Sequence[FileRow], folder: str) -> tuple[Artifact, ...]:
    if len(rows) == 1 and rows[0][0] == folder:
        return (Artifact(*rows[0]),)
    begin = len(folder) + 1 if folder else 0
    below: dict[str, list[FileRow]] = {}
    for row in rows:
        name = row[0][begin:].partition("/")[0]
        below.setdefault(row[0][:begin] + name, []).append(row)
    manifests = (_manifest(path, found) for path, found in below.items())
    return tuple(Artifact(each.path, each.digest, each.size_bytes, each.is_dir) for each in manifests)


def _manifest(path: str, rows: Sequence[FileRow]) -> Manifest:
    if rows[0][0] == path:
        name = path.rpartition("/")[2]
        return manifest(path, [ManifestEntry(name, *rows[0][1:])], is_dir=False)
    begin = len(path) + 1 if path else 0
    return manifest(path, (ManifestEntry(row[0][begin:], *row[1:]) for row in rows), is_dir=True)
