"""Requests without a client library on eight connections, against SQLite alone in the same groups."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.request
from collections.abc import Iterator
from itertools import chain, count, islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from tests.bench.peers import servers
from tests.bench.peers.raw import pound, request
from tests.bench.places import Places
from tests.bench.results import Row, p50

CONNECTIONS = 8
METRICS = 20
SECONDS = 3.0
ROUNDS = 3
AHEAD = int(SECONDS * 600)
"""Requests of a connection, and groups of the bare loop, that are made before the clock starts: all there will be."""

PATH = "/api/2.0/mlflow/runs/log-batch"
NOW_MS = 1_760_000_000_000
INSERT = "INSERT INTO metric VALUES (?, ?, ?, ?, ?)"
LATEST = """INSERT INTO latest VALUES (?, ?, ?, ?, ?) ON CONFLICT (run, key)
            DO UPDATE SET value = excluded.value, step = excluded.step, time_ms = excluded.time_ms"""


T = TypeVar("T")
Rows = list[tuple[object, ...]]


def measure(places: Places) -> Iterator[Row]:
    """Requests a second of ours, of MLflow's and of the bare loop, each in turn."""
    rates: dict[str, list[float]] = {"ours": [], "mlflow": [], "sqlite": []}
    refused = 0
    steps = count(0, 1_000_000)
    with places.scratch() as folder:
        # One server at a time: an idle one takes processor time from the other.
        for name, server in (("ours", servers.ours(folder)), ("mlflow", servers.mlflow(folder / "mlflow"))):
            with server as url:
                run = start_run(url)
                for _ in range(ROUNDS):
                    sent = [ahead(batches(run, f"c{number}", next(steps))) for number in range(CONNECTIONS)]
                    taken, bad, lasted = pound(urlsplit(url).port or 0, sent, SECONDS)
                    rates[name].append((len(taken) - bad) / lasted)
                    refused += bad
                    if name == "ours":
                        rates["sqlite"].append(_bare(folder / "bare.db", next(steps)))
    middle = {name: p50(values) for name, values in rates.items()}
    what = f"raw HTTP, {CONNECTIONS} connections x {METRICS} metrics, full"
    detail = "; ".join(f"{name} {rate:,.0f}/s" for name, rate in middle.items()) + f"; {refused} refused"
    against = middle["ours"] / middle["mlflow"]
    yield Row(f"{what}, of MLflow", against, "x", 20, at_least=True, detail=detail, samples=rates)
    share = middle["ours"] / middle["sqlite"] * 100
    yield Row(f"{what}, of SQLite alone in groups of {CONNECTIONS}", share, "%", 50, at_least=True)


def ahead(made: Iterator[T], count: int = AHEAD) -> Iterator[T]:
    """The same things, the first of them made now: what makes them shares the processors with what is measured."""
    return chain(list(islice(made, count)), made)


def start_run(url: str) -> str:
    """A run on any server that speaks MLflow."""
    body = json.dumps({"experiment_id": "0", "start_time": NOW_MS}).encode()
    asked = urllib.request.Request(  # noqa: S310 our own loopback address
        f"{url}/api/2.0/mlflow/runs/create", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 same
        return str(json.load(answer)["run"]["info"]["run_id"])


def batches(run: str, connection: str, first: int) -> Iterator[bytes]:
    """Requests of twenty metrics each, with steps from `first` on."""
    for step in count(first):
        metrics = [
            {"key": f"{connection}-{number}", "value": 0.5, "timestamp": NOW_MS, "step": step}
            for number in range(METRICS)
        ]
        yield request(PATH, json.dumps({"run_id": run, "metrics": metrics}).encode())


def _bare(path: Path, first: int) -> float:
    """Batches a second of SQLite alone: a commit for every eight, durable."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    columns = "(run, key, step, time_ms, value, PRIMARY KEY (run, key, step, time_ms, value)) WITHOUT ROWID"
    connection.execute(f"CREATE TABLE IF NOT EXISTS metric {columns}")
    latest = "(run, key, value, step, time_ms, PRIMARY KEY (run, key)) WITHOUT ROWID"
    connection.execute(f"CREATE TABLE IF NOT EXISTS latest {latest}")
    groups = ahead(_groups(first))
    done = 0
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        connection.execute("BEGIN IMMEDIATE")
        for points, newest in next(groups):
            connection.executemany(INSERT, points)
            connection.executemany(LATEST, newest)
        connection.execute("COMMIT")
        done += CONNECTIONS
    connection.close()
    return done / (time.perf_counter() - began)


def _groups(first: int) -> Iterator[list[tuple[Rows, Rows]]]:
    """What eight connections send at once, a group a step: points and latest values of each."""
    spans = [range(place * METRICS, (place + 1) * METRICS) for place in range(CONNECTIONS)]
    for step in count(first):
        yield [
            ([(1, key, step, NOW_MS, 0.5) for key in keys], [(1, key, 0.5, step, NOW_MS) for key in keys])
            for keys in spans
        ]
