"""Searching and reading back through an unmodified client, against the same client given canned replies."""

from __future__ import annotations

import itertools
import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import engine
from tests.bench.clients.pool import ClientPool, clients
from tests.bench.peers import servers
from tests.bench.places import Places
from tests.bench.results import Row, p50
from tests.clients.server import running_server

RUNS = 10_000
POINTS = 100_000
PAGE = 25_000
ROUNDS = 5
TIMES = 4
FILTER = "metrics.m1 < 0.5 AND params.p1 = 'x'"
ORDER = ["metrics.m2 DESC"]
SEARCH = "/api/2.0/mlflow/runs/search"
HISTORY = "/api/2.0/mlflow/metrics/get-history"


def measure(places: Places) -> Iterator[Row]:
    """The first page of a search of 10 k runs, and a history of 100 k points."""
    with places.scratch() as folder, clients(1, folder) as pool:
        workspace = Path(shutil.copytree(places.workspace(RUNS), folder / "many"))
        run_id = _long_run(folder)
        with running_server(workspace) as server:
            experiments = _experiments(workspace)
            asked = {"experiment_ids": experiments, "filter": FILTER, "order_by": ORDER, "max_results": 100}
            canned = _canned(folder / "search", {f"POST {SEARCH}": _post(server.url + SEARCH, asked)})
            order = {"experiment_ids": experiments, "filter": FILTER, "order_by": ORDER, "times": TIMES}
            rates = _in_turn(pool, "search", server.url, canned, order)
            yield _row(f"search_runs, filter and order, top 100 of {RUNS:,}", rates, 1.3)
            log = _logging(server.url)
            rates = _in_turn(
                pool, "search", server.url, canned, {**order, "times": 1}, before=log, rounds=ROUNDS * TIMES
            )
            yield _row("the same just after somebody has logged", rates, None)
        with running_server(folder / "long") as server:
            canned = _canned(folder / "history", _pages(server.url, run_id))
            order = {"run_id": run_id, "key": "loss", "points": POINTS, "times": 1}
            rates = _in_turn(pool, "history", server.url, canned, order)
        yield _row(f"get_metric_history of {POINTS:,} points", rates, 1.2)


def _in_turn(
    pool: ClientPool,
    do: str,
    url: str,
    canned: Path,
    order: Mapping[str, object],
    *,
    before: Callable[[], object] = bool,
    rounds: int = ROUNDS,
) -> dict[str, list[float]]:
    """Milliseconds of a call against ours and against the canned replies, in turn."""
    taken: dict[str, list[float]] = {"ours": [], "canned": []}
    with servers.null(canned) as null:
        for _ in range(rounds):
            before()
            taken["ours"].append(p50(pool.one(do, uri=url, **order)) * 1000)
            taken["canned"].append(p50(pool.one(do, uri=null, **order)) * 1000)
    return taken


def _logging(url: str) -> Callable[[], object]:
    """What logs a point: nothing that the server has kept of runs is still known to hold then."""
    started = {"experiment_id": "0", "run_name": "beside"}
    run_id = json.loads(_post(f"{url}/api/2.0/mlflow/runs/create", started))["run"]["info"]["run_id"]
    steps = itertools.count()

    def log() -> None:
        point = {"run_id": run_id, "key": "loss", "value": 1, "timestamp": 1, "step": next(steps)}
        _post(f"{url}/api/2.0/mlflow/runs/log-metric", point)

    return log


def _row(what: str, rates: Mapping[str, list[float]], most: float | None) -> Row:
    ours, canned = p50(rates["ours"]), p50(rates["canned"])
    detail = f"{ours:.0f} ms against {canned:.0f} ms"
    return Row(f"{what}, of a canned reply", ours / canned, "x", most, detail=detail, samples=rates)


def _long_run(folder: Path) -> str:
    with (
        engine.open(engine.create(folder / "long").path) as opened,
        opened.runs.start("long", capture=False) as run,
    ):
        for first in range(0, POINTS, 10_000):
            steps = range(first, first + 10_000)
            run.log_series("loss", list(steps), [1 / (step + 1) for step in steps])
        return run.id


def _experiments(workspace: Path) -> list[str]:
    """All of them: one alone has a twentieth of the runs, and fewer than a page that pass the filter."""
    with engine.open(workspace, read_only=True) as opened:
        return [str(each.id) for each in opened.experiments.page(limit=1_000).items]


def _post(url: str, body: object) -> bytes:
    asked = urllib.request.Request(  # noqa: S310 our own loopback address
        url, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 same
        return bytes(answer.read())


def _pages(url: str, run_id: str) -> dict[str, bytes]:
    """Every page of the history, by the token that asks for it."""
    pages: dict[str, bytes] = {}
    token = ""
    while True:
        query = f"run_id={run_id}&metric_key=loss&max_results={PAGE}" + (f"&page_token={token}" if token else "")
        with urllib.request.urlopen(f"{url}{HISTORY}?{query}") as answer:  # noqa: S310 our own loopback address
            body = answer.read()
        pages[f"GET {HISTORY} {token}".rstrip()] = body
        token = json.loads(body).get("next_page_token", "")
        if not token:
            return pages


def _canned(folder: Path, replies: Mapping[str, bytes]) -> Path:
    folder.mkdir()
    told = {}
    for number, (request, body) in enumerate(replies.items()):
        (folder / f"{number}.json").write_bytes(body)
        told[request] = str(folder / f"{number}.json")
    (folder / "canned").write_text(json.dumps(told), encoding="utf-8")
    return folder / "canned"
