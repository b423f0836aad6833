"""What the gate said no to is written down as well: whose token asked for more than it may, for what, and how often."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.audit.refusals import VERB
from engine.audit.service import record
from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.core.access import Actor
    from engine.core.errors import Refused
    from engine.db.database import Database

EVERY_S = 60.0
"""Of one token and operation there is at most one record in so many seconds; it tells how often it was refused."""

MOST_RECORDS = 60
"""Most records of all in that time; what is beyond is told later."""

MAX_KEPT = 1_024
"""Tokens and operations counted apart; beyond, those of a token are counted as one."""

OTHERS = "other operations"
"""What those are called."""

_LOOK_S = 1.0


@dataclass(slots=True)
class _Refusals:
    """Those of one token and operation that are not yet written down."""

    actor: Actor
    token_id: int | None
    operation: str
    refusal: Refused
    count: int
    due_s: float


@dataclass(frozen=True, slots=True)
class Told:
    """One record to be written.

    Args:
        actor: Who tried, and from where the last time.
        token_id: With which token; `None` for whoever needs none.
        operation: Method and path of the route.
        refusal: Why not.
        count: How often since the last record.
    """

    actor: Actor
    token_id: int | None
    operation: str
    refusal: Refused
    count: int


class RouteRefusals:
    """Counts refusals, and writes them into the audit log so seldom that nobody can make it grow as they like.

    Args:
        database: The control database.
        now_s: Tells the time in seconds, from any beginning.
    """

    def __init__(self, database: Database, now_s: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._now_s = now_s
        self._kept: dict[tuple[int | None, str, str], _Refusals] = {}
        self._wanted = asyncio.Event()
        self._window = (0.0, 0)

    def note(self, actor: Actor, token_id: int | None, operation: str, refusal: Refused) -> None:
        """Count one; on the event loop's thread.

        Args:
            actor: Who tried.
            token_id: With which token, or `None`.
            operation: Method and path of the route.
            refusal: Why not.
        """
        key = (token_id, actor.name, operation)
        if key not in self._kept and len(self._kept) >= MAX_KEPT:
            key, operation = (token_id, actor.name, OTHERS), OTHERS
        found = self._kept.get(key)
        if found is None:
            self._kept[key] = _Refusals(actor, token_id, operation, refusal, 1, self._now_s())
        else:
            found.actor, found.refusal, found.count = actor, refusal, found.count + 1
        self._wanted.set()

    def due(self) -> tuple[Told, ...]:
        """Take what is to be written now; what was quiet for long enough is forgotten."""
        now_s = self._now_s()
        began_s, written = self._window
        if now_s >= began_s + EVERY_S:
            began_s, written = now_s, 0
        told: list[Told] = []
        for key, each in tuple(self._kept.items()):
            if now_s < each.due_s or (each.count and written + len(told) >= MOST_RECORDS):
                continue
            if not each.count:
                del self._kept[key]
                continue
            told.append(_take(each))
            each.due_s = now_s + EVERY_S
        self._window = began_s, written + len(told)
        return tuple(told)

    async def run(self) -> None:
        """Write until cancelled; then what is left."""
        try:
            while True:
                await self._wanted.wait()
                while self._kept:
                    if told := self.due():
                        await asyncio.to_thread(self.write, told)
                    await asyncio.sleep(_LOOK_S)
                self._wanted.clear()
        finally:
            with self._database.hurried():
                self.write([_take(each) for each in self._kept.values() if each.count])

    def write(self, told: Sequence[Told]) -> None:
        """Write records with one commit; where that fails, the requests that need the disk say so.

        Args:
            told: The records.
        """
        if not told:
            return
        with suppress(QuarterdeckError), self._database.group():
            for each in told:
                attempt = {"operation": each.operation, "token": each.token_id}
                after = {
                    "attempt": attempt,
                    "refused": each.refusal.message,
                    "code": each.refusal.code,
                    "count": each.count,
                }
                with self._database.transaction(each.actor) as tx:
                    record(tx, verb=VERB, kind="route", key=each.operation, before=None, after=after)


def _take(found: _Refusals) -> Told:
    count, found.count = found.count, 0
    return Told(found.actor, found.token_id, found.operation, found.refusal, count)
