"""Callers that ask without pause over connections that are kept, and know of every request what became of it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from tests.serving.shop import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from tests.serving.shop import Served


class Outcome(NamedTuple):
    """What became of one request.

    Args:
        sent_s: When it was sent, on the monotonic clock.
        status: The answer's status; 0 when there was none, although it was sent.
        version: Who answered.
        generation: By which routes.
        ended_s: When that was known.
    """

    sent_s: float
    status: int
    version: str
    generation: int
    ended_s: float


class Callers:
    """Threads of callers; a context.

    Args:
        served: Whom they ask.
        row: What they ask.
        path: Where.
        count: How many.
    """

    def __init__(self, served: Served, row: Sequence[float], *, path: str = "/predict", count: int = 4) -> None:
        self._port, self._path = served.port, path
        self._body = json.dumps({"features": list(row)}).encode()
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(count)]
        self.outcomes: list[Outcome] = []
        self.turned_away = 0
        """How often nobody took the connection; nothing was sent on it."""

    def _run(self, number: int) -> None:
        connection: http.client.HTTPConnection | None = None
        asked = 0
        while not self._ending.is_set():
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
                try:
                    connection.connect()
                except OSError:
                    connection = None
                    self.turned_away += 1
                    self._ending.wait(0.02)
                    continue
            asked += 1
            closing = self._ask(connection, f"caller{number}-{asked}")
            if closing:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _ask(self, connection: http.client.HTTPConnection, request_id: str) -> bool:
        """Ask once; whether the connection has ended."""
        sent_s = time.monotonic()
        try:
            headers = {"x-request-id": request_id, "x-user": request_id}
            connection.request("POST", self._path, self._body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.outcomes.append(Outcome(sent_s, 0, "", 0, time.monotonic()))
            return True
        version, generation = answer.headers.get("x-model-version", ""), answer.headers.get("x-deployment-generation")
        self.outcomes.append(Outcome(sent_s, answer.status, version, int(generation or 0), time.monotonic()))
        return answer.will_close

    @property
    def lost(self) -> int:
        """How many requests were sent and never answered."""
        return sum(not each.status for each in self.outcomes)

    @property
    def statuses(self) -> set[int]:
        """The statuses of all answers."""
        return {each.status for each in self.outcomes if each.status}

    def heard(self, count: int = 20) -> None:
        """Wait until so many more answers have come."""
        enough = len(self.outcomes) + count
        until(lambda: len(self.outcomes) >= enough, within_s=20)

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        self.heard()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for each in self._threads:
            each.join()
