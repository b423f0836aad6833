"""Whether anything that a client can send makes the server fail: a grammar over all routes, and schemathesis."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench.fuzz.campaign import CONNECTIONS, Outcome, campaign
from tests.bench.fuzz.openapi import schemathesis
from tests.bench.fuzz.routes import prepared, targets
from tests.bench.fuzz.server import soundness
from tests.bench.places import Places
from tests.bench.results import Row
from tests.clients.server import running_server

SEED = 3
REQUESTS = 100_000
OPENAPI_S = 60
_TOLD = 10


def measure(places: Places) -> Iterator[Row]:
    """A hundred thousand requests over keep-alive connections, then schemathesis, then a look at what is left."""
    with places.scratch() as folder:
        workspace = prepared(folder / "workspace")
        routes = targets(workspace)
        with running_server(workspace) as server:
            found = campaign(server.port, routes, seed=SEED, requests=REQUESTS)
            yield from _rows(found, len(routes))
            held = schemathesis(server.url, folder, seed=SEED, seconds=OPENAPI_S)
            wrong = soundness(server, workspace)
    print(*held.failures[:_TOLD], *wrong, sep="\n", file=sys.stderr)
    detail = f"{held.cases:,} requests at {held.operations} operations, at most {OPENAPI_S} s, seed {SEED}"
    yield Row("schemathesis over our OpenAPI: failures", len(held.failures), "", 0, detail=detail)
    yield Row("fuzz: unsound afterwards (health, log, db check)", len(wrong), "", 0)


def _rows(found: Outcome, routes: int) -> Iterator[Row]:
    for finding in found.findings[:_TOLD]:
        print(finding, file=sys.stderr)
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(found.statuses.items()))
    detail = f"{found.sent:,} requests at {routes} routes, {CONNECTIONS} connections, seed {SEED}; {statuses}"
    yield Row("fuzz: answers of 500 and more", found.failed, "", 0, detail=detail)
    yield Row("fuzz: connections that broke or hung", found.lost, "", 0)
    others = len(found.findings) - found.failed - found.lost
    yield Row("fuzz: refusals that say too much", others, "", 0)
    yield Row("fuzz: requests", found.sent, "", REQUESTS, at_least=True)
    yield Row("fuzz: requests/s", found.sent / found.seconds, "/s", detail="for context; the fuzzer shares the machine")
