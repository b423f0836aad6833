"""What each connection makes before it goes wrong: one of everything, so that there are ids to ask for."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.bench.fuzz import spans
from tests.bench.fuzz.connection import Connection
from tests.bench.fuzz.words import MODELS, PROMPTS, Words

_API = "/api/2.0/mlflow"
_PROMPT = {"key": "mlflow.prompt.is_prompt", "value": "true"}
_EVENTS = [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]
_RUNS = 3


def plant(connection: Connection, words: Words) -> None:
    """Make runs with metrics and files, models, versions, prompts and traces; their ids are learned.

    Args:
        connection: Where the server is asked.
        words: Learns the ids.
    """

    def post(path: str, body: dict[str, Any]) -> None:
        words.known.learn(connection.send("POST", _raw("POST", path, json.dumps(body).encode())).body)

    now = int(time.time() * 1000)
    post(f"{_API}/experiments/create", {"name": "first"})
    for _ in range(_RUNS):
        post(f"{_API}/runs/create", {"experiment_id": "0", "start_time": now})
    run = words.known.one("run_id")
    metrics = [{"key": "loss", "value": step / 7, "timestamp": now, "step": step} for step in range(20)]
    params = [{"key": "lr", "value": "0.1"}]
    post(f"{_API}/runs/log-batch", {"run_id": run, "metrics": metrics, "params": params})
    post(f"{_API}/logged-models", {"experiment_id": "0", "name": "m", "source_run_id": run})
    words.known.keep("source", f"runs:/{run}/model")
    words.known.keep("file", file := f"0/{run}/artifacts/model/MLmodel")
    connection.send(
        "PUT", _raw("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{file}", b"artifact_path: model\nflavors: {}\n")
    )
    for model in MODELS:
        post(f"{_API}/registered-models/create", {"name": model})
        post(f"{_API}/model-versions/create", {"name": model, "source": f"runs:/{run}/model", "run_id": run})
    for prompt in PROMPTS:
        post(f"{_API}/registered-models/create", {"name": prompt, "tags": [_PROMPT]})
        text = {"key": "mlflow.prompt.text", "value": "Hello {{name}}"}
        post(f"{_API}/model-versions/create", {"name": prompt, "source": "prompt-template", "tags": [_PROMPT, text]})
    words.calm = True
    post("/v1/traces", spans.export(words))
    post("/api/2.0/mlflow/webhooks", {"name": "w", "url": "https://127.0.0.1:1/x", "events": _EVENTS})
    post("/api/3.0/mlflow/traces/search", {"locations": [{"mlflow_experiment": {"experiment_id": "0"}}]})
    assessed = f"/api/3.0/mlflow/traces/{words.known.one('trace_id')}/assessments"
    post(assessed, {"assessment": {"assessment_name": "right", "feedback": {"value": True}}})
    post(f"{_API}/runs/search", {"experiment_ids": ["0"], "max_results": 1})


def _raw(method: str, path: str, body: bytes) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n" + body
