"""What may be registered as an external endpoint: texts from somebody else, refused with what to do instead."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.core.errors import InvalidInput
from engine.registry.names import MAX_TEXT, check_model_name, check_tags, check_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.probing.model import ExternalEndpoint

MIN_INTERVAL_MS, MAX_INTERVAL_MS = 1_000, 86_400_000
"""From one second to a day."""

MIN_TIMEOUT_MS, MAX_TIMEOUT_MS = 50, 60_000
"""From 50 ms to a minute."""

HEADERS_FROM = "QD_PROBE_"
"""How the names of environment variables begin that may be sent along."""

MAX_URL, MAX_HEADERS, MAX_TAGS = 2_000, 20, 100
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VARIABLE = re.compile(rf"{HEADERS_FROM}[A-Z0-9_]{{1,100}}")
_OURS = frozenset(("host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer"))

# Private addresses are allowed: these are operators' own services, and most stand behind the same firewall as we do.
# Link-local ones never are: nothing that answers predictions lives there, but the metadata services of clouds do,
# which give the credentials of this machine to whoever can ask from it.
_NEVER_4 = (IPv4Network("169.254.0.0/16"), IPv4Network("0.0.0.0/8"), IPv4Network("100.100.100.200/32"))
_NEVER_6 = (IPv6Network("fe80::/10"), IPv6Network("fd00:ec2::254/128"), IPv6Network("::/128"))
_NAT64 = IPv6Network("64:ff9b::/96")


def check_external(endpoint: ExternalEndpoint) -> ExternalEndpoint:
    """Let an external endpoint pass, or refuse it.

    Args:
        endpoint: As it is to be stored.

    Returns:
        The same endpoint.

    Raises:
        InvalidInput: its name, URL, a header, a number, a text or a tag cannot be one; the message says which and why.
    """
    check_model_name(endpoint.name)
    check_url(endpoint.url)
    check_word(endpoint.model, "model's name")
    check_word(endpoint.description, "description", MAX_TEXT)
    check_word(endpoint.owner, "owner")
    _check_numbers(endpoint)
    check_headers(endpoint.headers)
    if len(endpoint.tags) > MAX_TAGS:
        raise InvalidInput(f"More than {MAX_TAGS} tags were given.", hint="Give fewer.")
    check_tags(endpoint.tags)
    return endpoint


def check_url(url: str) -> str:
    """Let the address of an external endpoint pass.

    Args:
        url: The address.

    Returns:
        The same address.

    Raises:
        InvalidInput: it is no address of a web server, holds a password, or is one that is never probed.
    """
    check_word(url, "URL", MAX_URL)
    problem = _url_problem(url)
    if problem:
        raise InvalidInput(
            f"This URL cannot be probed: {problem}.", hint="Write it such as https://models.example.org:8443/churn."
        )
    return url


def _url_problem(url: str) -> str:
    if not url.isascii() or any(character.isspace() or not character.isprintable() for character in url):
        return "it holds blanks or letters beyond ASCII"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "its host or port cannot be read"
    if parts.scheme not in {"http", "https"} or not host:
        return "it does not begin with http:// or https:// and a host"
    if parts.username is not None or parts.password is not None:
        return "it holds a user or password, which would be stored; send a header from the environment"
    if parts.query or parts.fragment:
        return "a query or fragment has no place in it"
    return address_problem(host)


def address_problem(host: str) -> str:
    """Why an address is never probed; empty for any other, and for names.

    Args:
        host: A name or an IP address.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    return "it leads to a link-local or unspecified address, where clouds keep credentials" if _never(address) else ""


def _never(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_multicast or any(address in network for network in _NEVER_4)
    wrapped = address.ipv4_mapped or address.sixtofour
    if wrapped is None and address in _NAT64:
        wrapped = IPv4Address(int(address) & 0xFFFFFFFF)
    return (
        address.is_multicast or any(address in each for each in _NEVER_6) or (wrapped is not None and _never(wrapped))
    )


def check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Let what is sent along pass: headers, and the environment variables that hold their values.

    Args:
        headers: Names of variables by names of headers.

    Returns:
        The same mapping.

    Raises:
        InvalidInput: there are too many, or a name cannot be one.
    """
    if len(headers) > MAX_HEADERS:
        raise InvalidInput(f"More than {MAX_HEADERS} headers were given.", hint="Give fewer.")
    for header, variable in headers.items():
        if _HEADER.fullmatch(header) is None or header.lower() in _OURS:
            raise InvalidInput("A header's name cannot be sent.", hint="Name one such as authorization.")
        if _VARIABLE.fullmatch(variable) is None:
            # Else whoever may register an endpoint could have any secret of the prober's environment sent to it.
            raise InvalidInput(
                f"The value of the header {header} must come from an environment variable whose name begins with "
                f"{HEADERS_FROM}; secrets are never stored.",
                hint=f"Write --header {header}={HEADERS_FROM}TOKEN, and set that variable where the prober runs.",
            )
    return headers


def _check_numbers(endpoint: ExternalEndpoint) -> None:
    if not MIN_INTERVAL_MS <= endpoint.interval_ms <= MAX_INTERVAL_MS:
        raise InvalidInput("The interval must be from 1 s to 1 day.", hint="Take 30s.")
    if not MIN_TIMEOUT_MS <= endpoint.timeout_ms <= MAX_TIMEOUT_MS:
        raise InvalidInput("The timeout must be from 50 ms to 1 min.", hint="Take 5s.")
    if not 200 <= endpoint.expected_status <= 599:
        raise InvalidInput("The expected status must be from 200 to 599.", hint="Most answer 200.")
