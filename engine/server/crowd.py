"""The connections of one server as a crowd: how many an address has, and what slow readers leave in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from engine.server.failures import network_of
from engine.server.proxies import Proxies, is_loopback

if TYPE_CHECKING:
    import asyncio

    from engine.server.settings import Settings


class Connection(Protocol):
    """What a crowd asks of its connections."""

    @property
    def transport(self) -> asyncio.Transport:
        """Where its answers wait until the client takes them."""


class Crowd:
    """Counts connections by address, and ends those who let too much wait; on the event loop's thread alone.

    Args:
        settings: The bounds.

    Attributes:
        turned_away: Connections that were closed at once, for there were too many.
        leaving: Whether the server is about to end: every answer is the last one of its connection, and says so.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._proxies = Proxies(settings)
        self._counts: dict[str, int] = {}
        self._slow: dict[Connection, None] = {}
        self.turned_away = 0
        self.leaving = False

    def enter(self, address: str | None) -> str | None:
        """Let a connection in, unless its address has too many.

        Those of this machine and of the proxies stand for many clients: for them only the bound of all holds.

        Args:
            address: Where it comes from; `None` when nobody can tell.

        Returns:
            Under what it is counted, for `leave`, empty when it is not; `None` when it is one too many.
        """
        if address is None or is_loopback(address) or self._proxies.has(address):
            return ""
        network = network_of(address)
        count = self._counts.get(network, 0)
        if count >= self._settings.max_connections_per_address:
            return None
        self._counts[network] = count + 1
        return network

    def leave(self, network: str) -> None:
        """Forget a connection.

        Args:
            network: What `enter` said.
        """
        left = self._counts.get(network, 0) - 1
        if left > 0:
            self._counts[network] = left
        else:
            self._counts.pop(network, None)

    def slow(self, connection: Connection) -> None:
        """Note who reads more slowly than is written; those who have done so for longest go when too much waits.

        Args:
            connection: Who.
        """
        self._slow[connection] = None
        waiting = sum(each.transport.get_write_buffer_size() for each in self._slow)
        for each in tuple(self._slow):
            if waiting <= self._settings.max_unread_bytes:
                return
            waiting -= each.transport.get_write_buffer_size()
            del self._slow[each]
            each.transport.abort()

    def quick(self, connection: Connection) -> None:
        """Note who has read on, or has gone.

        Args:
            connection: Who.
        """
        self._slow.pop(connection, None)
