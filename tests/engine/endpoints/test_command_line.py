"""`qd endpoints` as a program of its own: what it prints, what it refuses, with which exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.cli.driver import Answer, run_process
from tests.engine.endpoints.desk import Desk


class Program:
    """`qd endpoints` on a desk's workspace, used by somebody who may do everything."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.endpoint()
        engine = desk.engine()
        for version in (1, 2, 3):
            engine.__dict__["builds"].build("churn", version)
        desk.lose_policy()

    def __call__(self, *words: str | Path, code: int = 0) -> Answer:
        answer = run_process("--workspace", self.desk.workspace.path, "endpoints", *words)
        assert answer.code == code, answer
        assert "Traceback" not in answer.err
        return answer


@pytest.fixture
def qd(desk: Desk) -> Program:
    return Program(desk)


def test_what_is_listed_names_the_endpoints_with_what_serves(qd: Program) -> None:
    (item,) = qd("list", "--json").json["items"]
    assert (item["name"], item["model"], item["live"], item["weights"]) == ("churn", "churn", 1, {"1": 100})
    assert (item["desired"], item["observed"], item["state"]) == (1, None, "no plane")
    assert "100 %" in qd("list").out
    head, row = qd("list", "--csv").rows
    found = dict(zip(head, row, strict=True))
    assert (found["name"], found["model"], found["live"]) == ("churn", "churn", "1")


def test_a_change_without_a_data_plane_says_that_it_is_only_recorded(qd: Program) -> None:
    answer = qd("deploy", "churn", "2", "--canary", "12.5%", "--reason", "try", "--json")
    assert "recorded; no data plane runs: start one with `qd serve`" in answer.err
    assert answer.json["weights"] == {"1": 87.5, "2": 12.5}
    assert [(each["version"], each["share"]) for each in answer.json["generation"]["routes"]] == [
        (1, "live"),
        (2, "canary"),
    ]


def test_nothing_is_called_served_before_it_is_acknowledged(qd: Program) -> None:
    with qd.desk.plane("here:1"):
        answer = qd("deploy", "churn", "churn/2", "--reason", "r", "--wait", "50ms", code=5)
        assert answer.out == ""
        assert "desired 2, observed 0 …" in answer.err
        assert "is recorded, but not every data plane" in answer.err
        assert "is served." not in answer.err
        qd.desk.endpoints_of("root").acknowledge("churn", "here:1", 2)
        assert "Generation 2 is served." in qd("deploy", "churn", "2", "--reason", "again").err
        assert "generation 2 is served" in qd("kill", "churn", "--reason", "r", "--yes", "--wait", "0s").err


def test_data_planes_are_listed_with_the_promised_fields(qd: Program) -> None:
    assert qd("planes", "--json").json == {"items": [], "next_page_token": None}
    with qd.desk.plane("here:1", "churn"):
        (item,) = qd("planes", "--json").json["items"]
    fields = "id pid host url workers user started_ms version endpoints"
    assert (list(item), item["id"], item["endpoints"]) == (fields.split(), "here:1", ["churn"])


def test_a_version_shows_where_it_is_served(qd: Program) -> None:
    shown = run_process("--workspace", qd.desk.workspace.path, "versions", "show", "churn/1")
    assert "churn (Pending)" in shown.out
    lineage = run_process("--workspace", qd.desk.workspace.path, "versions", "lineage", "churn/1")
    assert "endpoint churn" in lineage.out


def test_a_dry_run_shows_the_difference_and_changes_nothing(qd: Program) -> None:
    answer = qd("traffic", "churn", "1=90%", "--dry-run", code=4)
    assert "would be refused" in answer.err
    plan = qd("shadow", "churn", "3", "--dry-run", "--json").json
    assert (plan["changes"], plan["danger"], plan["allowed"]) == (["churn/3: not loaded → shadow"], 1, True)
    qd("rollback", "churn", "--dry-run", "--expect", "9", code=1)
    assert len(qd("history", "churn", "--json").json["items"]) == 1


def test_every_verb_from_deploy_to_delete(qd: Program) -> None:
    qd("deploy", "churn", "2", "--canary", "10%", "--reason", "r")
    qd("traffic", "churn", "2=25%", "--reason", "r", "--expect", "2")
    qd("shadow", "churn", "3", "--reason", "r")
    qd("shadow", "churn", "3", "--off", "--reason", "r")
    qd("rollback", "churn", "--reason", "r")
    qd("undo", "churn", "--reason", "r")
    qd("traffic", "churn", "2=0%", "--reason", "r")
    for version in ("2", "3"):
        qd("retire", "churn", version, "--reason", "r")
    qd("kill", "churn", "--reason", "r", "--yes")
    qd("revive", "churn", "--reason", "r")
    qd("update", "churn", "--key", "header:x-user", "--capture", "5%")
    qd("tag", "churn", "team=risk")
    shown = qd("show", "churn").out
    assert "header:x-user" in shown
    assert "settings" in shown
    qd("delete", "churn", "--reason", "r", "--yes", code=1)
    qd("delete", "churn", "--reason", "r", "--yes", "--force")
    assert qd("list", "--json").json["items"] == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["deploy", "churn", "2"], 2, "needs a reason"),
        (["deploy", "churn", "9", "--reason", "r"], 1, "no version 9"),
        (["deploy", "churn", "2", "--canary", "101", "--reason", "r"], 2, "more than all requests"),
        (["deploy", "churn", "2", "--canary", "100%", "--reason", "r"], 2, "deploy it live"),
        (["deploy", "churn", "2", "--canary", "5%", "--shadow", "--reason", "r"], 2, "not both"),
        (["deploy", "churn", "1", "--shadow", "--reason", "r"], 1, "nobody would answer"),
        (["deploy", "nope", "2", "--reason", "r"], 1, "no endpoint nope"),
        (["traffic", "churn", "2=10%", "--reason", "r"], 1, "not deployed"),
        (["traffic", "churn", "1=50%", "1=50%", "--reason", "r"], 2, "named twice"),
        (["traffic", "churn", "--reason", "r"], 2, "VERSION=SHARE"),
        (["retire", "churn", "1", "--reason", "r"], 1, "takes traffic"),
        (["rollback", "churn", "--reason", "r"], 1, "go back"),
        (["undo", "churn", "--reason", "r"], 1, "nothing to undo"),
        (["kill", "churn", "--reason", "r"], 2, "Add --yes"),
        (["kill", "churn", "--yes"], 2, "needs a reason"),
        (["delete", "churn", "--reason", "r", "--force"], 2, "Add --yes"),
        (["deploy", "churn", "2", "--reason", "r", "--expect", "7"], 1, "generation 1 now, not 7"),
        (["create", "a/b", "churn"], 2, "cannot name"),
        (["create", "x", "churn", "--key", "cookie"], 2, "one version"),
    ],
)
def test_what_is_wrong_is_refused_with_a_sentence(qd: Program, words: list[str], code: int, message: str) -> None:
    answer = qd(*words, code=code)
    assert message in answer.err
    assert len(qd.desk.endpoints_of("root").history("churn").items) == 1
