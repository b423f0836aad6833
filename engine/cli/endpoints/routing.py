"""`qd endpoints deploy`, `traffic`, `shadow`, `rollback`, `undo`, `kill`, `revive` and `retire`.

Each writes down what is desired, then waits until every data plane serves it; nothing says done before that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engine.cli.confirmation import confirm
from engine.cli.diagnostics import FAILED, REFUSED, narrate
from engine.cli.endpoints.reading import show_endpoint
from engine.cli.live_names import ENDPOINT
from engine.cli.options import gathered, yes_option
from engine.cli.output import Column, Format, format_options, show_json, show_rows
from engine.cli.served import until_served
from engine.cli.words import DURATION, PAIR, SHARE
from engine.core.errors import InvalidInput
from engine.core.plain import plain
from engine.endpoints.model import Cause, RouteWish, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.cli.session import Session
    from engine.endpoints.model import Generation, RoutePlan

CHANGES = (Column("change", str),)


class _How(NamedTuple):
    reason: str | None
    expect: int | None
    wait: int
    dry_run: bool


def _change_options(function: Callable[..., int]) -> Callable[..., int]:
    """The options that all verbs share which change what is routed; the verb receives one `how`."""
    decorated = gathered("how", _How)(function)
    for option in (
        click.option("--dry-run", is_flag=True, help="Only say what would change; exit 4 if it would be refused."),
        click.option(
            "--wait",
            type=DURATION,
            default="10s",
            show_default=True,
            help="How long to wait until every data plane serves it; exit 5 when one does not. 0s does not wait.",
        ),
        click.option(
            "--expect", type=click.IntRange(0), metavar="N", help="Refuse unless N is the newest generation now."
        ),
        click.option("--reason", help="Why; kept in the audit log."),
    ):
        decorated = option(decorated)
    return decorated


@click.command()
@click.argument("name", type=ENDPOINT)
@click.argument("version")
@click.option("--canary", type=SHARE, metavar="SHARE", help="Give it this share of the requests, such as 5%.")
@click.option("--shadow", is_flag=True, help="Give it a copy of each request; nobody gets its answers.")
@_change_options
@format_options
@click.pass_obj
def deploy(session: Session, /, name: str, version: str, how: _How, fmt: Format, **what: Any) -> int:
    """Deploy a version: live, unless it is to be a canary or a shadow. The one before stays loaded."""
    canary, shadow = what["canary"], what["shadow"]
    if canary is not None and shadow:
        raise InvalidInput("A version is a canary or a shadow, not both.")
    share = Share.SHADOW if shadow else Share.LIVE if canary is None else Share.CANARY
    number = version_number(session, name, version)
    endpoints = session.engine().endpoints
    return _carry_out(
        session,
        name,
        RouteWish(Cause.DEPLOY, number, share, canary or 0),
        how,
        fmt,
        lambda reason: endpoints.deploy(
            name, number, share=share, weight=canary or 0, reason=reason, expect=how.expect
        ),
    )


@click.command()
@click.argument("name", type=ENDPOINT)
@click.argument("shares", type=PAIR, nargs=-1, required=True, metavar="VERSION=SHARE …")
@_change_options
@format_options
@click.pass_obj
def traffic(session: Session, name: str, shares: Sequence[tuple[str, str]], how: _How, fmt: Format) -> int:
    """Change how requests are shared, such as 7=12.5%; the live version takes the rest."""
    from engine.core.percent import parse_percent

    weights = {version_number(session, name, version): parse_percent(share) for version, share in shares}
    if len(weights) < len(shares):
        raise InvalidInput("A version is named twice.", hint="Name each once.")
    endpoints = session.engine().endpoints
    return _carry_out(
        session,
        name,
        RouteWish(Cause.TRAFFIC, weights=weights),
        how,
        fmt,
        lambda reason: endpoints.traffic(name, weights, reason=reason, expect=how.expect),
    )


@click.command()
@click.argument("name", type=ENDPOINT)
@click.argument("version")
@click.option("--off", is_flag=True, help="Stop it; the version stays loaded.")
@_change_options
@format_options
@click.pass_obj
def shadow(session: Session, name: str, version: str, how: _How, fmt: Format, *, off: bool) -> int:
    """Give a version a copy of each request; nobody gets its answers."""
    number = version_number(session, name, version)
    wish = RouteWish(Cause.SHADOW, number) if off else RouteWish(Cause.DEPLOY, number, Share.SHADOW)
    endpoints = session.engine().endpoints
    return _carry_out(
        session,
        name,
        wish,
        how,
        fmt,
        lambda reason: endpoints.shadow(name, number, on=not off, reason=reason, expect=how.expect),
    )


@click.command()
@click.argument("name", type=ENDPOINT)
@click.argument("version")
@_change_options
@format_options
@click.pass_obj
def retire(session: Session, name: str, version: str, how: _How, fmt: Format) -> int:
    """Unload a version that takes no traffic."""
    number = version_number(session, name, version)
    endpoints = session.engine().endpoints
    return _carry_out(
        session,
        name,
        RouteWish(Cause.RETIRE, number),
        how,
        fmt,
        lambda reason: endpoints.retire(name, number, reason=reason, expect=how.expect),
    )


@click.command()
@click.argument("name", type=ENDPOINT)
@_change_options
@format_options
@click.pass_obj
def rollback(session: Session, name: str, how: _How, fmt: Format) -> int:
    """Give up the canaries if there are any, else the live version for the one before it."""
    endpoints = session.engine().endpoints
    return _carry_out(
        session,
        name,
        RouteWish(Cause.ROLL_BACK),
        how,
        fmt,
        lambda reason: endpoints.roll_back(name, reason=reason, expect=how.expect),
    )


@click.command()
@click.argument("name", type=ENDPOINT)
@_change_options
@format_options
@click.pass_obj
def undo(session: Session, name: str, how: _How, fmt: Format) -> int:
    """Restore what was routed before the last change, whatever it was."""
    endpoints = session.engine().endpoints
    return _carry_out(
        session,
        name,
        RouteWish(Cause.UNDO),
        how,
        fmt,
        lambda reason: endpoints.undo(name, reason=reason, expect=how.expect),
    )


@click.command()
@click.argument("name", type=ENDPOINT)
@_change_options
@yes_option
@format_options
@click.pass_obj
def kill(session: Session, name: str, how: _How, fmt: Format, *, yes: bool) -> int:
    """Refuse every request with 503, at once."""
    endpoints = session.engine().endpoints
    if not how.dry_run:
        _reason(how)
        plan = endpoints.plan(name, RouteWish(Cause.KILL))
        if plan.danger > 2:
            confirm(f"This refuses every request to {name}", name, yes=yes, sort=("endpoint", "kill"))
    return _carry_out(
        session,
        name,
        RouteWish(Cause.KILL),
        how,
        fmt,
        lambda reason: endpoints.kill(name, reason=reason, expect=how.expect),
    )


@click.command()
@click.argument("name", type=ENDPOINT)
@_change_options
@format_options
@click.pass_obj
def revive(session: Session, name: str, how: _How, fmt: Format) -> int:
    """Answer requests again after a kill."""
    endpoints = session.engine().endpoints
    return _carry_out(
        session,
        name,
        RouteWish(Cause.REVIVE),
        how,
        fmt,
        lambda reason: endpoints.revive(name, reason=reason, expect=how.expect),
    )


def version_number(session: Session, name: str, version: str) -> int:
    """The number of a version written as 7, churn/7 or churn@champion.

    Args:
        session: The command's session.
        name: The endpoint's name.
        version: As it was written.

    Raises:
        InvalidInput: it names no version, or one of another model.
        NotFound: there is no such version, alias or endpoint.
    """
    if version.isascii() and version.isdigit() and len(version) < 19:
        return int(version)
    engine = session.engine()
    found, model = engine.models.resolve(version), engine.endpoints.get(name).model
    if found.model != model:
        raise InvalidInput(
            f"{found.key} is a version of another model; {name} serves {model}.",
            hint="Deploy it to an endpoint of its own.",
        )
    return found.version


def _reason(how: _How) -> str:
    if not (how.reason or "").strip():
        raise InvalidInput("This needs a reason.", hint="Add --reason, or look first with --dry-run.")
    return str(how.reason)


def _carry_out(
    session: Session, name: str, wish: RouteWish, how: _How, fmt: Format, act: Callable[[str], Generation]
) -> int:
    """Say what would happen, or do it and wait until it is served."""
    endpoints = session.engine().endpoints
    if how.dry_run:
        return _show_plan(endpoints.plan(name, wish), how, fmt)
    before = endpoints.get(name)
    made = act(_reason(how))
    if before.desired is not None and made.number == before.desired.number:
        narrate(f"Nothing changed: generation {made.number} says so already.")
    found = until_served(session, name, made.number, wait_s=how.wait / 1_000)
    show_endpoint(found, fmt)
    return 0


def _show_plan(plan: RoutePlan, how: _How, fmt: Format) -> int:
    if fmt is Format.JSON:
        show_json({**plain(plan), "allowed": plan.allowed, "changes": list(plan.changes)})
    else:
        show_rows(plan.changes, CHANGES, fmt)
    if how.expect is not None and how.expect != plan.expect:
        narrate(f"qd: the newest generation is {plan.expect}, not {how.expect}; nothing was changed.")
        return FAILED
    if not plan.allowed:
        narrate(f"qd: this would be refused: {'; '.join(plan.blockers)} Nothing was changed.")
        return REFUSED
    narrate("This would happen; nothing was changed." if plan.changes else "Nothing would change.")
    return 0
