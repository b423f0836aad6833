"""Brings messages to webhooks beside the answering of requests: what happened is learnt from the change feed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.db.feed import ChangeFeed
    from engine.webhooks.sending import Sender

LOOK_S = 0.5
"""How often it looks whether something happened or is due, in seconds; a look costs microseconds."""

_TELLING = frozenset(("audit", "webhook"))


class Courier:
    """Fills and empties the outbox.

    Args:
        engine: The workspace.
        sender: Sends messages.
    """

    def __init__(self, engine: Engine, sender: Sender) -> None:
        self._engine = engine
        self._outbox = engine.outbox(sender)
        self._feed: ChangeFeed | None = None
        self._due_ms: int | None = None

    async def run(self) -> None:
        """Go on until cancelled; what could not be done now is done later."""
        try:
            while True:
                try:
                    await self._turn()
                except QuarterdeckError:  # a full disk, a wrong policy: others tell of it, and it may pass
                    self._let_go()
                await asyncio.sleep(LOOK_S)
        finally:
            self._let_go()

    async def _turn(self) -> None:
        if self._happened():
            self._due_ms = await asyncio.to_thread(self._outbox.fill)
        while self._due_ms is not None and self._due_ms <= self._engine.clock.now_ms():
            tried = await asyncio.to_thread(self._outbox.send)
            self._due_ms = await asyncio.to_thread(self._outbox.fill)
            if not tried:
                return

    def _happened(self) -> bool:
        if self._feed is None:
            self._feed = self._engine.feed()
            return True  # what happened before is found in the audit log
        changes = self._feed.poll()
        return changes is not None and (changes.missed or any(each.kind in _TELLING for each in changes.events))

    def _let_go(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None
