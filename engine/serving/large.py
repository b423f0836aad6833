"""Large requests: worked on beside the event loop, one after the other and in parts, so that small ones go on."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from engine.core.errors import Overloaded, RowRefused
from engine.runtimes.model import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from engine.runtimes.model import Outputs
    from engine.serving.batcher import Batcher

T = TypeVar("T")

LARGE_BYTES = 256 << 10
"""Bodies above this are large."""

MOST = 32
"""Large requests that are under way at most; more are told to come again."""

PART_ROWS = 1_024
"""Rows of a large request that are predicted in one call; between two of them, others have their turn."""

_RETRY_S = 2


class Aside:
    """The thread on which large requests are read and their answers worded; on the event loop's thread alone.

    One thread: two would share the interpreter with the event loop, and each make it wait.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="large")
        self._count = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Count a large request for as long as it is under way.

        Raises:
            Overloaded: there are too many.
        """
        if self._count >= MOST:
            raise Overloaded(
                "More large requests are under way than can be answered soon.",
                hint="Try again later, or send fewer rows at once.",
                details={"retry_after_s": _RETRY_S},
            )
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    async def do(self, work: Callable[[], T]) -> T:
        """Do a piece of work there.

        Args:
            work: Touches nothing that belongs to the event loop.

        Returns:
            What it gave; what it raises is raised here.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


async def predicted_in_parts(batcher: Batcher, rows: Rows) -> list[Outputs]:
    """Have many rows predicted, a part at a time.

    Args:
        batcher: Of the version.
        rows: The rows of one request.

    Returns:
        The outputs of each part, in order.

    Raises:
        Overloaded: too many requests wait for the version.
        RowRefused: the model refuses a row.
        PredictionFailed: the model broke.
    """
    found = []
    for at in range(0, rows.size, PART_ROWS):
        try:
            found.append(await batcher.submit(_part(rows, at)))
        except RowRefused as error:
            raise _counted_on(error, at) from error.__cause__
    return found


def whole(parts: Sequence[Outputs]) -> Outputs:
    """The outputs of all parts in one.

    Args:
        parts: At least one, in order.
    """
    import numpy as np

    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}


def _part(rows: Rows, at: int) -> Rows:
    end = min(at + PART_ROWS, rows.size)
    matrix = None if rows.matrix is None else rows.matrix[at:end]
    return Rows(end - at, matrix, {name: values[at:end] for name, values in rows.columns.items()})


def _counted_on(error: RowRefused, before: int) -> RowRefused:
    """The same refusal with the row's number in the whole request."""
    row: Any = error.details.get("row")
    if not before or type(row) is not int:
        return error
    head, found, tail = error.message.rpartition(f" of row {row} ")
    message = f"{head} of row {row + before} {tail}" if found else error.message
    return RowRefused(message, hint=error.hint, details={**error.details, "row": row + before})
