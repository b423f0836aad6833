"""What callers notice while traffic moves: promotions, failing canaries, weights, and processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from threading import Thread
from typing import Any

from engine.endpoints.model import Share
from tests.bench.measures.predicting import NAME, body, on_its_core, trained
from tests.bench.peers import predictors
from tests.bench.peers.raw import Seen, request, watch
from tests.bench.places import Places
from tests.bench.results import Row, p50
from tests.clients.server import running_server
from tests.serving.shop import Served, Shop, until

CALLERS = 16
ENOUGH, LONGEST_S = 21_000, 15.0
CHANGES = 12
KEYS = 20_000
RATE = 500
ROLLOUTS, WINDOWS = 100, 600


def measure(places: Places) -> Iterator[Row]:
    """Promotions under load, a canary that fails, equal canaries, weights, kills."""
    model = trained()["gb"]
    with places.scratch() as folder, predictors.pinned_client():
        yield from _promotions(folder / "promote", model)
        yield from _failing(folder / "fail")
        yield _equal()
        yield from _weights(folder / "weights", model)
        yield from _kills(folder / "kill", model)


@contextmanager
def _shop(folder: Path, model: Any, *, key: str = "request", capture: float = 1.0) -> Iterator[Shop]:
    shop = Shop(folder)
    for _ in range(2):
        shop.register(model, NAME)
    shop.engine.endpoints.create(NAME, NAME, key=key, capture=capture)
    shop.engine.endpoints.deploy(NAME, 1, reason="bench")
    yield shop
    shop.engine.close()


def _p99_ms(seen: Sequence[Seen]) -> float:
    taken = sorted(each.ended_s - each.sent_s for each in seen)
    return taken[int(len(taken) * 0.99)] * 1_000


def _promotions(folder: Path, model: Any) -> Iterator[Row]:
    asked = [repeat(request("/predict", body()))] * CALLERS
    with _shop(folder, model) as shop, on_its_core(shop.serve()) as plane:
        # Who is promoted was a canary before, so that its version is loaded.
        made = shop.engine.endpoints.deploy(NAME, 2, share=Share.CANARY, weight=100, reason="bench")
        shop.engine.endpoints.wait(NAME, made.number)
        watch(plane.port, asked, 0.5)
        before, _, _ = watch(plane.port, asked, 3.0)
        calm = [*chain(*before)]
        seconds = min(LONGEST_S, max(CHANGES * 0.5, ENOUGH / (len(calm) / 3.0)))
        words = [sys.executable, "-m", "tests.bench.clients.switcher", str(folder), NAME, str(CHANGES)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as switcher:
            found, lost, _ = watch(plane.port, asked, seconds)
            assert switcher.stdout is not None
            changes = [json.loads(line) for line in switcher.stdout]
    seen = [*chain(*found)]
    lost += sum(each.status != 200 for each in seen)
    during = [each for each in changes if each[2] < max(one.ended_s for one in seen)]
    assert during, "nothing was promoted while requests ran"
    first = [
        (min(one.ended_s for one in seen if one.generation >= number) - committed_s) * 1_000
        for _, committed_s, _, number in during
    ]
    late = sum(one.generation < number and one.sent_s > known_s for _, _, known_s, number in during for one in seen)
    detail = f"{len(during)} changes under {CALLERS} callers"
    yield Row("promote and roll back: requests", len(seen), "", ENOUGH - 1_000, at_least=True, detail=detail)
    yield Row("promote and roll back: lost", lost, "", 0)
    what = "promote and roll back: commit to the first new answer, slowest"
    yield Row(what, max(first), "ms", 50, detail=f"half within {p50(first):.1f} ms", samples={"ms": first})
    yield Row("promote and roll back: old answers after the acknowledgement", late, "", 0)
    shown = f"{_p99_ms(seen):.2f} ms; calm {_p99_ms(calm):.2f} ms"
    yield Row("promote and roll back: p99 of calm", _p99_ms(seen) / _p99_ms(calm), "x", 2, detail=shown)


def _of_table(*, breaks: bool) -> bytes:
    """An ONNX model that looks up its greatest input in a table, and breaks beyond its end or stops there."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Max", list("abcd"), ["most"]),
        helper.make_node("Clip", ["most", "zero", "nine"], ["kept"]) if not breaks else _same("most", "kept"),
        helper.make_node("Cast", ["kept"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "place"], ["predict"]),
    ]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "abcd"]
    constants = [
        numpy_helper.from_array(np.arange(10, dtype=np.float32), "table"),
        numpy_helper.from_array(np.array(0, np.float32), "zero"),
        numpy_helper.from_array(np.array(9, np.float32), "nine"),
    ]
    outputs = [helper.make_tensor_value_info("predict", TensorProto.FLOAT, ["n"])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def _same(given: str, called: str) -> Any:
    from onnx import helper

    return helper.make_node("Identity", [given], [called])


def _failing(folder: Path) -> Iterator[Row]:
    """A canary that loads and warms up, and fails every request that a caller sends."""
    shop = Shop(folder)
    for breaks in (False, True):
        shop.register_bytes(_of_table(breaks=breaks), "model/model.onnx", NAME)
    shop.engine.endpoints.create(NAME, NAME, key="request")
    shop.engine.endpoints.deploy(NAME, 1, reason="bench")
    asked = [repeat(request("/predict", b'{"features": [1, 2, 3, 1000]}'))] * CALLERS
    with on_its_core(shop.serve()) as plane:
        until(lambda: plane.child("engine.supervision.analysis") > 0)
        starter = Thread(target=_roll_out, args=(shop,))
        starter.start()
        found, lost, _ = watch(plane.port, asked, 6.0, every_s=CALLERS / RATE)
        starter.join()
    [rollout] = shop.engine.rollouts.page(NAME).items
    shop.engine.close()
    seen = [*chain(*found)]
    failed = [each.ended_s for each in seen if each.status >= 500]
    assert failed, "the canary got no caller"
    detail = f"{len(seen) / 6.0:.0f} requests/s; {rollout.state.value}"
    ended = rollout.state.value == "failed"
    after_s = max(failed) - min(failed) if ended else float("inf")
    yield Row("a failing canary: first failure to the last one", after_s, "s", 2, detail=detail)
    yield Row("a failing canary: callers hit", len(failed) + lost, "", 100)


def _roll_out(shop: Shop) -> None:
    time.sleep(1.0)
    shop.engine.rollouts.start(NAME, 2, reason="bench", plan="10% 10m -> 100%")


def _equal() -> Row:
    """Canaries no different from the live version, through the same analysis on simulated counts."""
    import numpy as np

    from engine.deployment.analysis import Tally, Verdict, first_evidence, gathered, judged
    from engine.policy.rollout import RolloutPolicy, parse_plan

    policy = RolloutPolicy(parse_plan("10% 10m -> 100%"))
    shape = np.array([0.0, 0.1, 0.25, 0.3, 0.2, 0.1, 0.04, 0.01])
    fallen = 0
    for seed in range(ROLLOUTS):
        random = np.random.default_rng(seed)
        evidence = first_evidence(policy)
        rates, errors = (5, 45), random.choice([0.0, 0.002, 0.02])
        tallies = [Tally(latencies=(0,) * len(shape)) for _ in rates]
        for _ in range(WINDOWS):
            for at, rate in enumerate(rates):
                sent = int(random.poisson(rate))
                counts = random.multinomial(sent, shape)
                before = tallies[at]
                tallies[at] = Tally(
                    before.requests + sent,
                    before.errors + int(random.binomial(sent, errors)),
                    tuple(int(a + b) for a, b in zip(before.latencies, counts, strict=True)),
                    0,
                    0,
                )
            evidence = gathered(evidence, *tallies, shadow=False, policy=policy)
            if judged(evidence, policy, shadow=False, over=False).verdict is Verdict.FAIL:
                fallen += 1
                break
    return Row(f"{ROLLOUTS} equal canaries: rolled back", fallen, "", 1, detail=f"{WINDOWS} looks at each")


def _versions(plane: Served, keys: int) -> list[str]:
    """Which version answers each key."""
    per, sent = keys // CALLERS, body()
    asked = [
        iter([request("/predict", sent, headers={"x-user": f"u{number}"}) for number in range(at, at + per)])
        for at in range(0, keys, per)
    ]
    found, lost, _ = watch(plane.port, asked, 60.0)
    seen = [*chain(*found)]
    assert not lost
    assert len(seen) == keys
    return [each.version for each in seen]


def _weights(folder: Path, model: Any) -> Iterator[Row]:
    weight, later = 0.137, 0.25
    with _shop(folder, model, key="header:x-user", capture=0.0) as shop, on_its_core(shop.serve()) as plane:
        endpoints = shop.engine.endpoints
        made = endpoints.deploy(NAME, 2, share=Share.CANARY, weight=int(weight * 1_000), reason="bench")
        endpoints.wait(NAME, made.number)
        first, again = _versions(plane, KEYS), _versions(plane, KEYS)
        made = endpoints.traffic(NAME, {2: int(later * 1_000)}, reason="bench")
        endpoints.wait(NAME, made.number)
        moved = _versions(plane, KEYS)
    share = sum(each == f"{NAME}/2" for each in first) / KEYS
    sigma = (weight * (1 - weight) / KEYS) ** 0.5
    yield Row(
        "weights: away from 13.7 %", abs(share - weight) / sigma, "sigma", 4, detail=f"{share:.2%} of {KEYS:,} keys"
    )
    others = sum(a != b for a, b in zip(first, again, strict=True))
    yield Row("weights: keys that changed their version by themselves", others, "", 0)
    went = sum(a != b for a, b in zip(first, moved, strict=True)) / KEYS
    detail = f"{went:.2%} moved for a change of {later - weight:.1%}"
    yield Row("weights: moved beyond the least possible", (went - (later - weight)) * 100, "%", 1, detail=detail)


def _kill(victims: Sequence[int], after_s: float) -> Thread:
    def run() -> None:
        for each in victims:
            time.sleep(after_s)
            os.kill(each, signal.SIGKILL)

    thread = Thread(target=run)
    thread.start()
    return thread


def _kills(folder: Path, model: Any) -> Iterator[Row]:
    asked = [repeat(request("/predict", body()))] * CALLERS
    beside = ("engine.telemetry.writer", "engine.supervision.analysis")
    with _shop(folder, model) as shop:
        with running_control(folder) as control, on_its_core(shop.serve()) as plane:
            until(lambda: all(plane.child(each) for each in beside))
            killing = _kill([control, *map(plane.child, beside)], 0.7)
            found, lost, _ = watch(plane.port, asked, 3.0)
            killing.join()
        lost += sum(each.status != 200 for each in chain(*found))
        what = f"{sum(map(len, found)):,} requests"
        yield Row("kill -9 of control plane, capture writer, analysis: lost", lost, "", 0, detail=what)
        with on_its_core(shop.serve("--workers", "2")) as plane:
            until(lambda: _listeners(plane.port) == 2)
            killing = _kill(_workers(shop)[:1], 1.0)
            found, lost, broken = watch(plane.port, asked, 3.0)
            killing.join()
            refused = sum(each.status != 200 for each in chain(*found))
            until(lambda: len(_workers(shop)) == 2)
    detail = f"{lost} lost on {broken} of {CALLERS} connections; {sum(map(len, found)):,} requests"
    yield Row(
        "kill -9 of one of two workers: lost beyond its own", max(0, lost - broken) + refused, "", 0, detail=detail
    )


@contextmanager
def running_control(workspace: Path) -> Iterator[int]:
    """The control plane of a workspace, which may be killed; its process number."""
    with running_server(workspace) as server:
        yield server.process.pid


def _listeners(port: int) -> int:
    """How many sockets of this machine listen on a port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    listening = "0A"
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == listening for line in lines)


def _workers(shop: Shop) -> list[int]:
    found = shop.engine.endpoints.get(NAME).acknowledgements
    return sorted(int(each.plane.rpartition(":")[2]) for each in found if each.alive)
