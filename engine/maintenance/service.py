"""Backup, restore, check and statistics: the operations."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.artifacts.store import LEFT_OVER_S
from engine.audit.model import format_head
from engine.audit.service import AuditLog, record
from engine.core.access import Role
from engine.core.errors import (
    AlreadyExists,
    IntegrityError,
    InvalidInput,
    NotFound,
    WorkspaceCorrupt,
    WorkspaceMissing,
    WorkspaceTooNew,
)
from engine.db.database import Database
from engine.db.disk import disk_errors, sync
from engine.db.migrations import TELEMETRY
from engine.maintenance import store
from engine.maintenance.model import Backup, Finding, Statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.artifacts.store import ArtifactStore
    from engine.core.access import Access, Actor
    from engine.core.clock import Clock
    from engine.db.transaction import Transaction
    from engine.db.workspace import Workspace

    Progress = Callable[[int, int], None]
    Objects = tuple[tuple[str, int], ...]

_MANIFEST = "backup.json"
_FORMAT = "quarterdeck-backup-1"
_DESCRIBED = ("schema", "audit_head", "objects", "missing", "size_bytes", "time_ms", "telemetry_bytes")

_STAGING = ".restoring-"

_EVENTS_MEANWHILE = 1_000_000
"""More events than other processes can write while a restore prepares."""


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

    def backup(
        self, directory: str | os.PathLike[str], *, telemetry: bool = True, progress: Progress | None = None
    ) -> Backup:
        """Copy the workspace while it is in use: one consistent database, every artifact it speaks of, the policy.

        The copy is built beside its destination and renamed, so a backup that exists is a whole one.

        Args:
            directory: Where to put it; must not exist.
            telemetry: Copy what endpoints were asked and answered too, which may be much.
            progress: Told steps done and steps in all (database pages, then files).

        Returns:
            What was written.

        Raises:
            AlreadyExists: there is something at `directory`.
            WorkspaceReadOnly: it cannot be written.
            WorkspaceFull: no space is left; nothing is left behind.
            WorkspaceCorrupt: the database is damaged.
            WorkspaceError: the disk failed.
        """
        target = Path(directory).absolute()
        if target.exists():
            raise AlreadyExists(f"{target} is there already.", hint="Name a directory that does not exist yet.")
        partial = target.with_name(target.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            with disk_errors(target, "the backup"):
                partial.mkdir(parents=True, mode=0o700)
                made = self._write_backup(partial, target, telemetry=telemetry, progress=progress)
                partial.rename(target)
                sync(target.parent)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return made

    def _write_backup(self, folder: Path, final: Path, *, telemetry: bool, progress: Progress | None) -> Backup:
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
        kept = self._copy_objects(objects, folder, progress)
        telemetry_bytes = self._copy_telemetry(folder, progress) if telemetry else 0
        if self._workspace.policy_file.is_file():
            _copy(self._workspace.policy_file, folder / self._workspace.policy_file.name)
        size_bytes = copied.stat().st_size + sum(size_bytes for digest, size_bytes in objects if digest in kept)
        size_bytes += telemetry_bytes
        made = Backup(
            path=str(final),
            schema=schema,
            audit_head=format_head(head),
            objects=len(objects),
            missing=len(objects) - len(kept),
            size_bytes=size_bytes,
            time_ms=head.time_ms,
            telemetry_bytes=telemetry_bytes,
        )
        described = {"format": _FORMAT, **{name: getattr(made, name) for name in _DESCRIBED}}
        manifest = folder / _MANIFEST
        manifest.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
        sync(manifest)
        return made

    def _copy_telemetry(self, folder: Path, progress: Progress | None) -> int:
        if not self._workspace.telemetry_db.is_file():
            return 0
        copied = folder / self._workspace.telemetry_db.name
        store.copy_database(self._workspace.telemetry_db, copied, alone=True, progress=progress)
        return copied.stat().st_size

    def _copy_objects(self, objects: Objects, folder: Path, progress: Progress | None) -> frozenset[str]:
        """Copy what is there and unchanged; returns the digests of what was copied."""
        kept = set()
        for done, (digest, _) in enumerate(objects, start=1):
            with suppress(IntegrityError), self._artifacts.open(digest) as stream:
                place = folder / self._artifacts.path_of(digest).relative_to(self._workspace.path)
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("xb") as copy:
                    shutil.copyfileobj(stream, copy)
                sync(place)
                kept.add(digest)
            if progress is not None:
                progress(done, len(objects))
        return frozenset(kept)

    def restore(self, directory: str | os.PathLike[str], *, reason: str, progress: Progress | None = None) -> Backup:
        """Bring the workspace back to a backup.

        The database is made ready beside the workspace's own: brought to the newest schema, its audit log continued by
        a record of the restore that names the head it replaces. Then artifact files are added, and the database takes
        its place in one transaction, which other processes see as a single commit. A damaged one is moved aside instead
        and kept as `control.db.damaged-…`. The policy is brought back only where there is none. The telemetry of the
        backup, if it has any, takes the place of the workspace's, since numbers of deployments may be given anew.

        Args:
            directory: What `backup` made.
            reason: Why; goes into the audit log.
            progress: Told steps done and steps in all.

        Returns:
            What was restored.

        Raises:
            PermissionDenied: the actor is no admin.
            ReadOnlyMode: the engine was opened read-only.
            InvalidInput: the reason is empty, the directory is no backup, or the backup is damaged.
            NotFound: there is no such directory.
            Busy: another process held the database too long; the workspace is as it was.
            WorkspaceFull: no space is left; the workspace is as it was.
            WorkspaceReadOnly: it cannot be written.
            WorkspaceTooNew: a newer Quarterdeck made the backup.
            WorkspaceError: the disk failed; the workspace is as it was.
        """
        actor = self._access.require(Role.ADMIN, "db restore")
        if not reason.strip():
            raise InvalidInput("A restore needs a reason.", hint="Add --reason.")
        source = Path(directory).absolute()
        found = _read_manifest(source)
        staging = self._workspace.path / f"{_STAGING}{os.urandom(4).hex()}"
        try:
            with disk_errors(self._workspace.path, "the workspace"):
                _remove_left_over(self._workspace.path)
                staging.mkdir(mode=0o700)
                staged = staging / "control.db"
                objects = self._stage(source, staged, found, actor=actor, reason=reason)
                self._bring_objects(source, objects)
                self._put_in_place(staged, progress)
                self._bring_telemetry(source, staging)
                policy = source / self._workspace.policy_file.name
                if policy.is_file() and not self._workspace.policy_file.exists():
                    _copy(policy, self._workspace.policy_file)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return found

    def _stage(self, source: Path, staged: Path, found: Backup, *, actor: Actor, reason: str) -> Objects:
        """Make the database to be, as one file; returns the artifact files it speaks of."""
        try:
            store.copy_database(source / "control.db", staged, alone=True)
        except WorkspaceCorrupt as error:
            raise _damaged(source, str(error.__cause__)) from error
        head, last_event = self._replaced()
        database = Database(staged, clock=self._clock)
        try:
            database.migrate()
            with database.snapshot() as snapshot:
                problems = store.integrity_problems(snapshot)
            if problems:
                raise _damaged(source, problems[0])
            with database.transaction(actor) as tx:
                store.skip_events(tx, last_event + _EVENTS_MEANWHILE)
                before, after = {"audit_head": head}, {"audit_head": found.audit_head}
                record(
                    tx, verb="restore", kind="workspace", key="control.db", before=before, after=after, reason=reason
                )
                tx.emit(kind="workspace", change="restored", key="control.db")
            with database.snapshot() as snapshot:
                return store.stored_objects(snapshot)
        finally:
            database.close()

    def _replaced(self) -> tuple[str, int]:
        """Head of the audit log and number of the last event of the database as it is, however damaged."""
        try:
            with self._database.snapshot() as snapshot:
                last_event = store.last_event(snapshot)
            return format_head(self._log.head()), last_event
        except (WorkspaceCorrupt, WorkspaceMissing, IntegrityError):
            return "unreadable", 0

    def _bring_objects(self, source: Path, objects: Objects) -> None:
        for digest, size_bytes in objects:
            place = self._artifacts.path_of(digest)
            kept = source / place.relative_to(self._workspace.path)
            here = place.is_file() and place.stat().st_size == size_bytes
            if not here and kept.is_file() and self._artifacts.put_file(kept).digest != digest:
                raise _damaged(source, f"the bytes of {kept.name} have changed")

    def _put_in_place(self, staged: Path, progress: Progress | None) -> None:
        target = self._workspace.control_db
        if self._is_sound():
            store.copy_database(staged, target, alone=False, progress=progress)
            return
        self._database.close()
        store.fold_log(staged)
        store.take_the_place(staged, target, target.with_name(f"{target.name}.damaged-{self._clock.now_ms()}"))

    def _bring_telemetry(self, source: Path, staging: Path) -> None:
        kept, target = source / self._workspace.telemetry_db.name, self._workspace.telemetry_db
        if not kept.is_file():
            return
        if target.exists() and not self._telemetry_problem():
            store.copy_database(kept, target, alone=False)
            return
        staged = staging / target.name
        store.copy_database(kept, staged, alone=True)
        store.take_the_place(staged, target, target.with_name(f"{target.name}.damaged-{self._clock.now_ms()}"))

    def _telemetry_problem(self) -> str:
        """What is wrong with the telemetry database; empty when it is sound, or there is none."""
        path = self._workspace.telemetry_db
        if not path.exists():
            return ""
        database = Database(path, read_only=True, schema=TELEMETRY)
        try:
            with database.snapshot() as snapshot:
                return next(iter(store.integrity_problems(snapshot)), "")
        except (WorkspaceCorrupt, WorkspaceTooNew) as error:
            return error.message
        finally:
            database.close()

    def _is_sound(self) -> bool:
        try:
            with self._database.snapshot() as snapshot:
                return self._workspace.exists and not store.integrity_problems(snapshot)
        except (WorkspaceCorrupt, WorkspaceMissing):
            return False

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
        telemetry = self._telemetry_problem()
        return (
            Finding("database", not problems, problems[0] if problems else "sound"),
            Finding("references", not dangling, dangling[0] if dangling else "sound"),
            Finding("audit", verdict.ok, verdict.problem or f"{verdict.size} records verified"),
            self._check_artifacts(objects, deep=deep),
            Finding("telemetry", not telemetry, telemetry or "sound"),
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
            telemetry_bytes=_with_log(self._workspace.telemetry_db),
            tables=store.table_statistics(path),
        )


def _with_log(path: Path) -> int:
    """The size of a database and its log; 0 when there is none."""
    files = (path, path.with_name(path.name + "-wal"))
    return sum(each.stat().st_size for each in files if each.exists())


def _remove_left_over(folder: Path) -> None:
    """Remove what restores have left that were killed; one that old belongs to no process that still lives."""
    oldest = time.time() - LEFT_OVER_S
    for staging in folder.glob(f"{_STAGING}*"):
        if staging.stat().st_mtime < oldest:
            shutil.rmtree(staging, ignore_errors=True)


def _record_restore(tx: Transaction, replaced: str, head: str, reason: str) -> None:
    before, after = {"audit_head": replaced}, {"audit_head": head}
    record(tx, verb="restore", kind="workspace", key="control.db", before=before, after=after, reason=reason)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    sync(target)


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
            missing=int(manifest["missing"]),
            size_bytes=int(manifest["size_bytes"]),
            time_ms=int(manifest["time_ms"]),
            telemetry_bytes=int(manifest.get("telemetry_bytes", 0)),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _not_a_backup(folder) from error


def _not_a_backup(folder: Path) -> InvalidInput:
    return InvalidInput(
        f"{folder} is not a backup made by `qd db backup`.", hint="Name the directory that holds backup.json."
    )


def _damaged(folder: Path, why: str) -> InvalidInput:
    return InvalidInput(
        f"The backup {folder} is damaged: {why}. The workspace is as it was.", hint="Use another backup."
    )
