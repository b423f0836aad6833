"""`qd server` as a process of its own, for every test that speaks to it from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST_START_S = 60.0
"""Far beyond the half second it may take, for a machine that does other things as well."""
LONGEST_STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Args:
        url: Where it listens, without a slash at the end.
        port: The port of `url`.
        process: The process that was started.
        log: The file that takes what it writes to stdout and stderr.
    """

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(LONGEST_STOP_S)


def free_port() -> int:
    """A port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(workspace: Path, *options: str, port: int | None = None) -> Server:
    """Start a server and wait until it answers `/health`.

    Args:
        workspace: The workspace it serves; made first when it is not there.
        *options: Further words after `qd server`.
        port: Where it listens; a free one unless given.

    Returns:
        The server, answering.

    Raises:
        AssertionError: it ended, or did not answer in time; the message holds what it said.
    """
    chosen = port or free_port()
    workspace.parent.mkdir(parents=True, exist_ok=True)
    log = workspace.parent / f"{workspace.name}-server-{chosen}.log"
    quarterdeck = [sys.executable, "-m", "console", "--workspace", str(workspace)]
    if not workspace.exists():
        subprocess.run([*quarterdeck, "init"], cwd=ROOT, check=True, capture_output=True, timeout=LONGEST_START_S)
    command = [*quarterdeck, "server", "--port", str(chosen), *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    server = Server(f"http://127.0.0.1:{chosen}", chosen, process, log)
    deadline = time.monotonic() + LONGEST_START_S
    while not _answers(server.url):
        ended = process.poll()
        assert ended is None, f"the server ended with {ended} before it was ready:\n{server.said()}"
        if time.monotonic() > deadline:
            server.kill()
            raise AssertionError(f"the server did not answer within {LONGEST_START_S} s:\n{server.said()}")
        time.sleep(0.02)
    return server


def stop(server: Server) -> None:
    """Ask it to end, as an operator's Ctrl-C would, and wait for it.

    Args:
        server: A server that was started here; one that has ended already is left as it is.

    Raises:
        AssertionError: it did not end in time, or ended by an error; the message holds what it said.
    """
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGTERM)
    try:
        code = server.process.wait(LONGEST_STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        raise AssertionError(f"the server did not stop within {LONGEST_STOP_S} s:\n{server.said()}") from None
    assert code in (0, -signal.SIGTERM, -signal.SIGKILL), f"the server ended with {code}:\n{server.said()}"


@contextmanager
def running_server(workspace: Path, *options: str) -> Iterator[Server]:
    """A server for the length of a block.

    Args:
        workspace: The workspace it serves.
        *options: Further words after `qd server`.

    Yields:
        The server, answering.

    Raises:
        AssertionError: it did not start or stop cleanly; what it said is printed as well, for a block that failed.
    """
    server = start(workspace, *options)
    try:
        yield server
    except BaseException:
        sys.stderr.write(f"the server said:\n{server.said()[-4000:]}\n")
        server.kill()
        raise
    stop(server)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def environment_for_clients(url: str, folder: Path) -> dict[str, str]:
    """What a client program finds in its environment: the one line that people set, and limits that keep tests quick.

    Args:
        url: The server's.
        folder: Where the client may keep its own files.

    Returns:
        The whole environment of the client's process.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "OTEL_", "PYTEST_"))}
    return {
        **kept,
        "MLFLOW_TRACKING_URI": url,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(folder / "matplotlib"),
        "TMPDIR": str(folder),
        "GIT_PYTHON_REFRESH": "quiet",
        "PYTHONPATH": "",
        "TQDM_DISABLE": "1",
        "OMP_NUM_THREADS": "1",
    }
