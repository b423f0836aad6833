"""Alerts that come up while the console runs: said in the message line, with the terminal's bell where they are bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.alerts.model import AlertState, Change, Severity
from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.core.events import Changes

_LOUD = frozenset(each.value for each in (Change.OPENED, Change.WORSENED, Change.ESCALATED, Change.REOPENED))


class Alarm(NamedTuple):
    """What is said.

    Args:
        sentence: What was found, and where more of it is.
        look: How it is said.
        bell: Whether the terminal's bell rings.
    """

    sentence: str
    look: str
    bell: bool


def alarming(changes: Changes) -> tuple[int, ...]:
    """Numbers of the alerts that have just come up or become worse.

    Args:
        changes: What has changed.
    """
    return tuple(int(event.key) for event in changes.events if event.kind == "alert" and event.change in _LOUD)


def read_alarm(engine: Engine, numbers: tuple[int, ...]) -> Alarm | None:
    """What is to be said of them; `None` when nobody wants to be told.

    Args:
        engine: The workspace.
        numbers: Their numbers.
    """
    try:
        found = [engine.alerts.get(number) for number in numbers]
    except QuarterdeckError:  # gone again; the list says so
        return None
    open_ = [each for each in found if each.state is AlertState.OPEN and each.silence is None]
    if not open_:
        return None
    worst = max(open_, key=lambda each: (each.severity.rank, each.id))
    more = f" and {len(open_) - 1} more" if len(open_) > 1 else ""
    sentence = f"{worst.severity.value} {worst.subject}: {worst.sentence}{more}  :alert {worst.id}"
    return Alarm(
        sentence, "bad" if worst.severity is not Severity.INFO else "warn", worst.severity is not Severity.INFO
    )
