"""`qd endpoints register`, `unregister`, `probe` and `probes`: endpoints that somebody else serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engine.cli.cells import age, moment
from engine.cli.diagnostics import FAILED, narrate
from engine.cli.live_names import EXTERNAL
from engine.cli.options import as_mapping, gathered, paging_options
from engine.cli.output import (
    Column,
    Format,
    format_options,
    show_json,
    show_lines,
    show_page,
    show_record,
    show_rows,
)
from engine.cli.words import DURATION, PAIR
from engine.core.errors import InvalidInput
from engine.core.names import in_shell
from engine.core.paging import Page
from engine.core.plain import plain
from engine.probing.model import ExternalChange, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.cli.session import Session
    from engine.core.errors import QuarterdeckError
    from engine.probing.model import Watched


class _Said(NamedTuple):
    url: str | None
    protocol: str | None
    model: str | None
    interval: int | None
    timeout: int | None
    expect_status: int | None
    headers: tuple[tuple[str, str], ...]
    tags: tuple[tuple[str, str], ...]
    description: str | None
    owner: str | None


def milliseconds(value: int | None) -> str:
    """A latency in microseconds as people read it, such as `12.4 ms`; a dash for none."""
    return "-" if value is None else f"{value / 1_000:.1f} ms"


PROBES = (
    Column("time_ms", lambda probe: probe.time_ms, moment, "time", right=True),
    Column("ok", lambda probe: probe.ok),
    Column("status", lambda probe: probe.status, right=True),
    Column("latency_us", lambda probe: probe.latency_us, milliseconds, "latency", right=True),
    Column("tls_expires_ms", lambda probe: probe.tls_expires_ms, moment, "certificate ends", right=True),
    Column("problem", lambda probe: probe.problem),
)
HOURS = (
    Column("start_ms", lambda hour: hour.start_ms, moment, "hour", right=True),
    Column("probes", lambda hour: hour.probes, right=True),
    Column("failures", lambda hour: hour.failures, right=True),
    Column("mean_latency_us", lambda hour: hour.mean_latency_us, milliseconds, "mean", right=True),
    Column("max_latency_us", lambda hour: hour.max_latency_us, milliseconds, "longest", right=True),
)
EXTERNAL_COLUMNS = (
    Column("name", lambda watched: watched.endpoint.name),
    Column("kind", lambda _: "external"),
    Column("state", lambda watched: watched.health.state.value),
    Column("protocol", lambda watched: watched.endpoint.protocol.value),
    Column("model", lambda watched: watched.endpoint.model),
    Column("latency_us", lambda watched: last(watched, "latency_us"), milliseconds, "latency", right=True),
    Column("time_ms", lambda watched: last(watched, "time_ms"), age, "probed", right=True),
    Column("url", lambda watched: watched.endpoint.url),
    Column("words", lambda watched: watched.health.words, title="why"),
)


def last(watched: Watched, field: str) -> int | None:
    """What the newest probe found, such as its `latency_us`; `None` before the first.

    Args:
        watched: The endpoint.
        field: The field of the probe.
    """
    newest = watched.health.last
    return None if newest is None else getattr(newest, field)


def encode(watched: Watched) -> dict[str, Any]:
    """An external endpoint's JSON: its fields, and how it does.

    Args:
        watched: The endpoint.
    """
    document: dict[str, Any] = plain(watched.endpoint)
    document.pop("row_id", None)
    health = plain(watched.health)
    return {**document, "kind": "external", "state": health["state"], "why": health["words"], "last": health["last"]}


def all_watched(session: Session) -> list[Watched]:
    """All external endpoints, by name.

    Args:
        session: The command line's.
    """
    probing = session.engine().probing
    found: list[Watched] = []
    page = probing.page(limit=1_000)
    found += page.items
    while page.next_page_token is not None:
        page = probing.page(limit=1_000, page_token=page.next_page_token)
        found += page.items
    return found


def show_external(session: Session, name: str, fmt: Format, otherwise: QuarterdeckError) -> None:
    """Print an external endpoint with what was found there last.

    Args:
        session: The command line's.
        name: Its name.
        fmt: How to answer.
        otherwise: What to raise when there is none.

    Raises:
        NotFound: `otherwise`.
    """
    probing = session.engine().probing
    watched = next((each for each in all_watched(session) if each.endpoint.name == name), None)
    if watched is None:
        raise otherwise
    if fmt is not Format.HUMAN:
        show_record(encode(watched), fmt)
        return
    show_lines([f"{name}  external  {watched.health.state.value}", watched.health.words, ""])
    show_record(encode(watched), fmt, leave_out=("name", "kind", "state", "why", "last"))
    show_lines(["", "newest probes"])
    show_rows(probing.history(name, limit=10).items, PROBES, fmt)


def _said_options(function: Callable[..., None]) -> Callable[..., None]:
    decorated = gathered("said", _Said)(function)
    for option in (
        click.option("--owner", help="Who answers for it."),
        click.option("--description", help="Free text."),
        click.option("--tag", "tags", type=PAIR, multiple=True, help="A tag; may be repeated."),
        click.option(
            "--header",
            "headers",
            type=PAIR,
            multiple=True,
            metavar="NAME=QD_PROBE_VARIABLE",
            help="Send this header; its value is in that environment variable where the prober runs. May be repeated.",
        ),
        click.option("--expect-status", type=click.IntRange(200, 599), help="The right status.  [default: 200]"),
        click.option("--timeout", type=DURATION, help="How long a probe may take.  [default: 5s]"),
        click.option("--interval", type=DURATION, help="How long from one probe to the next.  [default: 30s]"),
        click.option("--model", help="The name of the model it says to serve; a v2 server must know it."),
        click.option(
            "--protocol", type=click.Choice([each.value for each in Protocol]), help="What it is asked.  [default: v2]"
        ),
        click.option("--url", help="Where it is, such as https://models.example.org:8443."),
    ):
        decorated = option(decorated)
    return decorated


@click.command()
@click.argument("name")
@_said_options
@click.option("--change", is_flag=True, help="Change one that is registered: only what is given.")
@format_options
@click.pass_obj
def register(session: Session, name: str, said: _Said, fmt: Format, *, change: bool) -> None:
    """Register an endpoint that somebody else serves; it is probed, and shown beside ours."""
    probing = session.engine().probing
    given = {
        "url": said.url,
        "protocol": None if said.protocol is None else Protocol(said.protocol),
        "model": said.model,
        "interval_ms": said.interval,
        "timeout_ms": said.timeout,
        "expected_status": said.expect_status,
        "headers": as_mapping(said.headers) or None,
        "tags": as_mapping(said.tags) or None,
        "description": said.description,
        "owner": said.owner,
    }
    known: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if change:
        probing.update(name, ExternalChange(**known))
    elif said.url is None:
        raise InvalidInput("An external endpoint needs a URL.", hint="Add --url https://…")
    else:
        probing.register(name, **known)
        narrate(f"`qd endpoints probe {in_shell(name)}` asks it now; `qd up` keeps asking.")
    watched = probing.get(name)
    if fmt is Format.JSON:
        show_json(encode(watched))
    else:
        show_rows([watched], EXTERNAL_COLUMNS, fmt)


@click.command()
@click.argument("name", type=EXTERNAL)
@click.option("--reason", default="", help="Why; kept in the audit log.")
@click.pass_obj
def unregister(session: Session, name: str, reason: str) -> None:
    """Forget an endpoint that somebody else serves; it does not notice."""
    session.engine().probing.delete(name, reason=reason)
    narrate(f"{name} is not probed any more.")


@click.command()
@click.argument("name", type=EXTERNAL)
@format_options
@click.pass_obj
def probe(session: Session, name: str, fmt: Format) -> int:
    """Probe an endpoint now, from here; exit 1 when something is wrong there."""
    found = session.engine().probing.probe_now(name)
    if fmt is Format.JSON:
        show_json(found)
    else:
        show_rows([found], PROBES, fmt)
    if fmt is Format.HUMAN and found.facts:
        show_lines([f"{key}: {value}" for key, value in found.facts.items()])
    if not found.ok:
        narrate(f"qd: {name}: {found.problem}")
    return 0 if found.ok else FAILED


@click.command()
@click.argument("name", type=EXTERNAL)
@click.option("--hours", is_flag=True, help="Sums over hours, of 90 days instead of two.")
@paging_options
@format_options
@click.pass_obj
def probes(session: Session, name: str, limit: int, page_token: str | None, fmt: Format, *, hours: bool) -> None:
    """List what was found at an endpoint, the newest first."""
    probing = session.engine().probing
    if hours:
        found: Sequence[Any] = probing.hours(name)[::-1][:limit]
        show_page(Page(tuple(found)), HOURS, fmt)
    else:
        show_page(probing.history(name, limit=limit, page_token=page_token), PROBES, fmt)
