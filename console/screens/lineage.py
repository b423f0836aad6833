"""Where something came from and what came of it, as a tree that opens and closes; each line a way in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Needs
from console.location import Location
from console.text import Part
from console.views import Page
from console.widgets.document import Line, blank, heading
from engine.lineage.model import ASCII, UNICODE, Direction, Key, Kind, Thing, parse_key, words
from engine.lineage.model import lines as text_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from engine.api import Engine

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_BATCH = re.compile(r"#[0-9]+")
_LOOKS = {
    Kind.DATASET: "link",
    Kind.RUN: "running",
    Kind.VERSION: "production",
    Kind.ENDPOINT: "production",
    Kind.ALERT: "warn",
}
_SCREENS = {
    Kind.RUN: "run",
    Kind.MODEL: "versions",
    Kind.VERSION: "version",
    Kind.ENDPOINT: "endpoint",
    Kind.ALERT: "alert",
    Kind.PROMPT: "prompt",
    Kind.TRACE: "trace",
}
"""The screens of things that have one; of others the lineage is shown."""

_TURNS = {Direction.BOTH: Direction.DOWN, Direction.DOWN: Direction.UP, Direction.UP: Direction.BOTH}
_HEADINGS = {Direction.UP: "Came from", Direction.DOWN: "Became"}

PAGE = 20
"""Things beside each other before the rest is asked for, and how many more come then."""

OPEN_LEVELS = 3
"""Levels that stand open at first."""

Path = tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Grown:
    """A thing of the tree as it is shown.

    Args:
        thing: The thing.
        path: The way to it from the root, which tells it from the same thing elsewhere.
        total: How many things it leads to.
        branches: Those that are shown; none while it is closed.
        again: Whether it stands above already, where its branches are.
    """

    thing: Thing
    path: Path
    total: int
    branches: tuple[Grown, ...]
    again: bool = False

    @property
    def more(self) -> int:
        """How many of an open thing's are not shown."""
        return self.total - len(self.branches) if self.branches else 0


@dataclass(frozen=True, slots=True)
class Spot:
    """What stands on a line.

    Args:
        thing: The thing; of a line that asks for more, the one it is about.
        path: The way to it, direction first.
        more: Whether the line asks for more.
    """

    thing: Thing
    path: tuple[Direction, Path]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """The lineage as it is shown.

    Args:
        root: The thing.
        sides: What it leads to, by direction.
    """

    root: Thing
    sides: dict[Direction, Grown]


def key_of(name: str) -> Key:
    """What a name names: `KIND/NAME`; `churn/7` a version, 32 hex digits a run, `#3` predictions, else a dataset.

    Raises:
        InvalidInput: it is no name.
    """
    if name.partition("/")[0] in {kind.value for kind in Kind}:
        return parse_key(name)
    if _BATCH.fullmatch(name):
        return Key(Kind.SCORING, name[1:])
    if _RUN_ID.fullmatch(name):
        return Key(Kind.RUN, name)
    model, _, number = name.rpartition("/")
    return Key(Kind.VERSION if model and number.isdigit() else Kind.DATASET, name)


def _open(app: ConsoleApp, spot: Spot, _answers: Answers) -> None:
    if spot.more and isinstance(app.view, LineageView):
        app.view.show_more(spot)
        return
    key = spot.thing.key
    screen = _SCREENS.get(key.kind)
    app.enter(Location("lineage", str(key)) if screen is None else Location(screen, key.name))


def _reroot(app: ConsoleApp, spot: Spot, _answers: Answers) -> None:
    app.enter(Location("lineage", str(spot.thing.key)))


def _toggle(app: ConsoleApp, spot: Spot, _answers: Answers) -> None:
    if isinstance(app.view, LineageView):
        app.view.toggle(spot)


def _flip(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    if isinstance(app.view, LineageView):
        app.view.flip()


def _copy(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    if isinstance(app.view, LineageView):
        app.view.copy_tree()


class LineageView(Page[Shown]):
    """The lineage of what the location names."""

    kinds = frozenset({"version", "run", "scoring", "endpoint", "alert", "model"})
    actions = (
        Action("open", "Enter", "open", _open, "Open the thing; on a line of more, show more of them."),
        Action("toggle", "space", "open or close", _toggle, "Open or close the branch under the cursor."),
        Action("lineage", "l", "from here", _reroot, "The lineage of the thing under the cursor."),
        Action(
            "flip", "tab", "direction", _flip, "Both directions, what came of it, what led to it.", needs=Needs.NOTHING
        ),
        Action("copy-tree", "y", "copy", _copy, "Copy the whole tree as text.", needs=Needs.NOTHING),
    )

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._direction = Direction.BOTH
        self._turned: frozenset[tuple[Direction, Path]] = frozenset()
        self._limits: dict[tuple[Direction, Path], int] = {}

    def fetch(self) -> Shown:
        """The tree, as far as it is open.

        Raises:
            NotFound: there is no such thing.
            InvalidInput: the name is none, or several have it.
        """
        key, engine = key_of(self.location.name), self.deck.engine
        root = engine.lineages.thing(key.kind.value, key.name)
        sides = (Direction.UP, Direction.DOWN) if self._direction is Direction.BOTH else (self._direction,)
        return Shown(root, {side: self._grown(engine, root, side, (), set()) for side in sides})

    def _grown(self, engine: Engine, thing: Thing, side: Direction, above: Path, seen: set[Key]) -> Grown:
        path = (*above, thing.key)
        again = thing.key in seen
        seen.add(thing.key)
        is_open = not again and ((side, path) in self._turned) != (len(path) <= OPEN_LEVELS)
        limit = self._limits.get((side, path), PAGE) if is_open else 1
        fan = engine.lineages.fan(thing.key.kind.value, thing.key.name, side.value, limit=limit)
        following = fan.things if is_open else ()
        branches = tuple(self._grown(engine, each, side, path, seen) for each in following)
        return Grown(thing, path, fan.total, branches, again)

    def lines(self, data: Shown, width: int) -> Sequence[Line]:
        """The thing itself; what led to it, and what came of it."""
        del width
        lines = [heading("This"), Line([("  ", ""), *_parts(data.root)], "root", Spot(data.root, (Direction.BOTH, ())))]
        for side, grown in data.sides.items():
            lines += [blank(), heading(_HEADINGS[side])]
            lines += list(_tree(grown, side, "  ")) or [Line([("  nothing known", "dim")])]
        return lines

    def toggle(self, spot: Spot) -> None:
        """Open a branch, or close it."""
        self._turned = self._turned ^ {spot.path}
        self.load()

    def show_more(self, spot: Spot) -> None:
        """Show more of the things beside each other."""
        self._limits = {**self._limits, spot.path: min(self._limits.get(spot.path, PAGE) + PAGE, 1_000)}
        self.load()

    def flip(self) -> None:
        """Turn to the other direction."""
        self._direction = _TURNS[self._direction]
        self.load()

    def copy_tree(self) -> None:
        """Copy the tree as text, deeper and wider than it is shown."""
        key, engine, direction = key_of(self.location.name), self.deck.engine, self._direction.value
        strokes = UNICODE if self.deck.unicode else ASCII

        def written() -> str:
            return "\n".join(text_lines(engine.lineages.tree(key.kind.value, key.name, direction), strokes))

        self.deck.read(f"lineage.copy.{id(self)}", written, self.deck.copy)


def _tree(grown: Grown, side: Direction, indent: str) -> Sequence[Line]:
    lines: list[Line] = []
    count = len(grown.branches) + bool(grown.more)
    for place, each in enumerate(grown.branches, start=1):
        last = place == count
        mark = "  " if each.again or not each.total else "▾ " if each.branches else "▸ "
        parts: list[Part] = [(indent + ("└─ " if last else "├─ "), "dim"), (mark, "key"), *_parts(each.thing)]
        if each.again:
            parts.append(("  (above)", "dim"))
        elif each.total and not each.branches:
            parts.append((f"  {each.total:,} more", "dim"))
        lines.append(Line(parts, f"{side.value}.{each.path}", Spot(each.thing, (side, each.path))))
        lines += _tree(each, side, indent + ("   " if last else "│  "))
    if grown.more:
        kinds = {each.thing.key.kind for each in grown.branches}
        noun = f" {kinds.pop().value}s" if len(kinds) == 1 else ""
        more: list[Part] = [(f"{indent}└─ ", "dim"), (f"… {grown.more:,} more{noun}", "link")]
        spot = Spot(grown.thing, (side, grown.path), more=True)
        lines.append(Line(more, f"{side.value}.{grown.path}.more", spot))
    return lines


def _parts(thing: Thing) -> list[Part]:
    kind, label, rest = words(thing)
    how = [(f"{thing.how} ", "dim")] if thing.how else []
    look = _LOOKS.get(thing.key.kind, "name")
    return [*how, (f"{kind} ", "dim"), (label, look), (f"  {rest}" if rest else "", "dim")]
