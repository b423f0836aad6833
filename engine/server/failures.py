"""How often an address was refused: who guesses tokens is made to wait."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_FAILURES = 10
"""Refusals of one address within `WINDOW_S` before it has to wait."""

WINDOW_S = 60.0
"""For how long a refusal counts, in seconds."""

MAX_ADDRESSES = 10_000
"""Addresses remembered; beyond, the one whose last refusal is the oldest is forgotten."""

_NETWORK = (1 << 64) - 1


class Failures:
    """Counts refusals by address, in bounded memory.

    Args:
        now_s: Tells the time in seconds, from any beginning.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, address: str) -> int:
        """How long an address has to wait, in whole seconds; 0 when it need not.

        Args:
            address: The address.
        """
        count, until = self._counts.get(network_of(address), (0, 0.0))
        left = until - self._now_s()
        return 0 if count < MOST_FAILURES or left <= 0 else int(left) + 1

    def note(self, address: str) -> None:
        """Count one refusal.

        Args:
            address: The address it was of.
        """
        key, now_s = network_of(address), self._now_s()
        count, until = self._counts.pop(key, (0, 0.0))
        if now_s >= until:
            count, until = 0, now_s + WINDOW_S
        self._counts[key] = (count + 1, until)
        if len(self._counts) > MAX_ADDRESSES:
            self._counts.popitem(last=False)

    def __len__(self) -> int:
        return len(self._counts)


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the network of 64 bits, for one machine has all of it.

    Args:
        address: An IP address, or what was given for one.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Address(int(found) & ~_NETWORK))
    return str(getattr(found, "ipv4_mapped", None) or found)
