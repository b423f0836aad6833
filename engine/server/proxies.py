"""Which connections come from a proxy of ours: what it says of its clients is believed, what others say is not."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from engine.server.settings import Settings


def is_loopback(address: str) -> bool:
    """Whether an IP address is of this machine alone.

    Args:
        address: The address, as text; a zone after `%` is not looked at.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inside = getattr(found, "ipv4_mapped", None)
    return bool((inside or found).is_loopback)


class Proxies:
    """Knows the proxies of a server.

    Args:
        settings: Whether one stands before it, and where it may be.

    Raises:
        InvalidInput: what was given is neither an address nor a network of some.
    """

    def __init__(self, settings: Settings) -> None:
        self._stands = settings.behind_proxy
        self._networks = tuple(_network(each) for each in settings.proxies)

    def has(self, address: str) -> bool:
        """Whether a connection from an address is one of a proxy; on this machine it may be any process.

        Args:
            address: The address, as text.
        """
        if not self._stands:
            return False
        return is_loopback(address) or any(_inside(address, network) for network in self._networks)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        found = ip_network(text.strip(), strict=False)
    except ValueError:
        found = None
    if found is None or found.prefixlen == 0:
        raise InvalidInput(
            f"{text[:60]!r} is not where a proxy could be.",
            hint="Give its address with --proxy-from, or the network it is in, such as 10.0.3.0/24.",
        )
    return found


def _inside(address: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found) in network
