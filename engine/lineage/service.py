"""Lineages of things, one fan at a time or as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound
from engine.core.text import clean
from engine.lineage import store
from engine.lineage.model import Branch, Direction, Fan, Key, Kind, Thing, Tree, parse_key

if TYPE_CHECKING:
    from engine.db.database import Database
    from engine.db.transaction import Snapshot

DEPTH, DEEPEST = 6, 50
"""Levels of a tree, unless asked otherwise, and at most."""

WIDTH, WIDEST = 20, 1_000
"""Things a fan shows, unless asked otherwise, and at most."""

MOST_THINGS = 5_000
"""Things of one tree; beyond it branches end."""


class Lineages:
    """Reads lineages.

    Args:
        database: The control database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def thing(self, kind: str, name: str) -> Thing:
        """Find a thing.

        Args:
            kind: What it is, such as `version`.
            name: Its name; a run's may be a beginning of its id, a dataset's six letters or more of its digest,
                or its name where only one has it.

        Returns:
            The thing.

        Raises:
            NotFound: there is none.
            InvalidInput: there is no such kind, or several have the name.
        """
        with self._database.snapshot() as view:
            return _found(view, parse_key(f"{kind}/{name}"))

    def fan(self, kind: str, name: str, direction: str, *, skip: int = 0, limit: int = WIDTH) -> Fan:
        """What a thing leads to in one direction, a page of it.

        Args:
            kind: What it is.
            name: Its whole name.
            direction: `up` to what led to it, or `down` to what came of it.
            skip: Leave out so many.
            limit: At most so many, 1 to 1,000.

        Returns:
            The things, and how many there are.

        Raises:
            InvalidInput: there is no such kind or direction, or a number is out of range.
        """
        if skip < 0 or not 1 <= limit <= WIDEST:
            raise InvalidInput(f"The limit must be from 1 to {WIDEST}.")
        with self._database.snapshot() as view:
            return _fan(view, parse_key(f"{kind}/{name}"), _direction(direction), skip, limit)

    def tree(self, kind: str, name: str, direction: str = "both", *, depth: int = DEPTH, width: int = WIDTH) -> Tree:
        """The lineage of a thing as a tree; what stands in it twice has its branches at the first place only.

        Args:
            kind: What it is.
            name: Its name, as for `thing`.
            direction: `up`, `down` or `both`.
            depth: Levels, 1 to 50.
            width: Things of one fan, 1 to 1,000.

        Returns:
            The tree.

        Raises:
            NotFound: there is no such thing.
            InvalidInput: there is no such kind or direction, several have the name, or a number is out of range.
        """
        if not 1 <= depth <= DEEPEST or not 1 <= width <= WIDEST:
            raise InvalidInput(f"A depth is from 1 to {DEEPEST}, a width from 1 to {WIDEST}.")
        wanted = _direction(direction)
        with self._database.snapshot() as view:
            root = _found(view, parse_key(f"{kind}/{name}"))
            up, down = (
                _Growth(view, each, width).branch(root, depth) if wanted in (each, Direction.BOTH) else None
                for each in (Direction.UP, Direction.DOWN)
            )
        return Tree(root, up, down)


class _Growth:
    """A tree while it grows in one direction."""

    def __init__(self, view: Snapshot, direction: Direction, width: int) -> None:
        self._view = view
        self._direction = direction
        self._width = width
        self._seen: set[Key] = set()

    def branch(self, thing: Thing, depth: int) -> Branch:
        if thing.key in self._seen:
            return Branch(thing, again=True)
        self._seen.add(thing.key)
        fan = _fan(self._view, thing.key, self._direction, 0, self._width)
        if depth == 0 or len(self._seen) > MOST_THINGS:
            return Branch(thing, more=fan.total)
        branches = tuple(self.branch(each, depth - 1) for each in fan.things)
        return Branch(thing, branches, fan.total - len(fan.things))


def _fan(view: Snapshot, key: Key, direction: Direction, skip: int, limit: int) -> Fan:
    """One page over all edges, one after the other."""
    found: list[Thing] = []
    total = 0
    for edge in store.edges(key.kind, direction):
        count = store.count(view, edge, key.name)
        past = max(skip - total, 0)
        room = limit - len(found)
        if room > 0 and past < count:
            found += store.things(view, edge, key.name, skip=past, limit=room)
        total += count
    return Fan(tuple(found), total)


def _found(view: Snapshot, key: Key) -> Thing:
    found = store.named(view, key, most=5)
    if not found:
        raise NotFound(
            f"There is no {key.kind.value} {clean(key.name, limit=80)}.", hint="Give its name as lists show it."
        )
    if len(found) > 1:
        names = ", ".join(each.key.name[:16] for each in found)
        what = "datasets have that name" if key.kind is Kind.DATASET else "runs begin so"
        raise InvalidInput(f"Several {what}: {names}.", hint="Give the digest, or more of the id.")
    return found[0]


def _direction(text: str) -> Direction:
    try:
        return Direction(text)
    except ValueError as error:
        raise InvalidInput(f"{clean(text, limit=20)!r} is no direction.", hint="Write up, down or both.") from error
