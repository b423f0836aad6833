"""What every `Executor` must hold. Run each check with an executor made for it.

@pytest.mark.parametrize("check", CHECKS)
def test_it_is_an_executor(check): check(MyExecutor())
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput, QuarterdeckError, Stopped, TaskFailed, WorkerLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.compute.model import Executor

_MANY = 200
_MEGABYTE = 1 << 20


def doubled(item: int) -> int:
    """Twice a number."""
    return 2 * item


def late(item: int) -> int:
    """A number, the lower the later, so that results come in another order."""
    time.sleep(0.05 if item % 4 == 0 else 0)
    return item


def picky(item: int) -> int:
    """A number, unless it is 13 or 17."""
    if item == 13:
        raise InvalidInput("Thirteen is refused.", hint="Take fourteen.", details={"row": 13})
    if item == 17:
        raise _Unsendable(threading.Lock())
    return item


def closed_in(item: int) -> object:
    """What no process can send."""
    return threading.Lock() if item == 3 else item


def deadly(item: int) -> int:
    """A number, unless it is 5: then the worker dies."""
    if item == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def large(item: int) -> bytes:
    """A megabyte."""
    return bytes([item % 256]) * _MEGABYTE


class _Unsendable(Exception):
    """An error that cannot be pickled."""


def keeps_order(executor: Executor) -> None:
    """Results come in the order of the items, however long each takes."""
    _same(list(executor.map(late, range(40))), list(range(40)))


def gives_as_completed(executor: Executor) -> None:
    """Each result comes once when order is not asked for."""
    _same(sorted(executor.map(late, range(40), ordered=False)), list(range(40)))


def takes_nothing(executor: Executor) -> None:
    """No items: no results."""
    _same(list(executor.map(doubled, [])), [])


def is_used_again(executor: Executor) -> None:
    """One executor maps several times."""
    for size in (3, 0, 7):
        _same(list(executor.map(doubled, range(size))), [2 * each for each in range(size)])


def names_the_item(executor: Executor) -> None:
    """An error says which item it is of, keeps its own words, and leaves the executor of use."""
    failed = _failure(executor, picky, 13)
    _same((failed.message, failed.hint), ("Thirteen is refused.", "Take fourteen."))
    cause = failed.__cause__
    _true(isinstance(cause, InvalidInput) and cause.details == {"row": 13}, "the cause is the error itself")
    _same(list(executor.map(doubled, [1, 2])), [2, 4])


def survives_strange_errors(executor: Executor) -> None:
    """An error that cannot be pickled is told in words."""
    _true("_Unsendable" in _failure(executor, picky, 17).message, "the message names the error")
    _same(list(executor.map(doubled, [1, 2])), [2, 4])


def survives_strange_results(executor: Executor) -> None:
    """A result that cannot be pickled fails for its item where it has to be, and never hangs."""
    try:
        found = list(executor.map(closed_in, range(5)))
    except TaskFailed as failed:
        _same(failed.item, 3)
    else:
        _same(len(found), 5)
    _same(list(executor.map(doubled, [1, 2])), [2, 4])


def tells_progress(executor: Executor) -> None:
    """Progress counts every result."""
    told: list[int] = []
    list(executor.map(doubled, range(10), progress=told.append))
    _same(told, list(range(1, 11)))


def stops(executor: Executor) -> None:
    """A cancelled map ends soon, even of items without end, and the executor is of use afterwards."""
    told: list[int] = []
    seen: list[int] = []
    try:
        seen.extend(executor.map(doubled, itertools.count(), cancelled=lambda: len(told) >= 20, progress=told.append))
    except Stopped:
        _same(told, list(range(1, 21)))
    else:
        raise AssertionError("it ended without a word")
    _same(list(executor.map(doubled, [1, 2])), [2, 4])


def takes_few_ahead(executor: Executor) -> None:
    """Items are taken as they are needed: memory does not grow with their number."""
    taken = 0

    def counted(item: int) -> int:
        nonlocal taken
        taken = item
        return item

    results = executor.map(large, map(counted, range(1, _MANY + 1)))
    for given in range(1, _MANY + 1):
        _same(len(next(results)), _MEGABYTE)
        _true(taken - given <= 4 * executor.workers, f"{taken} items were taken for {given} results")


def is_left_early(executor: Executor) -> None:
    """Who has seen enough just stops asking."""
    results = executor.map(doubled, itertools.count())
    _same([next(results) for _ in range(3)], [0, 2, 4])
    results.close()  # type: ignore[attr-defined] # a generator, as every implementation is
    _same(list(executor.map(doubled, [1])), [2])


def loses_a_worker(executor: Executor) -> None:
    """A killed worker is an error for what it worked on or waited for it, never a hang; the next map works."""
    if executor.shares_memory:
        return
    try:
        list(executor.map(deadly, range(8)))
    except WorkerLost as lost:
        _true(lost.item in range(8), "the error names an item")
    else:
        raise AssertionError("nobody noticed that a worker had died")
    _same(list(executor.map(doubled, [1, 2])), [2, 4])


CHECKS: tuple[Callable[[Executor], None], ...] = (
    keeps_order,
    gives_as_completed,
    takes_nothing,
    is_used_again,
    names_the_item,
    survives_strange_errors,
    survives_strange_results,
    tells_progress,
    stops,
    takes_few_ahead,
    is_left_early,
    loses_a_worker,
)
"""All of them."""


def _failure(executor: Executor, function: Callable[[int], int], item: int) -> TaskFailed:
    try:
        list(executor.map(function, range(30) if item == 13 else range(14, 30)))
    except TaskFailed as failed:
        _same(failed.item, item)
        return failed
    except QuarterdeckError as error:
        raise AssertionError("an error without its item") from error
    raise AssertionError("the error was lost")


def _same(found: Any, wanted: Any) -> None:
    if found != wanted:
        raise AssertionError(f"{found!r} is not {wanted!r}")


def _true(held: bool, what: str) -> None:
    if not held:
        raise AssertionError(f"not so: {what}")
