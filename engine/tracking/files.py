"""The files that runs leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from engine.artifacts.model import Manifest, ManifestEntry, manifest, safe_path
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.core.text import clean
from engine.tracking import detail_store, run_store
from engine.tracking.lookup import RunService, open_run, resolve
from engine.tracking.model import Artifact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.db.transaction import Transaction


class RunFiles(RunService):
    """Keeps and reads artifacts of runs."""

    def artifacts(self, run_id: str, path: str = "") -> tuple[Artifact, ...]:
        """What lies in one folder of a run's artifacts: its files, and its folders in sum.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            path: The folder; empty for the top. A file gives itself.

        Returns:
            Folders and files, by path; nothing when there is no such folder.

        Raises:
            NotFound: there is no such run.
            InvalidInput: the path is not safe, or several runs' ids begin so.
        """
        folder = safe_path(path) if path else ""
        with self._database.snapshot() as snapshot:
            run = resolve(snapshot, run_id).row_id
            if folder:
                rows = detail_store.artifacts_under(snapshot, run, folder)
            else:
                rows = detail_store.artifacts(snapshot, run)
        return _level(rows, folder)

    def artifact_manifest(self, run_id: str, path: str) -> Manifest:
        """What a path of a run's artifacts holds, with the digest that stands for all of it.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            path: A file or folder.

        Raises:
            NotFound: there is no such run, or nothing at that path.
            InvalidInput: the path is not safe, or several runs' ids begin so.
        """
        wanted = safe_path(path)
        with self._database.snapshot() as snapshot:
            run = resolve(snapshot, run_id)
            rows = detail_store.artifacts_under(snapshot, run.row_id, wanted)
        if not rows:
            raise _no_artifact(run, wanted)
        return _manifest(wanted, rows)

    def open_artifact(self, run_id: str, path: str) -> BinaryIO:
        """Open one artifact file for reading; its bytes have been checked against its digest.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            path: The file.

        Returns:
            The open file; the caller closes it.

        Raises:
            NotFound: there is no such run or file.
            InvalidInput: the path is not safe, or names a folder, or several runs' ids begin so.
            IntegrityError: the stored bytes are missing or have changed.
        """
        found = self.artifact_manifest(run_id, path)
        if found.is_dir:
            raise InvalidInput(f"{clean(path)} is a folder.", hint="Name one of the files in it.")
        return self._artifacts.open(found.digest)

    def read_artifact(self, run_id: str, path: str) -> bytes:
        """Read one artifact file; its bytes have been checked against its digest.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            path: The file.

        Raises:
            NotFound: there is no such run or file.
            InvalidInput: the path is not safe, or names a folder, or several runs' ids begin so.
            IntegrityError: the stored bytes are missing or have changed.
        """
        with self.open_artifact(run_id, path) as stream:
            return stream.read()

    def log_bytes(self, run_id: str, data: bytes, path: str) -> Artifact:
        """Keep bytes as an artifact file.

        Args:
            run_id: The run.
            data: The bytes.
            path: Where, such as `plots/roc.png`; what was there is replaced.

        Returns:
            The artifact.

        Raises:
            InvalidInput: the path is not safe.
            Conflict: a file stands where the path needs a folder or the other way round, or the run is deleted.
            NotFound: there is no such run.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        self._access.require_still(Role.OPERATOR, "runs log")
        target = safe_path(path)
        self._refuse_unknown(run_id)
        blob = self._artifacts.put_bytes(data)
        return self._attach(run_id, [Artifact(target, blob.digest, blob.size_bytes)])[0]

    def log_files(self, run_id: str, files: Sequence[tuple[Path, str]]) -> tuple[Artifact, ...]:
        """Keep copies of files as artifacts; all of them or none show up in the run.

        Args:
            run_id: The run.
            files: Local file and its path in the run, each.

        Returns:
            The artifacts.

        Raises:
            InvalidInput: a path is not safe, or a local file is no regular file.
            Conflict: a file stands where a path needs a folder or the other way round, or the run is deleted.
            NotFound: there is no such run or local file.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        self._access.require_still(Role.OPERATOR, "runs log")
        targets = [(local, safe_path(path)) for local, path in files]
        self._refuse_unknown(run_id)
        stored = [(path, self._artifacts.put_file(local)) for local, path in targets]
        return self._attach(run_id, [Artifact(path, blob.digest, blob.size_bytes) for path, blob in stored])

    def _refuse_unknown(self, run_id: str) -> None:
        """Before megabytes are copied for a run that is not there."""
        with self._database.snapshot() as snapshot:
            open_run(snapshot, run_id)

    def _attach(self, run_id: str, files: Sequence[Artifact]) -> tuple[Artifact, ...]:
        with self._database.transaction(self._access.actor) as tx:
            run = open_run(tx, run_id)
            _refuse_overlap(tx, run.row_id, [file.path for file in files])
            rows = [(file.path, file.digest, file.size_bytes) for file in files]
            detail_store.add_artifacts(tx, run.row_id, rows)
            tx.emit(kind="run", change="changed", key=run.run_id, row_id=run.row_id)
        return tuple(files)


def _level(rows: Sequence[detail_store.ArtifactRow], folder: str) -> tuple[Artifact, ...]:
    if len(rows) == 1 and rows[0][0] == folder:
        return (Artifact(*rows[0]),)
    begin = len(folder) + 1 if folder else 0
    below: dict[str, list[detail_store.ArtifactRow]] = {}
    for row in rows:
        name = row[0][begin:].partition("/")[0]
        below.setdefault(row[0][:begin] + name, []).append(row)
    manifests = (_manifest(path, found) for path, found in below.items())
    return tuple(Artifact(each.path, each.digest, each.size_bytes, each.is_dir) for each in manifests)


def _manifest(path: str, rows: Sequence[detail_store.ArtifactRow]) -> Manifest:
    if rows[0][0] == path:
        name = path.rpartition("/")[2]
        return manifest(path, [ManifestEntry(name, *rows[0][1:])], is_dir=False)
    begin = len(path) + 1
    return manifest(path, (ManifestEntry(row[0][begin:], *row[1:]) for row in rows), is_dir=True)


def _no_artifact(run: run_store.RunHead, path: str) -> NotFound:
    return NotFound(
        f"The run {run.run_id[:8]} has no artifact {clean(path)}.",
        hint=f"Run `qd runs show {run.run_id[:8]}` to see what it has.",
    )


def _refuse_overlap(tx: Transaction, row_id: int, paths: Sequence[str]) -> None:
    folders = {
        "/".join(parts[:depth]) for parts in (path.split("/") for path in paths) for depth in range(1, len(parts))
    }
    taken = detail_store.occupied(tx, row_id, folders) or next((path for path in paths if path in folders), None)
    if taken is not None:
        raise Conflict(f"The artifact {clean(taken)} is a file; it cannot be a folder too.", hint="Use another path.")
    for path in paths:
        if detail_store.has_folder(tx, row_id, path):
            raise Conflict(f"The artifact {clean(path)} is a folder already.", hint="Use another path.")
