"""Beyond this machine a server demands tokens and a line nobody reads along; there is no way round."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import engine
from engine.api import Engine
from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.server.exposure import TOKEN_FILE, make_first_token, public_name, reaches_beyond, secured
from engine.server.failures import MAX_ADDRESSES, MOST_FAILURES, WINDOW_S, Failures
from engine.server.proxies import Proxies, is_loopback
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from tests.builders import empty_workspace
from tests.engine.cli.driver import run_process
from tests.engine.server.wire import Wire

EVERYWHERE = "0.0.0.0"  # noqa: S104 that it is refused is what is tested


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Engine]:
    with engine.open(empty_workspace(tmp_path / "workspace").path, via="http") as found:
        yield found


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_loopback_addresses_are_of_this_machine(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["", EVERYWHERE, "::", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "localhost"])
def test_other_addresses_are_not(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize(
    ("host", "beyond"), [("localhost", False), (EVERYWHERE, True), ("::", True), ("no.such.invalid", True)]
)
def test_a_name_is_of_this_machine_when_all_its_addresses_are(host: str, *, beyond: bool) -> None:
    assert reaches_beyond(host) is beyond


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.1"])
def test_a_plain_line_to_other_machines_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput, match="--tls-cert"):
        secured(Settings(host=host, require_tokens=True))


@pytest.mark.parametrize("host", [EVERYWHERE, "192.0.2.1"])
def test_a_plain_line_past_the_proxy_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput, match="--proxy-from"):
        secured(Settings(host=host, behind_proxy=True))


@pytest.mark.parametrize("where", ["", "nginx", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.1, 10.0.0.2"])
def test_what_is_no_place_of_a_proxy_is_refused(where: str) -> None:
    with pytest.raises(InvalidInput, match="--proxy-from"):
        secured(Settings(proxies=(where,)))


PROXIES: dict[str, tuple[tuple[str, ...], str, bool]] = {
    "its address": (("10.0.3.7",), "10.0.3.7", True),
    "another address": (("10.0.3.7",), "10.0.3.8", False),
    "its network": (("192.0.2.1", "10.0.3.7/24"), "10.0.3.8", True),
    "IPv4 within IPv6": (("10.0.3.7",), "::ffff:10.0.3.7", True),
    "IPv6 with a zone": (("fe80::1",), "fe80::1%eth0", True),
    "this machine": (("10.0.3.7",), "127.0.0.1", True),
    "no address": (("10.0.3.7",), "", False),
}


@pytest.mark.parametrize("case", PROXIES)
def test_which_connections_are_of_the_proxy(case: str) -> None:
    places, address, found = PROXIES[case]
    assert Proxies(secured(Settings(proxies=places))).has(address) is found
    assert not Proxies(Settings(proxies=places)).has(address), "only where a proxy stands"


def test_a_server_that_listens_everywhere_is_called_by_the_name_of_its_machine() -> None:
    assert public_name(Settings(host=EVERYWHERE)) == public_name(Settings(host="::")) == socket.gethostname().lower()
    assert public_name(Settings(host="192.0.2.1")) == "192.0.2.1"


@pytest.mark.parametrize("settings", [Settings(host=EVERYWHERE, proxies=("192.0.2.1",)), Settings(behind_proxy=True)])
def test_tokens_are_demanded_wherever_others_can_reach_it(settings: Settings) -> None:
    assert secured(settings).require_tokens


def test_on_this_machine_tokens_are_a_choice() -> None:
    assert not secured(Settings()).require_tokens
    assert secured(Settings(require_tokens=True)).require_tokens


@pytest.mark.parametrize(
    "settings",
    [
        Settings(tls_certificate=Path("cert.pem")),
        Settings(tls_key=Path("key.pem")),
        Settings(tls_certificate=Path("/no/cert.pem"), tls_key=Path("/no/key.pem")),
        Settings(tls_certificate=Path(__file__), tls_key=Path(__file__)),
    ],
)
def test_tls_files_that_cannot_be_used_are_said_so(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="TLS"):
        secured(settings)


def test_the_command_says_in_one_line_what_is_missing(opened: Engine) -> None:
    done = run_process("--workspace", opened.workspace.path, "server", "--host", EVERYWHERE, "--port", "0")
    assert done.code == 2
    assert "--behind-proxy" in done.err
    assert len(done.err.splitlines()) == 1
    assert not (opened.workspace.path / TOKEN_FILE).exists()


def test_a_name_that_leads_nowhere_is_said_so_in_one_line(opened: Engine) -> None:
    done = run_process("--workspace", opened.workspace.path, "server", "--host", "no.such.invalid", "--port", "0")
    assert done.code == 2
    assert "no.such.invalid" in done.err
    assert "cannot be resolved" in done.err
    assert len(done.err.splitlines()) == 1


def _outer_address() -> str:
    """An address of this machine that is not loopback; connections to it come from it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # nothing is sent
        except OSError:
            pytest.skip("this machine has no other address")
        return str(probe.getsockname()[0])


def test_who_comes_past_the_proxy_is_refused_with_a_sentence(opened: Engine) -> None:
    outer = _outer_address()
    secret = opened.tokens.create("ci", scope=Role.WRITER).secret
    told = {"authorization": f"Bearer {secret}", "x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https"}
    settings = Settings(host=EVERYWHERE, port=0, proxies=("203.0.113.9",))
    with ThreadedServer(opened, settings) as url, _wires(url, outer) as (near, far):
        answer = far.send("GET", "/metrics", headers=told)
        assert answer.status == 403
        assert "through its proxy alone" in answer.body.decode()
        assert near.send("GET", "/metrics", headers=told).status == 200
        assert near.send("GET", "/health", headers={"host": socket.gethostname()}).status == 200
    with ThreadedServer(opened, replace(settings, proxies=(outer,))) as url, _wires(url, outer) as (_, far):
        assert far.send("GET", "/metrics", headers=told).status == 200


@contextmanager
def _wires(url: str, outer: str) -> Iterator[tuple[Wire, Wire]]:
    """Connections from this machine itself and from its other address."""
    port = urlsplit(url).port
    with Wire(f"http://127.0.0.1:{port}", None) as near, Wire(f"http://{outer}:{port}", None) as far:
        yield near, far


def test_an_address_with_too_many_connections_is_turned_away_and_others_are_not(opened: Engine) -> None:
    outer = _outer_address()
    settings = Settings(host=EVERYWHERE, port=0, proxies=("203.0.113.9",), max_connections_per_address=2)
    with ThreadedServer(opened, settings) as url, ExitStack() as stack:
        port = urlsplit(url).port or 0
        for _ in range(2):
            far = stack.enter_context(Wire(f"http://{outer}:{port}", None))
            assert far.send("GET", "/health").status == 403
        with socket.create_connection((outer, port), timeout=20) as third:
            told = third.makefile("rb").read()
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in told
        near = stack.enter_context(Wire(f"http://127.0.0.1:{port}", None))
        assert near.send("GET", "/health").status == 200
        secret = (opened.workspace.path / TOKEN_FILE).read_text().strip()
        told = near.send("GET", "/metrics", headers={"authorization": f"Bearer {secret}"}).body
        assert b"\nquarterdeck_connections_refused_total 1\n" in told


def test_the_first_token_is_for_its_owner_alone_and_opens_everything(opened: Engine) -> None:
    with ThreadedServer(opened, Settings(port=0, require_tokens=True)) as url, Wire(url, opened) as wire:
        file = opened.workspace.path / TOKEN_FILE
        assert file.stat().st_mode & 0o777 == 0o600
        secret = file.read_text().strip()
        assert wire.send("GET", "/metrics", headers={"authorization": f"Bearer {secret}"}).status == 200
        assert wire.send("GET", "/metrics").status == 401
    assert [each.scope for each in opened.tokens.page().items] == [Role.ADMIN]


def test_a_later_start_makes_no_other_token(opened: Engine) -> None:
    assert make_first_token(opened) is not None
    before = (opened.workspace.path / TOKEN_FILE).read_text()
    assert make_first_token(opened) is None
    assert (opened.workspace.path / TOKEN_FILE).read_text() == before


def test_the_first_token_is_not_written_through_a_link(opened: Engine, tmp_path: Path) -> None:
    target = tmp_path / "theirs"
    target.write_text("as it was")
    (opened.workspace.path / TOKEN_FILE).symlink_to(target)
    assert make_first_token(opened) is not None
    assert target.read_text() == "as it was"
    assert not (opened.workspace.path / TOKEN_FILE).is_symlink()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes the certificate")
def test_it_speaks_tls(opened: Engine, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*words.split(), *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    settings = Settings(port=0, tls_certificate=certificate, tls_key=key)
    with ThreadedServer(opened, settings) as url:
        parts = urlsplit(url)
        assert parts.scheme == "https"
        trusting = ssl.create_default_context(cafile=str(certificate))
        connection = HTTPSConnection("127.0.0.1", parts.port, timeout=20, context=trusting)
        connection.request("GET", "/health", headers={"origin": url})
        assert connection.getresponse().status == 200
        connection.close()
        with socket.create_connection(("127.0.0.1", parts.port or 0), timeout=20) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert b"200" not in plain.recv(1_000)


class Hand:
    """A clock in seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def failed(failures: Failures, address: str, times: int) -> None:
    for _ in range(times):
        failures.note(address)


def test_refusals_count_within_a_window_by_address() -> None:
    clock = Hand()
    failures = Failures(clock)
    failed(failures, "192.0.2.1", MOST_FAILURES - 1)
    assert failures.wait_s("192.0.2.1") == 0
    failures.note("192.0.2.1")
    assert failures.wait_s("192.0.2.1") == WINDOW_S + 1
    assert failures.wait_s("192.0.2.2") == 0
    clock.now_s = WINDOW_S
    assert failures.wait_s("192.0.2.1") == 0
    failures.note("192.0.2.1")
    assert failures.wait_s("192.0.2.1") == 0


SAME: dict[str, tuple[str, str, bool]] = {
    "one network of one machine": ("2001:db8::1", "2001:db8::ffff:1", True),
    "two networks": ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
    "IPv4 within IPv6": ("::ffff:192.0.2.1", "192.0.2.1", True),
    "two machines within IPv6": ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
    "no address": ("unknown", "unknown", True),
}


@pytest.mark.parametrize("case", SAME)
def test_what_counts_as_one_address(case: str) -> None:
    first, second, same = SAME[case]
    failures = Failures(Hand())
    failed(failures, first, MOST_FAILURES)
    assert (failures.wait_s(second) > 0) is same


def test_memory_stays_bounded_however_many_addresses_fail() -> None:
    failures = Failures(Hand())
    for number in range(MAX_ADDRESSES + 1_000):
        failures.note(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(failures) == MAX_ADDRESSES
