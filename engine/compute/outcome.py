"""What comes of one item, in a form that every worker can send back."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from engine.core.errors import QuarterdeckError, TaskFailed
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
R = TypeVar("R")

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result, or why there is none.

    Args:
        value: The result, or its pickle.
        error: An error of ours.
        problem: What any other error said; such errors may be of classes that cannot be sent.
    """

    value: Any = None
    error: QuarterdeckError | None = None
    problem: str = ""


class Guarded(Generic[T, R]):
    """A function that gives an outcome instead of raising; it can be pickled when the function can.

    Args:
        function: The function.
        packed: Pickle the result, so that one that cannot be sent is an error of its item.
    """

    def __init__(self, function: Callable[[T], R], *, packed: bool) -> None:
        self._function = function
        self.packed = packed

    def __call__(self, item: T) -> Outcome:
        """Try the function on an item."""
        try:
            value = self._function(item)
            return Outcome(pickle.dumps(value, pickle.HIGHEST_PROTOCOL) if self.packed else value)
        except QuarterdeckError as error:
            return Outcome(error=error)
        except Exception as error:  # noqa: BLE001 the edge of a worker
            return Outcome(problem=described(error))


def described(error: BaseException) -> str:
    """An error in one line.

    Args:
        error: Any error.
    """
    return clean(f"{type(error).__name__}: {error}", limit=_LONGEST)


def value_of(outcome: Outcome, item: Any, *, packed: bool) -> Any:
    """The result in an outcome.

    Args:
        outcome: What came back.
        item: What it is of.
        packed: Whether results come as pickles.

    Raises:
        TaskFailed: there is none.
    """
    if outcome.error is not None:
        raise TaskFailed(outcome.error.message, hint=outcome.error.hint, item=item) from outcome.error
    if outcome.problem:
        raise TaskFailed(f"The work failed: {outcome.problem}", item=item)
    return pickle.loads(outcome.value) if packed else outcome.value  # noqa: S301 our own worker's
