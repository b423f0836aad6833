"""`qd approvals`: four eyes on what enters a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import age
from engine.cli.groups import LazyGroup
from engine.cli.live_names import MODEL, REQUEST, VERSION
from engine.cli.options import paging_options, past_option, reason_option
from engine.cli.output import Column, Format, format_options, show_page, show_record
from engine.cli.words import STAGE
from engine.core.paging import Page
from engine.core.plain import plain

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.registry.approval_model import ApprovalRequest

_STATES = ("open", "approved", "rejected", "withdrawn", "expired", "used", "stale", "all")

COLUMNS = (
    Column("id", lambda request: request.id, right=True),
    Column("ref", lambda request: request.ref, title="version"),
    Column("to", lambda request: request.to.value),
    Column("override", lambda request: request.override, lambda override: "OVERRIDE" if override else ""),
    Column("state", lambda request: request.state.value),
    Column("approvals", lambda request: f"{len(request.approvers)} of {request.need}"),
    Column("requested_by", lambda request: request.requested_by.name, title="asked by"),
    Column("created_ms", lambda request: request.created_ms, age, "age", right=True),
    Column("reason", lambda request: request.reason),
)


def encode(request: ApprovalRequest) -> dict[str, Any]:
    """A request's JSON: its fields, the version's name and how many approvals are missing.

    Args:
        request: The request.
    """
    return {**plain(request), "ref": request.ref, "missing": request.missing}


@click.group(cls=LazyGroup)
def approvals() -> None:
    """Ask for, give and refuse approvals."""


@approvals.command("list")
@click.option(
    "--state", type=click.Choice(_STATES), default="open", show_default=True, help="Only those that stand so."
)
@click.option("--inbox", is_flag=True, help="Only what waits for your decision, oldest first.")
@paging_options
@past_option
@format_options
@click.pass_obj
def list_(session: Session, /, state: str, fmt: Format, *, inbox: bool, **paging: Any) -> None:
    """List requests, newest first."""
    service = session.engine().approvals
    page = Page(service.inbox()) if inbox else service.page(None if state == "all" else state, **paging)
    show_page(page, COLUMNS, fmt, encode=encode)


@approvals.command()
@click.argument("request", type=REQUEST)
@past_option
@format_options
@click.pass_obj
def show(session: Session, request: int, fmt: Format) -> None:
    """Show one request with every decision."""
    show_record(encode(session.engine().approvals.get(request)), fmt)


@approvals.command()
@click.argument("model", type=MODEL)
@click.argument("version", type=VERSION)
@click.option("--to", "stage", type=STAGE, required=True, help="The stage it is to enter.")
@click.option("--override", is_flag=True, help="Ask to go past failing gates, freezes or missing approvals.")
@reason_option
@format_options
@click.pass_obj
def request(session: Session, /, model: str, version: int, fmt: Format, **asked: Any) -> None:
    """Ask that a version may enter a stage; the gates run first (exit 4 when one fails)."""
    found = session.engine().approvals.request(
        model, version, to=asked["stage"], reason=asked["reason"], override=asked["override"]
    )
    show_record(encode(found), fmt)


@approvals.command()
@click.argument("request", type=REQUEST)
@reason_option
@format_options
@click.pass_obj
def approve(session: Session, request: int, reason: str, fmt: Format) -> None:
    """Say yes to a request; nobody approves what they asked for."""
    show_record(encode(session.engine().approvals.approve(request, reason)), fmt)


@approvals.command()
@click.argument("request", type=REQUEST)
@reason_option
@format_options
@click.pass_obj
def reject(session: Session, request: int, reason: str, fmt: Format) -> None:
    """Say no to a request; one no closes it."""
    show_record(encode(session.engine().approvals.reject(request, reason)), fmt)


@approvals.command()
@click.argument("request", type=REQUEST)
@reason_option
@format_options
@click.pass_obj
def revoke(session: Session, request: int, reason: str, fmt: Format) -> None:
    """Take your own approval back, as long as no promotion has used it."""
    show_record(encode(session.engine().approvals.revoke(request, reason)), fmt)


@approvals.command()
@click.argument("request", type=REQUEST)
@click.option("--reason", default="", help="Why; kept in the audit log.")
@format_options
@click.pass_obj
def withdraw(session: Session, request: int, reason: str, fmt: Format) -> None:
    """Take a request back."""
    show_record(encode(session.engine().approvals.withdraw(request, reason)), fmt)
