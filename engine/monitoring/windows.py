"""Windows: which are over, which hold a moment, and where rows are cut. Pure: numbers in, windows out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.monitoring.model import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.policy.monitors import Span


class Counted(NamedTuple):
    """One captured request.

    Args:
        id: Its number; greater ones were stored later.
        time_ms: When it arrived, in milliseconds since the epoch.
        rows: How many rows it asked.
    """

    id: int
    time_ms: int
    rows: int


def first_start(step: Span, time_ms: int) -> int:
    """Where the first window of time begins.

    Args:
        step: How far one window begins after the other.
        time_ms: The first row's time, in milliseconds since the epoch.

    Returns:
        The nearest multiple of the step before, so that windows lie alike whenever a monitor began.
    """
    return time_ms - time_ms % step.ms


def closed(length: Span, step: Span, start_ms: int, watermark_ms: int) -> Iterator[Window]:
    """Windows of time that are over, in order.

    Args:
        length: How long each is.
        step: How far one begins after the other.
        start_ms: Where the first one begins, in milliseconds since the epoch.
        watermark_ms: No row from before is expected any more.

    Yields:
        Each window whose end is not after the watermark.
    """
    while start_ms + length.ms <= watermark_ms:
        yield Window(start_ms, start_ms + length.ms)
        start_ms += step.ms


def holding(length: Span, step: Span, time_ms: int, before_ms: int) -> Iterator[Window]:
    """Windows of time that hold a moment, in order.

    Args:
        length: How long each is.
        step: How far one begins after the other.
        time_ms: The moment, in milliseconds since the epoch.
        before_ms: Only windows that begin before.

    Yields:
        Each of them; none begins before the epoch.
    """
    last = time_ms - time_ms % step.ms
    start_ms = max(0, last - (length.ms - 1) // step.ms * step.ms)
    while start_ms <= last and start_ms < before_ms:
        if start_ms + length.ms > time_ms:
            yield Window(start_ms, start_ms + length.ms)
        start_ms += step.ms


def cut(requests: Iterable[Counted], length: Span, step: Span, after_ms: int) -> tuple[tuple[Window, ...], int]:
    """Cut requests into windows of rows; a request is never cut.

    Args:
        requests: In the order they were stored, from where the first window begins.
        length: Least number of rows of a window.
        step: Least number of rows that one window begins after the other.
        after_ms: The end of the window before, in milliseconds since the epoch: ends never go back, though requests of
            several data planes are stored in any order.

    Returns:
        The windows that are full, and the number of the request with which the next one begins; 0 when it is the one
        that comes next.
    """
    found: list[Window] = []
    begun: list[Counted] = []
    rows = 0
    for request in requests:
        begun.append(request)
        rows += request.rows
        while rows >= length.rows and begun:
            times = [each.time_ms for each in begun]
            after_ms = max(max(times) + 1, after_ms + 1)
            found.append(Window(min(times), after_ms, begun[0].id, begun[-1].id))
            gone = 0
            while begun and gone < step.rows:
                gone += begun.pop(0).rows
            rows -= gone
    return tuple(found), begun[0].id if begun else 0
