"""A connection that answers predictions as soon as their last byte is there, in the same turn of the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from engine.server.protocol import BoundedProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine

    from engine.server.crowd import Crowd
    from engine.server.exchange import Exchange
    from engine.server.settings import Settings
    from engine.serving.app import App
    from engine.serving.coming import Coming


_END = b"\r\n\r\n"


class QuickProtocol(BoundedProtocol):
    """One connection of a client; bounded as every connection of ours.

    A prediction that comes in one piece needs no task: it is answered where its body ends, or once the call is
    over that it shares with others. Whatever comes in pieces, or is something else goes the way of every ASGI request.

    Attributes:
        quick: The application.
        waits: Whether a request of this connection waits for the end of this turn of the event loop; see `Turns`.
    """

    quick: ClassVar[App]
    waits = False

    _at_head = False
    _held: Exchange | None = None
    _arrived: bytes | None = None
    _begun = 0
    _address = ""
    _awaiting: asyncio.Task[None] | None = None
    _coming: Coming | None = None
    _ahead = b""
    _ends = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has come."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""

    def data_received(self, data: bytes) -> None:
        """Take what has come; what is not complete by then gets a task."""
        turns = self.quick.turns
        if self.waits:  # what came before is answered before
            turns.finish()
        if self._coming is not None:
            self._ahead += data
            self.flow.pause_reading()
            return
        if self._rest is None or not self.rests() or not turns.take(data, self._address, self):
            self.parse(data)

    def put(self, answer: bytes) -> None:
        """Send an answer, whole."""
        self.transport.write(answer)
        self.server_state.total_requests += 1
        self._rests_since_s = self.loop.time()

    def expect(self, coming: Coming) -> None:
        """Wait for an answer that is told later; whatever comes by then is answered after it."""
        self._coming = coming

    def land(self, answer: bytes) -> None:
        """Send the answer that was waited for; the last one here says so."""
        self._coming = None
        if self.transport.is_closing():
            return
        if self._ends or self.crowd.leaving:
            self.put(answer.replace(_END, b"\r\nconnection: close" + _END, 1))
            self.transport.close()
            return
        self.put(answer)
        if self._rest is None:  # it was over meanwhile
            self._rest = self.loop.call_later(self.timeout_keep_alive, self._look_at_rest)
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            self.flow.resume_reading()
            self.data_received(ahead)

    def parse(self, data: bytes) -> None:
        """Have what has come go the long way."""
        self._arrived, self._begun = None if self._in_head or self._in_body else data, 0
        super().data_received(data)
        self._arrived = None
        held, self._held = self._held, None
        if held is not None:
            super()._start(held)

    def shutdown(self) -> None:
        """The server ends: what came is answered first."""
        if self.waits:
            self.quick.turns.finish()
        if self._coming is None:
            super().shutdown()
        else:
            self._ends = True

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone: no model has to answer what nobody waits for."""
        super().connection_lost(exc)
        if self._awaiting is not None:
            self._awaiting.cancel()
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.leave()

    def rests(self) -> bool:
        """Whether nothing is under way: no request, no timer but that of rest, nobody who reads slowly."""
        return (
            self.cycle.response_complete
            and self._coming is None
            and not (self._in_head or self._in_body or self.pipeline)
            and self._timer is None
            and not (self.flow.write_paused or self.crowd.leaving or self.transport.is_closing())
        )

    def _is_idle(self) -> bool:
        return self._coming is None and super()._is_idle()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._begun += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there: wait for the end of the body, if it came along."""
        self._at_head = True
        try:
            super().on_headers_complete()
        finally:
            self._at_head = False

    def _start(self, exchange: Exchange) -> None:
        if self._at_head and exchange.scope["method"] == "POST" and not exchange.waiting_for_100_continue:
            self._held = exchange
        else:
            super()._start(exchange)

    def on_message_complete(self) -> None:
        """The body is there: answer."""
        super().on_message_complete()
        held, self._held = self._held, None
        if held is None:
            return
        alone = self._arrived if self._begun == 1 and held.keep_alive else None
        answered = self.quick.quick(held, alone)
        if answered is False:
            super()._start(held)
        elif answered is not True:
            held.task = self._awaiting = task = self.loop.create_task(self._awaited(held, answered))
            self.tasks.add(task)

    async def _awaited(self, exchange: Exchange, coming: Coroutine[Any, Any, None]) -> None:
        """What `_answer` does, for an answer that is already under way."""
        try:
            await exchange.run_asgi(cast("Any", lambda *_: coming))
        finally:
            self._awaiting = None
            if exchange.task is not None:
                self.tasks.discard(exchange.task)
                exchange.task = None


def quick(settings: Settings, crowd: Crowd, app: App) -> type[QuickProtocol]:
    """The protocol of a data plane's connections, for `uvicorn.Config(http=…)`.

    Args:
        settings: The bounds.
        crowd: Told of them all.
        app: The application.
    """
    return type("Quick", (QuickProtocol,), {"settings": settings, "crowd": crowd, "quick": app})
