"""What a served workspace looks like at work: a program that logs, and traces of one that answers questions."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import engine
from engine.core.errors import Busy
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from tests.engine.server.wire import Wire

QUESTIONS = (
    "Which customers are about to leave?",
    "Why was this loan refused?",
    "Will it rain in Seattle tomorrow?",
    "What changed between version 2 and 3?",
)
PAUSE_S = 0.004
_LIMIT = {"code": 2, "message": "rate limit of the model reached"}
MS = 1_000_000


@contextmanager
def served(workspace: Path) -> Iterator[None]:
    """A server on the workspace, with traces in it and a program that logs to it."""
    with engine.open(workspace, via="http") as opened, _server(opened) as url:
        with Wire(url, opened) as wire:
            for number in range(14):
                wire.call("POST", "/v1/traces", _trace(number))
        over = threading.Event()
        program = threading.Thread(target=_log, args=(url, over))
        program.start()
        try:
            yield
        finally:
            over.set()
            program.join()


@contextmanager
def _server(opened: engine.Engine) -> Iterator[str]:
    """At its usual port, unless that is taken."""
    for port in (5000, 0):
        with suppress(Busy), ThreadedServer(opened, Settings(port=port)) as url:
            yield url
            return


def _log(url: str, over: threading.Event) -> None:
    moods = random.Random(5)
    now = time.time_ns() // MS
    with Wire.to(url) as wire:
        run = wire.mlflow("POST", "runs/create", {"experiment_id": "0", "run_name": "nightly", "start_time": now}).json
        run_id = run["run"]["info"]["run_id"]
        step = 0
        while not over.wait(PAUSE_S * moods.choice((1, 1, 2, 5))):
            step += 1
            metric = {"run_id": run_id, "key": "loss", "value": 1 / step, "timestamp": step, "step": step}
            wire.mlflow("POST", "runs/log-metric", metric)
        wire.mlflow("POST", "runs/update", {"run_id": run_id, "status": "FINISHED"})


def _trace(number: int) -> dict[str, object]:
    """One question answered, as an exporter tells it."""
    chance = random.Random(number)
    began = time.time_ns() - (14 - number) * 47_000 * MS
    retrieved, thought = chance.randrange(40, 160), chance.randrange(600, 2_400)
    failed, identity = number == 9, chance.getrandbits(128)
    question = QUESTIONS[number % len(QUESTIONS)]
    tokens: dict[str, object] = {
        "gen_ai.usage.input_tokens": 310 + number * 17,
        "gen_ai.usage.output_tokens": 0 if failed else 90,
    }
    spans: list[tuple[str, int, int, int, int, dict[str, object]]] = [
        ("answer", 1, 0, 0, retrieved + thought + 60, {"gen_ai.prompt": question, "input.value": question}),
        ("retrieve", 2, 1, 8, retrieved, {"documents": 6}),
        ("embed question", 3, 2, 10, retrieved // 3, {}),
        ("search index", 4, 2, 12 + retrieved // 3, retrieved // 2, {}),
        ("generate", 5, 1, 20 + retrieved, thought, tokens),
        ("check answer", 6, 1, 30 + retrieved + thought, 24, {}),
    ]
    told = [
        {
            "traceId": f"{identity:032x}",
            "spanId": f"{number * 16 + own:016x}",
            "parentSpanId": f"{number * 16 + parent:016x}" if parent else "",
            "name": name,
            "startTimeUnixNano": str(began + start * MS),
            "endTimeUnixNano": str(began + (start + took) * MS),
            "attributes": [{"key": key, "value": _value(value)} for key, value in said.items()],
            "status": _LIMIT if failed and own in (1, 5) else {"code": 1},
        }
        for name, own, parent, start, took, said in spans
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": told}]}]}


def _value(value: object) -> dict[str, object]:
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
