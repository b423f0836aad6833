"""Backup, restore, check and statistics: the operations."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from engine.audit.model import format_head
from engine.audit.service import AuditLog, record
from engine.core.access import Role
from engine.core.errors import AlreadyExists, InvalidInput, NotFound, WorkspaceReadOnly
from engine.db.database import Database
from engine.maintenance import store
from engine.maintenance.model import Backup, Finding, Statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.artifacts.store import ArtifactStore
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.workspace import Workspace

    Progress = Callable[[int, int], None]

_MANIFEST = "backup.json"
_FORMAT = "quarterdeck-backup-1"


class Maintenance:
    """Care of one workspace.

    Args:
        workspace: Where it is.
        database: Its database.
        access: Who acts.
        artifacts: Its artifact files.
        clock: Tells the time.
    """

    def __init__(
        self, workspace: Workspace, database: Database, access: Access, artifacts: ArtifactStore, clock: Clock
    ) -> None:
        self._workspace = workspace
        self._database = database
        self._access = access
        self._artifacts = artifacts
        self._clock = clock
        self._log = AuditLog(database, clock)

    def backup(self, directory: str | os.PathLike[str], *, progress: Progress | None = None) -> Backup:
        """Copy the workspace while it is in use: one consistent database, every artifact it speaks of, the policy.

        The copy is built beside its destination and renamed, so a backup that exists is a whole one.

        Args:
            directory: Where to put it; must not exist.
            progress: Told steps done and steps in all (database pages, then files).

        Returns:
            What was written.

        Raises:
            AlreadyExists: there is something at `directory`.
            WorkspaceReadOnly: it cannot be written.
            WorkspaceFull: no space is left; nothing is left behind under the final name.
            WorkspaceCorrupt: the database is damaged.
            WorkspaceError: the disk failed.
        """
        target = Path(directory).absolute()
        if target.exists():
            raise AlreadyExists(f"{target} is there already.", hint="Name a directory that does not exist yet.")
        partial = target.with_name(target.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            partial.mkdir(parents=True, mode=0o700)
            made = self._write_backup(partial, target, progress)
            partial.rename(target)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise WorkspaceReadOnly(
                f"Cannot write the backup {target}: {error.strerror}.", hint="Choose another directory."
            ) from error
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return made

    def _write_backup(self, folder: Path, final: Path, progress: Progress | None) -> Backup:
        copied = folder / "control.db"
        store.copy_database(self._workspace.control_db, copied, alone=True, progress=progress)
        database = Database(copied, read_only=True)
        try:
            with database.snapshot() as snapshot:
                schema = store.schema_version(snapshot)
                objects = store.stored_objects(snapshot)
            head = AuditLog(database, self._clock).head()
        finally:
            database.close()
        size = copied.stat().st_size
        for done, (digest, size_bytes) in enumerate(objects, start=1):
            source = self._artifacts.path_of(digest)
            if source.is_file():
                place = folder / "artifacts" / source.relative_to(self._workspace.artifacts)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, place)
                size += size_bytes
            if progress is not None:
                progress(done, len(objects))
        if self._workspace.policy_file.is_file():
            shutil.copyfile(self._workspace.policy_file, folder / self._workspace.policy_file.name)
        made = Backup(str(final), schema, format_head(head), len(objects), size, head.time_ms)
        manifest = {
            "format": _FORMAT,
            "schema": schema,
            "audit_head": made.audit_head,
            "objects": made.objects,
            "size_bytes": size,
            "time_ms": made.time_ms,
        }
        (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        return made

    def restore(self, directory: str | os.PathLike[str], *, reason: str, progress: Progress | None = None) -> Backup:
        """Bring the workspace back to a backup.

        Artifact files are added first, then the database is replaced in one transaction which other processes see
        as a single commit; the audit log then continues from the backup's head with a record of the restore that
        names the head it replaced.

        Args:
            directory: What `backup` made.
            reason: Why; goes into the audit log.
            progress: Told steps done and steps in all.

        Returns:
            What was restored.

        Raises:
            PermissionDenied: the actor is no admin.
            ReadOnlyMode: the engine was opened read-only.
            InvalidInput: the reason is empty, or the directory is no backup.
            NotFound: there is no such directory.
            WorkspaceFull: no space is left; the workspace is as it was.
            WorkspaceCorrupt: the backup is damaged; the workspace is as it was.
            WorkspaceTooNew: a newer Quarterdeck made the backup.
            WorkspaceError: the disk failed.
        """
        actor = self._access.require(Role.ADMIN, "db restore")
        if not reason.strip():
            raise InvalidInput("A restore needs a reason.", hint="Add --reason.")
        source = Path(directory).absolute()
        found = _read_manifest(source)
        backup = Database(source / "control.db", read_only=True)
        backup.migrate()
        try:
            with backup.snapshot() as snapshot:
                problems = store.integrity_problems(snapshot)
        finally:
            backup.close()
        if problems:
            raise InvalidInput(f"The backup {source} is damaged: {problems[0]}.", hint="Use another backup.")
        replaced = format_head(self._log.head())
        shutil.copytree(source / "artifacts", self._workspace.artifacts, dirs_exist_ok=True, copy_function=_copy_new)
        store.copy_database(source / "control.db", self._workspace.control_db, alone=False, progress=progress)
        with self._database.transaction(actor) as tx:
            before, after = {"audit_head": replaced}, {"audit_head": found.audit_head}
            record(tx, verb="restore", kind="workspace", key="control.db", before=before, after=after, reason=reason)
            tx.emit(kind="workspace", change="restored", key="control.db")
        return found

    def check(self, *, deep: bool = False) -> tuple[Finding, ...]:
        """Look whether the workspace is sound.

        Args:
            deep: Re-hash every artifact file as well (reads all of them).

        Returns:
            One finding a check, in a fixed order.

        Raises:
            WorkspaceCorrupt: the database cannot even be opened.
            WorkspaceError: the disk failed.
        """
        with self._database.snapshot() as snapshot:
            problems = store.integrity_problems(snapshot)
            dangling = store.dangling_references(snapshot)
            objects = store.stored_objects(snapshot)
        verdict = self._log.verify()
        return (
            Finding("database", not problems, problems[0] if problems else "sound"),
            Finding("references", not dangling, dangling[0] if dangling else "sound"),
            Finding("audit", verdict.ok, verdict.problem or f"{verdict.size} records verified"),
            self._check_artifacts(objects, deep=deep),
        )

    def _check_artifacts(self, objects: tuple[tuple[str, int], ...], *, deep: bool) -> Finding:
        for digest, size_bytes in objects:
            path = self._artifacts.path_of(digest)
            if not path.is_file():
                return Finding("artifacts", ok=False, message=f"{path} is missing; restore it from a backup")
            if path.stat().st_size != size_bytes or (deep and not self._artifacts.verify(digest)):
                return Finding("artifacts", ok=False, message=f"{path} was changed; restore it from a backup")
        return Finding("artifacts", ok=True, message=f"{len(objects)} files {'re-hashed' if deep else 'present'}")

    def stats(self) -> Statistics:
        """The workspace in numbers.

        Raises:
            WorkspaceCorrupt: the database is damaged.
            WorkspaceError: the disk failed.
        """
        path = self._workspace.control_db
        wal = path.with_name(path.name + "-wal")
        with self._database.snapshot() as snapshot:
            schema, free = store.schema_version(snapshot), store.free_bytes(snapshot)
            objects = store.stored_objects(snapshot)
        return Statistics(
            path=str(path),
            schema=schema,
            size_bytes=path.stat().st_size,
            wal_bytes=wal.stat().st_size if wal.exists() else 0,
            free_bytes=free,
            disk_free_bytes=shutil.disk_usage(path.parent).free,
            artifact_files=len(objects),
            artifact_bytes=sum(size_bytes for _, size_bytes in objects),
            tables=store.table_statistics(path),
        )


def _copy_new(source: str, target: str) -> str:
    # Content-addressed: a file of that name already holds those bytes, and other processes may be reading it.
    if not os.path.exists(target):  # noqa: PTH110 shutil hands over plain strings
        shutil.copyfile(source, target)
    return target


def _read_manifest(folder: Path) -> Backup:
    if not folder.is_dir():
        raise NotFound(f"There is no backup at {folder}.", hint="Name a directory made by `qd db backup`.")
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != _FORMAT:
            raise _not_a_backup(folder)
        return Backup(
            path=str(folder),
            schema=int(manifest["schema"]),
            audit_head=str(manifest["audit_head"]),
            objects=int(manifest["objects"]),
            size_bytes=int(manifest["size_bytes"]),
            time_ms=int(manifest["time_ms"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _not_a_backup(folder) from error


def _not_a_backup(folder: Path) -> InvalidInput:
    return InvalidInput(
        f"{folder} is not a backup made by `qd db backup`.", hint="Name the directory that holds backup.json."
    )
