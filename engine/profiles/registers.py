"""How many different numbers there are, estimated by HyperLogLog: registers that are merged by taking the larger one.

Flajolet, Fusy, Gandouet, Meunier: HyperLogLog, 2007. The registers are theirs; they are read by the estimator of Ertl
(New cardinality estimation algorithms for HyperLogLog sketches, 2017), which needs no tables and has no gap between
few and many. As hashes have 64 bits, no number that fits a table is too large.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from engine.profiles.rows import mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

BITS = 11

REGISTERS = 1 << BITS
"""How many registers there are: a byte each."""

STANDARD_ERROR = 1.04 / math.sqrt(REGISTERS)
"""Of the estimate, relative to it."""

_REST = 64 - BITS

MOST_RANK = _REST + 1
"""The largest number that a register holds."""

_EXPONENT_OF_ONE = 1023


def no_registers() -> NDArray[Any]:
    """Registers of no number, shape (REGISTERS,), uint8."""
    import numpy as np

    return np.zeros(REGISTERS, np.uint8)


def note(registers: NDArray[Any], values: NDArray[Any]) -> None:
    """Note numbers, in any order and as often as they come: what is noted again changes nothing.

    Args:
        registers: Changed in place.
        values: float64, none of them NaN, shape (rows,).
    """
    import numpy as np

    hashes = mixed((values + 0.0).view(np.uint64))  # -0.0 and 0.0 are one number
    places = (hashes >> np.uint64(_REST)).astype(np.intp)
    # The rest has 53 bits, so a float64 holds it exactly and its exponent tells the first bit that is set.
    rest = (hashes & np.uint64((1 << _REST) - 1)).astype(np.float64)
    exponents = (rest.view(np.int64) >> 52) - _EXPONENT_OF_ONE
    ranks = np.minimum(_REST - exponents, MOST_RANK).astype(np.uint8)
    more = ranks > registers[places]  # few are, once some thousands were noted
    np.maximum.at(registers, places[more], ranks[more])


def together(parts: list[NDArray[Any] | None]) -> NDArray[Any] | None:
    """Registers of all numbers of several parts.

    Args:
        parts: Their registers; at least one part.

    Returns:
        The larger one of each place; `None` where a part has none.
    """
    import numpy as np

    known = [each for each in parts if each is not None]
    return np.maximum.reduce(known) if len(known) == len(parts) else None


def estimated(registers: NDArray[Any]) -> float:
    """How many different numbers were noted.

    Args:
        registers: Of them.

    Returns:
        The estimate; its standard error is `STANDARD_ERROR` of it.
    """
    import numpy as np

    counts = np.bincount(registers, minlength=MOST_RANK + 1).tolist()
    total = REGISTERS * _tau(1 - counts[MOST_RANK] / REGISTERS)
    for rank in range(_REST, 0, -1):
        total = (total + counts[rank]) / 2
    total += REGISTERS * _sigma(counts[0] / REGISTERS)
    most = 2.0**64  # more hashes there are not
    return min(most, REGISTERS**2 / (2 * math.log(2)) / total) if total else most


def _sigma(share: float) -> float:
    """What registers that are 0 stand for (Ertl, section 4)."""
    if share == 1.0:
        return math.inf
    weight, found, before = 1.0, share, -1.0
    while found != before:
        share, before = share * share, found
        found += share * weight
        weight *= 2
    return found


def _tau(share: float) -> float:
    """What registers that are full stand for (Ertl, section 4)."""
    if share in (0.0, 1.0):
        return 0.0
    weight, found, before = 1.0, 1 - share, -1.0
    while found != before:
        share, before = math.sqrt(share), found
        weight /= 2
        found -= (1 - share) ** 2 * weight
    return found / 3
