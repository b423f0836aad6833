"""`qd webhooks`: who is told what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import age, moment
from engine.cli.confirmation import confirm
from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.live_names import WEBHOOK
from engine.cli.options import paging_options, past_option, yes_option
from engine.cli.output import Column, Format, format_options, show_lines, show_page, show_record

if TYPE_CHECKING:
    from engine.cli.session import Session

COLUMNS = (
    Column("id", lambda webhook: webhook.id),
    Column("name", lambda webhook: webhook.name),
    Column("active", lambda webhook: webhook.active, lambda active: "on" if active else "off"),
    Column("url", lambda webhook: webhook.url),
    Column("events", lambda webhook: webhook.events, ", ".join),
    Column("created_ms", lambda webhook: webhook.created_ms, age, "age", right=True),
)
DELIVERIES = (
    Column("created_ms", lambda delivery: delivery.created_ms, age, "age", right=True),
    Column("event", lambda delivery: delivery.event),
    Column("state", lambda delivery: delivery.state.value),
    Column("attempts", lambda delivery: delivery.attempts, right=True),
    Column("status", lambda delivery: delivery.status, right=True),
    Column("due_ms", lambda delivery: delivery.due_ms, moment, "due"),
    Column("problem", lambda delivery: delivery.problem),
    Column("id", lambda delivery: delivery.id),
)


@click.group(cls=LazyGroup)
def webhooks() -> None:
    """Who is told what happens."""


@webhooks.command("list")
@paging_options
@past_option
@format_options
@click.pass_obj
def list_(session: Session, /, fmt: Format, **paging: Any) -> None:
    """List webhooks, newest first; never their secrets."""
    show_page(session.engine().webhooks.page(**paging), COLUMNS, fmt)


@webhooks.command()
@click.argument("webhook", type=WEBHOOK)
@format_options
@click.pass_obj
def show(session: Session, webhook: str, fmt: Format) -> None:
    """Show one webhook."""
    show_record(session.engine().webhooks.get(webhook), fmt)


@webhooks.command("events")
@click.pass_obj
def events_(session: Session) -> None:
    """Show all that webhooks may listen for, one a line."""
    show_lines(session.engine().webhooks.events())


@webhooks.command()
@click.argument("name")
@click.argument("url")
@click.option("--event", "events", multiple=True, required=True, metavar="EVENT", help="May be repeated.")
@click.option("--secret", envvar="QUARTERDECK_WEBHOOK_SECRET", default="", help="Signs messages.")
@click.option("--description", default="", help="What it is for.")
@format_options
@click.pass_obj
def create(session: Session, /, name: str, url: str, fmt: Format, **given: Any) -> None:
    """Make a webhook. $QUARTERDECK_WEBHOOK_SECRET signs its messages; the workspace keeps it readably."""
    show_record(session.engine().webhooks.create(name, url, given.pop("events"), **given), fmt)


@webhooks.command()
@click.argument("webhook", type=WEBHOOK)
@click.option("--name", help="Its name.")
@click.option("--url", help="Where messages are sent.")
@click.option("--event", "events", multiple=True, metavar="EVENT", help="May be repeated; replaces all of them.")
@click.option("--secret", envvar="QUARTERDECK_WEBHOOK_SECRET", help="Signs messages; empty for none.")
@click.option("--description", help="What it is for.")
@click.option("--on/--off", "active", default=None, help="Whether messages are sent.")
@format_options
@click.pass_obj
def update(session: Session, /, webhook: str, fmt: Format, **given: Any) -> None:
    """Change a webhook."""
    from engine.webhooks.model import WebhookChange

    given["events"] = given["events"] or None
    show_record(session.engine().webhooks.update(webhook, WebhookChange(**given)), fmt)


@webhooks.command()
@click.argument("webhook", type=WEBHOOK)
@yes_option
@click.pass_obj
def delete(session: Session, webhook: str, *, yes: bool) -> None:
    """Delete a webhook, with its messages that wait."""
    service = session.engine().webhooks
    confirm(f"This deletes the webhook {service.get(webhook).name}", webhook, yes=yes, sort=("webhook", "delete"))
    service.delete(webhook)


@webhooks.command()
@click.argument("webhook", type=WEBHOOK)
@click.option("--event", metavar="EVENT", help="Which event to tell of; its first one if not given.")
@click.pass_obj
def test(session: Session, webhook: str, event: str | None) -> int:
    """Send a message that tells of nothing (exit 1 when it was not taken)."""
    outcome = session.engine().webhooks.test(webhook, event)
    narrate(f"Taken, with status {outcome.status}." if outcome.delivered else outcome.problem)
    return 0 if outcome.delivered else 1


@webhooks.command()
@click.argument("webhook", type=WEBHOOK)
@paging_options
@format_options
@click.pass_obj
def deliveries(session: Session, /, webhook: str, fmt: Format, **paging: Any) -> None:
    """List the messages to a webhook, newest first: delivered, waiting for another attempt, given up."""
    show_page(session.engine().webhooks.deliveries(webhook, **paging), DELIVERIES, fmt)
