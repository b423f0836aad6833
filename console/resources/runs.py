"""Runs: 100,000 of them as easily as ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from console.actions import Action, Answers, Danger, Each, Field, Needs
from console.commanding.shell_words import given, option, qd, several, tagged
from console.formats import STATES, age, duration, logged, number, pill
from console.location import Location, filter_text
from console.resources.resource import Listing, Resource, Shown
from console.resources.typed import kind_of
from console.screens.list import ListView
from console.widgets.table import Column, Key
from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.core.json_path import JsonPath, json_path
from engine.core.keys import is_system
from engine.core.query.schema import Kind
from engine.tracking.model import Run, RunQuery, RunStatus

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.text import Part
    from console.views import View
    from engine.api import Engine
    from engine.core.aggregates import Aggregates
    from engine.core.events import Event
    from engine.core.grouping import Group, Partition
    from engine.core.query.evaluator import Stored
    from engine.core.query.quick import Word

FIRST_PAGE = 100
"""Runs read before the whole order."""

USUAL_METRICS, USUAL_PARAMS = 4, 4
"""Columns shown when none are chosen: the keys most used."""

USUAL_WIDTH, WIDEST_METRIC = 9, 14
"""Cells of a metric's column: for its number, and at most for its name."""

_ADDED = frozenset({Kind.NUMBER, Kind.DURATION, Kind.LOGGED})
"""Kinds of columns that may hold numbers."""

_AT_ONCE = 2_000
"""Rows read in one go while a regular expression is matched."""


def _name(run: Run, _now_ms: int) -> Part:
    return (run.name or run.run_id[:8], "name")


def _state(run: Run, _now_ms: int) -> Part:
    return pill(STATES, run.state)


FIXED: tuple[Shown[Run], ...] = (
    Shown(
        Column("run_name", "NAME", width=18, minimum=10, maximum=48, weight=3, priority=9, whole=32), _name, "run_name"
    ),
    Shown(
        Column("experiment", "EXPERIMENT", width=12, minimum=10, maximum=30, weight=1, priority=8, whole=24),
        lambda run, _now: (run.experiment, ""),
        "experiment",
    ),
    Shown(Column("status", "STATE", width=11, minimum=11, priority=8), _state, "status"),
    Shown(
        Column("start_time", "AGE", width=4, minimum=4, align="right", priority=7),
        lambda run, now: (age(run.start_ms, now), "dim"),
        "start_time",
        lambda run: run.start_ms,
    ),
    Shown(
        Column("duration", "TOOK", width=7, minimum=7, align="right", priority=4),
        lambda run, _now: (duration(run.duration_ms if run.end_ms is not None else None), ""),
        "duration",
        lambda run: run.duration_ms,
    ),
)
LAST: tuple[Shown[Run], ...] = (
    Shown(Column("user_id", "USER", width=8, minimum=6, priority=1), lambda run, _now: (run.user, "dim"), "user_id"),
    Shown(
        Column("run_id", "ID", width=8, minimum=8, priority=2),
        lambda run, _now: (run.run_id[:8], "dim"),
        "run_id",
        lambda run: run.run_id,
    ),
)


def chosen_column(name: str) -> Shown[Run]:
    """A column of choice.

    Args:
        name: `metrics.KEY`, `params.KEY`, `tags.KEY`; a bare key is a metric.
    """
    kind, dot, key = name.partition(".")
    if not dot or kind not in ("metrics", "params", "tags"):
        kind, key = "metrics", name
    sort = f"{kind}.{key}" if key.replace("_", "").isalnum() else f"{kind}.`{key}`"
    if kind == "metrics":
        wide = min(max(USUAL_WIDTH, len(key) + 1), WIDEST_METRIC)  # one more for the mark of the order
        column = Column(f"metrics.{key}", key, width=wide, minimum=7, maximum=wide, align="right", priority=6)
        return Shown(
            column,
            lambda run, _now: (number(run.metrics[key]) if key in run.metrics else "", ""),
            sort,
            lambda run: run.metrics.get(key),
        )
    values, path = "params" if kind == "params" else "tags", json_path(key)
    title = key if path is None else path.title
    column = Column(name, title, width=9, minimum=6, maximum=20, weight=1, priority=5)
    if path is not None:
        return Shown(
            column,
            lambda run, _now: (_inside(path, getattr(run, values)), ""),
            sort,
            lambda run: path.value(getattr(run, values).get(path.key, "")),
        )
    return Shown(
        column,
        lambda run, _now: (logged(getattr(run, values).get(key, "")), ""),
        sort,
        lambda run: getattr(run, values).get(key),
    )


def _stored_under(key: str) -> str:
    path = json_path(key)
    return key if path is None else path.key


def _inside(path: JsonPath, values: Mapping[str, str]) -> str:
    found = path.value(values.get(path.key, ""))
    return "" if found is None else logged(str(found))


class RunSource:
    """Reads runs: their integer keys for the order, whole rows only for what is in view."""

    def __init__(self) -> None:
        self._usual: tuple[str, ...] = ()

    def columns(self, engine: Engine, location: Location) -> Sequence[Shown[Run]]:
        """The fixed columns and those of choice, by default the keys most used."""
        names = location.columns or self._usual_names(engine)
        self._usual = names
        return [*FIXED[:4], *map(chosen_column, names), *FIXED[4:], *LAST]

    def _usual_names(self, engine: Engine) -> tuple[str, ...]:
        known = engine.run_reading.columns()
        metrics = [f"metrics.{key}" for key in known.metrics if not is_system(key)]
        return (*metrics[:USUAL_METRICS], *(f"params.{key}" for key in known.params[:USUAL_PARAMS]))

    def first(self, engine: Engine, location: Location) -> Listing[Run]:
        """The first page."""
        query, words = self.query(engine, location)
        if words:
            return self.whole(engine, location)
        page = engine.run_reading.page(query)
        items: dict[Key, Run] = {run.row_id: run for run in page.items}
        return Listing(list(items), items, partial=page.next_page_token is not None)

    def whole(self, engine: Engine, location: Location) -> Listing[Run]:
        """The whole order, as integers."""
        query, words = self.query(engine, location)
        keys = engine.run_reading.keys(query)
        if not words:
            return Listing(keys, {})
        return Listing([key for key in keys if key in self._matching(engine, keys, words)], {})

    def rows(self, engine: Engine, keys: Sequence[Key], location: Location) -> Mapping[Key, Run]:
        """Runs in view, with the metrics and parameters that are shown."""
        names = location.columns or self._usual
        metrics = [name.removeprefix("metrics.") for name in names if not name.startswith(("params.", "tags."))]
        params = [_stored_under(name.removeprefix("params.")) for name in names if name.startswith("params.")]
        wanted = [key for key in keys if isinstance(key, int)]
        if any(name.startswith("tags.") for name in names):
            found = engine.run_reading.rows(wanted)  # tags come with whole rows only
        else:
            found = engine.run_reading.rows(wanted, metrics=metrics, params=params)
        return {row_id: run for row_id, run in found.items()}  # noqa: C416 a mapping of wider keys, for the checker

    def choices(self, engine: Engine) -> Sequence[str]:
        """Every metric, parameter and tag there is."""
        known = engine.run_reading.columns()
        return [
            *(f"metrics.{key}" for key in known.metrics),
            *(f"params.{key}" for key in known.params),
            *(f"tags.{key}" for key in known.tags),
        ]

    def kind(self, key: str) -> Kind | None:
        """What the schema of runs says."""
        from engine.core.query.schema import RUNS

        return kind_of(RUNS, key)

    def values(self, engine: Engine, key: str) -> Sequence[str]:
        """The states there are, and the experiments."""
        if key == "experiment":
            return [experiment.name for experiment in engine.experiments.page(limit=200).items]
        return [status.value.lower() for status in RunStatus] if key == "status" else ()

    def value(self, item: Run, shown: Shown[Run]) -> Stored | None:
        """The column's own value."""
        return shown.value(item) if shown.value is not None else None

    def query(self, engine: Engine, location: Location) -> tuple[RunQuery, tuple[Word, ...]]:
        """The query of a location, and the words that SQL cannot answer (regular expressions).

        Raises:
            FilterSyntaxError: the filter or the order does not parse.
            QuarterdeckError: the workspace cannot be read.
        """
        experiment = location.name or None
        text = filter_text(location)
        if location.since:
            text = f'{text} start_time>="{location.since}"'.strip()  # quoted: "2d ago" is one time
        if not text and not location.sort:
            return RunQuery(experiment=experiment, limit=FIRST_PAGE), ()
        from engine.core.query.finding import SEARCHED, parse_runs
        from engine.core.query.quick import QuickFilter, parse_quick_order
        from engine.core.query.schema import RUNS
        from engine.core.query.writer import unparse, unparse_order_by

        known = engine.run_reading.columns()
        quick = parse_runs(text, known, engine.clock.now_ms())
        words = tuple(word for word in quick.words if not word.regex)
        tree = QuickFilter(words, quick.predicate).tree(SEARCHED)
        order = parse_quick_order(location.sort, RUNS, known.metrics, known.params)
        query = RunQuery(
            filter=unparse(tree) if tree is not None else "",
            order_by=tuple(unparse_order_by([each]) for each in order),
            experiment=experiment,
            limit=FIRST_PAGE,
        )
        return query, tuple(word for word in quick.words if word.regex)

    def _matching(self, engine: Engine, keys: Sequence[int], words: Sequence[Word]) -> set[int]:
        found: set[int] = set()
        for start in range(0, len(keys), _AT_ONCE):
            runs = engine.run_reading.rows(keys[start : start + _AT_ONCE], metrics=(), params=())
            for row_id, run in runs.items():
                text = f"{run.name} {run.run_id} {run.experiment} {run.state} {run.user}"
                if all(word.matches(text) for word in words):
                    found.add(row_id)
        return found


def _aggregates(engine: Engine, location: Location, columns: Sequence[Shown[Run]]) -> Aggregates:
    """What the numbers of columns come to over every run of a location.

    Raises:
        InvalidInput: the filter holds a regular expression, which SQL cannot answer.
        QuarterdeckError: the filter does not parse, or the workspace cannot be read.
    """
    source = RunSource()
    query, expressions = source.query(engine, location)
    if expressions:
        raise InvalidInput("Nothing is added up for a /regular expression/.", hint="Filter by words instead.")
    keys = [shown.sort for shown in columns if source.kind(shown.sort) in _ADDED and "$" not in shown.sort]
    return engine.runs.aggregates(query, keys)


class RunGrouper:
    """Groups runs by SQL."""

    def grouped(self, engine: Engine, keys: Sequence[Key], by: str) -> Partition:
        """The groups of runs.

        Raises:
            QuarterdeckError: they cannot be grouped by that, or the workspace cannot be read.
        """
        return engine.runs.grouped(cast("Sequence[int]", keys), by=self._field(engine, by))

    def rows(
        self, engine: Engine, found: Partition, marks: Sequence[int], by: str, columns: Sequence[str]
    ) -> Mapping[int, Group]:
        """What groups come to, by mark.

        Raises:
            QuarterdeckError: the workspace cannot be read.
        """
        return engine.runs.group_rows(found, marks, by=self._field(engine, by), columns=columns)

    def _field(self, engine: Engine, by: str) -> str:
        """What was typed, in full: `lr` is `params.lr`."""
        from engine.core.query.quick import parse_quick_order
        from engine.core.query.schema import RUNS
        from engine.core.query.writer import field_text

        known = engine.run_reading.columns()
        return field_text(parse_quick_order(by, RUNS, known.metrics, known.params)[0].field)


# --- what can be done to runs


def _open(app: ConsoleApp, run: Run, _answers: Answers) -> None:
    app.enter(Location("run", run.run_id))


def _compare(app: ConsoleApp, runs: tuple[Run, ...], _answers: Answers) -> None:
    app.enter(Location("compare", ",".join(run.run_id for run in runs)))


def _comparable(runs: tuple[Run, ...]) -> str | None:
    if len(runs) < 2:
        return "Mark at least two runs with space, then compare."
    return "At most 26 runs can be compared." if len(runs) > 26 else None


def _lineage(app: ConsoleApp, run: Run, _answers: Answers) -> None:
    app.enter(Location("lineage", run.run_id))


def _json(app: ConsoleApp, run: Run, _answers: Answers) -> None:
    from console.screens.record import show_json

    app.read("json", lambda: app.engine.runs.get(run.run_id), lambda detail: show_json(app, run.name, detail))


def _rename(app: ConsoleApp, run: Run, answers: Answers) -> None:
    name = answers["name"]
    app.act(lambda: app.engine.runs.rename(run.run_id, name), lambda _: app.say(f"Renamed to {name}."))


def _note(app: ConsoleApp, run: Run, answers: Answers) -> None:
    app.act(lambda: app.engine.runs.set_note(run.run_id, answers["note"]), lambda _: app.say("Note kept."))


def _tag(app: ConsoleApp, runs: tuple[Run, ...], answers: Answers) -> None:
    key, value = answers["key"], answers["value"] or None

    def tag_all() -> None:
        for run in runs:
            app.engine.runs.set_tag(run.run_id, key, value)

    app.act(tag_all, lambda _: app.say(f"Tag {key} {'set on' if value else 'taken from'} {len(runs)} runs."))


def _delete(app: ConsoleApp, runs: tuple[Run, ...], _answers: Answers) -> None:
    def delete_all() -> None:
        for run in runs:
            app.engine.runs.delete(run.run_id)

    ids = " ".join(run.run_id[:8] for run in runs)
    app.act(delete_all, lambda _: app.say(f"Deleted {ids}. Undo: qd runs restore {ids}"))


def _reap(app: ConsoleApp, _run: Run, _answers: Answers) -> None:
    app.act(app.engine.runs.reap, lambda closed: app.say(f"Lost runs closed: {len(closed)}."), "qd runs reap")


def _register(app: ConsoleApp, run: Run, answers: Answers) -> None:
    def register() -> Any:
        return app.engine.models.register(
            answers["model"],
            run_id=run.run_id,
            artifact_path=answers["artifact"],
            owner=answers["owner"],
            description=answers["description"],
        )

    shell = f"qd models register {answers['model']} --run {run.run_id}"
    app.act(register, lambda version: app.say(f"Registered {version.key}."), shell)


def _registering(run: Run, said: Answers) -> str:
    about = (option("owner", said["owner"]), option("description", said["description"]))
    return qd("models", "register", said["model"], given("run", run.run_id), given("path", said["artifact"]), *about)


def _called(run: Run) -> str:
    return f"{run.name}  {run.run_id[:8]}  {run.experiment}"


def _key_of(event: Event) -> Key | None:
    return event.row_id


ACTIONS: tuple[Action, ...] = (
    Action("open", "Enter", "open", _open, "Open the run."),
    Action("compare", "x", "compare", _compare, "Compare the marked runs.", needs=Needs.MANY, enabled=_comparable),
    Action("lineage", "l", "lineage", _lineage, "What it was made from and what was made of it."),
    Action("json", "y", "json", _json, "Everything about it, as JSON."),
    Action(
        "register",
        "R",
        "register",
        _register,
        "Register a version from this run.",
        danger=Danger.REVERSIBLE,
        role=Role.WRITER,
        ask=lambda _run: (
            Field("model", "model"),
            Field("artifact", "artifact path", "model"),
            Field("owner", "owner", required=False),
            Field("description", "description", required=False),
        ),
        twin=_registering,
    ),
    Action(
        "tag",
        "t",
        "tag",
        _tag,
        "Set a tag on the marked runs; an empty value takes it away.",
        danger=Danger.REVERSIBLE,
        needs=Needs.MANY,
        role=Role.WRITER,
        ask=lambda _runs: (Field("key", "tag"), Field("value", "value", required=False)),
        hint=False,
        each=Each(
            lambda engine, run, said: engine.runs.set_tag(run.run_id, said["key"], said["value"] or None), _called
        ),
        twin=lambda it, said: several(qd("runs", "tag", run.run_id, tagged(said)) for run in it),
    ),
    Action(
        "rename",
        "N",
        "rename",
        _rename,
        "Rename the run.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        ask=lambda run: (Field("name", "name", run.name),),
        hint=False,
        twin=lambda it, said: qd("runs", "rename", it.run_id, said["name"]),
    ),
    Action(
        "note",
        "n",
        "note",
        _note,
        "Write a note.",
        danger=Danger.REVERSIBLE,
        role=Role.WRITER,
        ask=lambda run: (Field("note", "note", run.note, required=False),),
        hint=False,
        twin=lambda it, said: qd("runs", "note", it.run_id, said["note"]),
    ),
    Action(
        "delete",
        "D",
        "delete",
        _delete,
        "Delete the marked runs; they can be restored.",
        danger=Danger.REVERSIBLE,
        needs=Needs.MANY,
        role=Role.OPERATOR,
        hint=False,
        each=Each(lambda engine, run, _said: engine.runs.delete(run.run_id), _called),
        twin=lambda it, _said: qd("runs", "delete", tuple(run.run_id for run in it)),
    ),
    Action(
        "reap",
        "",
        "close lost runs",
        _reap,
        "Close every lost run: its process has died.",
        danger=Danger.REVERSIBLE,
        needs=Needs.NOTHING,
        role=Role.OPERATOR,
        hint=False,
        twin=lambda _it, _said: qd("runs", "reap"),
    ),
)

RUNS: Resource[Run] = Resource(
    name="runs",
    noun="run",
    source=RunSource(),
    actions=ACTIONS,
    kinds=frozenset({"run"}),
    empty=(
        "No runs yet.",
        "Log one from Python:  with engine.open().runs.start('churn') as run: run.log_metric('auc', 0.9)",
        "Or see real ones:  qd demo",
    ),
    sort=("start_time", True),
    key_of=_key_of,
    aggregates=_aggregates,
    grouper=RunGrouper(),
)


def view(location: Location) -> View:
    """The list of runs; a name is an experiment's."""
    return ListView(RUNS, location)
