"""Texts as what they may mean: numbers, moments; and values of other families as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.tables.model import Family

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.tables.model import Column

_SHORTEST_DATE, _LONGEST_DATE = 8, 40
_LONGEST_NUMBER = 400


def number_of(text: str) -> float | int | None:
    """The number that a text is.

    Args:
        text: Any.

    Returns:
        The number, an integer where it is written as one; `None` where it is none. NaN is none.
    """
    text = text.strip()
    if "_" in text or len(text) > _LONGEST_NUMBER:  # which Python takes in numbers, and files do not mean
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        found = float(text)
    except ValueError:
        return None
    return found if found == found else None  # noqa: PLR0124 only NaN is not itself


def moment_of(text: str) -> int | None:
    """The moment that a text is.

    Args:
        text: Any; ISO 8601, also with slashes.

    Returns:
        Microseconds since the epoch, of the wall clock where no zone is told; `None` where it is no moment.
    """
    if not (_SHORTEST_DATE <= len(text) <= _LONGEST_DATE and text[:4].isdigit()):
        return None
    from datetime import UTC, datetime, timedelta

    try:
        found = datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return (found - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def level_of(value: object) -> str:
    """The level that a value is, the same however it is stored: `1` for 1 and 1.0, `true` for True.

    Args:
        value: A number, a boolean or a text.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def counted_levels(column: Column) -> tuple[list[object], NDArray[np.int64]]:
    """The values of a column, each once, and how often.

    Args:
        column: Any; NaN is among them.

    Returns:
        The values and their counts.
    """
    import numpy as np

    if column.family is Family.TEXT:
        counts = np.bincount(column.values, minlength=len(column.dictionary))
        places = np.flatnonzero(counts)
        return [column.dictionary[each] for each in places.tolist()], counts[places]
    if column.family is Family.BOOLEAN:
        yes = int(np.count_nonzero(column.values))
        return [False, True], np.array([len(column.values) - yes, yes], np.int64)
    values, counts = np.unique(column.values, return_counts=True)
    return list(values.tolist()), counts


if TYPE_CHECKING:
    import numpy as np
