"""What else serves a model: the tutorial's app, MLflow, MLServer where there is one, a bare echo. One core each."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.peers.servers import running
from tests.clients.environment import client_python
from tests.clients.server import free_port

SERVER_CORE, CLIENT_CORE = 0, 1

_PINNED = "import os, sys; os.sched_setaffinity(0, {%d}); os.execvp(sys.argv[1], sys.argv[1:])" % SERVER_CORE  # noqa: UP031 braces

MLSERVER = "QD_MLSERVER"
"""Names MLServer's program, which has an environment of its own where it is installed."""

_SAVING = """
import sys, skops.io, mlflow.sklearn
model = skops.io.load(sys.argv[1], trusted=skops.io.get_untrusted_types(file=sys.argv[1]))
mlflow.sklearn.save_model(model, sys.argv[2], serialization_format="cloudpickle")
"""


def pinned(words: list[str]) -> list[str]:
    """A command that runs on the servers' core alone; what it starts stays there too."""
    return [sys.executable, "-c", _PINNED, *words]


@contextmanager
def pinned_client() -> Iterator[None]:
    """Keep this process off the servers' core for as long as the block runs."""
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        os.sched_setaffinity(0, before - {SERVER_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def tutorial(model: Path) -> Iterator[int]:
    """The tutorial's app; its port."""
    port = free_port()
    words = [str(client_python()), str(Path(__file__).with_name("tutorial.py")), str(model), str(port)]
    with running(pinned(words), port, {}):
        yield port


@contextmanager
def echo() -> Iterator[int]:
    """The bare HTTP server; its port."""
    port = free_port()
    with running(pinned([sys.executable, "-m", "tests.bench.peers.echo", str(port)]), port, {}, ready="/"):
        yield port


@contextmanager
def mlflow(model: Path, folder: Path) -> Iterator[int]:
    """`mlflow models serve` of the same model; its port."""
    port, python = free_port(), client_python()
    saved = folder / "mlflow-model"
    _run([str(python), "-c", _SAVING, str(model), str(saved)])
    words = [str(python.parent / "mlflow"), "models", "serve", "-m", str(saved), "-p", str(port)]
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    with running(pinned([*words, "--env-manager", "local"]), port, {"PATH": path}, ready="/ping"):
        yield port


@contextmanager
def mlserver(model: Any, folder: Path) -> Iterator[int]:
    """MLServer around the same model; its port."""
    import joblib

    port, program = free_port(), Path(os.environ[MLSERVER])
    kept = folder / "mlserver"
    kept.mkdir()
    joblib.dump(model, kept / "model.joblib")
    settings = {"name": "m", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}
    (kept / "model-settings.json").write_text(json.dumps(settings))
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port(), "parallel_workers": 0}
    (kept / "settings.json").write_text(json.dumps({**ports, "debug": False}))
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    with running(pinned([str(program), "start", str(kept)]), port, {"PATH": path}, ready="/v2/health/ready"):
        yield port


def _run(words: list[str]) -> None:
    import subprocess

    subprocess.run(words, check=True, capture_output=True, env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"})
