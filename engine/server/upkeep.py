"""What a server does beside answering: tells how it does, and moves the log into the database off the request path."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.processes.lock import ServerLock
    from engine.server.measures import Measures

TELL_S = 1.0
"""How often it tells how it does, in seconds; only after requests were answered."""

CHECKPOINT_BYTES = 8 << 20
"""Length of the write-ahead log from which it is moved into the database."""


class Upkeep:
    """Goes on beside the answering of requests.

    Args:
        engine: The workspace.
        lock: Where to tell how the server does.
        measures: What it has counted.
    """

    def __init__(self, engine: Engine, lock: ServerLock, measures: Measures) -> None:
        self._engine = engine
        self._lock = lock
        self._measures = measures

    async def run(self) -> None:
        """Go on until cancelled."""
        told = -1
        quiet = 0
        while True:
            answered = self._measures.answered
            # Once more after the last request, so that its second stands as past; then silence costs nothing.
            quiet = 0 if answered != told else quiet + 1
            if quiet <= 2:
                told = answered
                with suppress(QuarterdeckError):  # a full disk is told by the requests that need it
                    self._lock.tell_status(self._measures.status(self._engine.clock.now_ms()))
                await asyncio.to_thread(self._engine.database.checkpoint, CHECKPOINT_BYTES)
            await asyncio.sleep(TELL_S)
