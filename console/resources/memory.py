"""Lists short enough to be read whole: models, versions, approvals, experiments. Filtered and sorted in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from console.resources.resource import Listing, Shown
from console.resources.since import asked_of
from console.resources.typed import extended, kind_of, sortable, values_of
from engine.core.query.schema import Kind
from engine.core.text import clean

if TYPE_CHECKING:
    from console.location import Location
    from console.widgets.table import Key
    from engine.api import Engine
    from engine.core.paging import Page
    from engine.core.query.evaluator import Stored
    from engine.core.query.schema import Schema

T = TypeVar("T")

MOST = 5_000
"""Things read; the status line says when there are more."""


MOST_VALUES = 200
"""Values offered for a column."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A thing as filters see it.

    Args:
        attributes: By canonical name of the schema.
        metrics: Its metrics.
        params: Its parameters.
        tags: Its tags.
        datasets: Its datasets.
    """

    attributes: Mapping[str, Any]
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class _Asked(Generic[T]):
    """A thing with what filters see of it."""

    key: Key
    item: T
    attributes: Mapping[str, Any]
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    datasets: Sequence[Mapping[str, str]]


def all_pages(page: Callable[[str | None], Page[T]]) -> list[T]:
    """Read page after page, up to `MOST` things and one page more.

    Args:
        page: Takes the token of the page before, gives the page.
    """
    items: list[T] = []
    token: str | None = None
    while True:
        found = page(token)
        items += found.items
        token = found.next_page_token
        if token is None or len(items) > MOST:
            return items


@dataclass(frozen=True, slots=True)
class MemorySource(Generic[T]):
    """Reads everything, then filters and sorts it.

    Args:
        fetch: Reads the things of a location.
        key: A thing's key.
        shown: The columns.
        facts: What filters see of a thing.
        schema: What can be asked.
        extra: A column for a key of choice; `None` when there is no choice.
        pick: Keys that can be chosen.
    """

    fetch: Callable[[Engine, Location], Iterable[T]]
    key: Callable[[T], Key]
    shown: Sequence[Shown[T]]
    facts: Callable[[T], Facts]
    schema: Schema
    extra: Callable[[str], Shown[T]] | None = None
    pick: Callable[[Engine], Sequence[str]] | None = None

    def columns(self, engine: Engine, location: Location) -> Sequence[Shown[T]]:
        """The columns, with those of choice."""
        del engine
        extra, shown = self.extra, sortable(self.shown, self.schema)
        return [*shown, *(extra(name) for name in location.columns)] if extra else shown

    def first(self, engine: Engine, location: Location) -> Listing[T]:
        """Everything: it is short."""
        return self.whole(engine, location)

    def whole(self, engine: Engine, location: Location) -> Listing[T]:
        """Everything that passes the filter, in order.

        Raises:
            FilterSyntaxError: the filter or the order does not parse.
            InvalidInput: a time is asked for that its things do not have.
            QuarterdeckError: the workspace cannot be read.
        """
        items = list(self.fetch(engine, location))
        remark = f"first {MOST:,} only" if len(items) > MOST else ""
        kept = self._chosen(engine, items[:MOST], location)
        return Listing([self.key(item) for item in kept], {self.key(item): item for item in kept}, remark=remark)

    def rows(self, engine: Engine, keys: Sequence[Key], location: Location) -> Mapping[Key, T]:
        """Nothing is ever missing but what was forgotten or changed: read it all again, whether it passes or not."""
        wanted = set(keys)
        return {key: item for item in self.fetch(engine, location) if (key := self.key(item)) in wanted}

    def choices(self, engine: Engine) -> Sequence[str]:
        """Keys of the columns that can be chosen."""
        return self.pick(engine) if self.pick else ()

    def kind(self, key: str) -> Kind | None:
        """What the schema says, or the column of that name."""
        return kind_of(extended(self.schema, self.shown), key)

    def values(self, engine: Engine, key: str) -> Sequence[str]:
        """The words that a column of words holds."""
        if self.kind(key) not in (Kind.WORD, Kind.TEXT):
            return ()
        from console.location import Location

        now_ms = engine.clock.now_ms()
        found = (self._asked(item, now_ms).attributes.get(key) for item in self.fetch(engine, Location("")))
        return sorted({value for value in found if isinstance(value, str) and value})[:MOST_VALUES]

    def value(self, item: T, shown: Shown[T]) -> Stored | None:
        """What filters see of it, or the column's own value."""
        if shown.value is not None:
            return shown.value(item)
        facts = self.facts(item)
        if shown.sort.startswith("metrics."):
            return facts.metrics.get(shown.sort.removeprefix("metrics.").strip("`"))
        found = facts.attributes.get(shown.sort)
        return found if isinstance(found, (str, int, float)) else None

    def _chosen(self, engine: Engine, items: Sequence[T], location: Location) -> Sequence[T]:
        text = asked_of(location)
        if not text and not location.sort:
            return items
        from engine.core.query.evaluator import evaluate, order
        from engine.core.query.quick import parse_quick, parse_quick_order

        now_ms, schema = engine.clock.now_ms(), extended(self.schema, self.shown)
        asked = [self._asked(item, now_ms) for item in items]
        metrics = {key for each in asked for key in each.metrics}
        params = {key for each in asked for key in each.params}
        quick = parse_quick(text, schema, metrics, params, now_ms)
        for word in quick.words:
            asked = [each for each in asked if word.matches(self._text(each.item, now_ms))]
        if quick.predicate is not None:
            predicate = quick.predicate
            asked = [each for each in asked if evaluate(predicate, each)]
        if location.sort:
            asked = order(asked, parse_quick_order(location.sort, schema, metrics, params), schema=schema)
        return [each.item for each in asked]

    def _asked(self, item: T, now_ms: int) -> _Asked[T]:
        facts = self.facts(item)
        attributes = {**facts.attributes, **values_of(item, self.shown, self.schema, now_ms)}
        return _Asked(self.key(item), item, attributes, facts.metrics, facts.params, facts.tags, facts.datasets)

    def _text(self, item: T, now_ms: int) -> str:
        return " ".join(clean(shown.cell(item, now_ms)[0]) for shown in self.shown)
