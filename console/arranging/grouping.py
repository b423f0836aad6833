"""A list in groups: `%` groups by the column under the cursor, Enter opens a group, and marking one marks its rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from console.actions import Action, Needs
from console.arranging.group_cells import INDENT, group_cells, indented, value_text
from console.arranging.grouped_keys import GroupedKeys, Opened, mark_of
from console.formats import plural
from console.resources.grouped import Flat, GroupedSource, GroupRow
from console.resources.resource import cells
from engine.core.query.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.timer import Timer

    from console.screens.list import ListView
    from console.text import Part
    from console.widgets.table import Cell, Key, Row

MOST_MARKED = 5_000
"""Rows that can be marked at once: what is done to them is done to each."""

REST_SECONDS = 1.0
"""Least time between two readings of all groups while things change."""

REST_FACTOR = 5
"""The same, as a multiple of what a reading takes."""

_APART = frozenset({Kind.TIME, Kind.DURATION})
"""Kinds of columns in which hardly two rows have the same."""


class Grouping:
    """The groups of one list, if it shows any.

    Args:
        view: The list.
    """

    def __init__(self, view: ListView[Any]) -> None:
        self._view = view
        self._source: GroupedSource[Any] | None = None
        self._on_head = False
        self._marks: frozenset[Key] = frozenset()
        self._later: Timer | None = None
        self._lacking: set[int] = set()
        self._by = ""
        self.keys: GroupedKeys | None = None
        """The rows that are shown; `None` while they stand in no groups."""

    # --- reading

    @property
    def opened(self) -> Opened | None:
        """Which groups are opened; `None` while the rows stand in no groups."""
        return None if self._source is None else self._source.opened

    @property
    def flat(self) -> Any:
        """Where the things of the list are read in the order in which they are shown."""
        by = self._view.location.group
        return Flat(self._view.resource, by, Opened()) if by else self._view.resource.source

    @property
    def source(self) -> Any:
        """Where the list reads: its source, or the same in groups."""
        by = self._view.location.group
        if not by:
            self._source = None
            return self._view.resource.source
        if self._source is None or self._source.by != by:
            self._source = GroupedSource(self._view.resource, by, Opened())
            self._lacking.clear()  # marks of another column mean other values
        return self._source

    def taken(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Rows that were read, as they are to be shown: with the groups opened that are opened now."""
        if not isinstance(keys, GroupedKeys):
            if self._source is None:
                self.keys = None
            return keys
        if self._source is not None and keys.opened != self._source.opened:
            keys = keys.turned(self._source.opened)
        self.keys = keys
        if self._source is not None:
            column = self._source.column()
            self._by = value_text(column.column.title if column is not None else self._source.by)
        return keys

    @property
    def things(self) -> Sequence[Key]:
        """The keys of all things the list holds, in order, also of those in closed groups."""
        return self._view.keys if self.keys is None else self.keys.things

    def of_things(self, keys: frozenset[Key]) -> frozenset[Key]:
        """Those of some keys that are things', not groups'."""
        return frozenset(key for key in keys if mark_of(key) is None)

    def plain(self, row: Row) -> list[str]:
        """The texts of a row, as they are outside of a group."""
        texts = [cell.text for cell in row]
        return texts if self.keys is None else [texts[0].removeprefix(INDENT), *texts[1:]]

    def stay(self, keys: Sequence[Key]) -> list[Key]:
        """The rows shown that an order just read still has, under the same group."""
        found = set(keys)
        before, after = self.keys, keys if isinstance(keys, GroupedKeys) else None
        if before is None or after is None:
            return [key for key in self._view.keys if key in found]
        self.keys = after
        return [key for key in self._view.keys if key in found and before.parent(key) == after.parent(key)]

    # --- what the operator does

    def by_column(self) -> None:
        """Group by the column under the cursor; if the list is grouped by that already, no more."""
        view = self._view
        shown, location = view.columns.here, view.location
        if shown is None:
            return
        column = None if self._source is None else self._source.column()
        if column is not None and column.column.name == shown.column.name:
            view.go(replace(location, group=""))
        elif not shown.sort or view.columns.kind(shown) in _APART or shown.column.name in ("run_id", "id"):
            view.deck.say(f"Hardly two rows have the same {shown.column.title}: group by another column.", "dim")
        else:
            view.go(replace(location, group=shown.sort))

    def turn(self) -> None:
        """Open the group under the cursor, or close it; from a row in a group the cursor goes to that group."""
        key = self._view.table.cursor_key
        if self.keys is None or self._source is None or key is None:
            self._view.deck.say("The rows stand in no groups: % groups them by the column under the cursor.", "dim")
            return
        mark = mark_of(key)
        mark = self.keys.parent(key) if mark is None else mark
        if mark is not None:
            self._open(self._source.opened.turn(mark), mark)

    def turn_all(self) -> None:
        """Open all groups, or close them when one is open."""
        key = self._view.table.cursor_key
        if self.keys is None or self._source is None or key is None:
            self._view.deck.say("The rows stand in no groups: % groups them by the column under the cursor.", "dim")
            return
        mark = mark_of(key)
        mark = self.keys.parent(key) if mark is None else mark
        closed = len(self.keys) == len(self.keys.partition)
        self._open(Opened(every=closed), mark)

    def _open(self, opened: Opened, mark: int | None) -> None:
        view, source = self._view, self._source
        if self.keys is None or source is None:
            return
        source.opened = opened
        on_thing = mark_of(view.table.cursor_key) is None
        view.set_keys(self.keys.turned(opened))
        view.table.update_rows(self.cells(view.items_of(mark_of)))
        if mark is not None and (not on_thing or not opened.has(mark)):
            view.table.go_to(view.keys.index(self.keys.head_key(mark)))
        view.deck.frame_changed()

    def came(self, items: Mapping[Key, Any]) -> None:
        """Rows came: where the numbers of large groups are not added up yet, do so."""
        source = self._source
        heads = {item.mark: item for item in items.values() if isinstance(item, GroupRow)}
        self._lacking -= heads.keys()
        self._lacking |= {mark for mark, row in heads.items() if not row.added}
        if source is None or not self._lacking:
            return
        engine, location, marks = self._view.deck.engine, self._view.location, sorted(self._lacking)

        def told(rows: Mapping[Key, Any]) -> None:
            if source is self._source:
                self._lacking.difference_update(marks)  # also those of groups that are gone by now
            self._view.update(rows)

        self._view.deck.read(f"groups.{id(self._view)}", lambda: source.add_up(engine, marks, location), told)

    def drawn_anew(self) -> None:
        """The columns have other widths: what of the numbers fits is another matter."""
        if self.keys is not None:
            self._view.table.update_rows(self.cells(self._view.items_of(mark_of)))

    # --- what is shown

    @property
    def here(self) -> GroupRow | None:
        """The group whose row is under the cursor."""
        found = self._view.item(self._view.table.cursor_key)
        return found if isinstance(found, GroupRow) else None

    def cells(self, items: Mapping[Key, Any]) -> dict[Key, tuple[Cell, ...]]:
        """Things and groups as rows of the table."""
        view, now_ms = self._view, self._view.deck.now_ms()
        shown = view.columns.shown
        if self._source is None:
            return {key: cells(item, shown, now_ms) for key, item in items.items()}
        rows: dict[Key, tuple[Cell, ...]] = {}
        for key, item in items.items():
            if isinstance(item, GroupRow):
                rows[key] = group_cells(item.group, shown, view.columns, opened=self._source.opened.has(item.mark))
            else:
                rows[key] = indented(cells(item, shown, now_ms))
        return rows

    def words(self, row: GroupRow) -> str:
        """What a group is called where there is room."""
        return f"{value_text(row.group.value)}: {plural(row.group.count, self._view.resource.noun)}"

    def status(self) -> list[Part]:
        """How many groups there are, and by what."""
        if self.keys is None:
            return []
        return [(f"{plural(len(self.keys.partition), 'group')} by {self._by}  ", "strong")]

    def offered(self, actions: Sequence[Action]) -> Sequence[Action]:
        """Actions as they are here: on the row of a group Enter opens and closes it."""
        if mark_of(self._view.table.cursor_key) is None:
            return actions
        return (ENTER, *(action for action in actions if action.key != ENTER.key))

    def highlighted(self) -> None:
        """The cursor went elsewhere: other keys may mean something there."""
        on_head = mark_of(self._view.table.cursor_key) is not None
        if on_head != self._on_head:
            self._on_head = on_head
            self._view.deck.frame_changed()
        if self.keys is not None:
            self._view.footer.column_changed()

    # --- marks

    def settle_marks(self) -> bool:
        """After marks or groups changed: a group is marked while all its rows are, and marking it marks them.

        Returns:
            Whether the marks stand as they are; if not, they have been set anew and this is called again.
        """
        marks, keys = self._view.table.marks, self.keys
        if keys is None:
            return self._set(self.of_things(marks))
        heads = {mark for key in marks ^ self._marks if (mark := mark_of(key)) is not None}
        things = self.of_things(marks)
        same_things = things == self.of_things(self._marks)
        self._marks = marks
        if same_things and len(heads) == 1:
            return self._mark_group(keys, heads.pop(), things)
        return self._set(things | keys.full(things))

    def _mark_group(self, keys: GroupedKeys, mark: int, things: frozenset[Key]) -> bool:
        members = frozenset(keys.members(mark))
        if keys.head_key(mark) not in self._view.table.marks:
            return self._set((things - members) | keys.full(things - members))
        if len(things | members) > MOST_MARKED:
            many = f"At most {MOST_MARKED:,} rows can be marked, this group has {len(members):,}: filter them first."
            self._view.deck.say(many, "warn")
            return self._set(things | keys.full(things))
        self._view.mark([key for key in members if key not in things])
        self._view.deck.say(f"Marked: the {plural(len(members), self._view.resource.noun)} of this group.", "dim")
        return False

    def _set(self, marks: frozenset[Key] | set[Key]) -> bool:
        self._marks = frozenset(marks)
        if self._view.table.marks == self._marks:
            return True
        self._view.table.set_marks(self._marks)
        return False

    def spread(self, keys: Sequence[Key]) -> list[Key]:
        """The things of some rows; a closed group stands for all of its own."""
        if self.keys is None:
            return list(keys)
        found: dict[Key, None] = {}
        for key in keys:
            mark = mark_of(key)
            if mark is None:
                found[key] = None
            elif not self.keys.opened.has(mark):
                found.update(dict.fromkeys(self.keys.members(mark)))
        return list(found)

    # --- news

    def changed(self) -> None:
        """Something changed: read the groups anew, once it rests."""
        if self._source is None or self._later is not None or self._view.news.frozen:
            return
        rest = max(REST_SECONDS, REST_FACTOR * self._source.seconds)
        self._later = self._view.set_timer(rest, self._read)

    def _read(self) -> None:
        self._later = None
        if self._source is not None and not self._view.news.frozen:
            self._view.news.read_whole()


def _on(act: Any) -> Any:
    def run(app: Any, _subject: Any, _answers: Any) -> None:
        from console.screens.list import ListView

        if isinstance(app.view, ListView):
            act(app.view.grouping)

    return run


def _action(name: str, key: str, act: Any, about: str) -> Action:
    return Action(name, key, name.replace("-", " "), _on(act), about, needs=Needs.NOTHING, hint=False)


GROUP_ACTIONS: tuple[Action, ...] = (
    _action("group", "%", Grouping.by_column, "Group by the column under the cursor; again ungroups."),
    _action("open-group", "", Grouping.turn, "Open the group under the cursor, or close it; so does Enter on it."),
    _action("open-groups", "^", Grouping.turn_all, "Open all groups, or close them."),
)
"""In the order help lists them."""

ENTER = replace(GROUP_ACTIONS[1], key="Enter", label="open, close", hint=True)
"""What Enter does on the row of a group."""
