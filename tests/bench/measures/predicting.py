"""One row at a time: the data plane against what else serves a model, each on a core of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import count, repeat
from os import urandom
from pathlib import Path
from typing import Any

from engine.endpoints.model import Share
from tests.bench.peers import predictors
from tests.bench.peers.raw import pound, request
from tests.bench.places import Places
from tests.bench.results import Row, p50
from tests.serving.shop import Served, Shop, until

SECONDS, ROUNDS = 3.0, 3
CONCURRENCY = 16
READY_S = 60.0
NAME = "breast-cancer"

Peer = Callable[[], AbstractContextManager[int]]


def measure(places: Places) -> Iterator[Row]:
    """Rates against the peers, a lone request, the echo's share, what capture and shadows cost, the start."""
    models = trained()
    with places.scratch() as folder, predictors.pinned_client():
        yield from _against_peers(folder / "gb", models["gb"], "gradient boosting", {"fastapi": 8, "mlflow": 15})
        yield from _against_peers(
            folder / "rf", models["rf"], "random forest of 100", {"fastapi": 60, "mlflow": 60, "mlserver": 60}
        )
        yield from _no_twin(folder / "none", models["none"])
        yield from _capture_and_shadow(folder / "cost", models["gb"])
        yield from _start(folder / "start", models["gb"])


def trained() -> Mapping[str, Any]:
    """Models of the same 30 measurements: one of each kind that behaves differently."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.semi_supervised import LabelSpreading

    rows, labels = load_breast_cancer(return_X_y=True)
    return {
        "gb": GradientBoostingClassifier(random_state=0).fit(rows, labels),
        "rf": RandomForestClassifier(100, random_state=0).fit(rows, labels),
        "none": LabelSpreading(kernel="knn").fit(rows, labels),
    }


def row() -> list[float]:
    """A row of real measurements."""
    from sklearn.datasets import load_breast_cancer

    return [float(each) for each in load_breast_cancer().data[7]]


def body() -> bytes:
    """A request for one row, as the tutorial's clients send it."""
    return json.dumps({"features": row()}).encode()


@contextmanager
def served(
    folder: Path, model: Any, *, capture: float = 1.0, shadow: bool = False, words: tuple[str, ...] = ()
) -> Iterator[tuple[Shop, Served]]:
    """The data plane with two versions sharing the traffic, everything on unless told otherwise."""
    shop = Shop(folder)
    versions = [shop.register(model, NAME), shop.register(model, NAME)]
    endpoints = shop.engine.endpoints
    endpoints.create(NAME, NAME, key="request", capture=capture)
    endpoints.deploy(NAME, versions[0], reason="bench")
    if shadow:
        endpoints.deploy(NAME, versions[1], share=Share.SHADOW, reason="bench")
    else:
        endpoints.deploy(NAME, versions[1], share=Share.CANARY, weight=100, reason="bench")
    with on_its_core(shop.serve(*words)) as plane:
        yield shop, plane
    shop.engine.close()


@contextmanager
def on_its_core(plane: Served) -> Iterator[Served]:
    """A data plane that runs on the servers' core alone, ready: until a model is loaded, 503 is all it answers."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {predictors.SERVER_CORE})  # what is started now stays there
    try:
        started = plane.__enter__()
    finally:
        os.sched_setaffinity(0, before)
    try:
        until(lambda: started.ask("GET", "/v2/health/ready").status == 200, within_s=READY_S)
        yield started
    finally:
        started.__exit__(None, None, None)


def rates(
    port: int, path: str, sent: bytes, *, concurrency: int = CONCURRENCY, fresh: bool = False
) -> tuple[list[float], list[float]]:
    """Requests a second of each round, and the seconds that each answer took; `fresh` gives each an id of its own."""

    def asked(caller: int) -> Iterator[bytes]:
        return _identified(path, sent, caller) if fresh else repeat(request(path, sent))

    pound(port, [asked(each) for each in range(concurrency)], 0.5)
    found, all_taken = [], []
    for _ in range(ROUNDS):
        taken, refused, lasted = pound(port, [asked(each) for each in range(concurrency)], SECONDS)
        assert not refused, f"{refused} of {len(taken)} were refused"
        found.append(len(taken) / lasted)
        all_taken += taken
    return found, sorted(all_taken)


def _identified(path: str, sent: bytes, caller: int) -> Iterator[bytes]:
    """Requests of which each brings an `x-request-id` that none had before."""
    head, _, rest = request(path, sent).partition(b"content-type: ")
    return (
        b"%bx-request-id: %x-%b-%x\r\ncontent-type: %b" % (head, caller, urandom(4).hex().encode(), n, rest)
        for n in count()
    )


def _against_peers(folder: Path, model: Any, what: str, musts: Mapping[str, float]) -> Iterator[Row]:
    folder.mkdir()
    file = kept(model, folder)
    one = row()
    plain, v2 = body(), {"inputs": [{"name": "x", "shape": [1, len(one)], "datatype": "FP64", "data": one}]}
    peers: dict[str, tuple[Peer, str, bytes]] = {
        "fastapi": (lambda: predictors.tutorial(file), "/predict", plain),
        "mlflow": (lambda: predictors.mlflow(file, folder), "/invocations", json.dumps({"inputs": [one]}).encode()),
    }
    if predictors.MLSERVER in os.environ:
        peers["mlserver"] = (lambda: predictors.mlserver(model, folder), "/v2/models/m/infer", json.dumps(v2).encode())
    found: dict[str, list[float]] = {}
    with served(folder / "ours", model) as (_, plane):
        found["ours"], _taken = rates(plane.port, "/predict", plain)
        found["ours, fresh ids"], _taken = rates(plane.port, "/predict", plain, fresh=True)
        _, alone = rates(plane.port, "/predict", plain, concurrency=1)
    for name, (peer, path, sent) in peers.items():
        with peer() as port:
            found[name], _ = rates(port, path, sent)
    with predictors.echo() as port:
        found["echo"], _ = rates(port, "/", plain)
    middle = {name: p50(values) for name, values in found.items()}
    detail = "; ".join(f"{name} {rate:,.0f}/s" for name, rate in middle.items())
    for name, must in musts.items():
        if name in middle:
            ratio = middle["ours"] / middle[name]
            yield Row(
                f"{what}, 1 row, {CONCURRENCY} callers, of {name}", ratio, "x", must, at_least=True, detail=detail
            )
    fresh = middle["ours, fresh ids"]
    told = f"{fresh:,.0f}/s; {fresh / middle['ours'] * 100:.0f} % of the rate without"
    yield Row(
        f"{what}: a fresh x-request-id a request, of mlflow",
        fresh / middle["mlflow"],
        "x",
        musts["mlflow"],
        at_least=True,
        detail=told,
    )
    share = middle["ours"] / middle["echo"] * 100
    yield Row(f"{what}: kept of the bare echo", share, "%", 35, at_least=True, samples=found)
    yield Row(f"{what}: one caller, p50", p50(alone) * 1_000, "ms", 0.25)


def kept(model: Any, folder: Path) -> Path:
    """The model as a file that the peers load."""
    import skops.io

    path = folder / "model.skops"
    skops.io.dump(model, path)
    return path


def _no_twin(folder: Path, model: Any) -> Iterator[Row]:
    import numpy as np

    folder.mkdir()
    file, one = kept(model, folder), np.array([row()])
    with served(folder / "ours", model) as (_, plane):
        many, _taken = rates(plane.port, "/predict", body(), concurrency=64)
        _, alone = rates(plane.port, "/predict", body(), concurrency=1)
    with predictors.tutorial(file) as port:
        peer, _ = rates(port, "/predict", body(), concurrency=64)
    with predictors.echo() as port:
        _, bare = rates(port, "/", body(), concurrency=1)
    calls = []
    for _ in range(200):
        began = time.perf_counter()
        model.predict(one)
        model.predict_proba(one)
        calls.append(time.perf_counter() - began)
    detail = f"ours {p50(many):,.0f}/s; fastapi {p50(peer):,.0f}/s"
    yield Row("no twin, 64 callers, of fastapi", p50(many) / p50(peer), "x", 8, at_least=True, detail=detail)
    unbatched = p50(bare) + p50(calls)
    detail = f"{p50(alone) * 1e3:.2f} ms; echo {p50(bare) * 1e3:.2f} and the model's own call {p50(calls) * 1e3:.2f} ms"
    yield Row("no twin, a lone request, of unbatched", p50(alone) / unbatched, "x", 1.1, detail=detail)


def _capture_and_shadow(folder: Path, model: Any) -> Iterator[Row]:
    folder.mkdir()
    found: dict[str, list[float]] = {}
    slowest: dict[str, float] = {}
    for name, options in (("off", {"capture": 0.0}), ("on", {"capture": 1.0})):
        with served(folder / name, model, **options) as (_, plane):  # type: ignore[arg-type] # one of two options
            found[name], _ = rates(plane.port, "/predict", body())
    cost = (1 - p50(found["on"]) / p50(found["off"])) * 100
    yield Row("capture of every request, of the rate", cost, "%", 15, samples=found)
    yield _counted(folder / "on")
    for name, shadow in (("alone", False), ("shadow", True)):
        with served(folder / f"s-{name}", model, capture=0.0, shadow=shadow) as (_, plane):
            _, taken = rates(plane.port, "/predict", body(), concurrency=4)
            slowest[name] = taken[int(len(taken) * 0.99)] * 1_000
    ratio = slowest["shadow"] / slowest["alone"]
    detail = "; ".join(f"{name} {value:.2f} ms" for name, value in slowest.items())
    yield Row("a shadow beside: p99 of the live answers", ratio, "x", 1.1, detail=detail)


def _counted(workspace: Path) -> Row:
    from engine import api

    with api.open(workspace, read_only=True) as engine:
        counts = engine.telemetry.counts()
    sent, stored, dropped = (sum(getattr(each, name) for each in counts) for name in ("sent", "stored", "dropped"))
    detail = f"{sent:,} sent, {stored:,} stored, {dropped:,} dropped"
    return Row("captured: sent less stored less dropped", sent - stored - dropped, "", 0, detail=detail)


def _start(folder: Path, model: Any) -> Iterator[Row]:
    folder.mkdir()
    taken, held = [], []
    with served(folder / "ours", model) as (shop, _):
        pass
    for _ in range(5):
        began = time.perf_counter()
        with shop.serve() as plane:
            assert plane.ask("POST", "/predict", body()).status == 200
            taken.append(time.perf_counter() - began)
            pages = int(Path(f"/proc/{plane.process.pid}/statm").read_text().split()[1])
            held.append(pages * 4096 / 1e6)
    yield Row("data plane: start to the first answer", p50(taken), "s", 0.6, samples={"s": taken})
    yield Row("data plane: resident memory, with a twin", max(held), "MB", 110)
