"""A lineage as text: lines that connect things, in Unicode or in ASCII; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.text import clean
from engine.lineage.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.lineage.model import Branch, Thing, Tree

_SHORT_ID = 12
LABEL = 100
"""Characters of a name that is shown."""


@dataclass(frozen=True, slots=True)
class Strokes:
    """What connects the things.

    Args:
        fork: Before one that others follow.
        last: Before the last one.
        through: Below a fork.
        more: Before what is not shown.
    """

    fork: str
    last: str
    through: str
    more: str


UNICODE = Strokes("├─ ", "└─ ", "│  ", "…")
ASCII = Strokes("|- ", "`- ", "|  ", "...")


def words(thing: Thing) -> tuple[str, str, str]:
    """A thing in words: its kind, what it is called, and what else there is to say."""
    named = thing.key.kind not in (Kind.VERSION, Kind.ENDPOINT, Kind.MODEL, Kind.PROMPT)
    short = thing.key.name[:_SHORT_ID] if thing.key.kind in (Kind.RUN, Kind.TRACE) else ""
    number = f"#{thing.key.name}" if thing.key.kind in (Kind.ALERT, Kind.SCORING) else ""
    rest = [thing.detail, short if named and short != thing.label else "", number]
    return thing.key.kind.value, clean(thing.label, limit=LABEL), "  ".join(clean(each) for each in rest if each)


def more_words(branch: Branch, strokes: Strokes) -> str:
    """What is said of things that are not shown: `… 4,812 more`."""
    kinds = {each.thing.key.kind for each in branch.branches}
    noun = f" {kinds.pop().value}s" if len(kinds) == 1 else ""
    return f"{strokes.more} {branch.more:,} more{noun}"


def lines(tree: Tree, strokes: Strokes = UNICODE) -> Iterator[str]:
    """Write a lineage.

    Args:
        tree: The lineage.
        strokes: What connects the things.

    Yields:
        Its lines, without ends.
    """
    yield _line(tree.root)
    for heading, branch in (("came from", tree.up), ("became", tree.down)):
        if branch is not None:
            yield f"{heading}:" if branch.branches or branch.more else f"{heading}: nothing known"
            yield from _below(branch, "  ", strokes)


def _below(branch: Branch, indent: str, strokes: Strokes) -> Iterator[str]:
    count = len(branch.branches) + bool(branch.more)
    for place, each in enumerate(branch.branches, start=1):
        last = place == count
        again = "  (above)" if each.again else ""
        yield f"{indent}{strokes.last if last else strokes.fork}{_line(each.thing)}{again}"
        yield from _below(each, indent + ("   " if last else strokes.through), strokes)
    if branch.more:
        yield f"{indent}{strokes.last}{more_words(branch, strokes)}"


def _line(thing: Thing) -> str:
    kind, label, rest = words(thing)
    how = f"{thing.how} " if thing.how else ""
    return f"{how}{kind} {label}" + (f"  {rest}" if rest else "")
