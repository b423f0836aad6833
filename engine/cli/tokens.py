"""`qd tokens`: who may use the server, and how far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import age, moment
from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.live_names import TOKEN
from engine.cli.options import paging_options, past_option
from engine.cli.output import Column, Format, format_options, show_page, show_record
from engine.cli.words import DURATION
from engine.core.access import Role
from engine.core.plain import plain

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.tokens.model import Token

COLUMNS = (
    Column("id", lambda token: token.id, right=True),
    Column("name", lambda token: token.name),
    Column("user", lambda token: token.user),
    Column("scope", lambda token: token.scope.label),
    Column("state", lambda token: token.state.value),
    Column("created_ms", lambda token: token.created_ms, age, "age", right=True),
    Column("last_used_ms", lambda token: token.last_used_ms, age, "used", right=True),
    Column("expires_ms", lambda token: token.expires_ms, moment, "expires"),
)


def encode(token: Token) -> dict[str, Any]:
    """A token's JSON: its fields, the scope by its name.

    Args:
        token: The token.
    """
    return {**plain(token), "scope": token.scope.label}


@click.group(cls=LazyGroup)
def tokens() -> None:
    """Who may use the server, and how far."""


@tokens.command("list")
@paging_options
@past_option
@format_options
@click.pass_obj
def list_(session: Session, /, fmt: Format, **paging: Any) -> None:
    """List tokens, newest first, with the revoked and expired ones; never the tokens themselves."""
    show_page(session.engine().tokens.page(**paging), COLUMNS, fmt, encode=encode)


@tokens.command()
@click.argument("name")
@click.option("--user", metavar="NAME", help="Who acts with it; you, if not given. The policy's role holds too.")
@click.option(
    "--scope",
    type=click.Choice([role.label for role in Role]),
    default=Role.WRITER.label,
    show_default=True,
    help="The most it allows.",
)
@click.option("--expires", "expires_in_ms", type=DURATION, metavar="SPAN", help="How long it lives, such as 90d.")
@format_options
@click.pass_obj
def create(session: Session, /, name: str, scope: str, fmt: Format, **given: Any) -> None:
    """Make a token; it is shown this once. MLflow clients take it as MLFLOW_TRACKING_TOKEN."""
    made = session.engine().tokens.create(name, scope=Role[scope.upper()], **given)
    show_record({**encode(made.token), "token": made.secret}, fmt)
    narrate("This is the only time that the token is shown; keep it now.")


@tokens.command()
@click.argument("token", type=TOKEN)
@click.option("--reason", default="", help="Why; kept in the audit log.")
@format_options
@click.pass_obj
def revoke(session: Session, token: int, reason: str, fmt: Format) -> None:
    """Have a token refused from now on."""
    show_record(encode(session.engine().tokens.revoke(token, reason=reason)), fmt)
