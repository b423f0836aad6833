"""What streaming detectors share: values in batches, running extremes, and a state of a few numbers as bytes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    import numpy as np
    from numpy.typing import NDArray

    from engine.stats.counts import Floats

_LONGEST = 1 << 14
_SHORTEST = 1 << 8
"""Values looked at together: fewer just after a detection, since what follows it is looked at once more."""


@dataclass(slots=True)
class Kept:
    """What a detector keeps between processes.

    Args:
        state: A few numbers; each detector says which.
    """

    state: tuple[float, ...] = field(default=(), kw_only=True)

    def to_bytes(self) -> bytes:
        """The state, bit for bit; the settings are the caller's."""
        return packed(self.state)

    def restore(self, data: bytes) -> Self:
        """A detector with these settings and a stored state.

        Args:
            data: What `to_bytes` wrote.

        Returns:
            The detector.

        Raises:
            ValueError: the bytes are no state of this detector.
        """
        return replace(self, state=unpacked(data, len(self.state)))


def detections(values: NDArray[Any], take: Callable[[Floats], tuple[int, bool]]) -> tuple[int, ...]:
    """Feed values to a detector part by part.

    Args:
        values: Finite numbers in the order they came, shape (n,).
        take: Changes the detector's state by the values up to and with its first detection; returns how many these
            are, and whether there was one.

    Returns:
        Places in `values` at which the detector detected, ascending.

    Raises:
        ValueError: the values are not one-dimensional or not finite.
    """
    import numpy as np

    given = np.asarray(values, np.float64)
    if given.ndim != 1 or not np.isfinite(given).all():
        raise ValueError("a detector takes one column of finite numbers")
    found, start, size = [], 0, _LONGEST
    while start < given.size:
        used, hit = take(given[start : start + size])
        start += used
        size = _SHORTEST if hit else min(_LONGEST, 2 * size)
        if hit:
            found.append(start - 1)
    return tuple(found)


def carried(first: float, values: Floats) -> Floats:
    """Running sums that go on from a number, in the same order of additions however the values were cut.

    Args:
        first: The sum so far.
        values: Shape (n,).

    Returns:
        The sum after each value, shape (n,).
    """
    import numpy as np

    sums: Floats = np.cumsum(np.concatenate(((first,), values)))[1:]
    return sums


def latest_least(values: Floats) -> NDArray[np.int64]:
    """Where the least value so far stands; the latest of equal ones.

    Args:
        values: Shape (n,).

    Returns:
        A place for each value, shape (n,).
    """
    import numpy as np

    least = np.minimum.accumulate(values)
    return np.maximum.accumulate(np.where(values == least, np.arange(values.size), 0))


def first_true(flags: NDArray[np.bool_]) -> tuple[int, bool]:
    """How many values are used up to and with the first that is flagged; all when none is.

    Args:
        flags: Shape (n,), not empty.

    Returns:
        The number and whether there was one.
    """
    place = int(flags.argmax())
    return (place + 1, True) if flags[place] else (flags.size, False)


def packed(numbers: tuple[float, ...]) -> bytes:
    """Numbers as bytes, bit for bit.

    Args:
        numbers: Of a state.

    Returns:
        8 bytes a number.
    """
    from struct import pack

    return pack(f"<{len(numbers)}d", *numbers)


def unpacked(data: bytes, count: int) -> tuple[float, ...]:
    """The numbers that `packed` wrote.

    Args:
        data: What it returned.
        count: How many there are.

    Returns:
        The numbers.

    Raises:
        ValueError: the bytes are not of so many numbers.
    """
    from struct import unpack

    if len(data) != 8 * count:
        raise ValueError(f"the state of this detector has {8 * count} bytes, not {len(data)}")
    return unpack(f"<{count}d", data)
