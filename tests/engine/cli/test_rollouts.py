"""Rollouts on the command line, each verb a program of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from tests.engine.cli.driver import Answer, run_process
from tests.engine.cli.served import serve_small

PLAN = ("--plan", "10% 10m -> 50% 10m -> 100%")


@pytest.fixture
def served(workspace: Path) -> Path:
    serve_small(workspace)
    return workspace


def run(workspace: Path, *words: str) -> Answer:
    return run_process("--workspace", workspace, "endpoints", *words)


def routes(workspace: Path) -> dict[int, tuple[str, int]]:
    with engine.open(workspace) as opened:
        deployments = opened.endpoints.get("small").deployments
    return {each.version: (each.share.value, each.weight) for each in deployments if each.share is not None}


def begun_in(workspace: Path) -> int:
    with engine.open(workspace) as opened:
        return len(opened.rollouts.page().items)


def test_a_rollout_is_begun_paused_gone_on_with_and_aborted(served: Path) -> None:
    begun = run(served, "promote", "small", "2", *PLAN, "--reason", "better")
    assert begun.code == 0
    assert "Rollout 1 has begun: 10% 10m → 50% 10m → 100%." in begun.err
    assert routes(served)[2][0] == "canary"
    assert run(served, "pause", "small", "--reason", "an incident").code == 0
    listed = run(served, "rollouts", "small")
    assert "paused" in listed.out
    assert "an incident" in listed.out
    skipped = run(served, "resume", "small", "--skip", "--reason", "quiet night")
    assert "50% 10m" in skipped.out
    assert run(served, "abort", "small", "--reason", "wrong one").code == 0
    assert routes(served)[2][0] == "standby"
    verdicts = run(served, "verdicts", "1", "--csv").rows
    assert [row[2] for row in verdicts[1:]] == ["pass", "fail"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("promote", "small", "2", "--reason", "no plan"), 2, "no rollout plan"),
        (("promote", "small", "1", *PLAN, "--reason", "live"), 1, "is the live one"),
        (("promote", "small", "9", *PLAN, "--reason", "none"), 1, "no version 9"),
        (("promote", "small", "2", "--plan", "10%", "--reason", "bad"), 2, "Every step"),
        (("promote", "nobody", "2", *PLAN, "--reason", "none"), 1, "nobody"),
        (("promote", "small", "2", *PLAN), 2, "--reason"),
        (("pause", "small", "--reason", "none is open"), 1, "No rollout is open"),
        (("resume", "small", "--reason", "none is open"), 1, "No rollout is open"),
        (("abort", "small", "--reason", "none is open"), 1, "No rollout is open"),
        (("verdicts", "7"), 1, "There is no rollout 7"),
        (("rollouts", "--page-token", "bad"), 2, "token"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(served: Path, words: tuple[str, ...], code: int, says: str) -> None:
    answer = run(served, *words)
    assert answer.code == code
    assert says in answer.err
    assert "Traceback" not in answer.err
    assert routes(served) == {1: ("live", 1000)}
    assert begun_in(served) == 0


def test_a_reader_looks_and_changes_nothing(served: Path) -> None:
    answer = run_process(
        "--workspace", served, "--readonly", "endpoints", "promote", "small", "2", *PLAN, "--reason", "better"
    )
    assert answer.code != 0
    assert run_process("--workspace", served, "--readonly", "endpoints", "rollouts").code == 0
