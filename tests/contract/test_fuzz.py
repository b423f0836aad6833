"""Some thousand requests of the fuzzer at a real server; `make bench` sends a hundred thousand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bench.fuzz.campaign import campaign
from tests.bench.fuzz.known import Known
from tests.bench.fuzz.requests import request
from tests.bench.fuzz.routes import Target, prepared, targets
from tests.bench.fuzz.server import soundness
from tests.bench.fuzz.words import Words
from tests.clients.server import running_server

SEED = 20_260_101
REQUESTS = 4_000
LONGEST_S = 10.0


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("fuzz") / "workspace")


@pytest.fixture(scope="module")
def routes(workspace: Path) -> Sequence[Target]:
    return targets(workspace)


@pytest.mark.slow
def test_nothing_that_a_client_can_send_makes_the_server_fail(workspace: Path, routes: Sequence[Target]) -> None:
    with running_server(workspace) as server:
        found = campaign(server.port, routes, seed=SEED, requests=REQUESTS, longest_s=LONGEST_S)
        assert not found.findings, f"seed {SEED}: {found.findings[0]}\n{server.said()[-2_000:]}"
        assert soundness(server, workspace) == []
    assert found.statuses[200] > found.sent / 10, "the requests no longer get past the checks of the routes"


def test_the_same_seed_draws_the_same_requests(routes: Sequence[Target]) -> None:
    def drawn() -> list[bytes]:
        rng = random.Random(SEED)
        words = Words(rng, Known(rng))
        return [request(words, route, "localhost").raw for route in routes]

    assert drawn() == drawn()


def test_every_route_that_takes_something_is_given_something(routes: Sequence[Target]) -> None:
    bare = {route.path for route in routes if route.method in ("POST", "PATCH") and not route.makers}
    assert bare == {"/v1/traces"}, "the fuzzer does not find out what these routes take"
