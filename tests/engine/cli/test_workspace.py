"""`qd init`, `db` and `audit`: the workspace itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import Qd, terminal


def test_a_workspace_is_made_where_it_is_asked_for(qd: Qd, tmp_path: Path) -> None:
    made = qd("init", tmp_path / "new", "--json").json
    assert made == {"workspace": str(tmp_path / "new"), "database": str(tmp_path / "new" / "control.db")}
    assert "already" in qd("init", tmp_path / "new", code=1).err
    assert qd("--workspace", tmp_path / "new", "init", "--exist-ok", "--json").json == made
    assert qd("--workspace", tmp_path / "new", "runs", "list", "--json").json["items"] == []


def test_backup_and_restore_bring_back_what_was(qd: Qd, sample: Sample, tmp_path: Path) -> None:
    made = qd("db", "backup", tmp_path / "copy", "--json").json
    assert made["path"] == str(tmp_path / "copy")
    qd("experiments", "create", "later")
    restored = qd("db", "restore", tmp_path / "copy", "--reason", "oops", "--yes", "--json").json
    assert restored["audit_head"] == made["audit_head"]
    assert [item["name"] for item in qd("experiments", "list", "--json").json["items"]] == ["churn"]
    [newest] = qd("audit", "list", "--limit", "1", "--json").json["items"]
    assert (newest["verb"], newest["reason"]) == ("restore", "oops")


def test_restoring_needs_yes_where_nobody_can_answer(qd: Qd, sample: Sample, tmp_path: Path) -> None:
    qd("db", "backup", tmp_path / "copy")
    assert "--yes" in qd("db", "restore", tmp_path / "copy", "--reason", "oops", code=2).err


def test_a_check_names_what_is_wrong(qd: Qd, sample: Sample) -> None:
    assert qd("db", "check", "--deep", "--json").json["ok"] is True
    victim = next(file for file in (sample.path / "artifacts" / "objects").rglob("*") if file.is_file())
    victim.unlink()
    answer = qd("db", "check", code=1)
    assert "artifacts" in answer.err
    assert any(line.split()[:2] == ["artifacts", "BAD"] for line in answer.out.splitlines())


def test_the_workspace_in_numbers(qd: Qd, sample: Sample) -> None:
    found = qd("db", "stats", "--json").json
    assert {table["table"]: table["rows"] for table in found["tables"]}["run"] == 3
    lines = qd("db", "stats").out.splitlines()
    assert any(line.startswith("schema") for line in lines)
    assert qd("db", "stats", "--csv").rows[0] == ["table", "rows", "columns"]


def test_the_audit_log_is_read_by_filter_and_shown(qd: Qd, sample: Sample) -> None:
    qd("experiments", "tag", "churn", "a=1")
    [tagged] = qd("audit", "list", "--verb", "tag", "--kind", "experiment", "--key", "churn", "--json").json["items"]
    assert (tagged["after"], tagged["via"]) == ({"a": "1"}, "cli")
    assert qd("audit", "show", str(tagged["seq"]), "--json").json == tagged
    assert qd("audit", "list", "--actor", "nobody", "--json").json["items"] == []
    assert qd("audit", "list", "--until", "2020-01-01", "--json").json["items"] == []
    assert len(qd("audit", "list", "--since", "1h", "--csv").rows) > 1
    assert "no audit record 999" in qd("audit", "show", "999", code=1).err


def test_a_kept_head_proves_what_follows(qd: Qd, sample: Sample) -> None:
    head = qd("audit", "head").out.strip()
    qd("experiments", "create", "later")
    assert qd("audit", "verify", "--head", head, "--json").json["ok"] is True
    assert qd("audit", "consistency", "--head", head, "--json").json["holds"] is True
    assert qd("audit", "inclusion", "1", "--json").json["seq"] == 1
    assert qd("audit", "head", "--json").json["size"] > int(qd("audit", "verify", "--json").json["size"]) - 1


def test_an_edited_log_is_found_and_the_record_named(qd: Qd, sample: Sample) -> None:
    qd("experiments", "create", "later")
    connection = sqlite3.connect(sample.path / "control.db")
    for (trigger,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute("UPDATE audit SET actor = 'mallory' WHERE seq = 2")
    connection.commit()
    connection.close()
    answer = qd("audit", "verify", "--json", code=1)
    assert (answer.json["ok"], answer.json["first_bad"]) == (False, 2)
    assert "not intact" in answer.err


@pytest.mark.parametrize("typed", ["copy", "wrong"])
def test_on_a_terminal_the_name_must_be_typed(sample: Sample, qd: Qd, tmp_path: Path, typed: str) -> None:
    qd("db", "backup", tmp_path / "copy")
    qd("experiments", "create", "later")
    with terminal("db", "restore", tmp_path / "copy", "--reason", "oops") as session:
        session.until_text("Type copy to go on")
        session.send(f"{typed}\r")
        code = session.wait()
    names = {item["name"] for item in qd("experiments", "list", "--json").json["items"]}
    assert (code, names) == ((0, {"churn"}) if typed == "copy" else (2, {"churn", "later"}))


def test_deleting_a_model_asks_for_its_name(sample: Sample, qd: Qd) -> None:
    with terminal("models", "delete", "churn", "--reason", "old") as session:
        session.until_text("Type churn to go on")
        session.send("churn\r")
        assert session.wait() == 0
    assert qd("models", "list", "--json").json["items"] == []


def test_ctrl_c_at_the_question_is_130_and_nothing_is_done(sample: Sample, qd: Qd) -> None:
    with terminal("models", "delete", "churn", "--reason", "old") as session:
        session.until_text("Type churn to go on")
        session.send("\x03")
        assert session.wait() == 130
    assert qd("models", "show", "churn", "--json").json["versions"] == 3
