"""Traces: what programs did while they answered requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field
from console.commanding.shell_words import qd, tagged
from console.formats import TRACE_STATES, age, count, duration, pill
from console.location import Location, filter_text
from console.resources.resource import Listing, Resource, Shown
from console.resources.typed import kind_of
from console.screens.list import ListView
from console.widgets.table import Column, Key
from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.traces.model import TraceQuery, TraceSummary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.app import ConsoleApp
    from console.views import View
    from engine.api import Engine
    from engine.core.events import Event
    from engine.core.query.evaluator import Stored
    from engine.core.query.quick import Word
    from engine.core.query.schema import Kind
    from engine.core.query.tree import Filter

FIRST_PAGE = 100
"""Traces read before the whole order."""

_SEARCHED = ("name", "trace_id", "request", "response", "session", "user")
"""What a free word is looked for in."""

SHOWN: tuple[Shown[TraceSummary], ...] = (
    Shown(
        Column("name", "NAME", width=18, minimum=10, maximum=40, weight=2, priority=9, whole=32),
        lambda trace, _now: (trace.name or trace.trace_id, "name"),
        "name",
    ),
    Shown(
        Column("state", "STATE", width=11, minimum=11, priority=9),
        lambda trace, _now: pill(TRACE_STATES, trace.state.value),
        "state",
    ),
    Shown(
        Column("start_time", "AGE", width=4, minimum=4, align="right", priority=8),
        lambda trace, now: (age(trace.start_ms, now), "dim"),
        "start_time",
    ),
    Shown(
        Column("duration", "TOOK", width=7, minimum=7, align="right", priority=8),
        lambda trace, _now: (duration(trace.duration_ms), ""),
        "duration",
        lambda trace: trace.duration_ms,
    ),
    Shown(
        Column("spans", "SPANS", width=6, minimum=5, align="right", priority=5),
        lambda trace, _now: (count(trace.span_count), ""),
        "spans",
        lambda trace: trace.span_count,
    ),
    Shown(
        Column("total_tokens", "TOKENS", width=7, minimum=6, align="right", priority=5),
        lambda trace, _now: (count(trace.tokens.total) if trace.tokens else "", ""),
        "total_tokens",
        lambda trace: trace.tokens.total if trace.tokens else None,
    ),
    Shown(
        Column("request", "REQUEST", width=24, minimum=10, maximum=80, weight=3, priority=4),
        lambda trace, _now: (trace.request or "", "dim"),
        "request",
    ),
    Shown(
        Column("experiment", "EXPERIMENT", width=12, minimum=8, maximum=24, weight=1, priority=2),
        lambda trace, _now: (trace.experiment, "dim"),
        "experiment",
    ),
)


class TraceSource:
    """Reads traces: their integer keys for the order, whole rows only for what is in view."""

    def columns(self, engine: Engine, location: Location) -> Sequence[Shown[TraceSummary]]:
        """The columns; there is no choice."""
        del engine, location
        return SHOWN

    def first(self, engine: Engine, location: Location) -> Listing[TraceSummary]:
        """The first page."""
        page = engine.traces.page(self._query(engine, location))
        items: dict[Key, TraceSummary] = {trace.row_id: trace for trace in page.items}
        return Listing(list(items), items, partial=page.next_page_token is not None)

    def whole(self, engine: Engine, location: Location) -> Listing[TraceSummary]:
        """The whole order, as integers."""
        return Listing(engine.traces.keys(self._query(engine, location)), {})

    def rows(self, engine: Engine, keys: Sequence[Key], location: Location) -> Mapping[Key, TraceSummary]:
        """Traces in view."""
        del location
        found = engine.traces.rows([key for key in keys if isinstance(key, int)])
        return {row_id: trace for row_id, trace in found.items()}  # noqa: C416 a mapping of wider keys, for the checker

    def choices(self, engine: Engine) -> Sequence[str]:
        """No columns of choice."""
        del engine
        return ()

    def kind(self, key: str) -> Kind | None:
        """What the schema of traces says."""
        from engine.core.query.schema import TRACES

        return kind_of(TRACES, key)

    def values(self, engine: Engine, key: str) -> Sequence[str]:
        """No values are known beforehand."""
        del engine, key
        return ()

    def value(self, item: TraceSummary, shown: Shown[TraceSummary]) -> Stored | None:
        """The column's own value."""
        return shown.value(item) if shown.value is not None else None

    def _query(self, engine: Engine, location: Location) -> TraceQuery:
        """The query of a location; its name is an experiment's.

        Raises:
            FilterSyntaxError: the filter or the order does not parse.
            InvalidInput: it holds a regular expression, which SQL cannot answer.
            NotFound: there is no such experiment.
        """
        from engine.core.query.quick import parse_quick, parse_quick_order
        from engine.core.query.schema import TRACES
        from engine.core.query.tree import And

        text = filter_text(location)
        if location.since:
            text = f'{text} start_time>="{location.since}"'.strip()  # quoted: "2d ago" is one time
        quick = parse_quick(text, TRACES, (), (), engine.clock.now_ms())
        parts = [*([quick.predicate] if quick.predicate is not None else []), *map(_anywhere, quick.words)]
        order = parse_quick_order(location.sort, TRACES, (), ()) if location.sort else ()
        experiments = (engine.experiments.get(location.name).id,) if location.name else None
        tree: str | Filter = And(tuple(parts)) if len(parts) > 1 else (parts[0] if parts else "")
        return TraceQuery(tree, tuple(order), experiments, FIRST_PAGE)


def _anywhere(word: Word) -> Filter:
    """A free word as a filter: it stands in any of the texts that identify a trace.

    Raises:
        InvalidInput: it is a regular expression.
    """
    from engine.core.query.tree import Comparison, Entity, Not, Operator, Or
    from engine.core.query.tree import Field as Asked

    if word.regex:
        raise InvalidInput("Traces are not searched by regular expressions.", hint="Type words, or name LIKE 'a%'.")
    operator = Operator.ILIKE if word.text == word.text.lower() else Operator.LIKE
    found = Or(tuple(Comparison(Asked(Entity.ATTRIBUTE, name), operator, f"%{word.text}%") for name in _SEARCHED))
    return Not(found) if word.negated else found


def _open(app: ConsoleApp, trace: TraceSummary, _answers: Answers) -> None:
    app.enter(Location("trace", trace.trace_id))


def _json(app: ConsoleApp, trace: TraceSummary, _answers: Answers) -> None:
    from console.screens.record import show_json

    title = trace.name or trace.trace_id
    app.read("json", lambda: app.engine.traces.get(trace.trace_id), lambda whole: show_json(app, title, whole))


def _tag(app: ConsoleApp, trace: TraceSummary, answers: Answers) -> None:
    key, value = answers["key"], answers["value"] or None
    app.act(
        lambda: app.engine.traces.set_tag(trace.trace_id, key, value),
        lambda _: app.say(f"Tag {key} {'set' if value else 'taken away'}."),
    )


def _delete(app: ConsoleApp, trace: TraceSummary, _answers: Answers) -> None:
    app.act(
        lambda: app.engine.traces.delete_one(trace.trace_id),
        lambda _: app.say(f"The trace {trace.trace_id} is gone."),
        f"qd traces delete {trace.trace_id} --yes",
    )


def _key_of(event: Event) -> Key | None:
    return event.row_id


ACTIONS: tuple[Action, ...] = (
    Action("open", "Enter", "open", _open, "Open the trace: its spans as a tree."),
    Action("json", "y", "json", _json, "Everything about it, as JSON."),
    Action(
        "tag",
        "t",
        "tag",
        _tag,
        "Set a tag; an empty value takes it away.",
        danger=Danger.REVERSIBLE,
        role=Role.WRITER,
        ask=lambda _trace: (Field("key", "tag"), Field("value", "value", required=False)),
        hint=False,
        twin=lambda it, said: qd("traces", "tag", it.trace_id, tagged(said)),
    ),
    Action(
        "delete",
        "D",
        "delete",
        _delete,
        "Delete the trace for ever.",
        danger=Danger.IRREVERSIBLE,
        warning="CANNOT BE UNDONE",
        role=Role.OPERATOR,
        object_name=lambda trace: trace.trace_id.removeprefix("tr-")[:8],
        hint=False,
        twin=lambda it, _said: qd("traces", "delete", it.trace_id, ["--yes"]),
    ),
)

TRACES: Resource[TraceSummary] = Resource(
    name="traces",
    noun="trace",
    source=TraceSource(),
    actions=ACTIONS,
    kinds=frozenset({"trace"}),
    empty=(
        "No traces yet.",
        "Start the server:  qd server",
        "Then decorate a function with @mlflow.trace, or send OTLP to http://127.0.0.1:5000/v1/traces",
    ),
    sort=("start_time", True),
    key_of=_key_of,
)


def view(location: Location) -> View:
    """The list of traces; a name is an experiment's."""
    return ListView(TRACES, location)
