"""Who may come in: tokens, scopes, hosts, origins, content types, and nobody past them, on every route there is."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import engine
from engine.api import Engine
from engine.core.access import Role
from engine.policy.identity import os_user
from engine.server.dialects import table
from engine.server.failures import MOST_FAILURES
from engine.server.measures import Measures
from engine.server.routes import Body, Match, Route, RouteTable
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from engine.tracking.model import DEFAULT_EXPERIMENT
from tests.builders import empty_workspace
from tests.engine.server.wire import Answer, Wire

CREATE = "/api/2.0/mlflow/experiments/create"
JSON = {"content-type": "application/json"}
Serve = Callable[..., AbstractContextManager[Wire]]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Engine]:
    with engine.open(empty_workspace(tmp_path / "workspace").path, via="http") as found:
        yield found


@pytest.fixture
def serve(opened: Engine) -> Serve:
    """Starts a server on the workspace, with the settings given."""

    @contextmanager
    def started(**settings: Any) -> Iterator[Wire]:
        with ThreadedServer(opened, Settings(port=0, **settings)) as url, Wire(url, opened) as wire:
            yield wire

    return started


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server as `qd server` starts it; what these tests send it leaves nothing behind."""
    workspace = empty_workspace(tmp_path_factory.mktemp("gate") / "workspace").path
    with (
        engine.open(workspace, via="http") as opened,
        ThreadedServer(opened, Settings(port=0)) as url,
        Wire(url, opened) as wire,
    ):
        yield wire


def experiments(wire: Wire) -> list[str]:
    return [each.name for each in wire.engine.experiments.page().items if each.name != DEFAULT_EXPERIMENT]


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def create(wire: Wire, name: str, headers: dict[str, str]) -> Answer:
    return wire.send("POST", CREATE, f'{{"name": "{name}"}}'.encode(), {**JSON, **headers})


def _table() -> RouteTable:
    return table(Measures(clients=lambda: 0, queue=lambda: 0))


def _routes() -> list[Route]:
    return [route for dialect in _table().dialects for route in dialect.routes]


def _path(route: Route) -> str:
    """A path that finds the route: each parameter as a word."""
    path = route.path
    while "{" in path:
        path = path[: path.index("{")] + "1" + path[path.index("}") + 1 :]
    return path


def _body(route: Route) -> tuple[bytes | None, dict[str, str]]:
    return (b"{}", JSON) if route.body is not Body.NONE else (None, {})


OPEN = {("GET", "/"), ("GET", "/health"), ("GET", "/version")}


def test_only_health_and_version_are_open_to_everybody() -> None:
    assert {(route.method, route.path) for route in _routes() if route.role is None} == OPEN


def test_a_route_that_is_no_get_is_for_writers_or_reads_only() -> None:
    reading = ("search", "get-latest-versions", "batchGetInfos", "metrics")
    loose = [
        f"{route.method} {route.path}"
        for route in _routes()
        if route.role is Role.VIEWER and route.method != "GET" and not any(word in route.path for word in reading)
    ]
    assert loose == []


def test_no_route_answers_without_a_token_where_tokens_are_required(serve: Serve) -> None:
    for chunk in _chunks(_routes()):
        with serve(require_tokens=True) as wire:  # a new server forgets the refusals
            for route in chunk:
                answer = wire.send(route.method, _path(route), *_body(route))
                if (route.method, route.path) in OPEN:
                    assert answer.status == 200
                    continue
                assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer"), route.path
            assert wire.send("GET", "/no/such/path").status == 401


def _chunks(routes: list[Route]) -> Iterator[list[Route]]:
    closed = MOST_FAILURES - 1
    for start in range(0, len(routes), closed):
        yield routes[start : start + closed]


def test_every_route_refuses_every_scope_that_is_too_small(opened: Engine, serve: Serve) -> None:
    secrets = {role: opened.tokens.create(role.label, scope=role).secret for role in Role}
    with serve(require_tokens=True) as wire:
        for route in _routes():
            for role in [each for each in Role if route.role is not None and each < route.role]:
                body, headers = _body(route)
                answer = wire.send(route.method, _path(route), body, {**headers, **bearer(secrets[role])})
                assert answer.status == 403, f"{route.method} {route.path} as {role.label}"


def test_the_table_finds_each_route_by_the_path_these_tests_use() -> None:
    found = _table()
    for route in _routes():
        match = found.find(route.method, _path(route))
        assert isinstance(match, Match), route.path
        assert match.route.role == route.role, route.path


def test_a_token_is_taken_as_bearer_and_as_password(opened: Engine, serve: Serve) -> None:
    secret = opened.tokens.create("ci", user="trainer", scope=Role.WRITER).secret
    with serve(require_tokens=True) as wire:
        for number, headers in enumerate((bearer(secret), basic("anybody", secret), basic("", secret))):
            assert create(wire, f"e{number}", headers).status == 200
    entry = opened.audit.page().items[0]
    assert (entry.actor, entry.origin, entry.via) == ("trainer", "http:127.0.0.1", "http")


@pytest.mark.parametrize(
    "headers",
    [
        bearer(""),
        bearer("qd_" + "A" * 43),
        bearer("ü" * 10),
        basic("", ""),
        {"authorization": "Basic ???"},
        {"authorization": "Basic /////w=="},
        {"authorization": "Digest username=x"},
        {"authorization": " "},
        {"x-api-key": "qd_" + "A" * 43},
    ],
)
def test_other_credentials_are_refused(serve: Serve, headers: dict[str, str]) -> None:
    latin = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    with serve(require_tokens=True) as wire:
        assert create(wire, "e", latin).status == 401


def test_the_policy_holds_for_the_user_of_a_token(opened: Engine, serve: Serve) -> None:
    secret = opened.tokens.create("ci", user="trainer", scope=Role.ADMIN).secret
    opened.workspace.policy_file.write_text(f'[roles]\nadmin = ["{os_user()}"]\nviewer = ["trainer"]\n')
    with serve(require_tokens=True) as wire:
        assert create(wire, "e", bearer(secret)).status == 403
        opened.workspace.policy_file.write_text(f'[roles]\nadmin = ["{os_user()}"]\nwriter = ["trainer"]\n')
        assert create(wire, "e", bearer(secret)).status == 200


def test_revocation_counts_from_the_next_request_on(opened: Engine, serve: Serve) -> None:
    made = opened.tokens.create("ci", scope=Role.WRITER)
    with serve(require_tokens=True) as wire:
        assert create(wire, "before", bearer(made.secret)).status == 200
        with engine.open(opened.workspace.path) as other:
            other.tokens.revoke(made.token.id)
        assert create(wire, "after", bearer(made.secret)).status == 401


def test_a_stream_ends_when_its_token_is_revoked(opened: Engine, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.server.standing.TRUST_S", 0.0)
    made = opened.tokens.create("ci")
    with serve(require_tokens=True) as wire:
        parts = urlsplit(wire.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        connection.request("GET", "/api/qd/v1/events", headers=bearer(made.secret))
        stream = connection.getresponse()
        assert stream.readline() == b": here\n"
        opened.tokens.revoke(made.token.id)
        told = stream.read()
        connection.close()
    assert b"unauthenticated" in told
    assert b'data: {"kind": "token"' not in told


def test_who_guesses_tokens_has_to_wait_and_who_has_one_does_not(opened: Engine, serve: Serve) -> None:
    good = bearer(opened.tokens.create("ci", scope=Role.WRITER).secret)
    with serve(require_tokens=True) as wire:
        assert create(wire, "before", good).status == 200
        statuses = [create(wire, "e", bearer(f"qd_{number}")).status for number in range(MOST_FAILURES + 5)]
        assert statuses == [401] * MOST_FAILURES + [429] * 5
        refused = create(wire, "e", {})
        assert refused.status == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert create(wire, "after", good).status == 200


def test_a_local_server_needs_no_token_and_acts_as_its_user(serve: Serve) -> None:
    with serve() as wire:
        assert create(wire, "e", {}).status == 200
        entry = wire.engine.audit.page().items[0]
    assert (entry.actor, entry.origin, entry.via) == (os_user(), wire.engine.access.actor.origin, "http")


def test_a_local_server_takes_our_tokens_and_no_bad_one(opened: Engine, serve: Serve) -> None:
    made = opened.tokens.create("ci", user="trainer", scope=Role.VIEWER)
    with serve() as wire:
        assert create(wire, "e", bearer(made.secret)).status == 403
        opened.tokens.revoke(made.token.id)
        assert create(wire, "e", bearer(made.secret)).status == 401
        assert create(wire, "e", basic("left", "over")).status == 200  # of another server; asked for by nobody here


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LocalHost:5000", "[::1]", "[::1]:5000", "127.0.0.1:1"])
def test_loopback_names_are_ours(local: Wire, host: str) -> None:
    assert local.send("GET", "/health", headers={"host": host}).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example:5000", 403),
        ("10.0.0.1", 403),
        ("0.0.0.0", 403),  # noqa: S104 a header, nothing is bound
        ("localhost.", 403),
        ("", 400),
        ("localhost:5000:1", 400),
        ("localhost@evil.example", 400),
        ("localhost/evil", 400),
        ("localhost, evil.example", 400),
    ],
)
def test_a_rebound_or_odd_host_is_refused_on_every_path(local: Wire, host: str, status: int) -> None:
    for path in ("/health", "/api/2.0/mlflow/experiments/search", "/nope"):
        assert local.send("GET", path, headers={"host": host}).status == status


def test_a_further_name_is_taken_when_it_was_allowed(serve: Serve) -> None:
    with serve(allowed_hosts=("models.example",)) as wire:
        assert wire.send("GET", "/health", headers={"host": "Models.Example:443"}).status == 200
        assert wire.send("GET", "/health", headers={"host": "other.example"}).status == 403


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "https://localhost", "http://", "localhost", ""]
)
def test_pages_of_other_origins_are_refused_on_every_method(local: Wire, method: str, origin: str) -> None:
    answer = local.send(method, CREATE, b"{}", {**JSON, "origin": origin, "host": "localhost"})
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert experiments(local) == []


@pytest.mark.parametrize("origin", ["http://localhost", "http://localhost:80"])
def test_our_own_origin_is_taken(serve: Serve, origin: str) -> None:
    with serve() as wire:
        assert create(wire, "e", {"origin": origin, "host": "localhost"}).status == 200


@pytest.mark.parametrize(
    ("site", "mode", "method", "allowed"),
    [
        ("cross-site", "no-cors", "GET", False),
        ("same-site", "no-cors", "GET", False),
        ("cross-site", "navigate", "POST", False),
        ("cross-site", "navigate", "GET", True),
        ("same-origin", "cors", "GET", True),
        ("none", "navigate", "GET", True),
    ],
)
def test_what_another_site_makes_a_browser_fetch_is_refused(
    local: Wire, site: str, mode: str, method: str, *, allowed: bool
) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode}
    assert (local.send(method, "/metrics", headers=headers).status != 403) is allowed


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/jsonx",
        "",
    ],
)
def test_a_form_or_text_is_never_taken_for_json(local: Wire, kind: str) -> None:
    answer = local.send("POST", CREATE, b'{"name": "e"}', {"content-type": kind} if kind else {})
    assert answer.status == 415
    assert experiments(local) == []


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_taken(serve: Serve, kind: str) -> None:
    with serve() as wire:
        assert wire.send("POST", CREATE, b'{"name": "e"}', {"content-type": kind}).status == 200


def test_a_compressed_body_is_not_taken_for_json(local: Wire) -> None:
    assert create(local, "e", {"content-encoding": "gzip"}).status == 415


def test_a_body_that_is_too_large_is_refused_before_it_is_read(serve: Serve) -> None:
    with serve(max_body_bytes=1_000) as wire:
        answer = create(wire, "x" * 1_000, {})
        assert (answer.status, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize("header", ["x-http-method-override", "x-http-method", "x-method-override"])
def test_headers_that_name_another_method_are_not_heard(local: Wire, header: str) -> None:
    assert local.send("GET", CREATE, headers={header: "POST"}).status == 405
    assert local.send("POST", "/health", b"", {header: "GET"}).status == 405


@pytest.mark.parametrize(
    "path", ["/health;x=1", "/health;", "/;/health", "/x/../health", "//health", "/health/", "/%2fhealth"]
)
def test_a_path_is_what_it_says_and_nothing_else(serve: Serve, path: str) -> None:
    with serve(require_tokens=True) as wire:
        assert wire.send("GET", path).status == 401


def test_forwarded_addresses_are_believed_only_of_a_proxy(opened: Engine, serve: Serve) -> None:
    secret = opened.tokens.create("ci", user="trainer", scope=Role.WRITER).secret
    told = {**bearer(secret), "x-forwarded-for": "198.51.100.9, 203.0.113.7", "x-forwarded-proto": "https"}
    with serve(require_tokens=True) as wire:
        assert create(wire, "direct", told).status == 200
        assert wire.engine.audit.page().items[0].origin == "http:127.0.0.1"
    with serve(behind_proxy=True, allowed_hosts=("models.example",)) as wire:
        assert create(wire, "none", {}).status == 401
        own = {"host": "models.example", "origin": "https://models.example"}
        assert create(wire, "proxied", {**told, **own}).status == 200
        assert wire.engine.audit.page().items[0].origin == "http:203.0.113.7"


def test_many_tokens_at_once_each_act_as_their_user(opened: Engine, serve: Serve) -> None:
    users = [f"user{number}" for number in range(20)]
    secrets = {user: opened.tokens.create(user, user=user, scope=Role.WRITER).secret for user in users}
    with serve(require_tokens=True) as wire, ExitStack() as stack:
        wires = {user: stack.enter_context(Wire(wire.url, opened)) for user in users}
        for user in users:
            assert create(wires[user], user, bearer(secrets[user])).status == 200
    made = {each.key: each.actor for each in opened.audit.page().items if each.key in users}
    assert set(made.values()) == set(users)
