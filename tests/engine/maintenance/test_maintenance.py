"""Backups that are whole, restores that are one change, checks that find what is wrong."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import engine
from engine.artifacts.store import ArtifactStore
from engine.audit.model import AuditFilter, parse_head
from engine.audit.service import AuditLog, record
from engine.core.access import Actor, Role
from engine.core.clock import ManualClock
from engine.core.errors import AlreadyExists, InvalidInput, NotFound, PermissionDenied, ReadOnlyMode
from engine.db.database import Database
from engine.db.workspace import Workspace
from engine.maintenance.service import Maintenance
from engine.tracking.logged_model_model import NewLoggedModel
from tests.builders import empty_workspace, make_access

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLOCK = ManualClock()


class Opened:
    """A workspace with one artifact, one experiment and one audit record for each call of `write`."""

    def __init__(self, path: Path, role: Role = Role.ADMIN, *, read_only: bool = False) -> None:
        self.workspace = empty_workspace(path)
        self.database = Database(self.workspace.control_db, clock=CLOCK, read_only=read_only)
        self.database.migrate()
        self.artifacts = ArtifactStore(self.workspace)
        self.log = AuditLog(self.database, CLOCK)
        access = make_access(role, read_only=read_only)
        self.maintenance = Maintenance(self.workspace, self.database, access, self.artifacts, CLOCK)

    def write(self, name: str) -> str:
        blob = self.artifacts.put_bytes(name.encode())
        with self.database.transaction(Actor("ada")) as tx:
            experiment = tx.execute(
                "INSERT INTO experiment (name, created_ms, updated_ms) VALUES (?, 0, 0)", (name,)
            ).lastrowid
            run = tx.execute(
                "INSERT INTO run (run_id, experiment, name, status, start_ms, user)"
                " VALUES (?, ?, 'r', 'finished', 0, 'a')",
                (name, experiment),
            ).lastrowid
            tx.execute("INSERT INTO artifact VALUES (?, 'f', ?, ?, 0)", (run, blob.digest, blob.size_bytes))
            record(tx, verb="create", kind="experiment", key=name, before=None, after={"name": name})
        return blob.digest

    def names(self) -> list[str]:
        with self.database.snapshot() as snapshot:
            return [row[0] for row in snapshot.execute("SELECT name FROM experiment ORDER BY name")]

    def close(self) -> None:
        self.database.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    made = Opened(tmp_path / "workspace")
    made.write("first")
    yield made
    made.close()


def test_a_backup_is_a_workspace_of_its_own(opened: Opened, tmp_path: Path) -> None:
    opened.workspace.policy_file.write_text("[defaults]\n")
    made = opened.maintenance.backup(tmp_path / "backup")
    assert (made.objects, parse_head(made.audit_head).size) == (1, 1)
    assert sorted(path.name for path in (tmp_path / "backup").iterdir()) == [
        "artifacts",
        "backup.json",
        "control.db",
        "quarterdeck.toml",
    ]
    copy = Opened(tmp_path / "backup")
    assert copy.names() == ["first"]
    assert all(finding.ok for finding in copy.maintenance.check(deep=True))
    copy.close()


def test_a_backup_taken_while_others_write_is_consistent(opened: Opened, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.engine.maintenance.test_maintenance import Opened\n"
        "opened = Opened(Path(sys.argv[1]))\n"
        "for number in range(200):\n"
        "    opened.write(f'w{number:03d}'); print(number, flush=True)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(opened.workspace.path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    backups = [opened.maintenance.backup(tmp_path / f"backup{number}") for number in range(3)]
    assert writer.wait(timeout=60) == 0
    writer.stdout.close()
    for backup in backups:
        copy = Opened(tmp_path / backup.path)
        assert parse_head(backup.audit_head).size == len(copy.names())
        assert all(finding.ok for finding in copy.maintenance.check(deep=True))
        copy.close()


def test_a_backup_never_writes_over_anything(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(AlreadyExists, match="there already"):
        opened.maintenance.backup(tmp_path / "there")


def test_a_backup_that_fails_leaves_nothing_under_its_name(opened: Opened, tmp_path: Path) -> None:
    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened.maintenance.backup(tmp_path / "backup", progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]


def test_a_restore_brings_everything_back_as_one_change(opened: Opened, tmp_path: Path) -> None:
    backup = opened.maintenance.backup(tmp_path / "backup")
    digest = opened.write("second")
    beside = Database(opened.workspace.control_db)
    with beside.snapshot() as held:
        assert held.execute("SELECT count(*) FROM experiment").fetchone()[0] == 2
        opened.maintenance.restore(tmp_path / "backup", reason="bad import")
        assert held.execute("SELECT count(*) FROM experiment").fetchone()[0] == 2
    with beside.snapshot() as fresh:
        assert fresh.execute("SELECT count(*) FROM experiment").fetchone()[0] == 1
    beside.close()
    assert opened.names() == ["first"]
    assert opened.artifacts.path_of(digest).is_file()
    entry = opened.log.page(AuditFilter(verb="restore")).items[0]
    assert entry.reason == "bad import"
    assert entry.before is not None
    assert parse_head(entry.before["audit_head"]).size == 2
    assert entry.after == {"audit_head": backup.audit_head}
    assert opened.log.verify().ok


def test_a_restore_brings_back_lost_artifacts(opened: Opened, tmp_path: Path) -> None:
    opened.maintenance.backup(tmp_path / "backup")
    shutil.rmtree(opened.workspace.artifacts)
    findings = {finding.check: finding for finding in opened.maintenance.check()}
    assert not findings["artifacts"].ok
    assert "missing" in findings["artifacts"].message
    opened.maintenance.restore(tmp_path / "backup", reason="disk swapped")
    assert all(finding.ok for finding in opened.maintenance.check(deep=True))


def test_an_interrupted_restore_changes_nothing(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.maintenance.store._PAGES_A_STEP", 1)
    opened.maintenance.backup(tmp_path / "backup")
    opened.write("second")

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened.maintenance.restore(tmp_path / "backup", reason="oops", progress=interrupt)
    assert opened.names() == ["first", "second"]
    assert all(finding.ok for finding in opened.maintenance.check(deep=True))


@pytest.mark.parametrize("manifest", [None, "", "[]", '{"format": "other"}', '{"format": "quarterdeck-backup-1"}'])
def test_what_is_no_backup_is_not_restored(opened: Opened, tmp_path: Path, manifest: str | None) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    if manifest is not None:
        (folder / "backup.json").write_text(manifest)
    with pytest.raises(InvalidInput, match="not a backup"):
        opened.maintenance.restore(folder, reason="try")
    assert opened.names() == ["first"]


def test_a_damaged_backup_is_not_restored(opened: Opened, tmp_path: Path) -> None:
    opened.maintenance.backup(tmp_path / "backup")
    copied = tmp_path / "backup" / "control.db"
    with sqlite3.connect(copied) as raw:
        root = raw.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'experiment'").fetchone()[0]
        size = raw.execute("PRAGMA page_size").fetchone()[0]
    raw.close()
    content = bytearray(copied.read_bytes())
    content[(root - 1) * size : root * size] = b"\x0d" + b"\xff" * (size - 1)
    copied.write_bytes(content)
    with pytest.raises(InvalidInput, match="damaged"):
        opened.maintenance.restore(tmp_path / "backup", reason="try")
    assert opened.names() == ["first"]


def test_a_restore_needs_a_reason_a_backup_and_an_admin(opened: Opened, tmp_path: Path) -> None:
    opened.maintenance.backup(tmp_path / "backup")
    with pytest.raises(InvalidInput, match="reason"):
        opened.maintenance.restore(tmp_path / "backup", reason=" ")
    with pytest.raises(NotFound, match="no backup"):
        opened.maintenance.restore(tmp_path / "gone", reason="try")
    operator = Opened(opened.workspace.path, Role.APPROVER)
    with pytest.raises(PermissionDenied):
        operator.maintenance.restore(tmp_path / "backup", reason="try")
    operator.close()
    reader = Opened(opened.workspace.path, read_only=True)
    with pytest.raises(ReadOnlyMode):
        reader.maintenance.restore(tmp_path / "backup", reason="try")
    reader.close()


def test_a_check_finds_a_changed_artifact_only_when_it_looks_deep(opened: Opened) -> None:
    path = opened.artifacts.path_of(opened.write("second"))
    path.chmod(0o600)
    path.write_bytes(b"sEcond")
    assert all(finding.ok for finding in opened.maintenance.check())
    findings = {finding.check: finding for finding in opened.maintenance.check(deep=True)}
    assert "changed" in findings["artifacts"].message


def test_a_check_finds_a_changed_audit_record_and_a_dangling_row(opened: Opened) -> None:
    with sqlite3.connect(opened.workspace.control_db) as raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")
        raw.execute("UPDATE audit SET actor = 'eve' WHERE seq = 1")
        raw.execute("UPDATE run SET experiment = 999")
    raw.close()
    findings = {finding.check: finding for finding in opened.maintenance.check()}
    assert not findings["audit"].ok
    assert not findings["references"].ok
    assert "experiment" in findings["references"].message
    assert findings["database"].ok


def test_statistics_count_what_is_there(opened: Opened) -> None:
    opened.write("second")
    found = opened.maintenance.stats()
    rows = {table.table: table.rows for table in found.tables}
    assert (rows["experiment"], rows["run"], rows["audit"]) == (2, 2, 2)
    assert (found.artifact_files, found.artifact_bytes) == (2, len("firstsecond"))
    assert found.size_bytes + found.wal_bytes > 0
    assert found.disk_free_bytes > 0


def test_statistics_are_those_of_sqlite_utils_which_a_server_must_not_load(opened: Opened) -> None:
    script = """if True:
        import sqlite3, sys
        import engine
        with engine.open(sys.argv[1]) as opened:
            found = opened.maintenance.stats().tables
        assert not {"pandas", "numpy", "sqlite_utils"} & sys.modules.keys()
        from sqlite_utils import Database
        tables = sorted(Database(sqlite3.connect(sys.argv[2])).tables, key=lambda table: table.name)
        expected = [(table.name, table.count, tuple(table.columns_dict)) for table in tables]
        assert [(each.table, each.rows, each.columns) for each in found] == expected
    """
    workspace = opened.workspace
    words = [sys.executable, "-c", script, str(workspace.path), str(workspace.control_db)]
    told = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert told.returncode == 0, told.stderr


def test_the_manifest_of_a_backup_is_readable_json(opened: Opened, tmp_path: Path) -> None:
    opened.maintenance.backup(tmp_path / "backup")
    manifest = json.loads((tmp_path / "backup" / "backup.json").read_text())
    assert manifest["format"] == "quarterdeck-backup-1"
    assert manifest["objects"] == 1


def test_the_files_of_logged_models_are_backed_up_too(tmp_path: Path) -> None:
    with engine.open(engine.create(tmp_path / "workspace").path) as opened:
        run = opened.runs.start("trials")
        run.finish()
        model = opened.logged_models.create(NewLoggedModel(opened.runs.get(run.id).experiment_id, "trees"))
        kept = opened.logged_models.files.keep_bytes(model.model_id, b"weights", "weights.bin")
        opened.maintenance.backup(tmp_path / "copy")
        assert ArtifactStore(Workspace(tmp_path / "copy")).verify(kept.digest)
        opened.artifacts.path_of(kept.digest).write_bytes(b"changed")
        assert not all(finding.ok for finding in opened.maintenance.check(deep=True))
