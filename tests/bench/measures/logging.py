"""Logging through an unmodified client: ours against the client's own ceiling, MLflow and FastTrackML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.bench.clients.pool import ClientPool, clients
from tests.bench.peers import servers
from tests.bench.places import Places
from tests.bench.results import Row, p50

PROCESSES = 16
ROUNDS = 3
NOBODY = "0" * 32


@dataclass(frozen=True, slots=True)
class Peer:
    """A server under measure.

    Args:
        name: Its name in the table.
        url: Where it answers.
        run_id: A run to log to.
        fast: Whether it takes many calls in little time.
    """

    name: str
    url: str
    run_id: str
    fast: bool


def measure(places: Places) -> Iterator[Row]:
    """One process, a thousand points a call, and sixteen processes at once."""
    with places.scratch() as folder, clients(PROCESSES, folder) as pool, ExitStack() as stack:
        peers = _peers(folder, pool, stack)
        yield from _alone(pool, peers)
        yield from _batches(pool, peers)
        yield from _together(pool, peers)


def _peers(folder: Path, pool: ClientPool, stack: ExitStack) -> list[Peer]:
    found = {
        "relaxed": servers.ours(folder, "relaxed"),
        "full": servers.ours(folder, "full"),
        "mlflow": servers.mlflow(folder / "mlflow"),
        "mlflow, 1 worker": servers.mlflow(folder / "mlflow1", workers=1),
    }
    if command := servers.fasttrackml_command():
        found["fasttrackml"] = servers.fasttrackml(folder / "fml", command)
    urls = {name: stack.enter_context(server) for name, server in found.items()}
    peers = [Peer("null", stack.enter_context(servers.null()), NOBODY, fast=True)]
    for name, url in urls.items():
        peers.append(Peer(name, url, pool.one("start", uri=url), fast=not name.startswith("mlflow")))
    return peers


_steps = count(0, 1_000_000)


def _calls_per_s(pool: ClientPool, peers: Sequence[Peer], do: str, times: tuple[int, int]) -> dict[str, list[float]]:
    """Calls a second of each peer, one figure a round; rounds go through the peers in turn, so that noise meets all."""
    rates: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(ROUNDS):
        for peer in peers:
            many = times[0] if peer.fast else times[1]
            first = next(_steps) // (1 if do == "metric" else 100)
            taken = pool.one(do, uri=peer.url, run_id=peer.run_id, key="loss", first=first, times=many)
            rates[peer.name].append(len(taken[1:]) / sum(taken[1:]))  # the first one connects
    return rates


def _alone(pool: ClientPool, peers: Sequence[Peer]) -> Iterator[Row]:
    rates = _calls_per_s(pool, peers, "metric", (400, 40))
    middle = {name: p50(values) for name, values in rates.items()}
    detail = _detail(middle)
    what = "log_metric, unmodified client"
    for durability, least in (("relaxed", 85), ("full", 60)):
        share = middle[durability] / middle["null"] * 100
        yield Row(f"{what}, {durability}, of a null server", share, "%", least, at_least=True, detail=detail)
    against = middle["relaxed"] / middle["mlflow"]
    yield Row(f"{what}, relaxed, of MLflow", against, "x", 35, at_least=True, samples=rates)
    if "fasttrackml" in middle:
        yield Row(f"{what}, relaxed, of FastTrackML", middle["relaxed"] / middle["fasttrackml"], "x", 1, at_least=True)


def _batches(pool: ClientPool, peers: Sequence[Peer]) -> Iterator[Row]:
    rates = _calls_per_s(pool, peers, "batch", (30, 4))
    middle = {name: p50(values) for name, values in rates.items()}
    what = "log_batch of 1,000 metrics, unmodified client, full"
    share = middle["full"] / middle["null"] * 100
    yield Row(f"{what}, of a null server", share, "%", 80, at_least=True, detail=_detail(middle))
    yield Row(f"{what}, of MLflow", middle["full"] / middle["mlflow"], "x", 6, at_least=True, samples=rates)


def _together(pool: ClientPool, peers: Sequence[Peer]) -> Iterator[Row]:
    rates: dict[str, list[float]] = {}
    slowest: dict[str, float] = {}
    for _ in range(ROUNDS):
        for peer in (each for each in peers if each.name in ("null", "relaxed", "full")):
            orders = [
                {"uri": peer.url, "run_id": peer.run_id, "key": f"k{process}", "first": next(_steps), "times": 150}
                for process in range(PROCESSES)
            ]
            taken = [times[1:] for times in pool.each("metric", orders)]
            rates.setdefault(peer.name, []).append(sum(len(times) / sum(times) for times in taken))
            each = sorted(seconds for times in taken for seconds in times)
            slowest[peer.name] = max(slowest.get(peer.name, 0), each[int(len(each) * 0.99)] * 1000)
    middle = {name: p50(values) for name, values in rates.items()}
    what = f"log_metric from {PROCESSES} client processes, full"
    share = middle["full"] / middle["null"] * 100
    yield Row(f"{what}, of a null server", share, "%", 80, at_least=True, detail=_detail(middle), samples=rates)
    detail = f"null {slowest['null']:.0f} ms, relaxed {slowest['relaxed']:.0f} ms"
    yield Row(f"{what}: slowest in a hundred", slowest["full"], "ms", 50, detail=detail)


def _detail(rates: dict[str, float]) -> str:
    return "; ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items())
