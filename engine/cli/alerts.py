"""`qd alerts`: what monitors have found, and what people do about it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import age, moment
from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.live_names import ALERT, ENDPOINT, MODEL
from engine.cli.options import Search, past_option, reason_option, search_options
from engine.cli.output import Column, Format, format_options, show_lines, show_page, show_record, show_rows
from engine.cli.words import DURATION
from engine.core.paging import Page
from engine.core.plain import plain

if TYPE_CHECKING:
    from engine.alerts.model import Alert, Silence
    from engine.cli.session import Session


def silence_words(silence: Silence) -> str:
    """What a silence is about, such as `model churn, key drift`."""
    named = ((word, getattr(silence, word)) for word in ("monitor", "key", "model", "endpoint"))
    return ", ".join(f"{word} {value}" for word, value in named if value)


COLUMNS = (
    Column("id", lambda alert: alert.id, right=True),
    Column("severity", lambda alert: alert.severity.value),
    Column("state", lambda alert: alert.state.value + ("" if alert.silence is None else " (silenced)")),
    Column("subject", lambda alert: alert.subject),
    Column("monitor", lambda alert: alert.monitor),
    Column("opened_ms", lambda alert: alert.opened_ms, age, "age", right=True),
    Column("windows", lambda alert: alert.windows, right=True),
    Column("owner", lambda alert: alert.owner),
    Column("sentence", lambda alert: alert.sentence),
)
CHANGES = (
    Column("time_ms", lambda change: change.time_ms, moment, "time", right=True),
    Column("change", lambda change: change.change.value),
    Column("severity", lambda change: change.severity.value),
    Column("actor", lambda change: change.actor),
    Column("silenced", lambda change: change.silenced, lambda silenced: "silenced" if silenced else ""),
    Column("sentence", lambda change: change.sentence),
)
SILENCES = (
    Column("id", lambda silence: silence.id, right=True),
    Column("of", silence_words),
    Column("until_ms", lambda silence: silence.until_ms, moment, "until", right=True),
    Column("created_by", lambda silence: silence.created_by, title="by"),
    Column("ended_ms", lambda silence: silence.ended_ms, moment, "ended", right=True),
    Column("reason", lambda silence: silence.reason),
)
_SHOWN = "state != 'resolved' AND severity = 'critical' AND model = 'churn'"


def encode(alert: Alert) -> dict[str, Any]:
    """An alert's JSON: its fields and what it is about."""
    return {**plain(alert), "subject": alert.subject}


@click.group(cls=LazyGroup)
def alerts() -> None:
    """What monitors have found: take it on, silence it, resolve it."""


@alerts.command("list")
@click.option("--all", "every", is_flag=True, help="Resolved ones too.")
@search_options(example=_SHOWN, order="rank desc")
@past_option
@format_options
@click.pass_obj
def list_(session: Session, search: Search, fmt: Format, *, every: bool) -> None:
    """List alerts that are not resolved, newest first."""
    wanted = search.filter
    if not every:
        wanted = f"state != 'resolved' AND ({wanted})" if wanted else "state != 'resolved'"
    page = session.engine().alerts.page(wanted, search.order_by, limit=search.limit, page_token=search.page_token)
    show_page(page, COLUMNS, fmt, encode=encode)


@alerts.command()
@format_options
@click.pass_obj
def counts(session: Session, fmt: Format) -> None:
    """Say how many alerts are not resolved, and how bad the worst is."""
    show_record(session.engine().alerts.counts(), fmt)


@alerts.command()
@click.argument("alert", type=ALERT)
@past_option
@format_options
@click.pass_obj
def show(session: Session, alert: int, fmt: Format) -> None:
    """Show one alert: what was found, the numbers, what to do, and what happened to it."""
    service = session.engine().alerts
    found, changes = service.get(alert), service.changes(alert)
    if fmt is not Format.HUMAN:
        show_record({**encode(found), "history": plain(changes)}, fmt)
        return
    show_lines(_head(found))
    show_rows(changes, CHANGES, fmt)


@alerts.command()
@click.argument("alert", type=ALERT)
@format_options
@click.pass_obj
def changes(session: Session, alert: int, fmt: Format) -> None:
    """List what happened to an alert, in order."""
    show_page(Page(session.engine().alerts.changes(alert)), CHANGES, fmt)


@alerts.command()
@click.argument("alert", type=ALERT)
@click.option("--for", "length", type=DURATION, help="When that lapses and it is open again, such as 2h.")
@click.option("--reason", default="", help="What is being done.")
@format_options
@click.pass_obj
def acknowledge(session: Session, alert: int, length: int | None, reason: str, fmt: Format) -> None:
    """Take an alert on: nobody else need look, and it does not escalate."""
    until_ms = None if length is None else _from_now(length)
    show_record(encode(session.engine().alerts.acknowledge(alert, reason=reason, until_ms=until_ms)), fmt)


@alerts.command("give-back")
@click.argument("alert", type=ALERT)
@click.option("--reason", default="", help="Why.")
@format_options
@click.pass_obj
def give_back(session: Session, alert: int, reason: str, fmt: Format) -> None:
    """No longer look after an alert: it is open again."""
    show_record(encode(session.engine().alerts.give_back(alert, reason=reason)), fmt)


@alerts.command()
@click.argument("alert", type=ALERT)
@reason_option
@format_options
@click.pass_obj
def resolve(session: Session, alert: int, reason: str, fmt: Format) -> None:
    """End an alert by hand; its monitor opens a new one if it is still bad after the cool-down."""
    show_record(encode(session.engine().alerts.resolve(alert, reason=reason)), fmt)


@alerts.command()
@click.option("--for", "length", type=DURATION, required=True, help="How long, such as 2h; at most 90 days.")
@click.option("--monitor", default="", help="Only of this monitor.")
@click.option("--key", default="", help="Only of what it watches under this key.")
@click.option("--model", type=MODEL, default="", help="Only of this model.")
@click.option("--endpoint", type=ENDPOINT, default="", help="Only of this endpoint.")
@reason_option
@format_options
@click.pass_obj
def silence(session: Session, /, length: int, reason: str, fmt: Format, **about: Any) -> None:
    """Tell nobody of some alerts for a while; they are still found and listed."""
    show_record(session.engine().alerts.silence(until_ms=_from_now(length), reason=reason, **about), fmt)


@alerts.command()
@click.argument("silence", type=int)
@format_options
@click.pass_obj
def unsilence(session: Session, silence: int, fmt: Format) -> None:
    """End a silence before its time."""
    show_record(session.engine().alerts.unsilence(silence), fmt)


@alerts.command()
@click.option("--ended", is_flag=True, help="Those that have ended too.")
@past_option
@format_options
@click.pass_obj
def silences(session: Session, fmt: Format, *, ended: bool) -> None:
    """List silences, newest first."""
    found = session.engine().alerts.silences(ended=ended)
    if not found and fmt is Format.HUMAN:
        narrate("Nothing is silenced.")
        return
    show_page(Page(found), SILENCES, fmt)


def _from_now(length_ms: int) -> int:
    return int(time.time() * 1_000) + length_ms


def _head(alert: Alert) -> list[str]:
    quiet = "" if alert.silence is None else f", silenced by {alert.silence}"
    owner = f" by {alert.owner}" if alert.owner else ""
    return [
        f"alert {alert.id}: {alert.severity.value}, {alert.state.value}{owner}{quiet}",
        f"{alert.subject}, found by {alert.monitor} ({alert.key}) in {alert.windows} windows",
        alert.sentence,
        *([f"Next: {alert.next_step}"] if alert.next_step else []),
        *(f"{key}: {value}" for key, value in alert.evidence.items() if isinstance(value, (str, int, float))),
    ]
