"""`qd models check`, `promote`, `rollback`, `history` and the past; `qd approvals`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.api import Engine
from engine.core.access import Access, Actor
from engine.core.clock import SystemClock
from engine.core.ids import RandomIds
from engine.db.database import Database
from engine.db.workspace import Workspace
from engine.policy.file import PolicyFile
from engine.policy.identity import os_user
from engine.registry.model import Stage
from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import Answer, Qd

POLICY = """
[roles]
admin = ["{user}"]
approver = ["alice"]
operator = ["*"]

[access]
allow_as = ["{user}"]

[models.churn.production]
gates = [ {{gate="metric", metric="auc", min=0.85}}, {{gate="size", max="1MB"}} ]
approvals = 1
approvers = ["alice", "{user}"]
"""


@pytest.fixture
def guarded(sample: Sample) -> Sample:
    """The sample with gates, and one approval needed for Production."""
    (sample.path / "quarterdeck.toml").write_text(POLICY.format(user=os_user()))
    return sample


def colleague(sample: Sample, name: str) -> Engine:
    """The engine as somebody else has it open on the same workspace; to be entered."""
    workspace = Workspace(sample.path)
    policy_file = PolicyFile(workspace.policy_file)
    access = Access(Actor(name), policy_file.read().role_of(name))
    database = Database(workspace.control_db)
    return Engine(workspace, database, policy_file=policy_file, access=access, clock=SystemClock(), ids=RandomIds())


def _promote(qd: Qd, version: int, *words: str, code: int = 0) -> Answer:
    return qd("models", "promote", "churn", str(version), "--to", "production", "--reason", "go", *words, code=code)


def test_gates_are_shown_with_value_threshold_and_margin(qd: Qd, guarded: Sample) -> None:
    report = qd("models", "check", "churn", "2", "--json").json
    assert report["passed"] is True
    assert report["results"][0] == {
        "gate": "metric",
        "status": "pass",
        "message": report["results"][0]["message"],
        "subject": "auc",
        "value": 0.86,
        "threshold": 0.85,
        "margin": pytest.approx(0.01),
        "unit": "",
        "evidence": report["results"][0]["evidence"],
    }
    lines = qd("models", "check", "churn", "2").out.splitlines()
    assert lines[1].split()[:6] == ["metric", "auc", "pass", "0.86", "0.85", "0.01"]
    assert "1.0 MB" in lines[2]


def test_a_failing_gate_is_exit_code_4(qd: Qd, guarded: Sample) -> None:
    answer = qd("models", "check", "churn", "1", "--json", code=4)
    assert answer.json["passed"] is False
    assert "metric auc did not pass" in answer.err


def test_a_dry_run_of_the_gates_keeps_no_report(qd: Qd, guarded: Sample) -> None:
    assert qd("--readonly", "models", "check", "churn", "2", "--dry-run", "--json").json["id"] == 0
    assert "read-only" in qd("--readonly", "models", "check", "churn", "2", code=4).err


def test_the_plan_says_what_would_happen_and_changes_nothing(qd: Qd, guarded: Sample) -> None:
    answer = _promote(qd, 1, "--dry-run", "--json", code=4)
    assert answer.json["allowed"] is False
    assert len(answer.json["blockers"]) == 2
    text = _promote(qd, 2, "--dry-run", code=4).out
    assert "promote: churn/2  Registered → Production" in text
    assert "approvals  0 of 1" in text
    assert "what stands in the way" in text
    assert qd("models", "show", "churn", "--json").json["production"] == []
    assert qd("models", "history", "--json").json["items"] == []


def test_every_reason_for_a_refusal_is_told(qd: Qd, guarded: Sample) -> None:
    answer = _promote(qd, 1, code=4)
    assert "metric auc" in answer.err.splitlines()[0]
    assert answer.err.splitlines()[1].strip().startswith("also:")


def test_nobody_approves_what_they_asked_for_under_any_name(qd: Qd, guarded: Sample) -> None:
    assert _promote(qd, 2, code=4).out == ""
    asked = qd("approvals", "request", "churn", "2", "--to", "production", "--reason", "better", "--json").json
    assert (asked["state"], asked["ref"], asked["missing"]) == ("open", "churn/2", 1)
    assert "second person" in qd("approvals", "approve", str(asked["id"]), "--reason", "me too", code=4).err
    assert "second person" in qd("--as", "alice", "approvals", "approve", str(asked["id"]), "--reason", "r", code=4).err


def test_without_demands_a_version_goes_and_comes_back(qd: Qd, sample: Sample) -> None:
    done = _promote(qd, 1, "--json").json
    assert (done["kind"], done["from_stage"], done["to_stage"], done["override"]) == (
        "promote",
        "Registered",
        "Production",
        False,
    )
    answer = _promote(qd, 2)
    assert answer.out.splitlines() == ["churn/2  Registered → Production", "churn/1  Production → Archived"]
    assert "qd models rollback churn" in answer.err
    plan = qd("models", "rollback", "churn", "--dry-run", "--json").json
    assert (plan["kind"], plan["version"]["key"], plan["allowed"]) == ("rollback", "churn/1", True)
    back = qd("models", "rollback", "churn", "--reason", "worse", "--json").json
    assert (back["kind"], back["version"], back["rolled_back_from"]) == ("rollback", 1, 2)
    kinds = [item["kind"] for item in qd("models", "history", "churn", "--json").json["items"]]
    assert kinds == ["rollback", "promote", "promote"]
    assert "no earlier" in qd("models", "rollback", "churn", "--reason", "again", code=1).err


def test_a_lost_race_is_refused_and_shows_the_new_state(qd: Qd, sample: Sample) -> None:
    _promote(qd, 1)
    answer = _promote(qd, 2, "--expect-version", "3", code=1)
    assert "version 1 is in Production now" in answer.err
    assert "Production is" not in answer.out
    assert _promote(qd, 2, "--expect-version", "0", "--dry-run", code=1).err
    assert "churn/2 is in Registered now" in _promote(qd, 2, "--expect-stage", "archived", code=1).err
    assert _promote(qd, 2, "--expect-stage", "archived", "--dry-run", code=1).err
    _promote(qd, 2, "--expect-version", "1", "--expect-stage", "registered")
    assert qd("models", "rollback", "churn", "--reason", "r", "--expect-version", "1", code=1).out == ""
    qd("models", "rollback", "churn", "--reason", "r", "--expect-version", "2")


def test_versions_that_make_room_go_where_they_are_sent(qd: Qd, sample: Sample) -> None:
    _promote(qd, 1)
    _promote(qd, 2, "--demote-to", "staging")
    assert qd("models", "show", "churn", "--json").json["staging"] == [1]


@pytest.mark.parametrize("words", [[], ["--reason", ""], ["--reason", "  "]])
def test_moving_needs_a_reason(qd: Qd, sample: Sample, words: list[str]) -> None:
    assert "reason" in qd("models", "promote", "churn", "1", "--to", "staging", *words, code=2).err
    assert "reason" in qd("models", "rollback", "churn", *words, code=2).err


def test_what_was_where_at_a_past_time(qd: Qd, sample: Sample) -> None:
    def now_ms() -> int:
        return time.time_ns() // 1_000_000

    before = now_ms()
    while now_ms() <= before:
        pass
    _promote(qd, 1)
    between = now_ms()
    while now_ms() <= between:
        pass
    _promote(qd, 2)
    past = qd("models", "show", "churn", "--at", str(between), "--json").json
    assert (past["model"], past["at_ms"]) == ("churn", between)
    assert [(item["version"], item["stage"]) for item in past["items"]] == [
        (1, "Production"),
        (2, "Registered"),
        (3, "Registered"),
    ]
    assert {item["stage"] for item in qd("models", "show", "churn", "--at", str(before), "--json").json["items"]} == {
        "Registered"
    }
    listed = qd("versions", "list", "--at", str(between), "--json").json
    assert listed == {"items": past["items"], "next_page_token": None}
    assert "no version at" in qd("models", "show", "churn", "--at", "2020-01-01", code=1).err
    assert "no model" in qd("models", "show", "chrn", "--at", "now", code=1).err


def test_requests_are_listed_shown_withdrawn(qd: Qd, guarded: Sample) -> None:
    asked = qd("approvals", "request", "churn", "2", "--to", "production", "--reason", "better", "--json").json
    number = str(asked["id"])
    assert [item["id"] for item in qd("approvals", "list", "--json").json["items"]] == [asked["id"]]
    assert qd("approvals", "list").out.splitlines()[1].split()[:5] == [number, "churn/2", "Production", "open", "0"]
    assert qd("approvals", "show", number, "--json").json["reason"] == "better"
    assert qd("approvals", "list", "--inbox", "--json").json["items"] == []
    assert qd("approvals", "withdraw", number, "--reason", "never mind", "--json").json["state"] == "withdrawn"
    assert qd("approvals", "list", "--json").json["items"] == []
    assert [item["state"] for item in qd("approvals", "list", "--state", "all", "--json").json["items"]] == [
        "withdrawn"
    ]
    assert "withdrawn" in qd("approvals", "withdraw", number, code=1).err
    assert "no approval request 99" in qd("approvals", "show", "99", code=1).err


def test_a_request_for_what_fails_a_gate_is_refused(qd: Qd, guarded: Sample) -> None:
    assert "auc" in qd("approvals", "request", "churn", "1", "--to", "production", "--reason", "x", code=4).err
    asked = qd("approvals", "request", "churn", "1", "--to", "production", "--reason", "x", "--override", "--json")
    assert asked.json["override"] is True


def test_the_inbox_holds_what_others_asked_for(qd: Qd, guarded: Sample) -> None:
    with colleague(guarded, "carol") as carol:
        asked = carol.approvals.request("churn", 2, to=Stage.PRODUCTION, reason="better").id
    number = str(asked)
    assert [item["id"] for item in qd("approvals", "list", "--inbox", "--json").json["items"]] == [asked]
    assert qd("approvals", "approve", number, "--reason", "fine", "--json").json["state"] == "approved"
    assert qd("approvals", "revoke", number, "--reason", "wait", "--json").json["state"] == "open"
    qd("approvals", "approve", number, "--reason", "fine")
    assert _promote(qd, 2, "--json").json["request_id"] == asked


def test_one_no_closes_a_request(qd: Qd, guarded: Sample) -> None:
    with colleague(guarded, "carol") as carol:
        asked = carol.approvals.request("churn", 2, to=Stage.PRODUCTION, reason="better").id
    assert qd("approvals", "reject", str(asked), "--reason", "no", "--json").json["state"] == "rejected"


def test_an_override_takes_two_people_and_is_loud(qd: Qd, guarded: Sample) -> None:
    assert "override" in _promote(qd, 1, "--override", code=4).err.lower()
    words = ["approvals", "request", "churn", "1", "--to", "production", "--reason", "fire", "--override", "--json"]
    asked = qd(*words).json["id"]
    with colleague(guarded, "alice") as alice:
        alice.approvals.approve(asked, "yes")
    done = _promote(qd, 1, "--override")
    assert "OVERRIDE" in done.err
    assert qd("models", "history", "--json").json["items"][0]["override"] is True
    assert "override" in qd("models", "history").out


def test_a_policy_that_is_wrong_stops_every_change(qd: Qd, sample: Sample) -> None:
    Path(sample.path / "quarterdeck.toml").write_text("[models.churn.production]\ngates = 3\n")
    assert "line 2" in _promote(qd, 1, code=2).err
    assert "line 2" in qd("experiments", "create", "x", code=2).err
    assert len(qd("runs", "list", "--json").json["items"]) == 3


def test_evidence_that_was_kept_is_shown_again(qd: Qd, guarded: Sample) -> None:
    assert "never run" in qd("models", "report", "churn", "2", code=1).err
    kept = qd("models", "check", "churn", "2", "--json").json
    assert qd("models", "report", "churn", "2", "--json").json == kept
    assert qd("models", "report", "--id", str(kept["id"]), "--json").json == kept
    assert "--id" in qd("models", "report", "churn", code=2).err
