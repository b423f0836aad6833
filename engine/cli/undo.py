"""`qd undo` and `qd redo`: take a change back, or do it again; what it would change is shown first."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, NamedTuple, cast

import click

from engine.cli.cells import moment
from engine.cli.confirmation import ask_for_name
from engine.cli.diagnostics import narrate
from engine.cli.options import gathered, yes_option
from engine.cli.output import Format, format_options, show_lines, show_record
from engine.core.errors import Conflict, InvalidInput, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    from engine.cli.session import Session
    from engine.undoing.model import UndoPlan

    F = TypeVar("F", bound=Callable[..., Any])


class _How(NamedTuple):
    dry_run: bool
    reason: str
    yes: bool


def _options(function: F) -> F:
    dry = click.option("--dry-run", is_flag=True, help="Only say what would change and what stands in the way.")
    reason = click.option("--reason", default="", help="Why; kept in the audit log.")
    return cast("F", dry(reason(yes_option(gathered("how", _How)(format_options(function))))))


@click.command()
@click.argument("seq", type=int, required=False)
@_options
@click.pass_obj
def undo(session: Session, seq: int | None, how: _How, fmt: Format) -> int:
    """Undo record SEQ of the audit log, whoever did it; without SEQ, your newest change that can be undone.

    Exit 4 when a role, a gate or a policy stands against it, 1 when the same was changed since; a dry run 4 for all.
    """
    undoing = session.engine().undoing
    plan = undoing.latest() if seq is None else undoing.plan(seq)
    if plan is None:
        raise Conflict("You have changed nothing lately that can be undone.", hint="Name a record: `qd audit list`.")
    return _carry_out(session, plan, how, fmt, asked=seq is not None)


@click.command()
@_options
@click.pass_obj
def redo(session: Session, how: _How, fmt: Format) -> int:
    """Do again what you undid last."""
    plan = session.engine().undoing.redoable()
    if plan is None:
        raise Conflict("You have undone nothing lately.", hint="`qd undo` undoes your newest change.")
    return _carry_out(session, plan, how, fmt, asked=False)


def _carry_out(session: Session, plan: UndoPlan, how: _How, fmt: Format, *, asked: bool) -> int:
    if how.dry_run:
        if fmt is Format.HUMAN:
            show_lines(lines(plan))
        else:
            show_record(plan, fmt)
        return 0 if plan.allowed else Refused.exit_code
    for line in lines(plan):
        narrate(line)
    if plan.allowed:
        _ask(plan, how, asked=asked)
    done = session.engine().undoing.undo(plan.asked, reason=how.reason, expected=plan.expect)
    if fmt is Format.HUMAN:
        again = "" if plan.final else " `qd redo` does it again." if not done.redo else " `qd undo` takes it back."
        narrate(f"Done, as record {done.seq}.{again}")
    else:
        show_record(done, fmt)
    return 0


def lines(plan: UndoPlan) -> Iterator[str]:
    """What people read of a plan: whose change, each field as it is and as it would be, what stands in the way.

    Args:
        plan: The plan.
    """
    entry = plan.record
    verb = "Do again what was undone in" if plan.redo else "Undo"
    why = f": {entry.reason}" if entry.reason else ""
    what = f"{entry.verb} {entry.kind} {entry.key}"
    yield f"{verb} record {entry.seq}: {what}, by {entry.actor} {moment(entry.time_ms)}{why}"
    for change in plan.changes:
        yield f"  {change.field}"
        if change.now is not None:
            yield f"  - {_text(change.now)}"
        if change.then is not None:
            yield f"  + {_text(change.then)}"
    for passed in plan.passed:
        yield f"Passed over: {passed}"
    if plan.loses:
        yield plan.loses
    if plan.final:
        yield f"This cannot be undone in its turn: {plan.final}"
    for blocker in plan.blockers:
        yield f"Not now: {blocker}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _ask(plan: UndoPlan, how: _How, *, asked: bool) -> None:
    """As much care as the inverse takes: nothing for what was named and is harmless, else yes, else the number.

    Raises:
        InvalidInput: nobody can be asked, or the answer was another one.
    """
    act = f"This undoes record {plan.record.seq}"
    if how.yes or (asked and plan.danger < 2):
        return
    if plan.danger > 2:
        ask_for_name(act, str(plan.record.seq), f"This cannot be undone: {plan.final}" if plan.final else "")
        return
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInput(f"{act}, and nobody can be asked here.", hint="Add --yes if you mean it.")
    if not click.confirm(f"{act}. Go on?", err=True):
        raise InvalidInput("Nothing was done.")
