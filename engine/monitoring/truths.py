"""Labels as a feature: what turned out to be true, counted beside what was asked, so that its drift is seen too.

Labels come when they come: those that came since the window before are compared, whichever rows they are of, since a
window's own are seldom there when it is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from engine.drift.counting import compared
from engine.drift.model import Rules
from engine.monitoring.batch import array_of
from engine.monitoring.filing import LABEL
from engine.monitoring.scoring import word
from engine.monitoring.standards import LEARNED_FROM

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from engine.drift.counts import Counts
    from engine.drift.model import FeatureResult
    from engine.monitoring.looking import Look
    from engine.monitoring.memory import Memory
    from engine.monitoring.references import Against
    from engine.profiles.reference import Reference

LEAST_LABELS = 50
"""Labels below which nothing is said of them."""


MOST_CLASSES = 20
"""Numbers of more values than these are numbers, and no names of classes."""


class Truths(NamedTuple):
    """What is compared of labels.

    Args:
        counts: Both sides of them; empty where there is nothing to compare.
        names: The columns that these are.
    """

    counts: tuple[Counts | FeatureResult, ...] = ()
    names: tuple[str, ...] = ()


def truths_of(look: Look, memory: Memory, against: Against, taken: Iterable[str]) -> Truths:
    """Labels beside those of the baseline, or beside the version's first ones where it has none.

    Args:
        look: The window.
        memory: Holds the version's first labels; these are added until there are enough of them.
        against: What the window is compared with.
        taken: Names of the columns that are compared anyway.

    Returns:
        The counts. Nothing for files, whose labels are a column like others; for a window that is looked at again, as
        each label counts once; and where there are too few of them.

    Raises:
        InvalidInput: labels of the baseline are of a kind that cannot be counted.
    """
    told = [each for each in look.told.truths if each is not None]
    if look.window.file or look.revised or not told:
        return Truths()
    if against.content is not None and against.labels:
        content, name = against.content, against.labels[0]
        return Truths() if len(told) < LEAST_LABELS else _beside(content, name, _as_counted(content, name, told))
    name = LABEL if LABEL not in set(taken) else f"{LABEL} of {look.subject.key}"
    first = _first(look, memory, name, told)
    return (
        Truths() if first is None or len(told) < LEAST_LABELS else _beside(first, name, _as_counted(first, name, told))
    )


def _beside(content: Reference, name: str, values: NDArray[Any]) -> Truths:
    from engine.profiles.profiling import profile
    from engine.tables.source import open_table

    current = profile(open_table({name: values}), content.layout)
    return Truths(tuple(compared(content, current, Rules(columns=(name,), labels=(name,)))), (name,))


def _first(look: Look, memory: Memory, name: str, told: Sequence[Any]) -> Reference | None:
    """The version's first labels; `None` while there are too few, or these are some of them."""
    from engine.drift.checking import learned_reference
    from engine.profiles.reference import Reference
    from engine.tables.source import open_table

    part = f"first labels {look.subject.key} {look.part}"
    kept = memory.get(part)
    if kept is not None:
        return Reference.from_bytes(kept)
    waiting = [*memory.said(f"{part}, too few", []), *told]
    if len(waiting) >= LEARNED_FROM:
        memory.put(part, learned_reference(open_table({name: _spoken(waiting)})).to_bytes())
        waiting = []
    memory.say(f"{part}, too few", waiting)
    return None


def _spoken(values: Sequence[Any]) -> NDArray[Any]:
    """Labels as numbers where they are many, else as words: the same for 1, 1.0, true and their texts."""
    numbers = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(numbers) == len(values) and len(set(numbers)) > MOST_CLASSES:
        return array_of([float(each) for each in numbers])
    return array_of([word(each) for each in values])


def _as_counted(content: Reference, name: str, values: Sequence[Any]) -> NDArray[Any]:
    """Labels as the baseline's column writes them; what is of no such kind stays as it is, and is counted as odd."""
    from engine.profiles.model import FeatureKind

    kind = content.layout.by_key[name].kind
    if kind is FeatureKind.NUMBER:
        return array_of([_number(each) for each in values])
    if kind is FeatureKind.BOOLEAN:
        return array_of([{"1": True, "0": False}.get(word(each), each) for each in values])
    known = {word(level): level for level in content.layout.by_key[name].levels}
    return array_of([known.get(word(each), str(each)) for each in values])


def _number(value: object) -> object:
    try:
        return float(word(value))
    except ValueError:
        return value
