"""What happens to a list while it is shown: changed rows are read again, and no row moves under the operator's eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from console.formats import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.resources.resource import Listing
    from console.screens.list import ListView
    from console.text import Part
    from console.widgets.table import Key
    from engine.core.events import Changes, Event

T = TypeVar("T")


class News(Generic[T]):
    """Keeps one list up to date.

    Args:
        view: The list.
    """

    def __init__(self, view: ListView[T]) -> None:
        self._view = view
        self._listed: frozenset[Key] | None = None
        self._announced: set[Key] = set()
        self._returning = False
        self._waiting: set[Key] = set()
        self.frozen = False
        """Whether the rows are held still."""

    # --- holding still

    def freeze(self) -> None:
        """Hold the rows still, or let them go."""
        self.frozen = not self.frozen
        self._waiting.clear()

    def status(self) -> list[Part]:
        """That the rows are held still, and how many changes wait."""
        if not self.frozen:
            return []
        count = len(self._waiting)
        waiting = f", {plural(count, 'change')} {'waits' if count == 1 else 'wait'}" if count else ""
        return [(f" FROZEN{waiting} ", "loud"), ("  ", "")]

    # --- what is listed

    def listed(self) -> None:
        """The list shows another order: nothing is left to announce."""
        self._listed = None
        self._announced.clear()

    def _known(self) -> frozenset[Key]:
        if self._listed is None:
            self._listed = frozenset(self._view.keys)
        return self._listed

    def _announce(self, keys: set[Key]) -> None:
        self._announced |= keys
        self._view.table.announce(len(self._announced))

    # --- what happens

    def returning(self) -> None:
        """The list is shown again: nobody was looking whom newcomers could disturb."""
        self._returning = True

    def changed(self, changes: Changes) -> None:
        """Read again what is in view and changed; show what is new to who follows the top, else only count it."""
        view, resource = self._view, self._view.resource
        mine = [event for event in changes.events if event.kind in resource.kinds]
        if not (mine or changes.missed):
            return
        if self.frozen:
            self._waiting.update(resource.key_of(event) or event.key for event in mine)
            view.deck.frame_changed()
            return
        gone = {resource.key_of(event) for event in mine if event.change == "deleted"}
        if not gone.isdisjoint(view.table.marks):
            view.table.set_marks(view.table.marks.difference(gone))
        whole = (event.change == "deleted" or resource.key_of(event) is None for event in mine)
        if changes.missed or not view.keys or any(whole):
            self.read_whole()
        else:
            self._read_rows(mine)

    def came_to_top(self) -> None:
        """The operator went to the first row: what was announced takes its place there."""
        if self._announced and self._view.table.following:
            self.read_whole()

    def _read_rows(self, events: Sequence[Event]) -> None:
        view = self._view
        found = [(event, key) for event in events if (key := view.resource.key_of(event)) is not None]
        known = self._known()
        new = {key for event, key in found if event.change == "created" and key not in known}
        placed = view.location.terms or view.location.sort or view.location.name
        if new and (placed or view.table.following):
            self.read_whole()
        elif new:
            self._announce(new)
        keys, seen = {key for _, key in found}, view.table.visible_keys
        view.table.forget_rows(keys.difference(seen))
        view.read_again([key for key in seen if key in keys])

    def read_whole(self) -> None:
        """Read the order anew, but show it only where it moves nothing that the operator has moved to."""
        view = self._view
        source, location, engine = view.grouping.source, view.location, view.deck.engine
        view.deck.read(f"whole.{id(view)}", lambda: source.whole(engine, location), self._compare)

    def _compare(self, listing: Listing[T]) -> None:
        view, table = self._view, self._view.table
        at_top = table.following or (self._returning and self._fits_from_top(listing.keys))
        self._returning = False
        if at_top or not view.keys or list(listing.keys) == list(view.keys):
            view.take(listing, from_top=at_top)
        else:
            now, stay = set(listing.keys), view.grouping.stay(listing.keys)
            announced = now - self._known()
            if len(stay) != len(view.keys):
                view.set_keys(stay)
            self._announced.clear()
            self._announce(announced)
            view.update({key: item for key, item in listing.items.items() if key in now})
        if not listing.items:
            view.read_again(None)
        view.deck.frame_changed()

    def _fits_from_top(self, keys: Sequence[Key]) -> bool:
        """Whether the first rows are in view, and the cursor's would still be among them."""
        table = self._view.table
        return table.scroll_top == 0 and table.cursor_key in keys[: len(table.visible_keys)]
