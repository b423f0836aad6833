"""Which rows a table shows and where its cursor stands. Pure: no widget, no screen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from console.widgets.table.column import Row

Key = int | str

CACHE_PAGES = 24  # pages of rows kept around the view
READ_AHEAD = 2  # pages asked for beyond the edge the view moves towards
MIN_CACHED = 600


class TableRows:
    """An ordered snapshot of keys, the rows read for some of them, a cursor, marks and a view.

    The cursor belongs to a key: when the order changes it follows its key and, where it can, keeps its screen line.
    """

    def __init__(self) -> None:
        self._keys: Sequence[Key] = ()
        self._rows: dict[Key, Row] = {}
        self._asked: set[Key] = set()
        self._forward = True
        self.cursor = -1
        self.top = 0
        self.height = 0
        self.marks: set[Key] = set()
        self._marked_last: Key | None = None

    @property
    def keys(self) -> Sequence[Key]:
        """All keys in order."""
        return self._keys

    @property
    def cursor_key(self) -> Key | None:
        """The key under the cursor, or None when there is no row."""
        return self._keys[self.cursor] if self.cursor >= 0 else None

    @property
    def visible(self) -> range:
        """Indices in view."""
        return range(self.top, min(self.top + self.height, len(self._keys)))

    def row(self, key: Key) -> Row | None:
        """The row of a key if it has been read."""
        return self._rows.get(key)

    def set_keys(self, keys: Sequence[Key], *, from_top: bool = False) -> None:
        """Replace the order. The cursor stays on its key; if that is gone, on its place.

        Args:
            keys: All keys in order.
            from_top: Show the first rows, as long as the cursor's is among them.
        """
        key, line = self.cursor_key, max(0, self.cursor - self.top)
        place = _find(keys, key, self.cursor) if key is not None else None
        self._keys = keys
        self._asked.clear()
        self.cursor = place if place is not None else min(max(self.cursor, 0), len(keys) - 1)
        self.top = 0 if from_top and self.cursor < self.height else self.cursor - line
        self._clamp()

    def resize(self, height: int) -> None:
        """The view is `height` rows high now; the cursor stays in view."""
        self.height = max(0, height)
        self.move_to(self.cursor)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, moving the view as little as needed."""
        self._forward = index >= self.cursor
        self.cursor = max(0, min(index, len(self._keys) - 1)) if self._keys else -1
        if self.cursor < self.top:
            self.top = self.cursor
        elif self.cursor >= self.top + self.height:
            self.top = self.cursor - self.height + 1
        self._clamp()

    def page(self, rows: int) -> None:
        """Move cursor and view together by some rows; the cursor keeps its screen line until an end is reached."""
        line = self.cursor - self.top
        self._forward = rows > 0
        self.cursor = max(0, min(self.cursor + rows, len(self._keys) - 1)) if self._keys else -1
        self.top = self.cursor - line
        self._clamp()

    def scroll(self, rows: int) -> None:
        """Move the view; the cursor stays on its row unless that leaves the view."""
        self._forward = rows > 0
        self.top += rows
        self._clamp()
        if self._keys and self.height:
            self.cursor = max(self.top, min(self.cursor, self.visible.stop - 1))

    def store(self, rows: Mapping[Key, Row], *, known_only: bool) -> list[Key]:
        """Take rows.

        Args:
            rows: Cells by key.
            known_only: Ignore keys that have not been read before.

        Returns:
            The keys whose cells changed.
        """
        changed = [
            key for key, row in rows.items() if self._rows.get(key) != row and (not known_only or key in self._rows)
        ]
        for key in changed:
            self._rows[key] = rows[key]
        self._asked.difference_update(rows)
        self._trim()
        return changed

    def forget(self, keys: Collection[Key] | None = None) -> None:
        """Drop rows, all of them by default, so that they are asked for again when they come into view."""
        for key in list(self._rows) if keys is None else keys:
            self._rows.pop(key, None)
        self._asked.clear()

    def read_out_of_view(self) -> set[Key]:
        """Keys whose rows have been read but are not in view."""
        return set(self._rows).difference(self._keys[index] for index in self.visible)

    def missing(self, *, ahead: bool) -> tuple[Key, ...]:
        """Keys to ask for, those in view first; () when nothing is missing or all of it is under way.

        Args:
            ahead: Also pages beyond the edge the view moves towards, and one behind.
        """
        view = self.visible
        wanted = self._unread(view)
        if ahead and self._running_out(view):
            behind, before = (1, READ_AHEAD) if self._forward else (READ_AHEAD, 1)
            wanted += self._unread(range(view.stop, view.stop + before * self.height))
            wanted += self._unread(range(view.start - behind * self.height, view.start))
        if self._asked.issuperset(wanted):
            return ()
        self._asked = set(wanted)
        return wanted

    def _unread(self, span: range) -> tuple[Key, ...]:
        inside = range(max(0, span.start), min(span.stop, len(self._keys)))
        return tuple(key for index in inside if (key := self._keys[index]) not in self._rows)

    def _running_out(self, view: range) -> bool:
        """Whether less than a page is left unseen where the view goes; a row at a time would be many small reads."""
        if self._forward:
            return bool(self._unread(range(view.stop, view.stop + self.height)))
        return bool(self._unread(range(view.start - self.height, view.start)))

    @property
    def complete(self) -> bool:
        """Whether every row in view has been read."""
        return all(self._keys[index] in self._rows for index in self.visible)

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away."""
        if self.cursor_key is not None:
            self.marks ^= {self.cursor_key}
            self._marked_last = self.cursor_key

    def stretch(self) -> Sequence[Key]:
        """The keys from the row marked last to the cursor, both included; () when that row is not in this order."""
        if self._marked_last is None or self.cursor < 0:
            return ()
        start = _find(self._keys, self._marked_last, self.cursor)
        if start is None:
            return ()
        first, last = sorted((start, self.cursor))
        return self._keys[first : last + 1]

    def _clamp(self) -> None:
        self.top = max(0, min(self.top, len(self._keys) - self.height))

    def _trim(self) -> None:
        limit = max(MIN_CACHED, CACHE_PAGES * self.height)
        if len(self._rows) <= limit:
            return
        reach = (limit // 4) if self.height else 0
        near = {self._keys[i] for i in range(max(0, self.top - reach), min(self.top + reach, len(self._keys)))}
        self._rows = {key: row for key, row in self._rows.items() if key in near}


def _find(keys: Sequence[Key], key: Key, hint: int) -> int | None:
    """The index of a key; looked for near its old place first."""
    for index in range(max(0, hint - 50), min(hint + 50, len(keys))):
        if keys[index] == key:
            return index
    try:
        return keys.index(key)
    except ValueError:
        return None
