"""Probes over real sockets: what each protocol asks, and that nothing a server does harms or holds who asks."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from engine.core.clock import ManualClock, SystemClock
from engine.probing.asking import MOST_BYTES, Asker
from engine.probing.model import DAY_MS, ExternalEndpoint, HealthState, Probe, Protocol, health_of
from tests.engine.probing.fake import MLFLOW, V2, Fake, certificate, said, served

CLOCK = ManualClock()


def external(url: str, protocol: Protocol = Protocol.V2, **fields: Any) -> ExternalEndpoint:
    given: dict[str, Any] = {"model": "", "timeout_ms": 3_000, "expected_status": 200, "headers": {}, **fields}
    return ExternalEndpoint(
        1,
        "theirs",
        url,
        protocol,
        given["model"],
        1_000,
        given["timeout_ms"],
        given["expected_status"],
        given["headers"],
        "",
        "",
        {},
        0,
        0,
        "bob",
    )


def ask(endpoint: ExternalEndpoint, **how: Any) -> Probe:
    return asyncio.run(Asker(CLOCK, **how).ask(endpoint))


def test_a_v2_server_is_asked_whether_it_is_ready_and_who_it_is() -> None:
    with served(V2) as fake:
        found = ask(external(fake.url))
    assert (found.ok, found.status, found.problem) == (True, 200, "")
    assert found.facts == {"name": "triton", "version": "2.40"}
    assert found.latency_us is not None
    assert found.latency_us > 0
    assert found.time_ms == CLOCK.now_ms()
    assert [path for path, _ in fake.asked] == ["/v2/health/ready", "/v2"]


def test_a_v2_server_must_know_the_model_it_is_said_to_serve() -> None:
    with served(V2) as fake:
        assert ask(external(fake.url, model="churn")).facts["versions"] == "3, 4"
        missing = ask(external(fake.url, model="fraud"))
        assert (missing.ok, missing.status) == (False, 404)
        assert missing.problem == "It is ready, but answers 404 when asked for its model's metadata."
        fake.answers["/v2/models/churn"] = said({"name": "other"})
        assert ask(external(fake.url, model="churn")).problem == "It says to serve 'other', not 'churn'."


def test_a_models_name_is_one_part_of_the_path_whatever_it_is() -> None:
    with served(V2) as fake:
        ask(external(fake.url, model="../../admin?x=1"))
    assert fake.asked[-1][0] == "/v2/models/..%2F..%2Fadmin%3Fx%3D1"


def test_an_mlflow_server_is_pinged_and_asked_for_its_version() -> None:
    with served(MLFLOW) as fake:
        found = ask(external(fake.url, Protocol.MLFLOW))
    assert (found.ok, found.facts) == (True, {"version": "3.1.4"})


def test_plain_http_is_judged_by_its_status_alone() -> None:
    with served({"/": (204, b"", {}), "/health": (503, b"down", {})}) as fake:
        assert ask(external(fake.url, Protocol.HTTP, expected_status=204)).ok
        wrong = ask(external(f"{fake.url}/health", Protocol.HTTP))
    assert (wrong.ok, wrong.status, wrong.problem) == (False, 503, "It answered 503; 200 is expected.")


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"[]", b"\xff\xfe", b"[" * 60_000, b'{"name": ' + b"9" * 5_000 + b"}", b'{"name": "\\ud800"}'],
    ids=["empty", "text", "list", "bytes", "nested", "digits", "surrogate"],
)
def test_metadata_that_is_none_is_a_problem_and_no_crash(body: bytes) -> None:
    with served({**V2, "/v2/models/churn": (200, body, {})}) as fake:
        found = ask(external(fake.url, model="churn"))
    assert not found.ok
    assert found.problem


def test_what_a_server_says_of_itself_is_cleaned_and_cut() -> None:
    hostile = "\x1b[31mred\x1b]0;title\x07" + "x" * 5_000
    with served({**V2, "/v2": said({"name": hostile, "version": {"a": 1}})}) as fake:
        found = ask(external(fake.url))
    assert "\x1b" not in found.facts["name"]
    assert len(found.facts["name"]) <= 100
    assert "version" not in found.facts


def huge(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-length", str(10**9))
    handler.end_headers()
    piece = b"x" * 65_536
    while True:
        handler.wfile.write(piece)


def test_a_huge_answer_is_cut_off() -> None:
    with served({}) as fake:
        fake.act = huge
        began = time.monotonic()
        found = ask(external(fake.url, Protocol.HTTP))
    assert found.problem == f"It answered more than {MOST_BYTES // 1024} KiB."
    assert time.monotonic() - began < 2


def test_an_answer_that_comes_letter_by_letter_ends_with_the_time() -> None:
    with served({}) as fake:

        def drip(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("content-length", "1000")
            handler.end_headers()
            while not fake.let_go.wait(0.02):
                handler.wfile.write(b".")

        fake.act = drip
        began = time.monotonic()
        found = ask(external(fake.url, Protocol.HTTP, timeout_ms=200))
    assert found.problem == "No whole answer within 200 ms."
    assert time.monotonic() - began < 2


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def is_garbage(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x16\x03\x01\x00\xff garbage\r\n\r\n")


def promises_too_much(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n1")
    handler.close_connection = True


@pytest.mark.parametrize("act", [hangs_up, is_garbage, promises_too_much])
def test_a_broken_answer_is_a_problem_and_no_crash(act: Callable[[BaseHTTPRequestHandler], None]) -> None:
    with served({}) as fake:
        fake.act = act
        found = ask(external(fake.url, Protocol.HTTP))
    assert not found.ok
    assert found.problem.startswith("No answer: ")


def test_nobody_there_is_a_problem() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = ask(external(f"http://127.0.0.1:{free.getsockname()[1]}", Protocol.HTTP))
    assert found.problem.startswith("No answer: ")


def test_a_redirect_to_the_same_host_is_followed_and_to_another_one_is_not() -> None:
    with served({"/": (302, b"", {"location": "/there"}), "/there": (200, b"", {})}) as fake, served({}) as other:
        assert ask(external(fake.url, Protocol.HTTP)).ok
        fake.answers["/"] = (302, b"", {"location": f"{other.url}/secret"})
        found = ask(external(fake.url, Protocol.HTTP))
        fake.answers["/"] = (302, b"", {"location": "/"})
        circle = ask(external(fake.url, Protocol.HTTP))
    assert found.problem == "It sends callers to another host, which is not asked."
    assert other.asked == []
    assert circle.problem == "It redirects more than 3 times."


def test_headers_come_from_the_environment_and_a_missing_one_is_told() -> None:
    headers = {"Authorization": "QD_PROBE_TOKEN"}
    with served(V2) as fake:
        assert ask(external(fake.url, headers=headers), environ={"QD_PROBE_TOKEN": "Bearer s3cret"}).ok
        assert {asked["authorization"] for _, asked in fake.asked} == {"Bearer s3cret"}
        missing = ask(external(fake.url, headers=headers), environ={})
        broken = ask(external(fake.url, headers=headers), environ={"QD_PROBE_TOKEN": "a\r\nx: y"})
    assert missing.problem == "The environment variable QD_PROBE_TOKEN of the header Authorization is not set here."
    assert "s3cret" not in str(missing)
    assert broken.problem == "The environment variable QD_PROBE_TOKEN holds no value that a header can have."


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.1", "fd00:ec2::254"]
)
def test_a_name_that_leads_to_a_metadata_service_is_not_asked(address: str) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1", address]

    with served(V2) as fake:
        found = ask(external(fake.url.replace("127.0.0.1", "theirs.example")), resolve=resolve)
    assert found.problem.startswith("It is not asked: ")
    assert fake.asked == []


def test_a_name_server_that_does_not_answer_costs_no_more_than_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    def hang(*_: object, **__: object) -> list[Any]:
        never.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    found = ask(external("http://theirs.example", Protocol.HTTP, timeout_ms=200))
    assert found.problem == "No whole answer within 200 ms."
    assert time.monotonic() - began < 2
    never.set()


@pytest.mark.parametrize("host", ["nobody.invalid", "x" * 70 + ".example", "a..example"])
def test_a_name_that_leads_nowhere_is_a_problem(host: str) -> None:
    found = ask(external(f"http://{host}", Protocol.HTTP))
    assert found.problem.startswith(("No answer: ", "Its name leads nowhere"))


def test_a_private_address_is_asked_under_the_name_that_was_registered() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    with served(V2) as fake:
        url = fake.url.replace("127.0.0.1", "theirs.example")
        assert ask(external(url), resolve=resolve).ok
    assert fake.asked[0][1]["host"] == url.removeprefix("http://")


def test_the_second_address_is_tried_when_nobody_listens_at_the_first() -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    with served(V2) as fake:
        assert ask(external(fake.url.replace("127.0.0.1", "theirs.example")), resolve=resolve).ok


def test_the_end_of_a_certificate_is_read_and_told_in_time(tmp_path: Path) -> None:
    serving, trusting = certificate(tmp_path, days=3)
    with served(V2, serving) as fake:
        endpoint = external(fake.url)
        found = asyncio.run(Asker(SystemClock(), tls=trusting).ask(endpoint))
    assert found.ok, found.problem
    assert found.tls_expires_ms is not None
    assert 2 * DAY_MS < found.tls_expires_ms - found.time_ms <= 3 * DAY_MS
    health = health_of(endpoint, [found], found.time_ms)
    assert (health.state, health.words) == (HealthState.DEGRADED, "Its certificate ends in 2 days.")


def test_a_certificate_nobody_vouches_for_is_a_problem(tmp_path: Path) -> None:
    serving, _ = certificate(tmp_path, days=3)
    with served(V2, serving) as fake:
        found = ask(external(fake.url))
    assert found.problem.startswith("Its certificate is not accepted: ")


def answered(fake: Fake) -> Mapping[str, str]:
    return fake.asked[0][1]


def test_no_compressed_answer_is_asked_for() -> None:
    with served(V2) as fake:
        ask(external(fake.url))
    assert answered(fake)["accept-encoding"] == "identity"
