"""Which addresses messages may be sent to: none that only machines near this one can reach."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    Resolve = Callable[[str, int], list[str]]

_NAT64 = IPv6Network("64:ff9b::/96")
_NEAR_NAMES = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa")


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as text.

    Args:
        host: Its name or address.
        port: The port.

    Raises:
        OSError: it has none, or nobody can tell.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def problem_of(host: str) -> str:
    """Why messages are not sent to a host, as far as its name or address alone tells.

    Args:
        host: A name or an IP address.

    Returns:
        The reason; empty when there is none.
    """
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(_NEAR_NAMES) or ("." not in name and ":" not in name):
        return "the name is of this machine or network"
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        # 127.1, 0x7f000001 and 017700000001 are addresses too, to those who resolve them.
        return "" if any(letter.isalpha() for letter in name.rpartition(".")[2]) else "it is an address in disguise"
    return "" if is_public(address) else "the address is private"


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is of the public network, also when IPv6 wraps one of IPv4.

    Args:
        address: The address.
    """
    if isinstance(address, IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if wrapped is None and address in _NAT64:
            wrapped = IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(wrapped)
    return address.is_global and not (address.is_multicast or address.is_reserved)


def address_to_use(host: str, port: int, private_hosts: Collection[str], resolve: Resolve = resolve) -> tuple[str, str]:
    """The one address a message goes to; asked once, so that a name cannot lead elsewhere between check and use.

    Args:
        host: The host, in lower case.
        port: The port.
        private_hosts: Hosts that may be at private addresses.
        resolve: Finds the addresses of a host.

    Returns:
        The address, and why there is none; one of them is empty.

    Raises:
        OSError: the host has no address, or nobody can tell.
    """
    if host not in private_hosts and (why := problem_of(host)):
        return "", why
    found = resolve(host, port)
    if host not in private_hosts and not all(is_public(ip_address(each.partition("%")[0])) for each in found):
        return "", "the name leads to a private address"
    return found[0], ""
