"""Rollout plans, as people write them in `quarterdeck.toml`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput, PolicyInvalid
from engine.policy.file import PolicyFile
from engine.policy.rollout import WHOLE, RolloutStep, parse_plan

MINUTES_10 = 600_000


@pytest.mark.parametrize("arrow", [" -> ", "→", ", ", " → "])
def test_a_plan_is_read_whatever_stands_between_its_steps(arrow: str) -> None:
    steps = parse_plan(arrow.join(["shadow 10m", "5% 10m", "25 % 1h", "100%"]))
    assert steps == (
        RolloutStep(0, MINUTES_10),
        RolloutStep(50, MINUTES_10),
        RolloutStep(250, 3_600_000),
        RolloutStep(WHOLE, 0),
    )


@given(
    st.lists(st.integers(1, WHOLE - 1), max_size=6, unique=True).map(sorted),
    st.lists(st.integers(1, 10_000), min_size=7, max_size=7),
    st.booleans(),
)
def test_a_plan_is_read_as_it_is_written(weights: list[int], seconds: list[int], shadow: bool) -> None:
    shares = ([0] if shadow else []) + weights
    held = [RolloutStep(share, 1_000 * length) for share, length in zip(shares, seconds, strict=False)]
    steps = (*held, RolloutStep(WHOLE, 0))
    assert parse_plan(" -> ".join(step.words for step in steps)) == steps


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("", "A step of a plan"),
        ("5% 10m", "The last step"),
        ("100% 10m", "lasts for ever"),
        ("25% 10m -> 5% 10m -> 100%", "must grow"),
        ("5% 10m -> 5% 10m -> 100%", "must grow"),
        ("5% -> 100%", "how long"),
        ("0% 10m -> 100%", "from 0.1%"),
        ("101% 10m -> 100%", "from 0.1%"),
        ("5% 0m -> 100%", "longer than nothing"),
        ("five 10m -> 100%", "A step of a plan"),
        ("5.55% 10m -> 100%", "A step of a plan"),
        (" -> ".join(f"{share}% 1m" for share in range(1, 25)) + " -> 100%", "1 to 20"),
    ],
)
def test_what_is_no_plan_is_refused_with_a_sentence(plan: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        parse_plan(plan)
    assert refused.value.hint


def policy_of(tmp_path: Path, text: str) -> PolicyFile:
    path = tmp_path / "quarterdeck.toml"
    path.write_text(text)
    return PolicyFile(path)


def test_a_model_has_the_rollout_that_is_written_for_it_else_that_of_all(tmp_path: Path) -> None:
    text = """
[models.churn.rollout]
plan = "5% 10m -> 100%"
errors = 0.02
min_requests = 200

[models."*".rollout]
plan = "shadow 1h -> 100%"
"""
    policy = policy_of(tmp_path, text).read()
    churn, other = policy.rollout("churn"), policy.rollout("other")
    assert churn is not None
    assert other is not None
    assert (churn.plan, churn.errors, churn.min_requests, churn.slow) == ("5% 10m → 100%", 0.02, 200, 0.1)
    assert other.plan == "shadow 1h → 100%"


def test_without_one_a_version_may_get_everything_at_once(tmp_path: Path) -> None:
    assert policy_of(tmp_path, "[models.churn.production]\napprovals = 1\n").read().rollout("churn") is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("errors = 0.1", "needs plan"),
        ('plan = "5% 10m"', "The last step"),
        ("plan = 5", "must be a text"),
        ('plan = "100%"\nerrors = 1.5', "at most 1"),
        ('plan = "100%"\nfalse_alarm = 0', "at least 1e-06"),
        ('plan = "100%"\nmin_requests = -1', "from 0 to"),
        ('plan = "100%"\nspeed = 1', "not known here"),
    ],
)
def test_a_wrong_rollout_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        policy_of(tmp_path, f"[models.churn.rollout]\n{line}\n").read()
    assert said in str(refused.value)
