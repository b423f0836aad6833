"""The line under a list: how many numbers its columns hold, the least, the mean and the greatest of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from console.formats import duration, number, plural
from console.widgets.bar import Bar
from engine.core.aggregates import Aggregates, aggregate
from engine.core.errors import InvalidInput, QuarterdeckError
from engine.core.query.schema import Kind
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.timer import Timer

    from console.resources.resource import Shown, Source
    from console.screens.list import ListView
    from console.text import Part
    from engine.core.aggregates import Aggregate

T = TypeVar("T")

MOST_READ = 5_000
"""Rows that are added up one by one."""

REST_SECONDS = 0.5
"""Between a change of the list and adding up anew: many changes in a moment are added up once."""

AT_ONCE = 0.01
"""The same when nothing is shown yet."""

NUMBERS = frozenset({Kind.NUMBER, Kind.DURATION, Kind.LOGGED})
"""Kinds of columns that may hold numbers."""

_NAME = 24
"""Characters of a column's name."""


class Footer(Bar):
    """Says what the columns of a list come to; off until asked for.

    Args:
        view: The list.
    """

    DEFAULT_CSS = "Footer { height: 1; width: 1fr; display: none; }"

    def __init__(self, view: ListView[Any]) -> None:
        super().__init__()
        self._view = view
        self._found = Aggregates(0, ())
        self._what = ""
        self._timer: Timer | None = None

    def changed(self) -> None:
        """The list, its columns or its marks are others now: add up anew, once it rests."""
        wanted = self._view.columns.arrangement.footer
        if self.display is not wanted:
            self.display = wanted
        if wanted and self._timer is None and self.is_attached:
            self._timer = self.set_timer(REST_SECONDS if self._found.columns else AT_ONCE, self._read)

    def _read(self) -> None:
        self._timer = None
        view = self._view
        if not view.columns.arrangement.footer:
            return
        columns = [each for each in view.columns.shown if view.columns.kind(each) in NUMBERS]
        marked = view.subjects() if view.table.marks else ()
        if not columns:
            self.show([("No column here holds numbers.", "dim")])
            return
        compute = _adding_up(view, columns, marked)
        self._what = f"{len(marked):,} marked" if marked else ""
        view.deck.read(f"footer.{id(view)}", compute, self._came, self._failed)

    def _came(self, found: Aggregates) -> None:
        self._found = found
        self.column_changed()

    def _failed(self, error: Exception) -> None:
        said = f"{error.message} {error.hint}" if isinstance(error, QuarterdeckError) else type(error).__name__
        self.show([(clean(said, limit=300), "dim")])

    def column_changed(self) -> None:
        """The column under the cursor comes first, then the others as they stand."""
        if not self._found.columns:
            return
        here = self._view.columns.here
        found, group = self._found, self._view.grouping.here
        words = self._what or plural(found.things, self._view.resource.noun)
        if group is not None and not self._what:
            found, words = Aggregates(group.group.count, group.group.columns), self._view.grouping.words(group)
        told = sorted(found.columns, key=lambda each: here is None or each.column != here.sort)
        parts: list[Part] = [(f"{words}  ", "dim")]
        for each in told:
            if each.count:
                parts += self._words(each)
        self.show(parts if len(parts) > 1 else [*parts, ("no numbers in these columns", "dim")])

    def _words(self, found: Aggregate) -> list[Part]:
        shown = next((each for each in self._view.columns.shown if each.sort == found.column), None)
        if shown is None:
            return []
        write = _duration if self._view.columns.kind(shown) is Kind.DURATION else number
        parts = [(f"{clean(shown.column.title, limit=_NAME)} ", "strong")]
        numbers = (("min", found.least), ("mean", found.mean), ("max", found.greatest))
        for word, value in numbers:
            parts += [(f"{word} ", "dim"), (f"{write(value)} ", "")]
        missing = f" ({found.missing:,} missing)" if found.missing else ""
        return [*parts, ("n ", "dim"), (f"{found.count:,}{missing}", ""), ("   ", "")]


def _duration(value: float | None) -> str:
    return duration(None if value is None or math.isinf(value) else round(value))


def _adding_up(view: ListView[Any], columns: Sequence[Shown[Any]], marked: Sequence[Any]) -> Callable[[], Aggregates]:
    """What adds up: the source itself, or one by one those that are marked or that a short list holds."""
    resource, location, engine, keys = view.resource, view.location, view.deck.engine, view.keys
    source, in_one = resource.source, resource.aggregates
    if marked:
        return lambda: one_by_one(source, columns, marked)
    if in_one is not None:
        return lambda: in_one(engine, location, columns)

    def compute() -> Aggregates:
        if len(keys) > MOST_READ:
            raise InvalidInput(f"More than {MOST_READ:,} rows are not added up.", hint="Filter them, or mark some.")
        found = source.rows(engine, keys, location)
        return one_by_one(source, columns, [found[key] for key in keys if key in found])

    return compute


def one_by_one(source: Source[T], columns: Sequence[Shown[T]], items: Sequence[T]) -> Aggregates:
    """What things come to, added up one by one.

    Args:
        source: Where they were read.
        columns: The columns to add up.
        items: The things.
    """
    found = (aggregate(shown.sort, [_number(source.value(item, shown)) for item in items]) for shown in columns)
    return Aggregates(len(items), tuple(found))


def _number(value: object) -> float | None:
    """A value as a number, texts too that are written like one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
