"""The files that runs leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from engine.artifacts.file_store import RUN_FILES
from engine.artifacts.files import Files, Owner, Owners
from engine.artifacts.model import safe_path
from engine.audit.service import record
from engine.tracking.lookup import RunService, open_run, open_whole_run, resolve, whole_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.artifacts.model import Artifact, Manifest
    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.run_store import RunHead


class RunFiles(RunService):
    """Keeps and reads artifacts of runs."""

    @property
    def files(self) -> Files:
        """The artifacts of runs, as files below anything are kept; programs name runs by their whole ids."""
        return Files(_WHOLE, self._database, self._access, self._artifacts)

    @property
    def _files(self) -> Files:
        return Files(_BY_BEGINNING, self._database, self._access, self._artifacts)

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
        return self._files.level(run_id, path)

    def artifact_manifest(self, run_id: str, path: str) -> Manifest:
        """What a path of a run's artifacts holds, with the digest that stands for all of it.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            path: A file or folder.

        Raises:
            NotFound: there is no such run, or nothing at that path.
            InvalidInput: the path is not safe, or several runs' ids begin so.
        """
        return self._files.manifest(run_id, safe_path(path))

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
        return self._files.open(run_id, path)

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
            PermissionDenied: the actor is not a writer.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        return self._files.keep_bytes(run_id, data, path)

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
            PermissionDenied: the actor is not a writer.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        return self._files.keep_files(run_id, files)


def _owner(run: RunHead) -> Owner:
    return Owner(run.row_id, run.run_id)


def _record(tx: Transaction, verb: str, owner: Owner, before: dict[str, object], after: dict[str, object]) -> None:
    record(tx, verb=verb, kind="run", key=owner.public_id, before=before, after=after)


def _runs(find: Callable[[Snapshot, str], RunHead], find_open: Callable[[Snapshot, str], RunHead]) -> Owners:
    return Owners(
        kind="run",
        noun="run",
        table=RUN_FILES,
        find=lambda snapshot, run_id: _owner(find(snapshot, run_id)),
        find_open=lambda snapshot, run_id: _owner(find_open(snapshot, run_id)),
        record=_record,
    )


_WHOLE = _runs(whole_run, open_whole_run)
_BY_BEGINNING = _runs(resolve, open_run)
