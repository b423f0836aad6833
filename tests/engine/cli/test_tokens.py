"""`qd tokens`."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from engine.policy.identity import os_user
from tests.engine.cli.driver import Qd


def test_a_token_is_made_shown_once_listed_and_revoked(qd: Qd, workspace: Path) -> None:
    made = qd("tokens", "create", "ci", "--user", "bot", "--scope", "operator", "--expires", "90d", "--json")
    assert made.json["token"].startswith("qd_")
    assert (made.json["user"], made.json["scope"], made.json["state"]) == ("bot", "operator", "live")
    assert made.json["expires_ms"] - made.json["created_ms"] == 90 * 86_400_000
    assert "only time" in made.err
    listed = qd("tokens", "list")
    assert made.json["token"] not in listed.out
    assert "bot" in listed.out
    assert qd("tokens", "revoke", "1", "--reason", "leaked", "--json").json["state"] == "revoked"
    with engine.open(workspace) as opened:
        assert opened.audit.page().items[0].reason == "leaked"


def test_a_token_is_for_the_caller_and_for_writing_unless_said_otherwise(qd: Qd, workspace: Path) -> None:
    made = qd("tokens", "create", "mine", "--json").json
    assert (made["user"], made["scope"], made["expires_ms"]) == (os_user(), "writer", None)
    assert workspace.is_dir()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["create", "ci", "--scope", "root"], 2),
        (["create", "ci", "--expires", "soon"], 2),
        (["create", ""], 2),
        (["revoke", "7"], 1),
        (["revoke", "x"], 2),
    ],
)
def test_what_cannot_be_is_said_in_few_words(qd: Qd, workspace: Path, words: list[str], code: int) -> None:
    assert workspace.is_dir()
    assert qd("tokens", *words, code=code).out == ""
