"""Which `Host` and `Origin` a request may name: what keeps other sites' pages away from a server on this machine."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, Refused
from engine.server.exposure import public_name, reaches_beyond

if TYPE_CHECKING:
    from engine.server.head import Head
    from engine.server.settings import Settings

LOOPBACK_NAMES = frozenset(("localhost", "127.0.0.1", "[::1]"))

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_MAX_GOOD = 64
"""Most hosts that are remembered as looked at: an address may be named with any port."""

_SAFE = frozenset(("GET", "HEAD"))


class Hosts:
    """Checks where a request believes it goes, and which page it comes from.

    A page of another site can make a browser send requests to a server on this machine. By a name of its own that
    leads here (DNS rebinding) it could even read the answers; such a name is not among ours. Whatever it sends under
    our name carries its origin, which is not ours.

    Args:
        settings: The address and further names.
    """

    def __init__(self, settings: Settings) -> None:
        own = settings.host.lower()
        called = public_name(settings).lower()
        further = (name.lower() for name in settings.allowed_hosts)
        self._names = LOOPBACK_NAMES | {own, f"[{own}]", called, *further}
        # Rebinding needs a name: an address cannot be made to lead elsewhere.
        self._addresses = reaches_beyond(settings.host)
        self._good: set[str] = set()

    def check(self, method: str, scheme: str, head: Head) -> None:
        """Let a request pass, or refuse it.

        Args:
            method: Its method.
            scheme: `http` or `https`, as the client sees it.
            head: Its headers.

        Raises:
            InvalidInput: it names no host, several, or none that could be one.
            Refused: it names a host that is not ours, or comes from a page of another site.
        """
        host = self._host(head)
        origin = head.get(b"origin")
        if origin is not None:
            if head.twice(b"origin") or not _same(origin.lower(), scheme, host):
                raise _foreign()
        elif head.get(b"sec-fetch-site") in ("cross-site", "same-site") and not _visits(method, head):
            raise _foreign()

    def _host(self, head: Head) -> str:
        host = "" if head.twice(b"host") else head.get(b"host") or ""
        if host in self._good:
            return host
        host = host.lower()
        found = _HOST.fullmatch(host)
        if found is None:
            raise InvalidInput("The request must name its host once.", hint="Send one Host header.")
        name = found[1]
        if name not in self._names and not (self._addresses and is_address(name)):
            raise Refused(
                f"The host {name[:60]} is not one of this server's.",
                hint="Start it with --allowed-host NAME if it is meant to be.",
            )
        if len(self._good) < _MAX_GOOD:
            self._good.add(host)
        return host


def _foreign() -> Refused:
    return Refused("Pages of other sites may not use this server.", hint="Send the request from a program.")


def _visits(method: str, head: Head) -> bool:
    """Whether somebody follows a link to us; nothing changes by that, and the page it stood on sees nothing."""
    return method in _SAFE and head.get(b"sec-fetch-mode") == "navigate"


def _same(origin: str, scheme: str, host: str) -> bool:
    """Whether an origin is the server's own, as the request names it."""
    place = origin.removeprefix(f"{scheme}://")
    return place != origin and _with_port(place, scheme) == _with_port(host, scheme)


def _with_port(host: str, scheme: str) -> str:
    found = _HOST.fullmatch(host)
    return host if found is None or found[2] else f"{host}:{_DEFAULT_PORTS.get(scheme, '')}"


def is_address(name: str) -> bool:
    """Whether a name is an IP address, which may stand in brackets."""
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
