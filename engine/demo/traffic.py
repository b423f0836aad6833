"""Somebody who asks the demo's endpoints: `python -m engine.demo.traffic DIR` serves and asks for ten minutes."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager
from itertools import chain, cycle, islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from engine import api
from engine.core.errors import Unreachable
from engine.demo.data import SEED, load_tasks, loans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import httpx

    from engine.api import Engine

PORT = 8080
"""Where the demo serves when nobody else does."""

REPLAYED = 1_500
"""Questions that making the demo asks its endpoints."""

LASTS_S = 600.0
"""How long the background traffic goes on, in seconds."""

RATE = 40.0
"""Requests a second that it asks, over all endpoints."""

LOANS_FROM = 1_700
"""Which of the loans of the analysis period is asked first; their world changes at the 2,500th."""

LABEL_AFTER_S = 20.0
"""How long the live traffic's loans take to turn out repaid or not, in seconds: years, in this time."""

_LABELS_AT_ONCE = 200
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


class Question(NamedTuple):
    """Something to ask.

    Args:
        endpoint: The endpoint's name.
        body: What to send.
        truth: What turns out to be true later; `None` when nobody will say.
    """

    endpoint: str
    body: bytes
    truth: int | None = None


def ask(
    url: str,
    bodies: Iterable[Question],
    *,
    rate: float | None = None,
    told: Callable[[str, int], object] = lambda _request, _truth: None,
) -> int:
    """Ask one question after the other, as MLflow's clients do, for as long as somebody is there to answer.

    Args:
        url: Of the data plane.
        bodies: What to ask.
        rate: Questions a second; as fast as it goes when `None`.
        told: Is told the request's id and the truth of each answered question that has one.

    Returns:
        How many were answered with 200.
    """
    import httpx

    answered = unheard = 0
    with httpx.Client(base_url=url, headers={"content-type": "application/json"}, timeout=5) as client:
        begun = time.monotonic()
        for number, question in enumerate(bodies):
            status, request_id = _asked(client, question)
            answered += status == _OK
            if status == _OK and question.truth is not None:
                told(request_id, question.truth)
            unheard = 0 if status else unheard + 1
            if unheard > _PATIENCE:
                break
            if rate is not None:
                time.sleep(max(0.0, begun + (number + 1) / rate - time.monotonic()))
    return answered


def _asked(client: httpx.Client, question: Question) -> tuple[int, str]:
    """The status of the answer and its id; 0 when there was none."""
    import httpx

    try:
        answer = client.post(f"/invocations/{question.endpoint}", content=question.body)
    except httpx.HTTPError:
        return 0, ""
    return answer.status_code, answer.headers.get("x-request-id", "")


def questions(seed: int = SEED, *, loans_from: int = LOANS_FROM) -> Iterator[Question]:
    """A row of every task in turn, for ever: held-out ones in random order, but loans in the order they were given.

    Args:
        seed: Of the order.
        loans_from: Which loan of the analysis period is the first; after the last one its drifted half begins again.

    Yields:
        What to ask.
    """
    random = Random(seed)  # noqa: S311 a shuffle, no secret
    rows = {task.name: task.test.to_dict(orient="records") for task in load_tasks()}
    later = loans()
    order = iter(chain(range(loans_from, len(later)), cycle(range(len(later) // 2, len(later)))))
    while True:
        for name, records in rows.items():
            row, truth = later[next(order)] if name == "car-loan" else (random.choice(records), None)
            yield Question(name, json.dumps({"dataframe_records": [row]}).encode(), truth)


class Labels:
    """Says what turned out to be true, some time after it was asked.

    Args:
        engine: The workspace.
        after_s: After how many seconds; at the next flush when 0.
    """

    def __init__(self, engine: Engine, *, after_s: float) -> None:
        self._engine = engine
        self._after_s = after_s
        self._waiting: deque[tuple[float, str, int]] = deque()

    def told(self, request_id: str, truth: int) -> None:
        """Take note of a truth, and say those whose time has come."""
        self._waiting.append((time.monotonic() + self._after_s, request_id, truth))
        due = time.monotonic() - 1.0  # by the second: a write for each would be many
        if self._after_s and self._waiting[0][0] <= due:
            self.say(upto=time.monotonic())

    def say(self, *, upto: float = math.inf) -> None:
        """Say all truths whose time has come.

        Args:
            upto: By the monotonic clock, in seconds; all of them if not given.

        Raises:
            WorkspaceError: the telemetry database cannot be written.
        """
        from engine.telemetry.model import Label

        while self._waiting and self._waiting[0][0] <= upto:
            ready = [self._waiting.popleft() for _ in range(min(_LABELS_AT_ONCE, len(self._waiting)))]
            late = [each for each in ready if each[0] > upto]
            self._waiting.extendleft(reversed(late))
            self._engine.telemetry.label([Label(request, truth) for due, request, truth in ready if due <= upto])


def main() -> int:
    """Serve the workspace named by the first argument, and ask it.

    Returns:
        The exit code.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the data plane is ended too
    directory = Path(sys.argv[1])
    with data_plane(directory) as url, _monitors(directory), api.open(directory) as engine:
        labels = Labels(engine, after_s=LABEL_AFTER_S)
        asked = islice(questions(SEED + 1, loans_from=LOANS_FROM + REPLAYED // 3), int(LASTS_S * RATE))
        ask(url, asked, rate=RATE, told=labels.told)
        labels.say()
    return 0


@contextmanager
def _monitors(directory: Path) -> Iterator[None]:
    """Have monitors look, in a process of its own, until the block ends."""
    words = [sys.executable, "-m", "engine.supervision.monitors", str(directory)]
    process = subprocess.Popen(  # noqa: S603 our own interpreter and module
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
