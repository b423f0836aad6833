"""`qd undo` and `qd redo`: the diff first, as much care as the inverse takes, and what is said beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from engine.cli.confirmation import beforehand
from tests.engine.cli.driver import Qd, terminal


@pytest.fixture
def renamed(qd: Qd, workspace: Path) -> Path:
    qd("experiments", "create", "one")
    qd("experiments", "rename", "one", "two")
    return workspace


def test_the_newest_change_is_undone_and_done_again(qd: Qd, renamed: Path) -> None:
    dry = qd("undo", "--dry-run")
    assert "Undo record 2: rename experiment two" in dry.out
    assert "- two" in dry.out
    assert "+ one" in dry.out
    done = qd("undo", "--yes", "--reason", "typo", "--json").json
    assert (done["undoes"], done["redo"], done["changes"][0]["then"]) == (2, False, "one")
    assert qd("experiments", "show", "one", "--json").json["name"] == "one"
    again = qd("redo", "--yes", "--json").json
    assert (again["undoes"], again["redo"]) == (done["seq"], True)
    assert qd("audit", "show", str(done["seq"]), "--json").json["reason"] == "typo"
    with engine.open(renamed) as opened:
        assert [each.name for each in opened.experiments.page().items] == ["two"]


def test_a_named_harmless_record_is_undone_without_a_question_and_the_newest_one_only_with_yes(
    qd: Qd, renamed: Path
) -> None:
    refused = qd("undo", code=2)
    assert "nobody can be asked here" in refused.err
    assert "Add --yes" in refused.err
    told = qd("undo", "2")
    assert "Done, as record 4. `qd redo` does it again." in told.err


def test_what_cannot_be_undone_in_its_turn_takes_the_records_number(qd: Qd, workspace: Path) -> None:
    qd("tokens", "create", "ci", "--expires", "1d")
    refused = qd("undo", "1", code=2)
    assert "This cannot be undone in its turn: A revoked token is refused for ever" in refused.err
    with terminal("--workspace", workspace, "undo", "1") as session:
        session.until_text("Type 1 to go on")
        session.send("1\r")
        session.until_text("Done, as record 3.")


def test_a_conflict_is_exit_1_and_names_the_later_record(qd: Qd, renamed: Path) -> None:
    qd("experiments", "rename", "two", "three")
    told = qd("undo", "2", "--yes", code=1)
    assert "has changed since in name, in record 3" in told.err
    assert qd("undo", "2", "--dry-run", "--json", code=4).json["later"] == 3


def test_a_role_and_a_read_only_session_are_exit_4(qd: Qd, renamed: Path) -> None:
    assert "read-only" in qd("--readonly", "undo", "2", "--yes", code=4).err
    (renamed / "quarterdeck.toml").write_text('[roles]\nviewer = ["*"]\n')
    assert "needs the role" in qd("undo", "2", "--yes", code=4).err


def test_nothing_to_undo_is_said(qd: Qd, workspace: Path) -> None:
    assert "You have changed nothing lately" in qd("undo", code=1).err
    assert "You have undone nothing lately" in qd("redo", code=1).err
    assert "There is no audit record 7" in qd("undo", "7", code=1).err


@pytest.mark.parametrize(
    ("sort", "said"),
    [
        (("version", "delete"), "This cannot be undone: A deleted version's number is never given again"),
        (("monitor", "delete"), "Not all of this can be undone: What a deleted monitor had found is gone"),
        (("endpoint", "kill"), "`qd undo` takes it back."),
    ],
)
def test_prompts_say_beforehand_what_undo_can_do(sort: tuple[str, str], said: str) -> None:
    assert said in beforehand(*sort)


def test_a_deletion_asks_with_what_is_lost(qd: Qd, workspace: Path) -> None:
    qd("models", "create", "churn")
    with terminal("--workspace", workspace, "models", "delete", "churn", "--reason", "old") as session:
        session.until_text("The versions of a deleted model are gone for good")
        session.until_text("Type churn to go on")
        session.send("no\r")
        session.until_text("That is not the name; nothing was done.")
