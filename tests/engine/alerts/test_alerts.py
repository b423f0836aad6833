"""Alerts in a workspace: kept with their results, taken on, silenced, resolved; each step audited and told once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import engine
from engine.alerts.model import AlertRule, AlertState, Change, Level, Severity, Signal
from engine.alerts.raising import forget, observe
from engine.alerts.service import Alerts
from engine.api import Engine
from engine.audit.model import AuditFilter
from engine.core.access import Actor, Role
from engine.core.clock import ManualClock
from engine.core.errors import Conflict, InvalidInput, NotFound, PermissionDenied, ReadOnlyMode
from engine.webhooks.sending import Sender
from tests.builders import empty_workspace
from tests.engine.webhooks.receiver import Receiver

MONITOR = Actor("qd monitors", "local", "api")
HOUR = 3_600_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock) -> Iterator[Engine]:
    workspace = empty_workspace(tmp_path / "workspace")
    workspace.policy_file.write_text('[webhooks]\nallow_private = ["127.0.0.1"]\n')
    with engine.open(workspace.path, clock=clock) as found:
        yield found


def tell(opened: Engine, level: Level = Level.BAD, **said: object) -> tuple[Change, ...]:
    """One more window, an instant after the last."""
    assert isinstance(opened.clock, ManualClock)
    opened.clock.advance(1_000)
    now_ms = opened.clock.now_ms()
    facts = {"monitor": "loans", "key": "drift", "model": "car-loan", "version": 2, "sentence": "car_value went up"}
    signal = Signal(**{**facts, **said}, level=level, window_start_ms=now_ms - 1_000, window_end_ms=now_ms)  # type: ignore[arg-type]  # each of its own type
    with opened.database.transaction(MONITOR) as tx:
        return tuple(each.change for each in observe(tx, signal))


def test_an_alert_names_the_model_the_evidence_and_the_next_step(opened: Engine) -> None:
    assert tell(opened, next_step="Look at car_value.", value=0.31, evidence={"psi": 0.31}) == (Change.OPENED,)
    (alert,) = opened.alerts.page().items
    assert (alert.subject, alert.next_step, alert.value, alert.evidence) == (
        "car-loan/2",
        "Look at car_value.",
        0.31,
        {"psi": 0.31},
    )
    assert opened.alerts.get(alert.id) == alert
    (entry,) = opened.audit.page(AuditFilter(kind="alert")).items
    assert (entry.verb, entry.key, entry.actor) == ("open", str(alert.id), "qd monitors")


def test_an_alert_is_kept_with_its_result_or_not_at_all(opened: Engine) -> None:
    with pytest.raises(ZeroDivisionError), opened.database.transaction(MONITOR) as tx:
        observe(tx, Signal("loans", "drift", Level.BAD, 0, 1))
        raise ZeroDivisionError
    assert opened.alerts.page().items == ()
    assert tell(opened) == (Change.OPENED,)


def test_two_things_that_are_watched_have_two_alerts(opened: Engine) -> None:
    tell(opened)
    tell(opened, key="quality", severity=Severity.CRITICAL)
    tell(opened, monitor="weather", key="drift", model="seattle-weather", endpoint="weather")
    counts = opened.alerts.counts()
    assert (counts.open, counts.worst, counts.by_model) == (
        3,
        Severity.CRITICAL,
        {"car-loan": 2, "seattle-weather": 1},
    )
    assert counts.by_endpoint == {"weather": 1}


def test_good_windows_end_it_and_a_cool_down_keeps_it_from_coming_back_at_once(opened: Engine) -> None:
    rule = AlertRule(clear_k=2, cool_down_ms=5_000)
    tell(opened, rule=rule)
    assert tell(opened, Level.GOOD, rule=rule) == ()
    assert tell(opened, Level.GOOD, rule=rule) == (Change.RESOLVED,)
    (ended,) = opened.alerts.page().items
    assert (ended.state, ended.resolution) == (AlertState.RESOLVED, "The last 2 windows were good.")
    said = [tell(opened, rule=rule) for _ in range(6)]
    assert said == [()] * 4 + [(Change.OPENED,), ()]


def test_an_alert_goes_on_where_another_process_stopped(opened: Engine, clock: ManualClock) -> None:
    rule = AlertRule(raise_k=2, raise_m=2)
    tell(opened, rule=rule)
    with engine.open(opened.workspace.path, clock=clock) as other:
        assert tell(other, rule=rule) == (Change.OPENED,)
    assert opened.alerts.counts().open == 1


def test_somebody_takes_it_on_until_a_time_and_gives_it_back(opened: Engine, clock: ManualClock) -> None:
    tell(opened)
    me = opened.access.actor.name
    taken = opened.alerts.acknowledge(1, reason="looking", until_ms=clock.now_ms() + HOUR)
    assert (taken.state, taken.owner) == (AlertState.ACKNOWLEDGED, me)
    assert opened.alerts.counts().acknowledged == 1
    clock.advance(HOUR)
    (change,) = opened.alerts.advance()
    assert change.change is Change.REOPENED
    assert opened.alerts.advance() == ()
    opened.alerts.acknowledge(1)
    assert opened.alerts.give_back(1, reason="off shift").state is AlertState.OPEN
    said = [(each.change, each.sentence) for each in opened.alerts.changes(1)]
    assert said[1] == (Change.ACKNOWLEDGED, "looking")
    assert said[-1] == (Change.REOPENED, "off shift")


def test_a_resolution_by_hand_forgets_the_windows_before_it(opened: Engine) -> None:
    rule = AlertRule(raise_k=2, raise_m=3)
    tell(opened, rule=rule)
    tell(opened, rule=rule)
    ended = opened.alerts.resolve(1, reason="retrained")
    assert (ended.state, ended.resolved_by, ended.resolution) == (
        AlertState.RESOLVED,
        opened.access.actor.name,
        "retrained",
    )
    assert tell(opened, rule=rule) == ()
    assert tell(opened, rule=rule) == (Change.OPENED,)


def test_a_silence_hides_nothing_but_tells_nobody(opened: Engine, clock: ManualClock) -> None:
    opened.webhooks.create("page", "https://example.com/hook", ("alert.opened", "alert.reopened"))
    opened.alerts.silence(until_ms=clock.now_ms() + HOUR, reason="new data source", model="car-loan")
    tell(opened)
    (alert,) = opened.alerts.page().items
    assert alert.silence == 1
    assert opened.alerts.counts().silenced == 1
    assert opened.alerts.counts().worst is None
    assert opened.alerts.changes(1)[0].silenced
    outbox = opened.outbox(Sender())
    assert outbox.fill() is None
    clock.advance(HOUR)
    (change,) = opened.alerts.advance()
    assert (change.change, change.silenced) == (Change.REOPENED, False)
    assert outbox.fill() is not None
    assert opened.alerts.silences() == ()
    assert len(opened.alerts.silences(ended=True)) == 1


def test_a_silence_that_is_ended_by_hand_tells_of_what_it_hid(opened: Engine, clock: ManualClock) -> None:
    tell(opened)
    silence = opened.alerts.silence(until_ms=clock.now_ms() + HOUR, reason="known", monitor="loans")
    assert opened.alerts.get(1).silence == silence.id
    ended = opened.alerts.unsilence(silence.id)
    assert ended.ended_by == opened.access.actor.name
    assert opened.alerts.get(1).silence is None
    assert opened.alerts.changes(1)[-1].change is Change.REOPENED
    with pytest.raises(Conflict, match="ended"):
        opened.alerts.unsilence(silence.id)


@pytest.mark.parametrize(
    ("about", "covered"),
    [
        ({"model": "car-loan"}, True),
        ({"monitor": "loans", "key": "drift"}, True),
        ({"monitor": "loans", "key": "quality"}, False),
        ({"endpoint": "car-loan"}, False),
        ({"model": "car"}, False),
    ],
)
def test_a_silence_is_about_what_it_names_and_nothing_else(
    opened: Engine, clock: ManualClock, about: dict[str, str], covered: bool
) -> None:
    opened.alerts.silence(until_ms=clock.now_ms() + HOUR, reason="known", **about)
    tell(opened)
    assert (opened.alerts.get(1).silence is not None) is covered


def test_the_alerts_of_a_deleted_monitor_end(opened: Engine) -> None:
    tell(opened)
    tell(opened, monitor="other")
    with opened.database.transaction(opened.access.actor) as tx:
        forget(tx, "loans")
    assert [each.monitor for each in opened.alerts.page("state = 'open'").items] == ["other"]


def test_alerts_are_found_by_what_they_are_about(opened: Engine) -> None:
    tell(opened, severity=Severity.INFO, value=0.1)
    tell(opened, key="nulls", severity=Severity.CRITICAL, value=0.9)
    page = opened.alerts.page

    def found(wanted: str, order: tuple[str, ...] = ()) -> list[str]:
        return [each.key for each in page(wanted, order).items]

    assert found("severity = 'CRITICAL'") == ["nulls"]
    assert found("value < 0.5") == ["drift"]
    assert found("opened > '1h'", ("rank DESC",)) == ["nulls", "drift"]
    first = page(limit=1)
    assert first.next_page_token is not None
    assert [each.key for each in page(limit=1, page_token=first.next_page_token).items] == ["drift"]


def test_what_happens_is_brought_to_webhooks_with_its_evidence(opened: Engine) -> None:
    with Receiver() as receiver:
        opened.webhooks.create("page", receiver.url, ("alert.opened", "alert.resolved"))
        outbox = opened.outbox(Sender(patience_s=1.0))
        tell(opened, next_step="Look at car_value.")
        opened.alerts.resolve(1, reason="retrained")
        outbox.fill()
        outbox.send()
    told = {message.json["action"]: message.json["data"] for message in receiver.messages}
    assert told["opened"]["model"] == "car-loan"
    assert told["opened"]["next_step"] == "Look at car_value."
    assert told["opened"]["severity"] == "warning"
    assert told["resolved"]["reason"] == "retrained"


REFUSED: dict[str, tuple[Callable[[Alerts, int], object], type[Exception]]] = {
    "no such alert": (lambda alerts, _: alerts.get(99), NotFound),
    "a number beyond all": (lambda alerts, _: alerts.get(2**70), NotFound),
    "a history of none": (lambda alerts, _: alerts.changes(99), NotFound),
    "a resolution without a reason": (lambda alerts, _: alerts.resolve(1, reason=" "), InvalidInput),
    "a long reason": (lambda alerts, _: alerts.resolve(1, reason="x" * 2_001), InvalidInput),
    "a time that is over": (lambda alerts, now: alerts.acknowledge(1, until_ms=now), InvalidInput),
    "to give back what nobody has": (lambda alerts, _: alerts.give_back(1), Conflict),
    "a silence of everything": (lambda alerts, now: alerts.silence(until_ms=now + 1, reason="x"), InvalidInput),
    "a silence without a reason": (
        lambda alerts, now: alerts.silence(until_ms=now + 1, reason="", model="m"),
        InvalidInput,
    ),
    "a silence for ever": (
        lambda alerts, now: alerts.silence(until_ms=now + 91 * 24 * HOUR, reason="x", model="m"),
        InvalidInput,
    ),
    "a silence of an endless name": (
        lambda alerts, now: alerts.silence(until_ms=now + 1, reason="x", monitor="m" * 501),
        InvalidInput,
    ),
    "no such silence": (lambda alerts, _: alerts.unsilence(4), NotFound),
    "a reason of half a character": (lambda alerts, _: alerts.resolve(1, reason="\ud800"), InvalidInput),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_and_changes_nothing(opened: Engine, case: str) -> None:
    tell(opened)
    before = opened.alerts.get(1), opened.audit.head().size
    act, error = REFUSED[case]
    with pytest.raises(error):
        act(opened.alerts, opened.clock.now_ms())
    assert (opened.alerts.get(1), opened.audit.head().size) == before


def test_a_resolved_alert_stays_as_it_is(opened: Engine) -> None:
    tell(opened)
    opened.alerts.resolve(1, reason="retrained")
    for act in (opened.alerts.acknowledge, opened.alerts.give_back):
        with pytest.raises(Conflict, match="resolved"):
            act(1)
    with pytest.raises(Conflict, match="resolved"):
        opened.alerts.resolve(1, reason="again")


def test_a_viewer_and_a_read_only_session_change_nothing(opened: Engine, clock: ManualClock) -> None:
    tell(opened)
    viewer = opened.acting(Actor("eve"), Role.VIEWER).alerts
    assert viewer.counts().open == 1
    for act in (
        lambda: viewer.acknowledge(1),
        lambda: viewer.resolve(1, reason="x"),
        lambda: viewer.silence(until_ms=clock.now_ms() + 1, reason="x", model="m"),
        viewer.advance,
    ):
        with pytest.raises(PermissionDenied):
            act()
    with engine.open(opened.workspace.path, read_only=True, clock=clock) as reading:
        assert reading.alerts.page().items[0].state is AlertState.OPEN
        with pytest.raises(ReadOnlyMode):
            reading.alerts.acknowledge(1)


def test_a_monitor_of_the_same_name_begins_with_nothing(opened: Engine) -> None:
    rule = AlertRule(raise_k=2, raise_m=3, cool_down_ms=HOUR)
    tell(opened, rule=rule)
    with opened.database.transaction(opened.access.actor) as tx:
        forget(tx, "loans")
    assert tell(opened, rule=rule) == ()
    assert tell(opened, rule=rule) == (Change.OPENED,)


def test_nobody_is_told_of_the_end_of_what_was_silenced(opened: Engine, clock: ManualClock) -> None:
    opened.webhooks.create("page", "https://example.com/hook", ("alert.opened", "alert.resolved"))
    opened.alerts.silence(until_ms=clock.now_ms() + HOUR, reason="new data source", model="car-loan")
    tell(opened)
    opened.alerts.resolve(1, reason="moved")
    assert [each.silenced for each in opened.alerts.changes(1)] == [True, True]
    assert opened.outbox(Sender()).fill() is None


def test_the_end_of_a_silence_does_not_call_who_looks_after_it(opened: Engine, clock: ManualClock) -> None:
    tell(opened)
    opened.alerts.silence(until_ms=clock.now_ms() + HOUR, reason="known", model="car-loan")
    opened.alerts.acknowledge(1)
    clock.advance(HOUR)
    assert opened.alerts.advance() == ()
    found = opened.alerts.get(1)
    assert (found.state, found.silence) == (AlertState.ACKNOWLEDGED, None)


def test_the_log_keeps_why_somebody_ended_what_another_looked_after(opened: Engine) -> None:
    tell(opened)
    opened.acting(Actor("alice"), Role.OPERATOR).alerts.acknowledge(1, reason="looking")
    opened.acting(Actor("bob"), Role.OPERATOR).alerts.give_back(1, reason="she is away")
    opened.acting(Actor("alice"), Role.OPERATOR).alerts.acknowledge(1)
    opened.acting(Actor("bob"), Role.OPERATOR).alerts.resolve(1, reason="retrained")
    reasons = [(each.verb, each.reason) for each in opened.audit.page(AuditFilter(kind="alert")).items]
    assert sorted(reasons) == [
        ("acknowledge", ""),
        ("acknowledge", "looking"),
        ("open", ""),
        ("reopen", "she is away"),
        ("resolve", "retrained"),
    ]
