"""Predictions whose heads are known: answered where they come; those of one turn of the event loop, together.

A call of a model costs little more for several rows than for one. When callers come so close together that one turn of
the event loop reads the requests of several, they are answered once all of these are there: nobody waits for a timer,
and who comes alone is answered at once. Where a model shares its
calls anyway, the connection waits for its part of one.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.serving.coming import Coming
    from engine.serving.heads import Heads, Known

    Found = bytes | Coming | None

MOST = 64
"""Requests that are answered together at most."""

_CLOSE_S = 25e-6
"""A request that was read so soon after the answer to another connection's has come in the same turn."""

_ALONE = 16
"""After so many turns with a single request, the next one is answered at once."""


class Seat(Protocol):
    """A connection, as whoever answers it sees it."""

    waits: bool
    """Whether a request of it waits for the end of this turn."""

    def put(self, answer: bytes) -> None:
        """Send an answer, whole."""
        ...

    def expect(self, coming: Coming) -> None:
        """Wait for an answer that is told later; whatever comes by then is answered after it."""
        ...

    def land(self, answer: bytes) -> None:
        """Send the answer that was waited for, whole."""
        ...

    def rests(self) -> bool:
        """Whether an answer can go out, and nothing else is under way."""
        ...

    def parse(self, data: bytes) -> None:
        """Have a request go the long way, from its first byte."""
        ...


class Asked(NamedTuple):
    """A request whose head is known.

    Args:
        known: What its head says.
        body: Its body.
        request_id: The id that it brings; `None` when it brings none.
        client: The address it comes from.
        began_s: When it came, by `perf_counter`.
        seat: Its connection.
        data: All of it.
    """

    known: Known
    body: bytes
    request_id: bytes | None
    client: str
    began_s: float
    seat: Seat
    data: bytes


class Turns:
    """Takes requests; on the event loop alone.

    Args:
        heads: Knows them.
        alone: Answers a request with its whole answer, with what stands for one that its seat is told later, or with
            `None` when it has to go the long way.
        together: Does so for several.
        later: Has something called before the event loop waits again, after all that has come was read.
    """

    def __init__(
        self,
        heads: Heads,
        alone: Callable[[Asked], Found],
        together: Callable[[Sequence[Asked]], Sequence[Found]],
        later: Callable[[Callable[[], None]], object],
    ) -> None:
        self._heads = heads
        self._one = alone
        self._together = together
        self._later = later
        self._waiting: list[Asked] = []
        self._many = False
        self._alone = 0
        self._last: Seat | None = None
        self._ended_s = 0.0

    def take(self, data: bytes, client: str, seat: Seat) -> bool:
        """Answer a request, now or at the end of this turn.

        Args:
            data: What came on a connection that rests.
            client: The address it comes from.
            seat: The connection.

        Returns:
            False when it is none that is known, or has to go the long way; then nothing was done.
        """
        began_s = perf_counter()
        found = self._heads.find(data)
        if found is None:
            return False
        asked = Asked(*found, client, began_s, seat, data)
        if self._many:
            self._gather(asked)
            return True
        self._many = began_s - self._ended_s < _CLOSE_S and self._last is not seat
        answer = self._one(asked)
        if answer is None:
            return False
        if type(answer) is bytes:
            seat.put(answer)
            self._last, self._ended_s = seat, perf_counter()
        else:
            seat.expect(cast("Coming", answer))
        return True

    def _gather(self, asked: Asked) -> None:
        if not self._waiting:
            self._later(self.finish)
        self._waiting.append(asked)
        asked.seat.waits = True
        if len(self._waiting) >= MOST:
            self.finish()

    def finish(self) -> None:
        """Answer what has been gathered."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        self._alone = self._alone + 1 if len(waiting) == 1 else 0
        if self._alone >= _ALONE:
            self._many, self._alone = False, 0
        resting = []
        for asked in waiting:
            seat = asked.seat
            seat.waits = False
            if seat.rests():
                resting.append(asked)
            else:
                seat.parse(asked.data)
        for asked, answer in zip(resting, self._answered(resting), strict=True):
            if answer is None:
                asked.seat.parse(asked.data)
            elif type(answer) is bytes:
                asked.seat.put(answer)
            else:
                asked.seat.expect(cast("Coming", answer))

    def _answered(self, asked: Sequence[Asked]) -> Sequence[Found]:
        try:
            return self._together(asked)
        except Exception:  # noqa: BLE001 whatever one request has broken, the others have their answers: each goes its own way
            return (None,) * len(asked)
