"""A table over any number of rows of which only those in view are ever read or drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual.geometry import Offset, Region
from textual.widget import Widget

from console.widgets.table import messages
from console.widgets.table.across import Across
from console.widgets.table.column import Column, Row
from console.widgets.table.layout import Lines
from console.widgets.table.roles import DEFAULT_ROLES
from console.widgets.table.rows import Key, TableRows

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip
    from textual.timer import Timer

    from console.widgets.table.roles import Roles

HEADING = 1  # lines above the first row
RIGHT = 3
"""The right button of the mouse."""

WHEEL = 3  # rows a notch of the wheel moves the view
READ_AHEAD_DELAY = 0.03  # seconds the view rests before rows outside it are asked for
MAX_STRIPS = 300
PATIENCE = 0.04  # seconds a moved view waits for its rows before it is drawn with the ones it has


class VirtualTable(Widget, can_focus=True):
    """A table that asks for the rows it shows.

    The owner gives the order (`set_keys`), answers `RowsNeeded` with `put_rows` and reports changes with `update_rows`.
    A `RowsNeeded` replaces the one before: only the latest needs an answer.

    Args:
        columns: The columns.
        roles: Styles by role, over the default ones.
        id: Widget id.
    """

    DEFAULT_CSS = "VirtualTable { width: 1fr; height: 1fr; }"
    ALLOW_SELECT = False
    KEYS: ClassVar[Mapping[str, str]] = {
        "up": "up",
        "k": "up",
        "down": "down",
        "j": "down",
        "pageup": "page_up",
        "ctrl+b": "page_up",
        "pagedown": "page_down",
        "ctrl+f": "page_down",
        "ctrl+u": "half_page_up",
        "ctrl+d": "half_page_down",
        "home": "first",
        "g": "first",
        "end": "last",
        "G": "last",
        "left": "left",
        "h": "left",
        "right": "right",
        "l": "right",
        "space": "mark",
        "enter": "select",
    }
    """Keys and the movement each makes (see `move`); an app documents them from here."""

    Event: TypeAlias = messages.Event
    RowsNeeded: TypeAlias = messages.RowsNeeded
    RowHighlighted: TypeAlias = messages.RowHighlighted
    ColumnHighlighted: TypeAlias = messages.ColumnHighlighted
    RowSelected: TypeAlias = messages.RowSelected
    MarksChanged: TypeAlias = messages.MarksChanged
    SortRequested: TypeAlias = messages.SortRequested

    def __init__(self, columns: Sequence[Column] = (), *, roles: Roles | None = None, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._across = Across(columns)
        self._roles: Roles = {**DEFAULT_ROLES, **(roles or {})}
        self._data = TableRows()
        self._orders: tuple[tuple[str, bool], ...] = ()
        self._new_above = 0
        self._following = True
        self._lines: Lines | None = None
        self._strips: dict[Key, Strip] = {}
        self._asking = False
        self._ahead: Timer | None = None
        self._late: Timer | None = None

    # --- what the owner reads

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, also those not in view."""
        return self._across.columns

    @property
    def column(self) -> Column | None:
        """The column under the column cursor; None without columns."""
        return self._across.column

    def width_of(self, name: str) -> int:
        """Cells that a column has on the screen; those it wants when it is not in view.

        Raises:
            StopIteration: there is no such column.
        """
        wanted = next((place, column) for place, column in enumerate(self.columns) if column.name == name)
        placed = {place.column: place.width for place in self._across.placed}
        return placed.get(wanted[0], max(wanted[1].width, wanted[1].minimum))

    def headings(self) -> list[tuple[str, str]]:
        """Name and shown heading of the columns in view, left to right."""
        return self._current_lines().headings(self._orders)

    @property
    def cursor_key(self) -> Key | None:
        """Key of the row under the cursor; None in an empty table."""
        return self._data.cursor_key

    @property
    def cursor_index(self) -> int:
        """Place of the cursor from 0; -1 in an empty table."""
        return self._data.cursor

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return len(self._data.keys)

    @property
    def scroll_top(self) -> int:
        """Place of the first row in view."""
        return self._data.top

    @property
    def visible_keys(self) -> tuple[Key, ...]:
        """Keys of the rows in view, top to bottom."""
        return tuple(self._data.keys[index] for index in self._data.visible)

    @property
    def marks(self) -> frozenset[Key]:
        """Keys of the marked rows, also of those the present order leaves out."""
        return frozenset(self._data.marks)

    @property
    def following(self) -> bool:
        """Whether the operator looks at what comes in at the top: nothing was moved, or moved back to the first row."""
        return self._following

    @property
    def new_above(self) -> int:
        """Rows announced by `announce` since the last `set_keys`."""
        return self._new_above

    def row(self, key: Key) -> Row | None:
        """The cells of a row if they have been read."""
        return self._data.row(key)

    # --- what the owner says

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Replace the columns. Rows are forgotten: their cells belong to the old ones. The cursor stays on its name."""
        self._across.set_columns(columns)
        self._data.forget()
        self._relayout()
        self._request()

    def set_roles(self, roles: Roles) -> None:
        """Use other styles; roles that are not named keep the default's."""
        self._roles = {**DEFAULT_ROLES, **roles}
        self._relayout()

    def set_orders(self, orders: Sequence[tuple[str, bool]]) -> None:
        """Show by which columns the rows are ordered; the order itself is the owner's.

        Args:
            orders: Names of columns and whether the greatest comes first, most significant first.
        """
        self._orders = tuple(orders)
        self._refresh_line(0)

    def go_to_column(self, name: str) -> None:
        """Put the column cursor on a column by its name; one that is not there moves nothing."""
        if self._across.go_to(name):
            self._relayout()

    def announce(self, count: int) -> None:
        """Say how many rows the next `set_keys` will bring, without moving anything."""
        if count != self._new_above:
            self._new_above = count
            self._refresh_line(0)

    def set_keys(self, keys: Sequence[Key], *, from_top: bool = False) -> None:
        """Replace the order of the rows.

        The cursor stays on its key and, where it can, on its screen line; marks stay.

        Args:
            keys: All keys in order, each once, for example an `array("q")`. Not to be changed afterwards.
            from_top: Let rows that come before the first one push the others down, instead of standing out of sight.
                A cursor that is pushed out of view goes to the first row if it was following, else keeps its line.
        """
        before = self._data.cursor_key
        self._data.set_keys(keys, from_top=from_top)
        if from_top and self._following and self._data.top:
            self._data.move_to(0)
        self._new_above = 0
        self._moved()
        if self._data.cursor_key != before:
            self._tell_highlighted()

    def put_rows(self, rows: Mapping[Key, Row]) -> None:
        """Answer `RowsNeeded`."""
        self._widen(rows)
        self._changed(self._data.store(rows, known_only=False))

    def update_rows(self, rows: Mapping[Key, Row]) -> None:
        """Rows that may have changed; those never shown are ignored, and only cells that differ are drawn."""
        self._widen(rows)
        self._changed(self._data.store(rows, known_only=True))

    def _widen(self, rows: Mapping[Key, Row]) -> None:
        if self._across.widen(rows.values()):
            self._relayout()

    def forget_rows(self, keys: Collection[Key] | None = None) -> None:
        """Read rows again when they are shown, all of them by default."""
        forgotten = set(self._strips) if keys is None else keys
        for key in forgotten:
            self._strips.pop(key, None)
        self._data.forget(keys)
        if keys is None or not set(self.visible_keys).isdisjoint(keys):
            self._moved()

    def forget_out_of_view(self) -> None:
        """Read rows that are not in view again when they come into view: they may have changed meanwhile."""
        self.forget_rows(self._data.read_out_of_view())

    def clear_marks(self) -> None:
        """Take all marks away."""
        self.set_marks(())

    def set_marks(self, keys: Collection[Key]) -> None:
        """Mark these rows and no others."""
        if self._data.marks != set(keys):
            self._data.marks = set(keys)
            self._strips.clear()
            self.refresh()
            self.post_message(self.MarksChanged(self, self.marks))

    def stretch(self) -> Sequence[Key]:
        """The keys from the row marked last to the cursor, both included; () when that row is not among these."""
        return self._data.stretch()

    def go_to(self, index: int) -> None:
        """Put the cursor on a row by its place from 0; beyond the ends is the end."""
        self._go(lambda: self._data.move_to(index))

    def move(self, movement: str) -> None:
        """Make one of the movements that `KEYS` names.

        Raises:
            KeyError: there is no such movement.
        """
        data = self._data
        page = max(1, data.height)
        actions: dict[str, Callable[[], None]] = {
            "up": lambda: self.go_to(data.cursor - 1),
            "down": lambda: self.go_to(data.cursor + 1),
            "page_up": lambda: self._go(lambda: data.page(-page)),
            "page_down": lambda: self._go(lambda: data.page(page)),
            "half_page_up": lambda: self._go(lambda: data.page(-(page // 2) or -1)),
            "half_page_down": lambda: self._go(lambda: data.page(page // 2 or 1)),
            "first": lambda: self.go_to(0),
            "last": lambda: self.go_to(self.row_count - 1),
            "left": lambda: self._step_column(-1),
            "right": lambda: self._step_column(1),
            "mark": self._toggle_mark,
            "select": self._select,
        }
        actions[movement]()

    # --- events

    def on_key(self, event: events.Key) -> None:
        """Move; handled here rather than by bindings, which would pass every ancestor first."""
        movement = self.KEYS.get(event.key)
        if movement is not None:
            event.stop()
            event.prevent_default()
            self.move(movement)

    def on_resize(self) -> None:
        """Show as many rows as there is room."""
        self._data.resize(self.size.height - HEADING)
        self._across.resize(self.size.width)
        self._relayout()
        self._request()

    def on_click(self, event: events.Click) -> None:
        """Order by a heading, go to a row, open it on the second click."""
        event.stop()
        if event.y < HEADING:
            column = self._current_lines().column_at(event.x)
            if column is not None and column.sortable:
                self.go_to_column(column.name)
                # Most terminals keep shift for selecting text, some ctrl for a menu: in each one way comes through.
                further = event.ctrl or event.meta or event.shift or event.button == RIGHT
                self.post_message(self.SortRequested(self, column.name, further=further))
            return
        index = self._data.top + event.y - HEADING
        if index < self.row_count:
            self.go_to(index)
            if event.chain == 2:
                self._select()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move the view down."""
        self._wheel(event, WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move the view up."""
        self._wheel(event, -WHEEL)

    def _wheel(self, event: events.MouseEvent, rows: int) -> None:
        event.stop()
        event.prevent_default()
        self._go(lambda: self._data.scroll(rows))

    # --- drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines for the compositor. Overridden below Textual's style cache: a line is made once and kept by its key."""
        if self.has_focus and self._data.cursor >= 0:
            line = self._data.cursor - self._data.top + HEADING
            self.app.cursor_position = self.region.offset + Offset(0, line)  # what a screen reader follows
        strips = [self._line(y) for y in crop.line_range]
        if crop.x or crop.width != self.size.width:
            return [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """One line, for Textual's own queries."""
        return self._line(y)

    def _line(self, y: int) -> Strip:
        lines, data = self._current_lines(), self._data
        if y < HEADING:
            news = f"↑ {self._new_above} new" if self._new_above else ""
            here = self._across.column
            return lines.heading(self._orders, news, here.name if here is not None else "")
        index = data.top + y - HEADING
        if index >= len(data.keys):
            return lines.blank
        key = data.keys[index]
        if index == data.cursor:
            role = "cursor" if self.has_focus else "cursor-blurred"
            return lines.row(data.row(key), marked=key in data.marks, cursor=role)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > MAX_STRIPS:
                self._strips.clear()
            strip = self._strips[key] = lines.row(data.row(key), marked=key in data.marks)
        return strip

    def _current_lines(self) -> Lines:
        if self._lines is None:
            self._lines = Lines(self._across, self.size.width, self._roles)
        return self._lines

    def _relayout(self) -> None:
        self._lines = None
        self._strips.clear()
        self.refresh()

    def _refresh_line(self, y: int) -> None:
        self.refresh(Region(0, y, self.size.width, 1))

    # --- moving

    def _go(self, step: Callable[[], None]) -> None:
        data = self._data
        cursor, top, key = data.cursor, data.top, data.cursor_key
        step()
        self._following = data.cursor <= 0 and data.top == 0
        if data.top != top:
            self._moved()
        elif data.cursor != cursor:
            self._refresh_line(cursor - top + HEADING)
            self._refresh_line(data.cursor - top + HEADING)
            self._request()
        if data.cursor_key != key:
            self._tell_highlighted()

    def _moved(self) -> None:
        """The view shows other rows: draw it now if they are there, else when they come, or soon at the latest."""
        self._request()
        if self._data.complete or not self.is_attached:
            self._draw()
        elif self._late is None:
            self._late = self.set_timer(PATIENCE, self._draw)

    def _draw(self) -> None:
        if self._late is not None:
            self._late.stop()
            self._late = None
        self.refresh()

    def _changed(self, keys: Sequence[Key]) -> None:
        """Draw the rows of these keys that are in view."""
        for key in keys:
            self._strips.pop(key, None)
        if self._late is not None:
            if self._data.complete:
                self._draw()
            return
        changed = set(keys)
        lines = [y for y, index in enumerate(self._data.visible, HEADING) if self._data.keys[index] in changed]
        for first, last in _stretches(lines):  # one region for neighbours: each costs as much as drawing a line
            self.refresh(Region(0, first, self.size.width, last - first + 1))

    def _request(self) -> None:
        """Ask for rows in view once this message is handled, for those around them when the view rests."""
        if not self._asking:
            self._asking = True
            self.call_next(self._ask)
        if self._ahead is not None:
            self._ahead.stop()
        if self.is_attached:
            self._ahead = self.set_timer(READ_AHEAD_DELAY, self._request_ahead)

    def _ask(self) -> None:
        self._asking = False
        keys = self._data.missing(ahead=False)
        if keys:
            self.post_message(self.RowsNeeded(self, keys))

    def _request_ahead(self) -> None:
        self._ahead = None
        keys = self._data.missing(ahead=True)
        if keys:
            self.post_message(self.RowsNeeded(self, keys))

    def _step_column(self, by: int) -> None:
        """Move the column cursor; other columns come into view only when it leaves those that are."""
        shown = self._across.placed
        if self._across.step(by):
            self.post_message(self.ColumnHighlighted(self))
            if self._across.placed is shown:
                self._refresh_line(0)
            else:
                self._relayout()

    def _toggle_mark(self) -> None:
        key = self._data.cursor_key
        if key is None:
            return
        self._data.toggle_mark()
        self._strips.pop(key, None)
        self._refresh_line(self._data.cursor - self._data.top + HEADING)
        self.post_message(self.MarksChanged(self, self.marks))

    def _select(self) -> None:
        if self._data.cursor_key is not None:
            self.post_message(self.RowSelected(self, self._data.cursor_key))

    def _tell_highlighted(self) -> None:
        self.post_message(self.RowHighlighted(self, self._data.cursor_key, self._data.cursor))


def _stretches(lines: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ascending numbers as stretches without a gap, each by its first and last."""
    first = 0
    for place, line in enumerate(lines):
        if place + 1 == len(lines) or lines[place + 1] != line + 1:
            yield lines[first], line
            first = place + 1
