"""Doing one thing to many: one question that lists them, then each in turn, and what came of every one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from console.actions import Danger, why_not
from console.past import why_off
from console.tasks import Cancelled
from engine.core.errors import QuarterdeckError
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.actions import Action, Answers, Each
    from console.app import ConsoleApp
    from console.exporting.reading import Tell
    from engine.api import Engine

LISTED = 10
"""Things that the question names; the others are counted."""

AT_SIGHT = 20
"""Things that are done while one waits; more are a task, which says how far it is and can be given up."""

REASONS = 3
"""Reasons for skipping that are told."""


class Sorted(NamedTuple):
    """Things, by whether something can be done to them.

    Args:
        able: Those it can be done to.
        reasons: Why not to the others, and to how many of them.
    """

    able: tuple[Any, ...]
    reasons: Counter[str]


class Outcome(NamedTuple):
    """What came of doing it to each.

    Args:
        done: How many it was done to.
        failed: Name and reason of those it failed for.
        left: How many were not tried, because it was given up.
    """

    done: int
    failed: tuple[tuple[str, str], ...]
    left: int


def invoke_all(app: ConsoleApp, action: Action, each: Each, things: Sequence[Any], typed: Answers | None) -> None:
    """Ask once, then do it to each of several things; a command that names them all and is harmless asks nothing.

    Args:
        app: The application.
        action: What is to be done.
        each: How it is done to one.
        things: At least two things.
        typed: What a command filled in already, by field name; `None` for a key.
    """
    found = sort(action, things)
    subject = found.able or tuple(things)
    reason = why_not(action, subject, app.pasts.present.access, stale=app.stale, past=why_off(app.navigator.here))
    if reason is not None:
        app.say(reason, "warn")
        return
    from console.commanding.doing import asks_nothing, filled
    from console.screens.dialogs import Ask

    fields, danger = filled(action.ask(subject), typed or {}), action.danger_for(subject)
    if typed is not None and danger < Danger.PRODUCTION and asks_nothing(action, fields, typed):
        _answered(app, action, each, found, {field.name: field.value for field in fields})
        return
    asked = replace(action, about=f"{action.label.capitalize()}: {len(subject):,} of {len(things):,}")
    asked = replace(asked, consequences=lambda _subject: lines(each, found))
    app.open_dialog(Ask(asked, subject, danger, fields), partial(_answered, app, action, each, found))


def sort(action: Action, things: Sequence[Any]) -> Sorted:
    """Tell the things that it can be done to from the others."""
    reasons = [action.enabled((thing,)) for thing in things]
    able = tuple(thing for thing, reason in zip(things, reasons, strict=True) if reason is None)
    return Sorted(able, Counter(reason for reason in reasons if reason is not None))


def lines(each: Each, found: Sorted) -> list[str]:
    """The things it is done to, and how many are skipped for which reasons."""
    told = [f"· {clean(each.name(thing))}" for thing in found.able[:LISTED]]
    if len(found.able) > LISTED:
        told.append(f"and {len(found.able) - LISTED:,} more")
    for reason, count in found.reasons.most_common(REASONS):
        told.append(f"skipped: {count:,}. {reason}")
    rest = sum(found.reasons.values()) - sum(count for _, count in found.reasons.most_common(REASONS))
    return [*told, f"skipped for other reasons: {rest:,}"] if rest else told


def _answered(app: ConsoleApp, action: Action, each: Each, found: Sorted, answers: Answers | None) -> None:
    if answers is None:
        app.say(f"{action.label.capitalize()}: nothing was changed.", "dim")
        return
    engine = app.pasts.present

    def compute(tell: Tell) -> Outcome:
        return app.pasts.under(engine, lambda: do_all(engine, each, found.able, answers, tell))

    def start() -> None:
        shell = action.twin(found.able, answers)
        told = partial(_told, app, action)
        if len(found.able) > AT_SIGHT:
            app.work(f"{action.label} {len(found.able):,}", compute, told, shell)
        else:
            app.act(lambda: compute(_silent), told, shell)

    app.hints.during(action, found.able, start)


def _silent(_words: str, _done: int, _all: int) -> None:
    """Says nothing: it is over in a moment."""


def do_all(engine: Engine, each: Each, things: Sequence[Any], answers: Answers, tell: Tell) -> Outcome:
    """Do it to one thing after the other; what fails stops none of the others.

    Args:
        engine: The open workspace.
        each: How it is done to one.
        things: The things.
        answers: What was filled in.
        tell: Told before every thing; may raise `Cancelled`.

    Returns:
        What came of it.
    """
    failed: list[tuple[str, str]] = []
    for place, thing in enumerate(things):
        name = clean(each.name(thing))
        try:
            tell(name, place, len(things))
            each.do(engine, thing, answers)
        except Cancelled:
            return Outcome(place - len(failed), tuple(failed), len(things) - place)
        except QuarterdeckError as error:
            failed.append((name, f"{error.message} {error.hint}".strip()))
    return Outcome(len(things) - len(failed), tuple(failed), 0)


def _told(app: ConsoleApp, action: Action, outcome: Outcome) -> None:
    words = f"{action.label.capitalize()}: {outcome.done:,} done"
    if outcome.failed:
        words += f", {len(outcome.failed):,} failed"
    if outcome.left:
        words += f", {outcome.left:,} left as they were"
    app.say(f"{words}.", "warn" if outcome.failed or outcome.left else "good")
    if not outcome.failed:
        return
    from console.screens.dialogs import WIDTH, TextDialog
    from console.text import wrap
    from console.widgets.document import Line

    told = [(f"✗ {name}: {reason}", "bad") for name, reason in outcome.failed]
    listed = [Line([(part, look)]) for text, look in told for part in wrap(clean(text, limit=400), WIDTH - 4)]
    app.open_dialog(TextDialog(f"{words}", listed, "warn"))
