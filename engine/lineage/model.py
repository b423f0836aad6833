"""A tree of what led to a thing, or of what came of it, and how it reads as text; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.core.errors import InvalidInput
from engine.core.text import clean


class Kind(StrEnum):
    """What a thing of a lineage is."""

    DATASET = "dataset"
    RUN = "run"
    MODEL = "model"
    VERSION = "version"
    ENDPOINT = "endpoint"
    ALERT = "alert"
    SCORING = "scoring"
    PROMPT = "prompt"
    TRACE = "trace"


class Direction(StrEnum):
    """Which way a lineage is followed."""

    UP = "up"
    """To what led to a thing."""
    DOWN = "down"
    """To what came of it."""
    BOTH = "both"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What identifies a thing.

    Args:
        kind: What it is.
        name: Its public name: a dataset's digest, a run's id, `churn/7`, an endpoint's or a model's name, an alert's or
            a batch's number, a trace's id.
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        """As it is written: `version/churn/7`."""
        return f"{self.kind.value}/{self.name}"


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of a lineage.

    Args:
        key: What identifies it.
        label: Its name for people.
        detail: Its state, such as a run's status or a version's stage; empty for none.
        how: How it came into the tree, such as `registered as`; empty for the root.
    """

    key: Key
    label: str
    detail: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Fan:
    """The things beside each other that a thing leads to in one direction.

    Args:
        things: Those that were asked for, in order.
        total: How many there are.
    """

    things: tuple[Thing, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A thing with what follows from it in one direction.

    Args:
        thing: The thing.
        branches: What follows, as far as it was asked for.
        more: How many more follow that are not among the branches.
        again: Whether it stands elsewhere in the tree, where its branches are.
    """

    thing: Thing
    branches: tuple[Branch, ...] = ()
    more: int = 0
    again: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """The lineage of a thing.

    Args:
        root: The thing.
        up: What led to it; `None` when it was not asked for.
        down: What came of it; `None` when it was not asked for.
    """

    root: Thing
    up: Branch | None
    down: Branch | None


def parse_key(text: str) -> Key:
    """Read how a thing is written.

    Args:
        text: `KIND/NAME`, such as `version/churn/7`, `run/3f2a`, `dataset/car_loan`, `endpoint/churn` or `alert/12`.

    Returns:
        The key; nobody has looked yet whether there is such a thing.

    Raises:
        InvalidInput: it is not written so.
    """
    kind, slash, name = text.partition("/")
    if not slash or not name or kind not in {each.value for each in Kind}:
        raise InvalidInput(
            f"{clean(text, limit=80)!r} names no thing of a lineage.",
            hint=f"Write KIND/NAME, such as version/churn/7; kinds are {', '.join(each.value for each in Kind)}.",
        )
    return Key(Kind(kind), name)


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
