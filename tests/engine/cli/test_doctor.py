"""`qd doctor` and `qd info`: what is wrong is named with what to do about it, whatever state things are in."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.engine.cli.driver import Qd


def states(qd: Qd, *, code: int = 0) -> dict[str, dict[str, str]]:
    return {each["check"]: each for each in qd("doctor", "--json", code=code).json}


def test_a_sound_workspace_is_called_sound(qd: Qd, workspace: Path) -> None:
    found = states(qd)
    assert {each["state"] for each in found.values()} <= {"ok", "look"}
    assert found["workspace"]["found"] == str(workspace)
    assert found["soundness"]["state"] == "ok"
    assert found["server"]["found"] == "none runs"


def test_no_workspace_is_bad_and_says_what_makes_one(qd: Qd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "nowhere"))
    found = states(qd, code=1)
    assert found["workspace"]["state"] == "BAD"
    assert "qd init" in found["workspace"]["mend"]


def test_a_damaged_database_is_bad(qd: Qd, workspace: Path) -> None:
    for ending in ("-wal", "-shm"):
        (workspace / f"control.db{ending}").unlink(missing_ok=True)
    (workspace / "control.db").write_bytes(b"no database" * 1_000)
    assert states(qd, code=1)["workspace"]["state"] == "BAD"


def test_a_log_that_somebody_edited_is_bad(qd: Qd, workspace: Path) -> None:
    qd("experiments", "create", "kept")
    qd("models", "create", "churn")
    with closing(sqlite3.connect(workspace / "control.db")) as raw:
        (trigger,) = raw.execute("SELECT group_concat(name) FROM sqlite_schema WHERE type = 'trigger'").fetchone()
        for name in (trigger or "").split(","):
            raw.execute(f"DROP TRIGGER IF EXISTS {name}")
        raw.execute("UPDATE audit SET actor = 'nobody'")
        raw.commit()
    found = states(qd, code=1)
    assert found["soundness"]["state"] == "BAD"
    assert "qd db restore" in found["soundness"]["mend"]


def test_a_wrong_policy_is_bad(qd: Qd, workspace: Path) -> None:
    (workspace / "quarterdeck.toml").write_text("[roles]\nking = []\n")
    found = qd("doctor", "--json", code=1).json
    assert any(each["state"] == "BAD" and "king" in each["found"] for each in found)


@pytest.mark.parametrize(
    ("variable", "value", "check"),
    [("LC_ALL", "C", "locale"), ("TERM", "dumb", "terminal"), ("TERM", "", "terminal")],
)
def test_what_a_terminal_lacks_is_named(
    qd: Qd, workspace: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, check: str
) -> None:
    assert workspace.is_dir()
    monkeypatch.setenv(variable, value)
    assert states(qd)[check]["state"] == "look"


def test_every_path_is_printed_without_a_workspace_too(qd: Qd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "nowhere"))
    found = {each["what"]: each for each in qd("info", "--json").json}
    assert found["workspace"] == {"what": "workspace", "path": str(tmp_path / "nowhere"), "there": False}
    assert found["program"]["there"] is True


def test_every_file_that_the_console_keeps_is_printed(qd: Qd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from console import crash, journal, theme
    from console.arranging import last_used, views_file
    from console.exporting import clipboard

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    paths = [each["path"] for each in qd("info", "--json").json]
    for name in (last_used.FILE, clipboard.FOLDER, journal.FILE, theme.MEMORY, crash.FOLDER, "history"):
        assert str(tmp_path / "state" / "quarterdeck" / name) in paths
    for name in (views_file.FILE, "themes"):
        assert str(tmp_path / "config" / "quarterdeck" / name) in paths
