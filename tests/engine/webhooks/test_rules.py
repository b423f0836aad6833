"""What webhooks may be, where they may lead, and how often a message is tried: rules alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.policy.webhooks import WebhookPolicy
from engine.webhooks.addresses import address_to_use, is_public, problem_of
from engine.webhooks.model import (
    MAX_DESCRIPTION,
    MAX_SECRET,
    WAITS_MS,
    DeliveryState,
    Outcome,
    WebhookChange,
    after_attempt,
    check,
    check_url,
    signature,
)

PRIVATE = """127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 224.0.0.1
    255.255.255.255 192.0.2.1 198.18.0.1 240.0.0.1 ::1 :: fe80::1 fc00::1 fd12::1 ff02::1 ::ffff:127.0.0.1
    ::ffff:10.0.0.1 2002:7f00:1:: 2002:a00:1:: 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2001:db8::1
    2001:0:5ef5:79fd::f5ff:fffe"""
NEAR = """localhost LOCALHOST localhost. a.localhost metadata.google.internal router.local intranet db 2130706433 127.1
    0x7f000001 0x7f.1 017700000001 0177.0.0.1"""
PUBLIC = "8.8.8.8 1.1.1.1 2606:4700:4700::1111 2002:808:808:: 64:ff9b::808:808 ::ffff:8.8.8.8"


@pytest.mark.parametrize("address", PRIVATE.split())
def test_addresses_of_this_machine_and_its_networks_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    assert problem_of(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_other_addresses_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", NEAR.split())
def test_names_of_near_machines_and_addresses_in_disguise_are_refused(host: str) -> None:
    assert problem_of(host)


@pytest.mark.parametrize("host", ["example.com", "hooks.slack.com", "a.b.c.example", "xn--bcher-kva.example"])
def test_other_names_are_looked_at_when_sending(host: str) -> None:
    assert problem_of(host) == ""


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://exa mple.com/",
        "https://example.com/\r\nx: 1",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/\u00e9",
        "https://[::1",
        "https://[::1]/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://localhost:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://%31%32%37.0.0.1/",
        "https://example.com/" + "a" * 2_000,
    ],
)
def test_a_url_that_leads_astray_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_url(url, WebhookPolicy())


@pytest.mark.parametrize("url", ["https://example.com", "https://example.com:8443/a?b=c", "https://8.8.8.8/hook"])
def test_a_url_of_the_public_network_is_taken(url: str) -> None:
    check_url(url, WebhookPolicy())


def test_a_host_that_was_allowed_may_be_private_and_plain() -> None:
    check_url("http://hooks.internal:9000/", WebhookPolicy(("hooks.internal",)))
    with pytest.raises(InvalidInput, match="allow_private"):
        check_url("http://other.internal:9000/", WebhookPolicy(("hooks.internal",)))


WRONG: dict[str, WebhookChange] = {
    "no name": WebhookChange(name=""),
    "a long name": WebhookChange(name="x" * 64),
    "an odd name": WebhookChange(name="a b"),
    "a name that ends oddly": WebhookChange(name="a-"),
    "no events": WebhookChange(events=()),
    "an unknown event": WebhookChange(events=("model_version.created", "model_version.exploded")),
    "an event without an action": WebhookChange(events=("model_version",)),
    "a long description": WebhookChange(description="x" * (MAX_DESCRIPTION + 1)),
    "a long secret": WebhookChange(secret="x" * (MAX_SECRET + 1)),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_of_a_webhook_is_refused(case: str) -> None:
    with pytest.raises(InvalidInput):
        check(WRONG[case], WebhookPolicy())


def test_a_name_is_asked_once_and_all_its_addresses_must_be_public() -> None:
    asked: list[str] = []

    def rebound(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    assert address_to_use("example.com", 443, (), rebound) == ("8.8.8.8", "")
    assert asked == ["example.com"]
    assert address_to_use("example.com", 443, (), rebound)[0] == ""
    assert address_to_use("example.com", 443, (), lambda *_: ["8.8.8.8", "10.0.0.1"])[0] == ""
    assert address_to_use("example.com", 443, ("example.com",), lambda *_: ["10.0.0.1"]) == ("10.0.0.1", "")


@settings(deadline=None)
@given(st.text(max_size=20), st.text(alphabet="abcdef0123456789", min_size=1), st.integers(0, 2**33), st.text())
def test_a_signature_is_what_a_receiver_computes(secret: str, delivery_id: str, timestamp_s: int, payload: str) -> None:
    told = f"{delivery_id}.{timestamp_s}.{payload}".encode()
    expected = base64.b64encode(hmac.digest(secret.encode(), told, hashlib.sha256)).decode()
    assert signature(secret, delivery_id, timestamp_s, payload) == f"v1,{expected}"


def test_a_message_is_tried_again_later_and_later_and_then_given_up() -> None:
    failed, waits = Outcome(500, "Answered 500."), []
    for attempts in range(1, len(WAITS_MS) + 1):
        state, due_ms = after_attempt(failed, attempts=attempts, now_ms=0)
        assert state is DeliveryState.WAITING
        waits.append(due_ms)
    assert waits == sorted(set(waits))
    assert after_attempt(failed, attempts=len(WAITS_MS) + 1, now_ms=0)[0] is DeliveryState.FAILED
    assert after_attempt(Outcome(410, "Gone.", final=True), attempts=1, now_ms=0)[0] is DeliveryState.FAILED
    assert after_attempt(Outcome(204), attempts=1, now_ms=0)[0] is DeliveryState.DELIVERED
