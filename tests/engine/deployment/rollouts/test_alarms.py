"""The analysis of a rollout reads what monitors raise about its version: accuracy fails it, drift asks a human."""

from __future__ import annotations

from typing import Any

import pytest

from engine.alerts.model import Level, Severity, Signal
from engine.alerts.raising import observe
from engine.deployment.rollout_model import RolloutState
from tests.engine.deployment.rollouts.rolling import MINUTE_MS, Rolling


def raised(rolling: Rolling, key: str, **changes: Any) -> None:
    """Have a monitor raise an alert about version 2."""
    now_ms = rolling.clock.now_ms()
    facts: dict[str, Any] = {"sentence": "auc is 0.7.", "model": "churn", "version": 2, "endpoint": "churn"}
    signal = Signal("watch", key, Level.BAD, now_ms - MINUTE_MS, now_ms, **(facts | changes))
    with rolling.database.transaction(rolling.engine().access.actor) as tx:
        assert observe(tx, signal)


def begun(rolling: Rolling) -> None:
    rolling.rollouts.start("churn", 2, reason="better")
    rolling.acknowledge()
    rolling.analyst.tick()


@pytest.mark.parametrize(
    ("key", "state"),
    [
        ("performance canary", RolloutState.FAILED),
        ("concept errors canary", RolloutState.FAILED),
        ("performance estimate canary", RolloutState.PAUSED),
        ("drift canary", RolloutState.PAUSED),
        ("quality canary", RolloutState.PAUSED),
    ],
)
def test_an_alert_about_the_candidate_fails_it_or_asks_a_human(rolling: Rolling, key: str, state: RolloutState) -> None:
    begun(rolling)
    raised(rolling, key)
    rolling.analyst.tick()
    last = rolling.last()
    assert last.state is state
    assert "auc is 0.7." in last.note


@pytest.mark.parametrize(
    "changes", [{"version": 1}, {"endpoint": "other"}, {"model": "else"}, {"severity": Severity.INFO}]
)
def test_other_alerts_stop_nothing(rolling: Rolling, changes: dict[str, Any]) -> None:
    begun(rolling)
    raised(rolling, "performance", **changes)
    rolling.analyst.tick()
    assert rolling.last().state is RolloutState.RUNNING


def test_what_was_known_before_it_began_stops_nothing(rolling: Rolling) -> None:
    raised(rolling, "drift")
    rolling.clock.advance(MINUTE_MS)
    begun(rolling)
    rolling.analyst.tick()
    assert rolling.last().state is RolloutState.RUNNING
