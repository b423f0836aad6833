"""The shell command that shows without the console what a view shows. Imported when one is copied."""

from __future__ import annotations

from dataclasses import replace
from shlex import quote
from typing import TYPE_CHECKING

from console.location import Location, filter_text
from engine.core.command import unparse_command
from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.api import Engine

_SHOWN = {
    "run": ("runs", "show"),
    "version": ("versions", "show"),
    "history": ("models", "history"),
    "record": ("audit", "show"),
    "endpoint": ("endpoints", "show"),
    "external-endpoint": ("endpoints", "show"),
    "predictions": ("telemetry", "predictions"),
    "alert": ("alerts", "show"),
    "monitor": ("monitors", "show"),
    "result": ("monitors", "result"),
    "trace": ("traces", "show"),
    "prompt-versions": ("prompts", "versions"),
    "prompt": ("prompts", "show"),
    "results": ("monitors", "results"),
    "job": ("jobs", "show"),
    "state": ("versions", "list"),
}
"""Views of one thing, and the words that print it."""

_PARTS = {
    "compare": ("runs", "compare"),
    "prompt-diff": ("prompts", "diff"),
}
"""Views of several things, whose names are cut into words, and the words that print them."""

_PLAIN = {
    Location("approvals"): ("approvals", "list", "--state", "all"),
    Location("endpoints"): ("endpoints", "list"),
    Location("processes"): ("up", "status"),
    Location("silences"): ("alerts", "silences"),
    Location("monitors"): ("monitors", "list"),
    Location("results"): ("monitors", "results"),
    Location("workspace"): ("db", "stats"),
    Location("server"): ("server", "status"),
    Location("jobs"): ("jobs", "list"),
    Location("state"): ("versions", "list"),
}
"""Views of everything, and the words that print them."""

_FILTERED: dict[str, tuple[str, ...]] = {
    "models": ("models", "list"),
    "versions": ("versions", "list"),
    "experiments": ("experiments", "list"),
    "prompts": ("prompts", "list"),
    "alerts": ("alerts", "list", "--all"),
    "traces": ("traces", "list"),
}
"""Lists that the shell filters and sorts as well, and the words that print them."""


def shell_of(engine: Engine, location: Location) -> str:
    """The command of a view: its headless twin where there is one, else the one that opens the console there.

    Args:
        engine: The open workspace.
        location: The view.

    Returns:
        A line for a POSIX shell, beginning with `qd`.
    """
    try:
        words = _twin(engine, location)
    except QuarterdeckError:  # a filter that does not parse has no twin
        words = None
    return unparse_command(location) if words is None else " ".join(["qd", *map(_quoted, words)])


def in_workspace(line: str, workspace: str) -> str:
    """A command with the workspace that the console was opened with; empty leaves it to the environment."""
    return f"qd --workspace {quote(workspace)} {line.removeprefix('qd ')}" if workspace else line


def _quoted(word: str) -> str:
    """A word for the shell; filters hold single quotes, which double ones spare from escapes."""
    spared = "'" in word and not any(mark in word for mark in '"$`\\!')
    return f'"{word}"' if spared else quote(word)


def _twin(engine: Engine, location: Location) -> list[str] | None:
    """The words that print what a view shows; `None` where they would leave out what was asked of it."""
    if location.at:
        return _then(engine, location)
    if location.resource == "runs":
        return _runs(engine, location)
    if location.columns or location.group:
        return None
    if location.resource in _FILTERED and not location.since:
        return _filtered(engine, location)
    return _of_one(location) or _of_all(location)


def _then(engine: Engine, location: Location) -> list[str] | None:
    """The words of a view of the past: some commands know moments only, not the numbers of changes."""
    known = _AS_THEY_WERE if location.at.startswith("#") else _AS_THEY_WERE | _OF_A_MOMENT
    words = _twin(engine, replace(location, at="")) if location.resource in known else None
    if words is None or (location.resource in _WHOLE and (location.terms or location.sort)):
        return None
    return [*words, "--at", location.at]


def _of_one(location: Location) -> list[str] | None:
    if location.terms or location.sort or location.since or not location.name:
        return None
    if location.resource in _SHOWN:
        return [*_SHOWN[location.resource], *_named(location)]
    if location.resource in _PARTS:
        return [*_PARTS[location.resource], *_parts(location.name)]
    if location.resource == "lineage":
        from console.screens.lineage import key_of

        return ["lineage", str(key_of(location.name))]
    return _planned(location.name) if location.resource == "promotion" else None


def _of_all(location: Location) -> list[str] | None:
    if location in _PLAIN:
        return list(_PLAIN[location])
    if location == Location("audit", since=location.since):
        return ["audit", "list", *(["--since", location.since] if location.since else [])]
    return None


_AS_THEY_WERE = frozenset(
    [
        "run",
        "runs",
        "compare",
        "version",
        "alert",
        "alerts",
        "silences",
        "monitor",
        "monitors",
        "results",
        "approvals",
        "lineage",
        "models",
        "experiments",
        "traces",
        "prompts",
        "prompt",
        "prompt-versions",
        "endpoints",
    ]
)
"""Views whose command takes `--at` as it is."""

_OF_A_MOMENT = frozenset(["versions", "state", "audit", "endpoint"])
"""Views whose command takes a moment behind `--at`, though no change."""

_WHOLE = ("versions", "state")
"""Views whose past the shell shows whole, however it is filtered."""


def _named(location: Location) -> list[str]:
    return ["--", location.name] if location.name.startswith("-") else [location.name]


def _parts(name: str) -> list[str]:
    """What a name like `ID,ID` or `greeting/1/2` names."""
    return name.split(",") if "," in name else name.rsplit("/", 2)


def _planned(name: str) -> list[str] | None:
    """The plan of `churn/7/production` or `churn/rollback`, which nothing is done by."""
    rest, _, last = name.rpartition("/")
    model, _, number = rest.rpartition("/")
    if last == "rollback":
        return ["models", "rollback", rest, "--dry-run"]
    return ["models", "promote", model, number, "--to", last, "--dry-run"] if model else None


def _runs(engine: Engine, location: Location) -> list[str] | None:
    from console.resources.runs import RunSource

    query, expressions = RunSource().query(engine, location)
    if expressions or location.group:
        return None
    experiment = ["--experiment", query.experiment] if query.experiment else []
    order = [str(each) for each in query.order_by]
    columns = _columns(engine, location.columns)  # the source asks in texts
    return ["runs", "list", *experiment, *columns, *_options(str(query.filter), order)]


def _columns(engine: Engine, keys: Sequence[str]) -> list[str]:
    """Columns of choice: those of logged values, for the others are always there."""
    from engine.core.query.quick import parse_quick_order
    from engine.core.query.schema import RUNS
    from engine.core.query.tree import Entity
    from engine.core.query.writer import field_text

    known = engine.run_reading.columns()
    fields = [each.field for key in keys for each in parse_quick_order(key, RUNS, known.metrics, known.params)]
    logged = [field_text(each) for each in fields if each.entity is not Entity.ATTRIBUTE]
    return ["--columns", ",".join(logged)] if logged else []


def _filtered(engine: Engine, location: Location) -> list[str] | None:
    """The twin of a short list; `None` where a free word is looked for, which only the console does."""
    from engine.core.query import schema
    from engine.core.query.quick import parse_quick, parse_quick_order
    from engine.core.query.writer import unparse, unparse_order_by

    asked: schema.Schema = getattr(schema, location.resource.upper())
    known = engine.run_reading.columns()
    quick = parse_quick(filter_text(location), asked, known.metrics, known.params, engine.clock.now_ms())
    named = location.name and location.resource != "versions"
    if quick.words or named or (location.resource == "experiments" and location.sort):
        return None
    order = parse_quick_order(location.sort, asked, known.metrics, known.params)
    text = unparse(quick.predicate) if quick.predicate is not None else ""
    words = [*_FILTERED[location.resource], *([location.name] if location.name else [])]
    return [*words, *_options(text, [unparse_order_by([each]) for each in order])]


def _options(text: str, order: Sequence[str]) -> list[str]:
    return [*(["--filter", text] if text else []), *(word for each in order for word in ("--order-by", each))]
