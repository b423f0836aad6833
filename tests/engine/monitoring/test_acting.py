"""An alert pauses a rollout or asks for a rollback where its monitor's settings say so; people's operations do it."""

from __future__ import annotations

import pytest

from engine.deployment.rollout_model import RolloutState
from tests.engine.monitoring.town import Town

ROWS = [{"x": float(place)} for place in range(50)]


def alarm(town: Town, *actions: str) -> None:
    """Have a monitor with these actions open an alert: its endpoint falls silent."""
    town.watch(actions=list(actions))
    for _ in range(4):
        town.minute(ROWS)
    town.minute([])
    assert any("opened" in each.paged for each in town.run())


def test_without_actions_an_alert_only_tells(town: Town) -> None:
    town.operator.rollouts.start("churn", 2, plan="10% 1h -> 100%", reason="better")
    alarm(town)
    found = town.operator.rollouts.open_of("churn")
    assert found is not None
    assert found.state is RolloutState.RUNNING


@pytest.mark.parametrize(
    ("action", "state"), [("pause rollout", RolloutState.PAUSED), ("request rollback", RolloutState.ABORTED)]
)
def test_a_rollout_that_runs_is_paused_or_given_up_with_the_reason(
    town: Town, action: str, state: RolloutState
) -> None:
    town.operator.rollouts.start("churn", 2, plan="10% 1h -> 100%", reason="better")
    alarm(town, action)
    last = town.operator.rollouts.page("churn").items[0]
    assert last.state is state
    told = [each for each in town.engine().audit.page().items if "watch has opened an alert" in each.reason]
    assert told
    assert town.operator.alerts.page().items[0].sentence[:20] in told[0].reason


def test_where_no_rollout_runs_a_rollback_is_asked_for_and_a_person_decides(town: Town) -> None:
    alarm(town, "request rollback", "pause rollout")
    asked = [each for each in town.engine().audit.page().items if each.verb == "request rollback"]
    assert [(each.key, each.via, each.origin) for each in asked] == [("churn", "analysis", "monitor watch")]
    assert town.endpoints.get("churn").desired == town.endpoints.history("churn").items[0]
    assert len(town.endpoints.history("churn").items) == 1


def test_a_back_test_does_nothing(town: Town) -> None:
    town.watch(actions=["request rollback"])
    for _ in range(4):
        town.minute(ROWS)
    town.minute([])
    test = town.monitors.backtest("watch")
    assert test.pages
    assert town.monitors.run("watch", dry=True)
    assert all(each.verb != "request rollback" for each in town.engine().audit.page().items)


def test_what_a_process_that_died_had_no_time_for_is_done_by_the_next(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.deployment.reacting.Reactions.act", dies)
    with pytest.raises(KeyboardInterrupt):
        alarm(town, "request rollback")
    monkeypatch.undo()
    town.clock.advance(60_000)
    town.run()
    town.run()
    asked = [each for each in town.engine().audit.page().items if each.verb == "request rollback"]
    assert len(asked) == 1
