"""Deletes what the policy no longer wants kept, beside the answering of requests: old traces, once an hour."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from engine.core.errors import QuarterdeckError
from engine.core.text import clean

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.server.measures import Measures

EVERY_MS = 3_600_000
"""How often old traces are looked for, in milliseconds of the engine's clock."""

LOOK_S = 1.0
"""How often it looks whether that time has come, in seconds; a look costs microseconds."""


class Retention:
    """Prunes traces as `[retention]` in `quarterdeck.toml` says; a read-only session keeps everything.

    Args:
        engine: The workspace; its clock says how old a trace is, and when an hour is over.
        measures: Told of prunings that failed.
    """

    def __init__(self, engine: Engine, measures: Measures) -> None:
        self._engine = engine
        self._measures = measures
        self._began_ms: int | None = None

    async def run(self) -> None:
        """Go on until cancelled; what failed, whatever it was, is tried again an hour later."""
        if self._engine.access.read_only:
            await asyncio.Event().wait()
        stop = threading.Event()
        # Of its own: a pruning may take minutes, and others wait for the loop's threads.
        thread = ThreadPoolExecutor(1, "retention")
        try:
            while True:
                if self._is_time():
                    await asyncio.get_running_loop().run_in_executor(thread, self._prune, stop)
                await asyncio.sleep(LOOK_S)
        finally:
            stop.set()
            thread.shutdown()  # after the transaction at hand: the workspace is about to be let go

    def _is_time(self) -> bool:
        """Whether an hour is over, or the clock was put back, which must not end pruning for months."""
        now_ms = self._engine.clock.now_ms()
        if self._began_ms is not None and 0 <= now_ms - self._began_ms < EVERY_MS:
            return False
        self._began_ms = now_ms
        return True

    def _prune(self, stop: threading.Event) -> None:
        try:
            max_age_ms = self._engine.policy.traces_max_age_ms
            if max_age_ms is not None:
                self._engine.traces.prune(max(self._engine.clock.now_ms() - max_age_ms, 0), stop=stop)
        except QuarterdeckError as error:
            self._measures.failure(clean(f"Old traces were not deleted: {error}"))
