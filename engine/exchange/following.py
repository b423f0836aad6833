"""Mirroring a live source: look again and again, rarely while nothing happens, and never keep it busy."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.errors import Busy, InvalidInput, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from engine.exchange.importing import Importer
    from engine.exchange.source import Source

SLOWEST_S = 60.0
"""Longest wait between two looks, in seconds."""

_GROWTH = 1.5
_DUTY = 10.0
"""A look that took a second is followed by at least ten of rest."""


@dataclass(frozen=True, slots=True)
class News:
    """What one look at the source brought.

    Args:
        stored: How many things were new or changed, by kind.
        problem: Why the source could not be read, as a sentence; empty when it could.
        wait_s: Seconds until the next look.
    """

    stored: Mapping[str, int]
    problem: str
    wait_s: float


def follow(importer: Importer, source: Source, interval_s: float, wait: Callable[[float], bool]) -> Iterator[News]:
    """Keep a workspace up with a source until told to stop.

    Args:
        importer: Imports from the source; may have done so before.
        source: Where from.
        interval_s: Seconds between two looks while things happen; grows to `SLOWEST_S` while nothing does.
        wait: Waits so many seconds; True means stop.

    Yields:
        News of every look that stored something or failed. A source that cannot be read is asked again later.

    Raises:
        ReadOnlyMode: the session is read-only.
        PermissionDenied: the actor is no operator any more.
        WorkspaceError: the workspace cannot be written.
    """
    mark: object = None
    pause_s = interval_s
    while not wait(pause_s):
        began = time.monotonic()
        stored: Mapping[str, int] = {}
        problem = ""
        try:
            now = source.mark()
            if now is None or now != mark:
                stored = importer.step()
                mark = now
        except (Unreachable, InvalidInput, Busy) as error:
            problem, mark = str(error), None
        pause_s = _pause(pause_s, interval_s, time.monotonic() - began, happened=bool(stored))
        if stored or problem:
            yield News(stored, problem, pause_s)


def _pause(last_s: float, interval_s: float, took_s: float, *, happened: bool) -> float:
    """Seconds to wait: the interval after news, longer and longer without, and always in proportion to the work."""
    quiet_s = interval_s if happened else min(max(SLOWEST_S, interval_s), last_s * _GROWTH)
    return max(quiet_s, min(SLOWEST_S, took_s * _DUTY))
