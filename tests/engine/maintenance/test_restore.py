"""Restores over anything: a damaged or missing database, an older backup, a busy workspace, a killed process."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.errors import (
    InvalidInput,
    NotFound,
    PermissionDenied,
    WorkspaceCorrupt,
    WorkspaceMissing,
    WorkspaceTooNew,
)
from engine.db.connection import PAGE_SIZE
from engine.db.migrations import migrations
from engine.maintenance import store
from engine.tracking.model import RunStatus

ROOT = Path(__file__).parents[3]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    made = engine.create(tmp_path / "workspace").path
    with engine.open(made) as opened:
        log(opened, "first")
    return made


@pytest.fixture
def backup(workspace: Path, tmp_path: Path) -> Path:
    """A backup of the workspace with `first`; the workspace has `second` too."""
    with engine.open(workspace) as opened:
        opened.maintenance.backup(tmp_path / "backup")
        log(opened, "second")
    return tmp_path / "backup"


def log(opened: Engine, name: str) -> str:
    run = opened.runs.start(name, name, capture=False, status=RunStatus.SCHEDULED)
    run.log_bytes(name.encode() * 100, "file")
    run.log_metric("loss", 0.5)
    return run.id


def names(opened: Engine) -> list[str]:
    return sorted(each.name for each in opened.experiments.page().items)


def assert_sound(opened: Engine) -> None:
    assert [finding.message for finding in opened.maintenance.check(deep=True) if not finding.ok] == []


def spoil_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(100))


def spoil_page(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        root = raw.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'experiment'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE_SIZE)
        file.write(b"\xff" * PAGE_SIZE)


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [spoil_header, spoil_page, cut_short, empty, Path.unlink])
def test_a_damaged_database_is_replaced_and_kept(workspace: Path, backup: Path, damage: Callable[[Path], None]) -> None:
    damage(workspace / "control.db")
    left = (workspace / "control.db").read_bytes() if (workspace / "control.db").exists() else None
    with engine.open_damaged(workspace) as opened:
        opened.maintenance.restore(backup, reason="damaged")
        assert names(opened) == ["first"]
        assert opened.audit.page().items[0].verb == "restore"
        assert_sound(opened)
        log(opened, "third")
    kept = [
        path.read_bytes() for path in workspace.glob("control.db.damaged-*") if not path.name.endswith(("-wal", "-shm"))
    ]
    assert kept == ([left] if left else [])
    assert not list(workspace.glob(".restoring-*"))
    with engine.open(workspace) as again:
        assert names(again) == ["first", "third"]


def test_a_log_that_lay_beside_the_damaged_file_does_not_spoil_the_new_one(workspace: Path, backup: Path) -> None:
    script = (
        "import os, sys, engine\n"
        "opened = engine.open(sys.argv[1])\n"
        "for number in range(30): opened.experiments.create(f'in the log {number}')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(workspace)], cwd=ROOT, check=False, timeout=60)
    assert (workspace / "control.db-wal").stat().st_size > 0
    with (workspace / "control.db").open("r+b") as file:
        file.truncate(3 * PAGE_SIZE)
    os.truncate(workspace / "control.db-wal", 5_000)
    with engine.open_damaged(workspace) as opened:
        opened.maintenance.restore(backup, reason="damaged")
        assert names(opened) == ["first"]
        assert_sound(opened)
    assert len(list(workspace.glob("control.db.damaged-*-wal"))) == 1


def test_a_damaged_workspace_opened_to_be_restored_does_nothing_else(workspace: Path) -> None:
    spoil_header(workspace / "control.db")
    with engine.open_damaged(workspace) as opened:
        with pytest.raises(WorkspaceCorrupt):
            opened.runs.page()
        with pytest.raises(WorkspaceCorrupt):
            opened.experiments.create("x")
    with pytest.raises(WorkspaceMissing):
        engine.open_damaged(workspace / "nowhere")


def test_a_workspace_whose_audit_log_is_broken_is_restored_and_says_so(workspace: Path, backup: Path) -> None:
    with closing(sqlite3.connect(workspace / "control.db")) as raw:
        raw.execute("DROP TRIGGER audit_head_never_shrinks")
        raw.execute("DELETE FROM audit_head")
        raw.commit()
    with engine.open(workspace) as opened:
        opened.maintenance.restore(backup, reason="broken log")
        assert opened.audit.page().items[0].before == {"audit_head": "unreadable"}
        assert_sound(opened)


def test_roles_hold_also_when_the_database_is_gone(workspace: Path, backup: Path) -> None:
    (workspace / "quarterdeck.toml").write_text('[roles]\nadmin = ["somebody-else"]\n')
    (workspace / "control.db").unlink()
    with engine.open_damaged(workspace) as opened, pytest.raises(PermissionDenied):
        opened.maintenance.restore(backup, reason="mine now")


@pytest.mark.parametrize("version", range(1, len(migrations())))
def test_a_backup_of_an_older_schema_is_brought_up_to_date(workspace: Path, backup: Path, version: int) -> None:
    with closing(sqlite3.connect(backup / "control.db", isolation_level=None)) as raw:
        raw.execute("PRAGMA foreign_keys=OFF")
        for kind, name in raw.execute(
            "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view')"
        ).fetchall():
            if not name.startswith("sqlite_"):
                raw.execute(f"DROP {kind} {name}")
        for migration in migrations()[:version]:
            raw.executescript(migration.statements())
            raw.execute("INSERT INTO schema_migration VALUES (?, ?, 0)", (migration.version, migration.name))
        raw.execute("INSERT INTO workspace VALUES (1, 'old', 0)")
        raw.execute(f"PRAGMA user_version={version:d}")
    with engine.open(workspace) as opened:
        opened.maintenance.restore(backup, reason="back to the old days")
        assert names(opened) == []
        log(opened, "after")
        assert_sound(opened)


def test_a_backup_of_a_newer_schema_is_refused(workspace: Path, backup: Path) -> None:
    with closing(sqlite3.connect(backup / "control.db")) as raw:
        raw.execute("PRAGMA user_version=9999")
    with engine.open(workspace) as opened:
        with pytest.raises(WorkspaceTooNew, match="9999"):
            opened.maintenance.restore(backup, reason="try")
        assert names(opened) == ["first", "second"]
    assert not list(workspace.glob(".restoring-*"))


@pytest.mark.parametrize("since", range(6))
def test_a_feed_notices_a_restore_however_many_events_came_since(workspace: Path, tmp_path: Path, since: int) -> None:
    with engine.open(workspace) as opened, engine.open(workspace) as watching, closing(watching.feed()) as feed:
        opened.maintenance.backup(tmp_path / "backup")
        for number in range(since):
            opened.experiments.create(f"e{number}")
        feed.poll()
        opened.maintenance.restore(tmp_path / "backup", reason="test")
        changes = feed.poll()
        assert changes is not None
        assert changes.missed
        assert ("workspace", "restored") in [(event.kind, event.change) for event in changes.events]
        opened.experiments.create("next")
        fresh = feed.poll()
        assert fresh is not None
        assert not fresh.missed


def test_a_training_that_goes_on_after_a_restore_is_told_and_spoils_nothing(workspace: Path, backup: Path) -> None:
    with engine.open(workspace) as training, engine.open(workspace) as operator:
        run = training.runs.start("second", "training", capture=False, status=RunStatus.SCHEDULED)
        run.log_metric("loss", 1.0)
        operator.maintenance.restore(backup, reason="test")
        other = operator.runs.start("first", "other", capture=False, status=RunStatus.SCHEDULED)
        with pytest.raises(NotFound):
            run.log_metric("loss", 2.0, step=1)
        assert not training.runs.beat(run.id)
        assert operator.runs.get(other.id).heartbeat_ms is None
        assert operator.runs.get(other.id).metrics == {}


def test_the_policy_comes_back_only_where_there_is_none(workspace: Path, tmp_path: Path) -> None:
    policy = workspace / "quarterdeck.toml"
    policy.write_text("# kept\n")
    with engine.open(workspace) as opened:
        opened.maintenance.backup(tmp_path / "backup")
    policy.write_text("# changed since\n")
    with engine.open(workspace) as opened:
        opened.maintenance.restore(tmp_path / "backup", reason="test")
    assert policy.read_text() == "# changed since\n"
    policy.unlink()
    with engine.open(workspace) as opened:
        opened.maintenance.restore(tmp_path / "backup", reason="test")
    assert policy.read_text() == "# kept\n"


def object_of(folder: Path, digest_of: bytes) -> Path:
    from hashlib import sha256

    digest = sha256(digest_of * 100).hexdigest()
    return folder / "artifacts" / "objects" / digest[:2] / digest[2:]


def test_lost_artifacts_come_back_and_whole_ones_stay(workspace: Path, backup: Path) -> None:
    lost = object_of(workspace, b"first")
    lost.unlink()
    with engine.open(workspace) as opened:
        opened.maintenance.restore(backup, reason="test")
        assert_sound(opened)
    assert lost.read_bytes() == b"first" * 100


def test_an_artifact_that_changed_in_the_backup_is_refused(workspace: Path, backup: Path) -> None:
    object_of(workspace, b"first").unlink()
    object_of(backup, b"first").write_bytes(b"other" * 100)
    with engine.open(workspace) as opened:
        with pytest.raises(InvalidInput, match="have changed"):
            opened.maintenance.restore(backup, reason="test")
        assert names(opened) == ["first", "second"]
    assert not object_of(workspace, b"first").exists()


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"other" * 100)])
def test_a_backup_says_how_many_artifacts_it_could_not_take(
    workspace: Path, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    harm(object_of(workspace, b"first"))
    with engine.open(workspace) as opened:
        made = opened.maintenance.backup(tmp_path / "backup")
        assert (made.objects, made.missing) == (1, 1)
        restored = opened.maintenance.restore(tmp_path / "backup", reason="test")
        assert (restored.objects, restored.missing) == (1, 1)
    assert not object_of(tmp_path / "backup", b"first").exists()
    assert json.loads((tmp_path / "backup" / "backup.json").read_text())["missing"] == 1


def test_a_backup_ends_although_others_never_stop_writing(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_PAGES_A_STEP", 1)
    script = (
        "import sys, engine\n"
        "opened = engine.open(sys.argv[1])\n"
        "run = opened.runs.start('busy', capture=False)\n"
        "print('ready', flush=True)\n"
        "for step in range(1_000_000): run.log_metric('loss', 0.5, step)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(workspace)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None
        writer.stdout.readline()
        with engine.open(workspace) as opened:
            opened.maintenance.backup(tmp_path / "backup", progress=lambda _done, _total: time.sleep(0.002))
    finally:
        writer.kill()
        writer.communicate()
    with engine.open(tmp_path / "backup") as copy:
        assert_sound(copy)


@pytest.mark.slow
def test_a_restore_that_is_killed_leaves_the_old_state_or_the_new_one(workspace: Path, backup: Path) -> None:
    with engine.open(workspace) as opened:
        opened.maintenance.backup(workspace.parent / "both")
        found = names(opened)
    chance = random.Random(7)
    script = (
        "import sys, engine\n"
        "opened = engine.open(sys.argv[1])\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "while True:\n"
        "    for name in sys.argv[2:]: opened.maintenance.restore(name, reason='again')\n"
    )
    seen: set[int] = set()
    for turn in range(60):  # at least twelve kills, and as many more as it takes to meet both states
        if turn >= 12 and seen == {1, 2}:
            break
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(workspace), str(backup), str(workspace.parent / "both")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
        time.sleep(chance.uniform(0.0, 0.15))  # the moment is the point; there is nothing to wait for
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with engine.open(workspace) as opened:
            assert names(opened) in (["first"], found)
            seen.add(len(names(opened)))
            assert_sound(opened)
    assert seen == {1, 2}


def test_what_a_killed_restore_left_is_removed_a_day_later(workspace: Path, backup: Path) -> None:
    left, fresh = workspace / ".restoring-left", workspace / ".restoring-fresh"
    for folder in (left, fresh):
        folder.mkdir()
        (folder / "control.db").write_bytes(b"half")
    os.utime(left, (0, 0))
    with engine.open(workspace) as opened:
        opened.maintenance.restore(backup, reason="test")
    assert (left.exists(), fresh.exists()) == (False, True)


def test_a_restore_can_be_undone_by_a_backup_made_before(workspace: Path, backup: Path, tmp_path: Path) -> None:
    with engine.open(workspace) as opened:
        opened.maintenance.backup(tmp_path / "before")
        opened.maintenance.restore(backup, reason="mistake")
        assert names(opened) == ["first"]
        opened.maintenance.restore(tmp_path / "before", reason="undo")
        assert names(opened) == ["first", "second"]
        assert_sound(opened)
        verbs = [entry.verb for entry in opened.audit.page().items]
        assert verbs[0] == "restore"
