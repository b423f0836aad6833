"""What a list is sorted by, as a value: several keys, each with its direction. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Order(NamedTuple):
    """One key to sort by.

    Args:
        key: As in `sort:`.
        descending: The greatest first.
    """

    key: str
    descending: bool = False

    @property
    def reversed(self) -> Order:
        """The same key the other way round."""
        return Order(self.key, not self.descending)


Orders = tuple[Order, ...]
"""Most significant first."""


def read_orders(sort: str) -> Orders:
    """Read what stands after `sort:`; the first of several mentions of a key counts."""
    found: dict[str, Order] = {}
    for piece in sort.split(","):
        written = piece.strip()
        if key := written.lstrip("-+"):
            found.setdefault(key, Order(key, written.startswith("-")))
    return tuple(found.values())


def write_orders(orders: Sequence[Order]) -> str:
    """Write orders as they stand after `sort:`."""
    return ",".join(("-" if order.descending else "") + order.key for order in orders)


def sorted_by(orders: Orders, first: Order) -> Orders:
    """Sort by one key alone; a list that is sorted by it alone already is turned round.

    Args:
        orders: Those in force.
        first: The key, in the direction that it takes at first.
    """
    if len(orders) == 1 and orders[0].key == first.key:
        return (orders[0].reversed,)
    return (first,)


def further(orders: Orders, first: Order) -> Orders:
    """Add a key as the least significant; one that is there is turned round, and the next time taken away.

    Args:
        orders: Those in force.
        first: The key, in the direction that it takes at first.
    """
    present = next((order for order in orders if order.key == first.key), None)
    if present is None:
        return (*orders, first)
    if present == first:
        return tuple(order.reversed if order == present else order for order in orders)
    return tuple(order for order in orders if order != present)
