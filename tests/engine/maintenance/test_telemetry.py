"""Telemetry in backups, restores, checks and statistics."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.errors import WorkspaceCorrupt
from tests.builders import empty_workspace
from tests.engine.telemetry.desk import Desk
from tests.engine.telemetry.traffic import NOW_S, prediction, window


def captured(opened: Engine, number: int) -> None:
    Desk(opened).report([window(NOW_S, 5)], [prediction(number)])


def finding(opened: Engine) -> tuple[bool, str]:
    found = {each.check: each for each in opened.maintenance.check()}["telemetry"]
    return found.ok, found.message


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return empty_workspace(tmp_path / "workspace").path


def test_a_backup_brings_telemetry_back_as_it_was(workspace: Path, tmp_path: Path) -> None:
    with engine.open(workspace) as opened, engine.open(workspace) as other:
        captured(opened, 1)
        made = opened.maintenance.backup(tmp_path / "backup")
        assert made.telemetry_bytes == (tmp_path / "backup" / "telemetry.db").stat().st_size
        assert made.size_bytes > made.telemetry_bytes
        captured(opened, 2)
        assert [each.sent for each in other.telemetry.counts()] == [2]
        assert opened.maintenance.restore(tmp_path / "backup", reason="try") == made
        for each in (opened, other):
            assert [count.sent for count in each.telemetry.counts()] == [1]
        captured(opened, 3)
        assert [count.sent for count in other.telemetry.counts()] == [2]


def test_it_may_be_left_out_and_then_stays_as_it_is(workspace: Path, tmp_path: Path) -> None:
    with engine.open(workspace) as opened:
        captured(opened, 1)
        made = opened.maintenance.backup(tmp_path / "backup", telemetry=False)
        assert made.telemetry_bytes == 0
        assert not (tmp_path / "backup" / "telemetry.db").exists()
        opened.maintenance.restore(tmp_path / "backup", reason="try")
        assert [each.sent for each in opened.telemetry.counts()] == [1]


def test_a_workspace_without_any_has_nothing_to_find_or_keep(workspace: Path, tmp_path: Path) -> None:
    with engine.open(workspace) as opened:
        assert finding(opened) == (True, "sound")
        assert opened.maintenance.stats().telemetry_bytes == 0
        assert opened.maintenance.backup(tmp_path / "backup").telemetry_bytes == 0
        assert not opened.workspace.telemetry_db.exists()
        captured(opened, 1)
        assert opened.maintenance.stats().telemetry_bytes > 0


def test_damage_is_found_and_a_restore_moves_it_aside(workspace: Path, tmp_path: Path) -> None:
    with engine.open(workspace) as opened:
        captured(opened, 1)
        opened.maintenance.backup(tmp_path / "backup")
        opened.telemetry.counts()
        opened.close()
        opened.workspace.telemetry_db.write_bytes(b"no database at all" * 1000)
        ok, message = finding(opened)
        assert not ok
        assert "damaged" in message
        with pytest.raises(WorkspaceCorrupt):
            opened.maintenance.backup(tmp_path / "again")
        opened.maintenance.backup(tmp_path / "without", telemetry=False)
        opened.maintenance.restore(tmp_path / "backup", reason="damaged")
        assert finding(opened) == (True, "sound")
        assert [each.sent for each in opened.telemetry.counts()] == [1]
        assert list(workspace.glob("telemetry.db.damaged-*")) != []
