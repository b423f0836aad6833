"""The list view: any resource over the virtual table, with filter, order, columns of choice, marks and live rows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from textual import on

from console.arranging.actions import LIST_ACTIONS
from console.arranging.arrangement import Arrangement
from console.arranging.footer import Footer
from console.arranging.grouping import Grouping
from console.arranging.keeping import SavedView
from console.arranging.layout import Layout
from console.formats import plural
from console.location import Location, filter_words, narrowed
from console.resources.grouped import GroupRow
from console.resources.resource import Listing, Resource
from console.screens.news import News
from console.text import Part, wrap
from console.theme import STYLES
from console.views import View, problem
from console.widgets.document import Document, Line
from console.widgets.table import Key, VirtualTable
from engine.core.errors import FilterSyntaxError
from engine.core.frozen import frozen
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer

    from console.actions import Action
    from console.resources.resource import Shown
    from engine.core.events import Changes

T = TypeVar("T")

BREATH_SECONDS = 0.02
"""Between a first page and the rest: the screen paints meanwhile. A letter typed then ends the reading of the rest."""

MOST_KEPT = 1_000
"""Things kept before those are let go whose rows the table has forgotten."""

LETTERS = frozenset({"h", "l", "ctrl+d", "ctrl+u", "enter"})
"""Keys of the table that mean something else in a list."""


@frozen
class _Read(Generic[T]):
    """A list as it was read: for which location, and how it was laid out last if nobody has said otherwise."""

    location: Location
    arrangement: Arrangement | None
    columns: Sequence[Shown[T]]
    listing: Listing[T]


class ListTable(VirtualTable):
    """The table with keys that leave letters to actions."""

    KEYS: ClassVar[Mapping[str, str]] = {
        key: movement for key, movement in VirtualTable.KEYS.items() if key not in LETTERS
    }


class ListView(View, Generic[T]):
    """A resource as a list.

    Args:
        resource: What it is a list of.
        location: Filter, order and columns.
    """

    DEFAULT_CSS = "ListView Document { display: none; }"

    def __init__(self, resource: Resource[T], location: Location) -> None:
        super().__init__(location)
        self.resource = resource
        self.table = ListTable(roles=STYLES)
        self._empty = Document()
        self.columns: Layout[T] = Layout(resource, self.table)
        self.footer = Footer(self)
        self._arranged = bool(location.terms or location.sort or location.columns)
        self.grouping = Grouping(self)
        self._items: dict[Key, Any] = {}
        self.keys: Sequence[Key] = ()
        """The keys of all rows, in order."""
        self.news: News[T] = News(self)
        self._loaded = False
        self._counting = False
        self._rest: Timer | None = None
        self._terms: tuple[str, ...] = ()
        self._shown_at: Location | None = None
        self._remark = ""
        self._problem = ""

    movements: ClassVar[tuple[tuple[str, str], ...]] = (
        ("↑ ↓ j k", "move"),
        ("PgUp PgDn  ctrl-b ctrl-f", "page"),
        ("g G  Home End", "first, last"),
        ("← →", "column by column; those that do not fit come into view"),
        ("space", "mark; marked rows are compared, copied, changed together"),
        ("click a heading", "sort by it; with ctrl, alt or the right button as a further order"),
    )

    # --- the view

    def compose(self) -> ComposeResult:
        """The table; when it is empty, what would fill it."""
        yield self.table
        yield self._empty
        yield self.footer

    def on_mount(self) -> None:
        """Read at once."""
        self.load()

    def on_resize(self) -> None:
        """Other numbers of groups may fit."""
        self.call_after_refresh(self.grouping.drawn_anew)

    @property
    def filterable(self) -> bool:  # type: ignore[override]  # a class variable elsewhere; here the resource says
        """Whether `/` filters it."""
        return self.resource.filterable

    def offered(self) -> Sequence[Action]:
        """The resource's actions, then those of every list."""
        return (*self.grouping.offered(self.resource.actions), *LIST_ACTIONS)

    def notes(self) -> Sequence[tuple[str, str]]:
        """The headings that are shown, and the whole names of those that are cut."""
        whole = {shown.column.name: shown.column.title for shown in self.columns.shown}
        return [(heading, clean(whole[name])) for name, heading in self.table.headings() if heading != whole[name]]

    def take_focus(self) -> None:
        """The table, or the lines that stand for it."""
        self.screen.set_focus(self.table if self.table.display else self._empty)

    def status(self) -> Sequence[Part]:
        """Position, count, filter, marks, frozen, and what is wrong with the filter."""
        if self._problem:
            return [(self._problem, "bad")]
        parts = self.news.status()
        if self.table.marks:
            hidden = len(self.marks.difference(self.grouping.things))
            unseen = f", {hidden} hidden by the filter" if hidden else ""
            parts.append((f"{len(self.marks)} marked{unseen}  ", "mark"))
        if text := narrowed(self.location):
            parts += [(text, "warn"), ("  ", "")]
        if self._remark:
            parts.append((f"{self._remark}  ", "dim"))
        parts += self.grouping.status()
        if self._loaded:
            parts.append((plural(len(self.grouping.things), self.resource.noun) + ("…" if self._counting else ""), ""))
        return parts

    def escape(self) -> bool:
        """The filter first, term by term from the last, and the earliest time; then the marks."""
        if self.location.terms:
            self.go(replace(self.location, terms=self.location.terms[:-1]))
        elif self.location.since:
            self.go(replace(self.location, since=""))
        elif self.table.marks:
            self.table.clear_marks()
        else:
            return False
        return True

    def copy_text(self, *, whole: bool) -> str:
        """The cell under both cursors, or all cells of the row with tabs between."""
        key, column = self.table.cursor_key, self.columns.here
        row = self.table.row(key) if key is not None else None
        if row is None or column is None:
            return ""
        texts = self.grouping.plain(row)
        return "\t".join(texts) if whole else texts[self.columns.shown.index(column)]

    # --- subjects

    @property
    def complete(self) -> bool:
        """Whether the whole order has been read, and not its first page alone."""
        return self._loaded and not self._counting

    def subject(self) -> T | None:
        """The thing under the cursor."""
        item = self.item(self.table.cursor_key)
        return None if isinstance(item, GroupRow) else item

    def item(self, key: Key | None) -> Any:
        """The thing or group of a row, if it has been read."""
        return None if key is None else self._items.get(key)

    @property
    def marks(self) -> frozenset[Key]:
        """The keys of the marked things, also of those the filter leaves out."""
        return self.grouping.of_things(self.table.marks)

    def subjects(self) -> tuple[object, ...]:
        """The marked things in the list's order; without marks the one under the cursor."""
        marks = self.marks
        marked = [self._items[key] for key in self.grouping.things if key in marks and key in self._items]
        return tuple(marked) if marked else super().subjects()

    # --- reading

    def load(self) -> None:
        """Read anew: the first page and then the whole order, or at once the whole where the cursor is to stay."""
        deck, source, location = self.deck, self.grouping.source, self.location
        engine = deck.engine
        other_words = bool(location.terms) and location.terms != self._terms
        read = source.first if other_words or not self._loaded else source.whole
        self._terms, self._counting = location.terms, False
        if self._rest is not None:
            self._rest.stop()

        remembered = self._remembered()

        def compute() -> _Read[T]:
            used = remembered()
            if used is not None:
                here = replace(location, sort=used.sort, columns=used.columns)
                with suppress(FilterSyntaxError):  # it may name what is no more: then as if nothing were remembered
                    return _Read(here, used.arrangement, source.columns(engine, here), read(engine, here))
            return _Read(location, None, source.columns(engine, location), read(engine, location))

        deck.read(self._group("list"), compute, self._arrived, self._failed)

    def _remembered(self) -> Callable[[], SavedView | None]:
        """What reads the arrangement last used; only for a list that nobody has arranged yet."""
        own = self.deck.own
        if own is None or self._arranged:
            return lambda: None
        from console.arranging.last_used import LastUsed

        return partial(LastUsed(own.state).of, self.resource.name)

    def _group(self, name: str) -> str:
        return f"{name}.{id(self)}"

    def _arrived(self, found: _Read[T]) -> None:
        listing = found.listing
        self._problem = ""
        if found.arrangement is not None and not self._arranged:
            self.columns.arrangement = found.arrangement
            self.location = found.location
            self.deck.navigator.amend(found.location)
        self._arranged = True
        self.columns.take(found.columns, self.location)
        lost = listing.partial and self.table.cursor_key not in listing.items
        before = self._shown_at
        sorted_anew = before is not None and before.sort != self.location.sort and self.table.following
        self.take(listing, from_top=self._shown_at == self.location and self.table.scroll_top == 0)
        self._shown_at = self.location
        if lost or sorted_anew:  # who looks at the first rows wants to see those of the new order
            self.table.go_to(0)
        if not listing.items:
            self.read_again(None)
        self._counting = listing.partial
        if listing.partial:
            self._rest = self.set_timer(BREATH_SECONDS, self._load_rest)
        self.deck.frame_changed()

    def _load_rest(self) -> None:
        """Read the whole order after its first page, when that has been painted."""
        source, location, engine = self.grouping.source, self.location, self.deck.engine
        if self._counting:
            self.deck.read(self._group("list"), lambda: source.whole(engine, location), self._completed, self._failed)

    def _completed(self, listing: Listing[T]) -> None:
        self._counting = False
        self.take(listing)
        self.deck.frame_changed()

    def take(self, listing: Listing[T], *, from_top: bool = False) -> None:
        """Show an order that was read; `from_top` as for the table."""
        self._loaded = True
        self._remark = listing.remark
        self._remember(listing.items)
        self.set_keys(listing.keys, from_top=from_top)
        if listing.items:
            self.table.put_rows(self._cells(listing.items))

    def set_keys(self, keys: Sequence[Key], *, from_top: bool = False) -> None:
        """Show the rows in this order; see the table's `set_keys`."""
        self.keys = keys = self.grouping.taken(keys)
        self.news.listed()
        self.table.set_keys(keys, from_top=from_top)
        self.grouping.settle_marks()
        self._show_empty()
        self.footer.changed()

    def _cells(self, items: Mapping[Key, T]) -> dict[Key, Any]:
        return self.grouping.cells(items)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, FilterSyntaxError):
            self._problem = error.message
            self.deck.frame_changed()
            if not self.deck.frame.typing:
                self.deck.fail(error)
            return
        if not self._loaded:
            self._instead(lambda width: problem(error, width))
        self.deck.fail(error)

    def _instead(self, lines: Callable[[int], Sequence[Line]]) -> None:
        """Show lines in the table's place."""
        self._empty.show(lines)
        self._swap(empty=True)

    def _show_empty(self) -> None:
        empty = not self.keys
        text = narrowed(self.location).removeprefix("/")
        lines = (
            (f"No {self.resource.noun} matches {text}", "Esc takes the filter away.") if text else self.resource.empty
        )
        if empty:
            self._instead(
                lambda width: [
                    Line(),
                    *(Line([(f"  {part}", "dim")]) for each in lines for part in wrap(each, max(width - 4, 10))),
                ]
            )
        else:
            self._swap(empty=False)

    def _swap(self, *, empty: bool) -> None:
        if self.table.display is empty:
            self.table.display = not empty
            self._empty.display = empty
            if self.display and not self.deck.frame.typing:
                self.take_focus()

    @on(VirtualTable.RowsNeeded)
    def _rows_needed(self, message: VirtualTable.RowsNeeded) -> None:
        message.stop()
        keys, location, engine = message.keys, self.location, self.deck.engine
        source = self.grouping.source
        self.deck.read(self._group("rows"), lambda: source.rows(engine, keys, location), self._rows_came)

    def _rows_came(self, items: Mapping[Key, T]) -> None:
        self._remember(items)
        self.table.put_rows(self._cells(items))
        self.grouping.came(items)

    def _remember(self, items: Mapping[Key, T]) -> None:
        """Keep things that were read; of many only those whose rows the table keeps too, and the marked."""
        if len(self._items) > MOST_KEPT:
            row, marks = self.table.row, self.table.marks
            self._items = {key: item for key, item in self._items.items() if key in marks or row(key) is not None}
        self._items.update(items)

    def items_of(self, wanted: Callable[[Key], object]) -> dict[Key, Any]:
        """What was read of the rows whose keys are wanted."""
        return {key: item for key, item in self._items.items() if wanted(key) is not None}

    # --- order, filter, columns

    def set_filter(self, text: str) -> None:
        """Filter by what was typed."""
        self.go(replace(self.location, terms=filter_words(text)))

    def go(self, location: Location) -> None:
        """The same list with another filter, order or columns of choice."""
        if location != self.location:
            arranged = replace(location, terms=()) != replace(self.location, terms=())
            self.deck.amend(location)
            if arranged:
                self._keep()

    def relocate(self, location: Location) -> None:
        """Columns that are asked for by name are shown, though they were hidden before."""
        self._arranged = True
        if location.columns != self.location.columns:
            self.columns.arrangement = self.columns.arrangement.show(location.columns)
        super().relocate(location)

    def lay_out(self, arrangement: Arrangement) -> None:
        """Lay out the columns otherwise, now and the next time."""
        self._arranged = True
        if arrangement != self.columns.arrangement:
            self.columns.arrangement = arrangement
            self.columns.take(self.columns.every, self.location)
            self.table.put_rows(
                self._cells({key: it for key in self.table.visible_keys if (it := self._items.get(key))})
            )
            self.footer.changed()
            self._keep()

    def choose(self, columns: tuple[str, ...], arrangement: Arrangement) -> None:
        """Show these columns of choice, laid out so."""
        self.lay_out(arrangement)
        self.go(replace(self.location, columns=columns))

    def _keep(self) -> None:
        own = self.deck.own
        if own is not None:
            from console.arranging.last_used import LastUsed

            keep, view = LastUsed(own.state).keep, SavedView.of_list(self.location, self.columns.arrangement)
            self.deck.read(self._group("keep"), lambda: keep(self.resource.name, view), lambda _: None)

    @on(VirtualTable.SortRequested)
    def _sort_requested(self, message: VirtualTable.SortRequested) -> None:
        message.stop()
        from console.arranging.actions import sort_by_column

        sort_by_column(self, further=message.further)

    def freeze(self) -> None:
        """Hold the rows still, or let them go and catch up."""
        self.news.freeze()
        if not self.news.frozen:
            self.load()
        self.deck.frame_changed()

    # --- cursor and marks

    @on(VirtualTable.RowHighlighted)
    def _highlighted(self, message: VirtualTable.RowHighlighted) -> None:
        message.stop()
        self.grouping.highlighted()
        if message.index == 0:
            self.news.came_to_top()

    @on(VirtualTable.ColumnHighlighted)
    def _other_column(self, message: VirtualTable.ColumnHighlighted) -> None:
        message.stop()
        self.footer.column_changed()
        self.grouping.drawn_anew()

    @on(VirtualTable.RowSelected)
    def _selected(self, message: VirtualTable.RowSelected) -> None:
        message.stop()
        self.deck.press("Enter")

    def mark(self, keys: Sequence[Key]) -> None:
        """Mark rows besides those that are marked, once all of them have been read: what is done to them needs them."""
        source, location, engine = self.resource.source, self.location, self.deck.engine
        missing = [key for key in keys if key not in self._items]

        def marked(items: Mapping[Key, T]) -> None:
            self._items.update(items)
            self.table.set_marks(self.table.marks | {key for key in keys if key in self._items})

        if missing:
            self.deck.read(self._group("marks"), lambda: source.rows(engine, missing, location), marked)
        else:
            marked({})

    @on(VirtualTable.MarksChanged)
    def _marked(self, message: VirtualTable.MarksChanged) -> None:
        message.stop()
        if self.grouping.settle_marks():
            self.footer.changed()
            self.deck.frame_changed()

    # --- news

    def concerns(self, changes: Changes) -> bool:
        """Whether any of it is about this resource."""
        return changes.missed or any(event.kind in self.resource.kinds for event in changes.events)

    def catch_up(self) -> None:
        """Shown again: what came meanwhile appears, since nobody was looking whom it could disturb."""
        self.news.returning()
        super().catch_up()

    def changed(self, changes: Changes) -> None:
        """Something that concerns it changed, or it can be read again."""
        if self._loaded:
            self.news.changed(changes)
            self.grouping.changed()
        else:
            self.load()

    def read_again(self, keys: Sequence[Key] | None) -> None:
        """Read rows that are shown and may have changed.

        Args:
            keys: Theirs; `None` when any row may have: those in view are read now, others when they come into view.
        """
        if keys is None:
            self.table.forget_out_of_view()
            keys = self.table.visible_keys
        if keys:
            source, location, engine, wanted = self.grouping.source, self.location, self.deck.engine, keys
            self.deck.read(self._group("news"), lambda: source.rows(engine, wanted, location), self.update)

    def update(self, items: Mapping[Key, T]) -> None:
        """Show what has changed of things that are listed."""
        self._items.update(items)
        self.footer.changed()
        self.table.update_rows(self._cells(items))
        self.grouping.came(items)

    def tick(self) -> None:
        """Ages and silent runs may read differently now."""
        if not self.news.frozen and self.keys:
            self.read_again(self.table.visible_keys)
