"""A console that breaks leaves a report: what happened and where, and nothing that is secret."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from console.crash import FOLDER, MOST_REPORTS, report_text, write_report
from console.own import Own
from tests.console.driver import console
from tests.console.world import HOSTILE, World

SECRET = "sk-" + "a1B2" * 10


def _error(text: str) -> ValueError:
    """An error that has been raised, so that it knows where."""
    with pytest.raises(ValueError, match=re.escape(text)) as raised:
        _break(text)
    return raised.value


def _break(text: str) -> None:
    raise ValueError(text)


async def test_a_report_says_what_and_where_without_secrets(tmp_path: Path, world: World) -> None:
    own = Own(tmp_path / "config", tmp_path / "state")
    async with console(world.engine, "models", own=own) as running:
        running.app.say(f"using {SECRET}", "warn")
        where = running.app.report(_error(f"broke at {SECRET}"))
    _holds(Path(where), tmp_path / "state" / FOLDER)


def _holds(report: Path, folder: Path) -> None:
    text = report.read_text()
    assert report.parent == folder
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    for part in ("ValueError: broke at [redacted]", "test_crash.py", "screen: models, 80x24", "warn using [redacted]"):
        assert part in text
    assert SECRET not in text


async def test_without_own_folders_nothing_is_written(world: World) -> None:
    async with console(world.engine) as running:
        assert running.app.report(_error("broke")) == ""


async def test_a_full_disk_does_not_hide_the_failure(tmp_path: Path, world: World) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    async with console(world.engine, own=Own(tmp_path, tmp_path / "state")) as running:
        assert running.app.report(_error("broke")) == ""


def test_a_hostile_message_stays_text() -> None:
    text = report_text(_error(HOSTILE), 0, {"screen": HOSTILE}, [HOSTILE])
    assert "\x1b" not in text
    assert "\x9b" not in text


@pytest.mark.parametrize("name", ["SSH_CONNECTION", "TMUX"])
def test_of_some_variables_only_whether_they_are_set_is_told(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "203.0.113.7 50000")
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    text = report_text(_error("broke"), 0, {}, [])
    assert f"{name}: set" in text
    assert "203.0.113.7" not in text
    assert "hunter2" not in text


def test_the_oldest_reports_go(tmp_path: Path) -> None:
    for number in range(MOST_REPORTS + 5):
        write_report(tmp_path, report_text(_error("broke"), number * 1_000, {}, []), str)
    kept = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    assert len(kept) == MOST_REPORTS
    assert "000024" in kept[-1]
