"""`qd endpoints list`, `show`, `history` and `planes`, and how an endpoint reads for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import age, moment
from engine.cli.endpoints import external
from engine.cli.live_names import ENDPOINT
from engine.cli.options import Search, paging_options, past_option, search_options
from engine.cli.output import Column, Format, format_options, show_json, show_lines, show_page, show_record, show_rows
from engine.cli.words import MOMENT
from engine.core.errors import NotFound
from engine.core.paging import Page
from engine.core.percent import percent_of
from engine.core.plain import plain
from engine.endpoints.model import Endpoint, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.cli.session import Session
    from engine.endpoints.model import Generation, Route
    from engine.probing.model import Watched

_BAR = 20
_NEWEST = 10


def health(endpoint: Endpoint) -> str:
    """How an endpoint does, in a word."""
    if endpoint.desired is None or not endpoint.desired.routes:
        return "empty"
    if endpoint.desired.killed:
        return "killed"
    if endpoint.observed is None:
        return "no plane"
    if any(each.alive and each.problem for each in endpoint.acknowledgements) and not endpoint.settled:
        return "failing"
    return "serving" if endpoint.settled else "settling"


def live_version(endpoint: Endpoint) -> int | None:
    """The number of the version that takes the rest; `None` when there is none."""
    return next((each.version for each in endpoint.deployments if each.share is Share.LIVE), None)


def shares(endpoint: Endpoint) -> dict[int, int]:
    """Who answers: shares in 0.1 % by version number, the live one first."""
    return {each.version: each.weight for each in endpoint.deployments if each.weight}


def traffic_words(endpoint: Endpoint) -> str:
    """Who answers, as a bar with numbers."""
    parts = [f"{number} {_bar(weight)} {percent_of(weight)} %" for number, weight in shares(endpoint).items()]
    shadows = [f"{each.version} shadow" for each in endpoint.deployments if each.share is Share.SHADOW]
    return "  ".join([*parts, *shadows]) or "-"


def _bar(weight: int) -> str:
    return "█" * max(1, round(weight * _BAR / 1_000))


def seen_words(endpoint: Endpoint) -> str:
    """What is desired and what is observed, such as `5/4`."""
    desired = 0 if endpoint.desired is None else endpoint.desired.number
    return f"{desired}/{'-' if endpoint.observed is None else endpoint.observed}"


def _of(ours: Callable[[Endpoint], Any], theirs: Callable[[Watched], Any]) -> Callable[[Endpoint | Watched], Any]:
    """What a row says, whether the endpoint is ours or another's."""
    return lambda shown: ours(shown) if isinstance(shown, Endpoint) else theirs(shown)


def _nothing(_shown: object) -> None:
    return None


COLUMNS = (
    Column("name", _of(lambda endpoint: endpoint.name, lambda watched: watched.endpoint.name)),
    Column("kind", _of(lambda _: "own", lambda _: "external")),
    Column("model", _of(lambda endpoint: endpoint.model, lambda watched: watched.endpoint.model)),
    Column("live", _of(live_version, _nothing), right=True),
    Column("state", _of(health, lambda watched: watched.health.state.value)),
    Column("traffic", _of(lambda endpoint: {str(k): percent_of(v) for k, v in shares(endpoint).items()}, _nothing)),
    Column("desired", _of(lambda endpoint: endpoint.desired.number if endpoint.desired else 0, _nothing), right=True),
    Column("observed", _of(lambda endpoint: endpoint.observed, _nothing), right=True),
    Column("url", _of(_nothing, lambda watched: watched.endpoint.url)),
    Column(
        "latency_us",
        _of(_nothing, lambda watched: external.last(watched, "latency_us")),
        external.milliseconds,
        "latency",
        right=True,
    ),
    Column(
        "tls_expires_ms",
        _of(_nothing, lambda watched: external.last(watched, "tls_expires_ms")),
        moment,
        "tls ends",
        right=True,
    ),
    Column(
        "updated_ms",
        _of(lambda endpoint: endpoint.updated_ms, lambda watched: watched.endpoint.updated_ms),
        age,
        "changed",
        right=True,
    ),
)
"""Of one list for both: what only one kind has is empty for the other."""

PEOPLE_COLUMNS = (
    COLUMNS[0],
    *COLUMNS[2:5],
    Column("traffic", traffic_words),
    Column("generation", seen_words, title="desired/observed", right=True),
    COLUMNS[-1],
)
LIST_COLUMNS = (
    *COLUMNS[:5],
    Column("traffic", _of(traffic_words, lambda watched: watched.endpoint.url)),
    Column("generation", _of(seen_words, lambda _: "-"), title="desired/observed", right=True),
    *COLUMNS[9:],
)
DEPLOYMENTS = (
    Column("version", lambda deployment: deployment.version, right=True),
    Column("state", lambda deployment: deployment.state.value),
    Column("share", lambda deployment: deployment.share.value if deployment.share else None),
    Column("weight", lambda deployment: percent_of(deployment.weight), lambda value: f"{value} %", right=True),
    Column("kind", lambda deployment: deployment.kind.value, title="runtime"),
    Column("created_ms", lambda deployment: deployment.created_ms, age, "age", right=True),
    Column("created_by", lambda deployment: deployment.created_by, title="by"),
    Column("ended", lambda deployment: deployment.ended or deployment.paused, title="why"),
)
SAID = (
    Column("plane", lambda said: said.plane),
    Column("generation", lambda said: said.generation, right=True),
    Column("alive", lambda said: said.alive),
    Column("time_ms", lambda said: said.time_ms, age, "said", right=True),
    Column("problem", lambda said: said.problem),
)
PLANES = (
    Column("id", lambda plane: plane.id),
    Column("url", lambda plane: plane.url),
    Column("workers", lambda plane: plane.workers, right=True),
    Column("user", lambda plane: plane.user),
    Column("started_ms", lambda plane: plane.started_ms, age, "age", right=True),
    Column("endpoints", lambda plane: list(plane.endpoints), lambda names: ", ".join(names) or "all"),
)


def generation_columns(called: Callable[[Route], str]) -> tuple[Column, ...]:
    """What people and CSV readers see of a generation.

    Args:
        called: Puts a route in words.
    """
    return (
        Column("number", lambda generation: generation.number, right=True),
        Column("time_ms", lambda generation: generation.time_ms, moment, "time", right=True),
        Column("cause", lambda generation: generation.cause.value),
        Column("routes", lambda generation: ", ".join(map(called, generation.routes)) or "nothing"),
        Column("killed", lambda generation: generation.killed),
        Column("by", lambda generation: generation.by),
        Column("reason", lambda generation: generation.reason),
    )


def encode(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint's JSON: its fields, who answers, and what is desired and observed as numbers.

    Args:
        endpoint: The endpoint.
    """
    document: dict[str, Any] = plain(endpoint)
    del document["desired"]
    version = {each.id: each.version for each in endpoint.deployments}
    return {
        **document,
        "kind": "own",
        "live": live_version(endpoint),
        "weights": {str(number): percent_of(weight) for number, weight in shares(endpoint).items()},
        "state": health(endpoint),
        "killed": endpoint.desired is not None and endpoint.desired.killed,
        "desired": 0 if endpoint.desired is None else endpoint.desired.number,
        "observed": endpoint.observed,
        "settled": endpoint.settled,
        "generation": None if endpoint.desired is None else encode_generation(endpoint.desired, version),
    }


def encode_generation(generation: Generation, version: Mapping[int, int]) -> dict[str, Any]:
    """A generation's JSON: its fields, with versions and percentages in the routes.

    Args:
        generation: The generation.
        version: Version numbers by deployment.
    """
    document: dict[str, Any] = plain(generation)
    routes = [{**each, "version": version.get(each["deployment"])} for each in document["routes"]]
    return {**document, "routes": routes}


@click.command("list")
@search_options(example="model = 'churn' and tags.team = 'risk'", order="updated desc")
@past_option
@format_options
@click.pass_obj
def list_(session: Session, search: Search, fmt: Format) -> None:
    """List endpoints by name, then those that somebody else serves; a filter finds ours only."""
    page = session.engine().endpoints.page(
        search.filter, search.order_by, limit=search.limit, page_token=search.page_token
    )
    others = [] if search.filter or page.next_page_token else external.all_watched(session)
    if fmt is Format.JSON:
        items = [*map(encode, page.items), *map(external.encode, others)]
        show_json({"items": items, "next_page_token": page.next_page_token})
        return
    plain_list = PEOPLE_COLUMNS if fmt is Format.HUMAN else COLUMNS
    columns = LIST_COLUMNS if others and fmt is Format.HUMAN else plain_list
    show_page(Page((*page.items, *others), page.next_page_token), columns, fmt)


@click.command()
@click.argument("name", type=ENDPOINT)
@click.option("--at", type=MOMENT, help="What was routed at that time.")
@format_options
@click.pass_obj
def show(session: Session, name: str, at: int | None, fmt: Format) -> None:
    """Show an endpoint: who answers, where each version stands, what the data planes say."""
    endpoints = session.engine().endpoints
    try:
        found = endpoints.get(name)
    except NotFound as missing:
        external.show_external(session, name, fmt, missing)
        return
    if at is not None:
        past = [each for each in endpoints.at(at) if each.endpoint == name]
        _show_generations(session, Page(tuple(past)), fmt)
        return
    if fmt is not Format.HUMAN:
        show_record(encode(found), fmt)
        return
    show_lines([f"{found.name}  {found.model}  {health(found)}", traffic_words(found), ""])
    show_record(
        {
            "desired": found.desired.number if found.desired else 0,
            "observed": found.observed,
            "description": found.description,
            "owner": found.owner,
            "key": found.key,
            "capture": f"{100 * found.capture:g} %",
            "tags": found.tags,
        },
        fmt,
    )
    show_lines(["", "versions"])
    show_rows(found.deployments, DEPLOYMENTS, fmt)
    if found.acknowledgements:
        show_lines(["", "data planes"])
        show_rows(found.acknowledgements, SAID, fmt)
    show_lines(["", "newest generations"])
    _show_generations(session, endpoints.history(name, limit=_NEWEST), fmt)


@click.command()
@click.argument("name", type=ENDPOINT)
@paging_options
@format_options
@click.pass_obj
def history(session: Session, name: str, limit: int, page_token: str | None, fmt: Format) -> None:
    """List an endpoint's generations, the newest first: who routed what, and why."""
    page = session.engine().endpoints.history(name, limit=limit, page_token=page_token)
    _show_generations(session, page, fmt, name)


@click.command()
@format_options
@click.pass_obj
def planes(session: Session, fmt: Format) -> None:
    """List the data planes that live now."""
    found = session.engine().endpoints.planes()
    show_page(Page(found), PLANES, fmt)


def _show_generations(session: Session, page: Page[Generation], fmt: Format, name: str = "") -> None:
    named = name or next((each.endpoint for each in page.items), "")
    deployed = session.engine().endpoints.deployments(named) if named else ()
    version = {each.id: each.version for each in deployed}

    def called(route: Route) -> str:
        share = f"{percent_of(route.weight)} %" if route.share is Share.CANARY else route.share.value
        return f"{version.get(route.deployment, '?')} {share}"

    columns = generation_columns(called)
    show_page(page, columns, fmt, encode=lambda generation: encode_generation(generation, version))


def show_endpoint(endpoint: Endpoint, fmt: Format) -> None:
    """Print an endpoint after a change.

    Args:
        endpoint: As it is now.
        fmt: How to answer.
    """
    if fmt is Format.HUMAN:
        show_rows([endpoint], PEOPLE_COLUMNS, fmt)
    elif fmt is Format.JSON:
        show_json(encode(endpoint))
    else:
        show_rows([endpoint], COLUMNS, fmt)
