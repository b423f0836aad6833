"""Logging through an unmodified client: ours against the client's own ceiling, MLflow and FastTrackML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
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
    with places.scratch() as folder, clients(PROCESSES, folder) as pool:
        # Ours and the null server in turn, nothing else running; then each peer alone: idle ones take processor time.
        alone: dict[str, float] = {}
        batches: dict[str, float] = {}
        with _serving(pool, {"relaxed": servers.ours(folder, "relaxed"), "full": servers.ours(folder)}) as peers:
            _measure(pool, peers, alone, batches)
            together = list(_together(pool, peers))
        for name, server in _others(folder).items():
            with _serving(pool, {name: server}) as peers:
                _measure(pool, peers[1:], alone, batches)
    yield from _alone(alone)
    yield from _batches(batches)
    yield from together


def _others(folder: Path) -> Mapping[str, AbstractContextManager[str, bool | None]]:
    found = {
        "mlflow": servers.mlflow(folder / "mlflow"),
        "mlflow, 1 worker": servers.mlflow(folder / "mlflow1", workers=1),
    }
    if command := servers.fasttrackml_command():
        found["fasttrackml"] = servers.fasttrackml(folder / "fml", command)
    return found


@contextmanager
def _serving(pool: ClientPool, found: Mapping[str, AbstractContextManager[str, bool | None]]) -> Iterator[list[Peer]]:
    """Start servers, with a null one before them, and a run on each."""
    with ExitStack() as stack:
        peers = [Peer("null", stack.enter_context(servers.null()), NOBODY, fast=True)]
        for name, server in found.items():
            url = stack.enter_context(server)
            peers.append(Peer(name, url, pool.one("start", uri=url), fast=not name.startswith("mlflow")))
        yield peers


def _measure(pool: ClientPool, peers: Sequence[Peer], alone: dict[str, float], batches: dict[str, float]) -> None:
    alone.update({name: p50(rates) for name, rates in _calls_per_s(pool, peers, "metric", (400, 40)).items()})
    batches.update({name: p50(rates) for name, rates in _calls_per_s(pool, peers, "batch", (30, 4)).items()})


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


def _alone(rates: Mapping[str, float]) -> Iterator[Row]:
    detail = _detail(rates)
    what = "log_metric, unmodified client"
    for durability, least in (("relaxed", 85), ("full", 60)):
        share = rates[durability] / rates["null"] * 100
        yield Row(f"{what}, {durability}, of a null server", share, "%", least, at_least=True, detail=detail)
    yield Row(f"{what}, relaxed, of MLflow", rates["relaxed"] / rates["mlflow"], "x", 35, at_least=True)
    if "fasttrackml" in rates:
        yield Row(f"{what}, relaxed, of FastTrackML", rates["relaxed"] / rates["fasttrackml"], "x", 1, at_least=True)


def _batches(rates: Mapping[str, float]) -> Iterator[Row]:
    what = "log_batch of 1,000 metrics, unmodified client, full"
    share = rates["full"] / rates["null"] * 100
    yield Row(f"{what}, of a null server", share, "%", 80, at_least=True, detail=_detail(rates))
    yield Row(f"{what}, of MLflow", rates["full"] / rates["mlflow"], "x", 6, at_least=True)


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


def _detail(rates: Mapping[str, float]) -> str:
    return "; ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items())
