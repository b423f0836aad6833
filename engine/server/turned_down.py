"""What was refused or failed of late: by route, so that who runs the server sees which program asks for what."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from engine.core.text import clean
from engine.processes.model import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.server.routes import Route

MOST_REFUSALS = 20
"""Kinds of refusal kept: the last ones."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PATH = 60


class TurnedDown:
    """The last answers of 400 and more, those of one route, status and code as one.

    Args:
        now_s: Tells the time in seconds, from any beginning.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._kept: OrderedDict[tuple[str, str, int, str], tuple[int, float, str]] = OrderedDict()

    def note(self, method: str, path: str, route: Route | None, status: int, code: str) -> None:
        """Keep one.

        Args:
            method: The request's method, as it came.
            path: The request's path, as it came; kept, cleaned and cut, only where no route has it.
            route: What answered; `None` when the path is nobody's. All such count as one, so that guesses at paths
                cannot push the rest out.
            status: The answer's status.
            code: The error's code; empty when a handler answered so by itself.
        """
        method = method if method in _METHODS else "?"
        key = (method, route.path if route else "", status, code)
        count, _, _ = self._kept.pop(key, (0, 0.0, ""))
        shown = route.path if route else clean(path, limit=_PATH)
        self._kept[key] = (count + 1, self._now_s(), shown)
        if len(self._kept) > MOST_REFUSALS:
            self._kept.popitem(last=False)

    def told(self, now_ms: int) -> tuple[Refusal, ...]:
        """All of them, the latest first.

        Args:
            now_ms: The present, in milliseconds since the epoch.
        """
        now_s = self._now_s()
        return tuple(
            Refusal(method, path, status, code, count, now_ms - int((now_s - at_s) * 1000), known=bool(route))
            for (method, route, status, code), (count, at_s, path) in reversed(self._kept.items())
        )
