"""`qd policy`."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.policy.identity import os_user
from tests.engine.cli.driver import Qd

GOOD = """
[roles]
admin = ["ops"]
operator = ["*"]

[models.churn.production]
gates = [ {gate="metric", metric="auc", min=0.8}, {gate="size", max="50MB"}, {gate="evidence-age", max="24h"} ]
approvals = 2
freeze = [
  {weekly="fri 16:00-mon 08:00"},
  {from="2026-12-20", to="2027-01-03", reason="year end"},
]
"""


def _write(workspace: Path, text: str) -> None:
    (workspace / "quarterdeck.toml").write_text(text)


def test_without_a_file_nothing_is_asked_for(qd: Qd, workspace: Path) -> None:
    shown = qd("policy", "show", "--json").json
    assert shown["roles"] is None
    assert shown["stages"] == []
    assert "No stage asks for anything" in qd("policy", "show").out
    assert "nothing is asked for" in qd("policy", "check").out


def test_the_policy_is_shown_as_written(qd: Qd, workspace: Path) -> None:
    _write(workspace, GOOD)
    shown = qd("policy", "show", "--json").json
    assert shown["roles"] == {"viewer": [], "writer": [], "operator": ["*"], "approver": [], "admin": ["ops"]}
    [stage] = shown["stages"]
    assert (stage["model"], stage["stage"], stage["approvals"]) == ("churn", "Production", 2)
    assert [gate["gate"] for gate in stage["gates"]] == ["metric", "size", "evidence-age"]
    assert stage["gates"][1]["max_bytes"] == 50_000_000
    assert [window["weekly"] for window in stage["freeze"]] == [True, False]


def test_how_long_traces_are_kept_is_shown(qd: Qd, workspace: Path) -> None:
    assert qd("policy", "show", "--json").json["traces_max_age_ms"] is None
    _write(workspace, '[retention]\ntraces = "30d"\n')
    assert qd("policy", "show", "--json").json["traces_max_age_ms"] == 30 * 86_400_000
    [line] = [each for each in qd("policy", "show").out.splitlines() if each.startswith("traces max age")]
    assert line.endswith("30d 00h")


def test_people_read_gates_and_freezes_in_words(qd: Qd, workspace: Path) -> None:
    _write(workspace, GOOD)
    text = qd("policy", "show", "--csv").out
    assert "metric" in text
    line = qd("policy", "show").out
    assert "max=50.0 MB" in line
    assert "weekly fri 16:00-mon 08:00" in line


def test_what_holds_for_a_model_at_each_stage(qd: Qd, workspace: Path) -> None:
    _write(workspace, GOOD)
    stages = qd("policy", "show", "churn", "--json").json["stages"]
    assert [(stage["stage"], stage["approvals"]) for stage in stages] == [
        ("Registered", 0),
        ("Staging", 0),
        ("Production", 2),
        ("Archived", 0),
    ]
    [only] = qd("policy", "show", "other", "--stage", "production", "--json").json["stages"]
    assert (only["model"], only["gates"]) == ("other", [])


def test_every_mistake_is_named_by_file_line_and_key(qd: Qd, workspace: Path, tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text('[models.churn.production]\napprovals = "two"\ngates = [ {gate="metrik"} ]\n')
    answer = qd("policy", "check", draft, code=2)
    assert answer.out == ""
    first, second = answer.err.splitlines()
    assert first.startswith(f"{draft}:2: models.churn.production.approvals: ")
    assert second.startswith(f"{draft}:3: ")
    found = qd("policy", "check", draft, "--json", code=2).json
    assert (found["ok"], found["digest"]) == (False, None)
    assert [problem["line"] for problem in found["problems"]] == [2, 3]
    assert qd("policy", "check", "--json").json["ok"] is True, "the workspace's own is another file"


def test_rules_for_a_model_that_is_not_there_are_told(qd: Qd, workspace: Path) -> None:
    qd("models", "create", "chrn")
    _write(workspace, GOOD)
    checked = qd("policy", "check")
    assert checked.code == 0
    assert "there is no model churn yet, so its rules hold for nothing now. Did you mean chrn?" in checked.err
    _write(workspace, "")
    qd("models", "rename", "chrn", "churn")
    _write(workspace, GOOD)
    assert "no model" not in qd("policy", "check").err


def test_a_wrong_policy_of_the_workspace_can_still_be_checked(qd: Qd, workspace: Path) -> None:
    _write(workspace, "approvals = \n")
    assert f"{workspace / 'quarterdeck.toml'}:1: " in qd("policy", "check", code=2).err
    assert "line 1" in qd("policy", "show", code=2).err


@pytest.mark.parametrize(("name", "said"), [("missing.toml", "no file"), (".", "cannot be used")])
def test_what_is_no_file_is_told(qd: Qd, workspace: Path, tmp_path: Path, name: str, said: str) -> None:
    assert said in qd("policy", "check", tmp_path / name, code=2).err


def test_who_i_am_here(qd: Qd, workspace: Path) -> None:
    assert qd("policy", "whoami", "--json").json == {
        "actor": os_user(),
        "role": "admin",
        "on_behalf_of": "",
        "origin": "local",
        "read_only": False,
    }
    _write(workspace, f'[roles]\nviewer = ["{os_user()}"]\noperator = ["bot"]\n[access]\nallow_as = ["*"]\n')
    assert qd("policy", "whoami", "--json").json["role"] == "viewer"
    acting = qd("--as", "bot", "policy", "whoami", "--json").json
    assert (acting["actor"], acting["role"], acting["on_behalf_of"]) == ("bot", "operator", os_user())


def test_another_name_is_refused_unless_the_policy_allows_it(qd: Qd, workspace: Path) -> None:
    answer = qd("--as", "bot", "experiments", "create", "x", code=4)
    assert "another name" in answer.err
    assert qd("experiments", "list", "--json").json["items"] == []


def test_a_viewer_changes_nothing(qd: Qd, workspace: Path) -> None:
    _write(workspace, '[roles]\nadmin = ["ops"]\n')
    assert "needs the role writer" in qd("experiments", "create", "x", code=4).err
    assert qd("runs", "list", "--json").json["items"] == []
