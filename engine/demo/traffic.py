"""Somebody who asks the demo's endpoints: `python -m engine.demo.traffic DIR` serves and asks for ten minutes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from engine import api
from engine.core.errors import Unreachable
from engine.demo.data import SEED, load_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

PORT = 8080
"""Where the demo serves when nobody else does."""

LASTS_S = 600.0
"""How long the background traffic goes on, in seconds."""

RATE = 40.0
"""Requests a second that it asks, over all endpoints."""

_OK = 200
_PATIENCE = 20
_START_S = 20.0
_LOOK_S = 0.05


@contextmanager
def data_plane(directory: Path, *, port: int = PORT) -> Iterator[str]:
    """Serve the workspace's endpoints in a process of its own until the block ends.

    Args:
        directory: The workspace.
        port: Where; a free one when that is taken.

    Yields:
        Its URL.

    Raises:
        Unreachable: it did not start to answer in time.
    """
    for wanted in (port, 0):
        words = [sys.executable, "-m", "engine.cli", "--workspace", str(directory), "serve", "--port", str(wanted)]
        process = subprocess.Popen(  # noqa: S603 our own interpreter and module
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            url = _answering(directory, process)
            if url:
                yield url
                return
        finally:
            process.terminate()
            process.wait()
    raise Unreachable("The demo's data plane did not start.", hint="Try `qd serve` to see why.")


def _answering(directory: Path, process: subprocess.Popen[bytes]) -> str:
    """Its URL once it answers; empty when it ended instead."""
    import httpx

    until = time.monotonic() + _START_S
    with api.open(directory, read_only=True) as engine:
        while process.poll() is None and time.monotonic() < until:
            url = next((plane.url for plane in engine.endpoints.planes() if plane.pid == process.pid), "")
            try:
                if url and httpx.get(f"{url}/v2/health/ready", timeout=1).status_code == _OK:
                    return url
            except httpx.HTTPError:
                pass
            time.sleep(_LOOK_S)
    return ""


def ask(url: str, bodies: Iterable[tuple[str, bytes]], *, rate: float | None = None) -> int:
    """Ask one question after the other, as MLflow's clients do, for as long as somebody is there to answer.

    Args:
        url: Of the data plane.
        bodies: Endpoints' names and what to send them.
        rate: Questions a second; as fast as it goes when `None`.

    Returns:
        How many were answered with 200.
    """
    import httpx

    answered = unheard = 0
    with httpx.Client(base_url=url, headers={"content-type": "application/json"}, timeout=5) as client:
        begun = time.monotonic()
        for number, (name, body) in enumerate(bodies):
            status = _asked(client, name, body)
            answered += status == _OK
            unheard = 0 if status else unheard + 1
            if unheard > _PATIENCE:
                break
            if rate is not None:
                time.sleep(max(0.0, begun + (number + 1) / rate - time.monotonic()))
    return answered


def _asked(client: httpx.Client, name: str, body: bytes) -> int:
    """The status of the answer; 0 when there was none."""
    import httpx

    try:
        return client.post(f"/invocations/{name}", content=body).status_code
    except httpx.HTTPError:
        return 0


def questions(seed: int = SEED) -> Iterator[tuple[str, bytes]]:
    """Held-out rows of every task in turn, for ever, in random order.

    Args:
        seed: Of the order.

    Yields:
        The endpoint's name and the body to send.
    """
    random = Random(seed)  # noqa: S311 a shuffle, no secret
    rows = [(task.name, task.test.to_dict(orient="records")) for task in load_tasks()]
    while True:
        for name, records in rows:
            yield name, json.dumps({"dataframe_records": [random.choice(records)]}).encode()


def main() -> int:
    """Serve the workspace named by the first argument, and ask it.

    Returns:
        The exit code.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the data plane is ended too
    with data_plane(Path(sys.argv[1])) as url:
        ask(url, islice(questions(SEED + 1), int(LASTS_S * RATE)), rate=RATE)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
