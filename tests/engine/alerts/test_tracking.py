"""The life of an alert, held to a plain reading of its rules over any windows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.alerts.model import Alert, AlertRule, AlertState, Change, Level, Severity, Signal
from engine.alerts.tracking import Track, acknowledged, lapsed, observed, resolved

RULES = st.builds(
    lambda k, more, clear, cool, auto: AlertRule(k, k + more, clear, cool, auto_resolve=auto),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(1, 3),
    st.sampled_from([0, 3_000, 20_000]),
    st.booleans(),
)
LEVELS = st.lists(st.sampled_from(Level), max_size=40)
MINUTE = 1_000


def signal(level: Level, at: int, rule: AlertRule, severity: Severity = Severity.WARNING) -> Signal:
    return Signal("m", "drift", level, at - MINUTE, at, severity=severity, sentence=f"seen at {at}", rule=rule)


def replay(levels: list[Level], rule: AlertRule) -> list[tuple[int, Change]]:
    """Every change with its time, one window a second."""
    track, alert, told = Track(), None, []
    for place, level in enumerate(levels, start=1):
        now_ms = place * MINUTE
        track, alert, change = observed(track, alert, signal(level, now_ms, rule), now_ms)
        if change is not None:
            told.append((now_ms, change))
        if alert is not None and alert.state is AlertState.RESOLVED:
            alert = None
    return told


def read_plainly(levels: list[Level], rule: AlertRule) -> list[tuple[int, Change]]:
    """The same by the words of the rule, from the whole past each time."""
    told: list[tuple[int, Change]] = []
    since, quiet_ms, active = 0, 0, False
    for place in range(1, len(levels) + 1):
        said = [each for each in levels[since:place] if each is not Level.UNKNOWN]
        if levels[place - 1] is Level.UNKNOWN:
            continue
        now_ms = place * MINUTE
        if active:
            good = len(said) >= rule.clear_k and all(each is Level.GOOD for each in said[-rule.clear_k :])
            if good and rule.auto_resolve:
                told.append((now_ms, Change.RESOLVED))
                active, since, quiet_ms = False, place, now_ms + rule.cool_down_ms
        elif said[-1] is Level.BAD and said[-rule.raise_m :].count(Level.BAD) >= rule.raise_k and now_ms >= quiet_ms:
            told.append((now_ms, Change.OPENED))
            active = True
    return told


@given(LEVELS, RULES)
def test_alerts_open_and_end_as_their_rule_says(levels: list[Level], rule: AlertRule) -> None:
    assert replay(levels, rule) == read_plainly(levels, rule)


@given(LEVELS, RULES)
def test_the_same_windows_give_the_same_alerts_however_often_they_are_told(
    levels: list[Level], rule: AlertRule
) -> None:
    track, alert = Track(), None
    for place, level in enumerate(levels, start=1):
        window = signal(level, place * MINUTE, rule)
        track, alert, _ = observed(track, alert, window, place * MINUTE)
        again = observed(track, alert, window, place * MINUTE)
        assert again == (track, alert, None)
        if alert is not None and alert.state is AlertState.RESOLVED:
            alert = None


def test_an_older_window_that_comes_late_changes_nothing() -> None:
    rule = AlertRule()
    track, alert, _ = observed(Track(), None, signal(Level.GOOD, 5_000, rule), 5_000)
    assert observed(track, alert, signal(Level.BAD, 4_000, rule), 6_000) == (track, alert, None)


def opened(rule: AlertRule = AlertRule(), severity: Severity = Severity.WARNING) -> tuple[Track, Alert]:  # noqa: B008 it is frozen
    track, alert, change = observed(Track(), None, signal(Level.BAD, 1_000, rule, severity), 1_000)
    assert change is Change.OPENED
    assert alert is not None
    return track, alert


def test_what_is_found_again_is_told_again_by_the_same_alert_and_disturbs_nobody() -> None:
    track, alert = opened()
    _, again, change = observed(track, alert, signal(Level.BAD, 2_000, alert.rule), 2_000)
    assert change is None
    assert again is not None
    assert (again.windows, again.sentence, again.opened_ms, again.updated_ms) == (2, "seen at 2000", 1_000, 2_000)


def test_what_becomes_worse_is_open_again_although_somebody_took_it_on() -> None:
    track, alert = opened()
    taken = acknowledged(alert, 1_500, "ada", None)
    _, worse, change = observed(track, taken, signal(Level.BAD, 2_000, alert.rule, Severity.CRITICAL), 2_000)
    assert change is Change.WORSENED
    assert worse is not None
    assert (worse.state, worse.owner, worse.severity) == (AlertState.OPEN, "", Severity.CRITICAL)


def test_an_alert_never_becomes_less_bad_while_it_lasts() -> None:
    track, alert = opened(severity=Severity.CRITICAL)
    _, again, change = observed(track, alert, signal(Level.BAD, 2_000, alert.rule, Severity.INFO), 2_000)
    assert change is None
    assert again is not None
    assert again.severity is Severity.CRITICAL


def test_what_was_taken_on_lapses_and_is_then_open_to_all() -> None:
    _, alert = opened()
    taken = acknowledged(alert, 2_000, "ada", 5_000)
    assert lapsed(taken, 4_999) == (taken, None)
    again, change = lapsed(taken, 5_000)
    assert (again.state, again.owner, change) == (AlertState.OPEN, "", Change.REOPENED)
    assert lapsed(acknowledged(alert, 2_000, "ada", None), 10**12)[1] is None


def test_what_nobody_takes_on_escalates_once() -> None:
    _, alert = opened(AlertRule(escalate_after_ms=10_000))
    assert lapsed(alert, 10_999)[1] is None
    worse, change = lapsed(alert, 11_000)
    assert (worse.severity, change) == (Severity.CRITICAL, Change.ESCALATED)
    assert lapsed(worse, 10**9) == (worse, None)
    assert lapsed(acknowledged(alert, 2_000, "ada", None), 10**9)[1] is None
    assert lapsed(replace(alert, silence=1), 10**9)[1] is None


def test_a_resolved_alert_says_who_ended_it_and_why() -> None:
    _, alert = opened()
    ended = resolved(alert, 9_000, "ada", "retrained")
    assert (ended.state, ended.resolved_ms, ended.resolved_by, ended.resolution) == (
        AlertState.RESOLVED,
        9_000,
        "ada",
        "retrained",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"raise_k": 0},
        {"raise_k": 3, "raise_m": 2},
        {"raise_m": 101},
        {"clear_k": 0},
        {"clear_k": 101},
        {"cool_down_ms": -1},
        {"escalate_after_ms": -1},
    ],
)
def test_a_rule_that_could_never_hold_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        AlertRule(**wrong)  # type: ignore[arg-type]  # each of its own type


def test_a_changed_rule_holds_for_the_alert_that_is_open() -> None:
    patient = AlertRule(clear_k=5)
    track, alert, _ = observed(Track(), None, signal(Level.BAD, MINUTE, patient), MINUTE)
    for place in (2, 3):
        track, alert, change = observed(
            track, alert, signal(Level.GOOD, place * MINUTE, AlertRule(clear_k=2)), place * MINUTE
        )
    assert change is Change.RESOLVED
    assert alert is not None
    assert alert.resolution == "The last 2 windows were good."
