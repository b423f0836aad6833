"""What a server does beside answering: tells how it does, and moves the log into the database off the request path."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.core.errors import QuarterdeckError, WorkspaceReplaced
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from engine.api import Engine
    from engine.processes.lock import ServerLock
    from engine.server.measures import Measures

TELL_S = 1.0
"""How often it tells how it does, in seconds; only after requests were answered."""

CHECKPOINT_BYTES = 8 << 20
"""Length of the write-ahead log from which it is moved into the database."""


AGAIN_S = 1.0
"""How soon what failed unforeseen begins again, in seconds."""


async def kept_going(run: Callable[[], Awaitable[None]], measures: Measures) -> None:
    """Run something beside the answering of requests until cancelled; whatever happens to it, requests are answered.

    Args:
        run: What goes on until it is cancelled.
        measures: Told of failures that nobody foresaw.
    """
    while True:
        try:
            await run()
        except Exception as error:  # noqa: BLE001 the edge of a task that must not take the server with it
            measures.failure(clean(f"{run.__qualname__}: {type(error).__name__}: {error}"))
        await asyncio.sleep(AGAIN_S)


class Upkeep:
    """Goes on beside the answering of requests.

    Args:
        engine: The workspace.
        lock: Where to tell how the server does.
        measures: What it has counted.
        lost: Told once that the workspace is no longer the one whose lock is held.
    """

    def __init__(
        self, engine: Engine, lock: ServerLock, measures: Measures, *, lost: Callable[[WorkspaceReplaced], None]
    ) -> None:
        self._engine = engine
        self._lock = lock
        self._measures = measures
        self._lost = lost

    async def run(self) -> None:
        """Go on until cancelled."""
        told = -1
        quiet = 0
        await asyncio.to_thread(self._engine.artifacts.sweep)
        while True:
            try:
                self._lock.check()
            except WorkspaceReplaced as error:
                self._lost(error)
                return
            events = self._measures.events
            # Once more after the last request, so that its second stands as past; then silence costs nothing.
            quiet = 0 if events != told else quiet + 1
            if quiet <= 2:
                told = events
                with suppress(QuarterdeckError):  # a full disk is told by the requests that need it
                    self._lock.tell_status(self._measures.status(self._engine.clock.now_ms()))
                with suppress(QuarterdeckError):  # and the log can wait, until there is room for it
                    # Beside writers the log is only moved; in the first silence its space is given back.
                    await asyncio.to_thread(self._engine.database.checkpoint, CHECKPOINT_BYTES, empty=quiet > 0)
            await asyncio.sleep(TELL_S)
