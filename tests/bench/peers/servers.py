"""The servers that are compared: ours, MLflow's, FastTrackML where it is installed, and one that does nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import engine
from tests.clients.environment import client_python
from tests.clients.server import free_port, running_server

LONGEST_START_S = 180.0
HEALTH = "/health"


@contextmanager
def ours(folder: Path, durability: str = "full") -> Iterator[str]:
    """`qd server` on a fresh workspace."""
    workspace = folder / f"ours-{durability}"
    if not workspace.exists():
        engine.create(workspace)
    with running_server(workspace, "--durability", durability) as server:
        yield server.url


@contextmanager
def null(canned: Path | None = None) -> Iterator[str]:
    """A server that answers `{}`, or what it was given."""
    port = free_port()
    words = [sys.executable, "-m", "tests.bench.peers.null", str(port), *([str(canned)] if canned else [])]
    with running(words, port, {}, ready="/"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def mlflow(folder: Path, workers: int | None = None) -> Iterator[str]:
    """`mlflow server` over SQLite, with its default number of workers or another."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [str(client_python().parent / "mlflow"), "server", "--port", str(port)]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        str(folder / "a"),
    ]
    command += ["--workers", str(workers)] if workers else []
    with running(command, port, {"MLFLOW_DISABLE_TELEMETRY": "true"}, folder=folder):
        yield f"http://127.0.0.1:{port}"


def fasttrackml_command() -> str | None:
    """The peer's program, if this machine has it: `$QD_FASTTRACKML`, or `fml` on the path."""
    return os.environ.get("QD_FASTTRACKML") or shutil.which("fml")


@contextmanager
def fasttrackml(folder: Path, command: str) -> Iterator[str]:
    """FastTrackML over SQLite."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    words = [
        command,
        "server",
        "--listen-address",
        f"127.0.0.1:{port}",
        "--database-uri",
        f"sqlite://{folder / 'f.db'}",
    ]
    with running([*words, "--default-artifact-root", str(folder / "a")], port, {}, folder=folder):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(
    command: list[str], port: int, more: Mapping[str, str], *, ready: str = HEALTH, folder: Path | None = None
) -> Iterator[None]:
    """A server's process, from its first answer until the block ends."""
    environment = {**os.environ, **more}
    log = subprocess.DEVNULL
    with subprocess.Popen(
        command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True
    ) as process:
        try:
            _wait(f"http://127.0.0.1:{port}{ready}", process)
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its workers too


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LONGEST_START_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 our own loopback address
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, f"{process.args!r} ended"
            assert time.monotonic() < deadline, f"{process.args!r} does not answer"
            time.sleep(0.02)
