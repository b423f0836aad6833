"""Endpoints that somebody else serves, as probes find them; shown beside ours, and never changed from here."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field, Needs
from console.commanding.shell_words import given, option, qd, why
from console.endpoints.words import EXTERNAL, milliseconds
from console.formats import NONE, age, duration, pill
from console.location import Location
from console.resources.memory import Facts, MemorySource, all_pages
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.core.access import Role
from engine.core.query.schema import Attribute, Kind, Schema
from engine.core.query.tree import Entity, OrderBy
from engine.core.query.tree import Field as Key
from engine.core.timetext import exact_duration, parse_duration
from engine.probing.model import ExternalChange, Probe, Protocol, Watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from console.app import ConsoleApp
    from console.text import Part
    from console.views import View
    from engine.api import Engine

SCHEMA = Schema(
    name="external",
    attributes=(
        Attribute("name", Kind.TEXT),
        Attribute("url", Kind.TEXT),
        Attribute("model", Kind.TEXT),
        Attribute("owner", Kind.TEXT),
        Attribute("health", Kind.WORD, ("state",)),
        Attribute("protocol", Kind.WORD),
    ),
    entities=frozenset({Entity.TAG}),
    ties=(OrderBy(Key(Entity.ATTRIBUTE, "name")),),
)
"""What can be asked of them."""

_SOON_MS = 14 * 86_400_000


def latency_ms(watched: Watched) -> float | None:
    """How long the newest answer took, in milliseconds; `None` when there was none."""
    last = watched.health.last
    return None if last is None or last.latency_us is None else last.latency_us / 1_000


def probed_latency(watched: Watched, _now: int) -> Part:
    """How long the newest answer took, in milliseconds; a dash when there was none."""
    found = latency_ms(watched)
    return (NONE, "dim") if found is None else (milliseconds(found), "")


def certificate(watched: Watched, now_ms: int) -> Part:
    """How long the certificate still holds; a dash without TLS."""
    last = watched.health.last
    if last is None or last.tls_expires_ms is None:
        return (NONE, "dim")
    left = last.tls_expires_ms - now_ms
    return (duration(left) if left > 0 else "ended", "dim" if left > _SOON_MS else "bad")


SHOWN: tuple[Shown[Watched], ...] = (
    Shown(
        Column("name", "EXTERNAL", width=14, minimum=8, maximum=40, weight=2, priority=9, whole=40),
        lambda watched, _now: (watched.endpoint.name, "name"),
        "name",
    ),
    Shown(
        Column("health", "HEALTH", width=12, minimum=12, priority=9),
        lambda watched, _now: pill(EXTERNAL, watched.health.state.value),
    ),
    Shown(
        Column("protocol", "KIND", width=6, minimum=6, priority=7),
        lambda watched, _now: (watched.endpoint.protocol.value, "dim"),
        "protocol",
    ),
    Shown(
        Column("latency", "MS", width=6, minimum=5, align="right", priority=8),
        probed_latency,
        value=latency_ms,
        kind=Kind.NUMBER,
    ),
    Shown(
        Column("probed", "PROBED", width=6, minimum=6, align="right", priority=7),
        lambda watched, now: (age(watched.health.last.time_ms if watched.health.last else None, now), "dim"),
        value=lambda watched: watched.health.last.time_ms if watched.health.last else None,
        kind=Kind.TIME,
    ),
    Shown(
        Column("tls", "TLS", width=7, minimum=7, align="right", priority=6),
        certificate,
        value=lambda watched: watched.health.last.tls_expires_ms if watched.health.last else None,
        kind=Kind.TIME,
    ),
    Shown(
        Column("url", "URL", width=22, minimum=14, maximum=60, weight=2, priority=6),
        lambda watched, _now: (watched.endpoint.url, "link"),
        "url",
    ),
    Shown(
        Column("words", "WHAT WAS FOUND", width=20, minimum=14, weight=4, priority=5),
        lambda watched, _now: (watched.health.words, ""),
    ),
)


def facts(watched: Watched) -> Facts:
    """An external endpoint as filters see it."""
    endpoint = watched.endpoint
    return Facts(
        {
            "name": endpoint.name,
            "url": endpoint.url,
            "model": endpoint.model,
            "owner": endpoint.owner,
            "health": watched.health.state.value,
            "protocol": endpoint.protocol.value,
        },
        tags=endpoint.tags,
    )


def _fetch(engine: Engine, _location: Location) -> Iterable[Watched]:
    return all_pages(lambda token: engine.probing.page(limit=1_000, page_token=token))


def _open(app: ConsoleApp, watched: Watched, _answers: Answers) -> None:
    app.enter(Location("external-endpoint", watched.endpoint.name))


def _probe(app: ConsoleApp, watched: Watched, _answers: Answers) -> None:
    name = watched.endpoint.name

    def said(found: Probe) -> None:
        took = "" if found.latency_us is None else f" in {milliseconds(found.latency_us / 1_000)} ms"
        app.say(f"{name} answered{took}." if found.ok else f"{name}: {found.problem}", "good" if found.ok else "bad")
        if app.view is not None:
            app.view.load()

    app.work(f"probe {name}", lambda _progress: app.engine.probing.probe_now(name), said, f"qd endpoints probe {name}")


def _register(app: ConsoleApp, _subject: object, answers: Answers) -> None:
    name, url, probing = answers["name"], answers["url"], app.engine.probing
    protocol = Protocol(answers["protocol"])
    app.act(
        lambda: probing.register(name, url, protocol=protocol, model=answers["model"]),
        lambda _: app.say(f"{name} is registered; `qd up` probes it. Undo: X forgets it."),
        f"qd endpoints register {quote(name)} --url {quote(url)} --protocol {protocol.value}",
    )


def _edit(app: ConsoleApp, watched: Watched, answers: Answers) -> None:
    name = watched.endpoint.name

    def change() -> object:
        wanted = ExternalChange(
            url=answers["url"],
            model=answers["model"],
            interval_ms=parse_duration(answers["interval"]),
            timeout_ms=parse_duration(answers["timeout"]),
            owner=answers["owner"],
        )
        return app.engine.probing.update(name, wanted)

    app.act(change, lambda _: app.say(f"{name} edited."))


def _forget(app: ConsoleApp, watched: Watched, answers: Answers) -> None:
    name = watched.endpoint.name

    def done(_nothing: None) -> None:
        if app.navigator.here == Location("external-endpoint", name):
            app.replace(Location("external"))
        app.say(f"{name} is not probed any more.")

    app.act(
        lambda: app.engine.probing.delete(name, reason=answers["reason"]),
        done,
        f"qd endpoints unregister {quote(name)} --reason {quote(answers['reason'])}",
    )


def _settings(watched: Watched) -> Sequence[Field]:
    endpoint = watched.endpoint
    return (
        Field("url", "url", endpoint.url),
        Field("model", "model", endpoint.model, required=False),
        Field("interval", "probe every", exact_duration(endpoint.interval_ms)),
        Field("timeout", "within", exact_duration(endpoint.timeout_ms)),
        Field("owner", "owner", endpoint.owner, required=False),
    )


REGISTER = Action(
    "register", "n", "register", _register, "Register a URL that somebody else serves; it is then probed.",
    danger=Danger.REVERSIBLE, needs=Needs.NOTHING, role=Role.OPERATOR, hint=False,
    ask=lambda _nothing: (
        Field("name", "name"),
        Field("url", "url"),
        Field("protocol", "kind", Protocol.V2.value, among=tuple(each.value for each in Protocol)),
        Field("model", "model", required=False),
    ),
               twin=lambda _it, said: qd(
        "endpoints", "register", said["name"], given("url", said["url"]), given("protocol", said["protocol"]),
        option("model", said["model"]),
    ),
)  # fmt: skip

PROBING: tuple[Action, ...] = (
    Action("probe", "r", "probe", _probe, "Ask it now, from here.", danger=Danger.REVERSIBLE, role=Role.OPERATOR,
        twin=lambda it, _said: qd("endpoints", "probe", it.endpoint.name),
    ),
    Action(
        "edit", "E", "edit", _edit, "Where it is, how often and how patiently it is probed.",
        danger=Danger.REVERSIBLE, role=Role.OPERATOR, ask=_settings, hint=False,
        twin=lambda it, said: qd(
            "endpoints", "register", it.endpoint.name, ["--change"], given("url", said["url"]),
            given("model", said["model"]), given("interval", said["interval"]), given("timeout", said["timeout"]),
            given("owner", said["owner"]),
        ),
    ),
    Action(
        "forget", "X", "forget", _forget, "Forget it and what was found; it does not notice.",
        danger=Danger.IRREVERSIBLE, warning="CANNOT BE UNDONE", role=Role.OPERATOR, hint=False,
        ask=lambda _watched: (Field("reason", "reason"),),
        object_name=lambda watched: watched.endpoint.name,
        consequences=lambda watched: (f"{watched.endpoint.name} is not probed any more; its history goes.",),
        twin=lambda it, said: qd("endpoints", "unregister", it.endpoint.name, why(said)),
    ),
)  # fmt: skip
"""What can be done to one, in the list and on its page."""

RESOURCE: Resource[Watched] = Resource(
    name="external",
    noun="external endpoint",
    source=MemorySource(_fetch, lambda watched: watched.endpoint.name, SHOWN, facts, SCHEMA),
    actions=(Action("open", "Enter", "open", _open, "What probes found, hour by hour."), REGISTER, *PROBING),
    kinds=frozenset({"endpoint"}),
    empty=(
        "Nobody else's endpoints are registered.",
        "Register one:  n here, or  qd endpoints register NAME --url URL",
    ),
    sort=("name", False),
)


def view(location: Location) -> View:
    """The endpoints that somebody else serves."""
    return ListView(RESOURCE, location)
