"""Which hosts and origins pass: rules alone, for any text that a head may hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import InvalidInput, Refused
from engine.server.head import Head
from engine.server.hosts import LOOPBACK_NAMES, Hosts, is_address
from engine.server.settings import Settings

LOCAL = Hosts(Settings(allowed_hosts=("models.example",)))
BEYOND = Hosts(Settings(host="0.0.0.0", allowed_hosts=("models.example",)))  # noqa: S104 nothing is bound

HEADER = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=40)
NEARLY = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            ["localhost", "127.0.0.1", "[::1]", ":", "5000", ".", "@", "evil.example", "http://", "models.example"]
        )
    ),
)


def passes(hosts: Hosts, *raw: tuple[bytes, bytes], method: str = "POST", scheme: str = "http") -> bool:
    try:
        hosts.check(method, scheme, Head(raw))
    except (InvalidInput, Refused):
        return False
    return True


def named(text: str) -> str:
    """The host without its port."""
    head, colon, port = text.rpartition(":")
    return head if colon and port.isdigit() else text


@settings(deadline=None)
@given(HEADER | NEARLY)
def test_only_our_names_pass(host: str) -> None:
    if passes(LOCAL, (b"host", host.encode("latin-1"))):
        assert named(host.lower()) in LOOPBACK_NAMES | {"models.example"}


@settings(deadline=None)
@given(HEADER | NEARLY)
def test_beyond_this_machine_addresses_pass_too_and_other_names_do_not(host: str) -> None:
    if passes(BEYOND, (b"host", host.encode("latin-1"))):
        name = named(host.lower())
        assert name in LOOPBACK_NAMES | {"models.example", "0.0.0.0"} or is_address(name)  # noqa: S104 a header


@settings(deadline=None)
@given(HEADER | NEARLY, st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]))
def test_only_our_own_origin_passes(origin: str, method: str) -> None:
    host = (b"host", b"localhost:5000")
    if passes(LOCAL, host, (b"origin", origin.encode("latin-1")), method=method):
        assert origin.lower() == "http://localhost:5000"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_port_of_the_scheme_may_be_left_out(scheme: str) -> None:
    port = {"http": b":80", "https": b":443"}[scheme]
    own = scheme.encode() + b"://models.example"
    for host in (b"models.example", b"models.example" + port):
        for origin in (own, own + port):
            assert passes(LOCAL, (b"host", host), (b"origin", origin), scheme=scheme)
    assert not passes(LOCAL, (b"host", b"models.example"), (b"origin", own + b":1"), scheme=scheme)


def test_a_header_said_twice_is_refused_even_when_both_are_ours() -> None:
    host = (b"host", b"localhost")
    assert not passes(LOCAL, host, host)
    own = (b"origin", b"http://localhost")
    assert passes(LOCAL, host, own)
    assert not passes(LOCAL, host, own, own)
