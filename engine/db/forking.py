"""Keeps SQLite out of forks: a process stands still, with no connection open, at the moment it is copied.

SQLite counts its locks per process. A child that inherits an open connection believes in locks that only its parent
holds; when the parent then closes the file, the child goes on writing into a log that has been deleted. So every
connection of ours is closed before a fork, and opened again, by whoever needs it, after it.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from engine.core.errors import WorkspaceError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

PATIENCE_S = 10.0
"""How long a fork waits for reads and writes in other threads to end."""


class Holder(Protocol):
    """Something that keeps connections open while nobody uses them."""

    def let_go(self) -> None:
        """Close the connections that are not in use; the next use opens new ones."""


class _Traffic:
    """Counts the uses of SQLite that are under way in this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # taken as it is where nobody waits: a condition's own way costs three times it
        self._changed = threading.Condition(self._lock)
        self._depth = threading.local()
        self._under_way = 0
        self._forking = False
        self._still = True
        self._inherited = False
        self._holders: WeakSet[Holder] = WeakSet()

    def join(self, holder: Holder) -> None:
        with self._changed:
            self._holders.add(holder)

    def begin(self) -> None:
        depth: int = getattr(self._depth, "value", 0)
        with self._lock:
            if self._inherited:
                raise WorkspaceError(
                    "This process was forked in the middle of a read or write and cannot use the workspace.",
                    hint="Fork before or after it, or start workers with the 'spawn' method.",
                )
            while self._forking and not depth:  # who is inside already must be let through, or the fork waits for ever
                self._changed.wait()
            self._under_way += 1
        self._depth.value = depth + 1

    def end(self) -> None:
        self._depth.value -= 1
        with self._lock:
            self._under_way -= 1
            if self._forking:
                self._changed.notify_all()

    def before_fork(self) -> None:
        self._changed.acquire()
        self._forking = True
        own: int = getattr(self._depth, "value", 0)
        self._changed.wait_for(lambda: self._under_way == own, PATIENCE_S)
        self._still = self._under_way == 0
        for holder in list(self._holders) if self._still else ():
            holder.let_go()

    def after_in_parent(self) -> None:
        self._forking = False
        self._changed.notify_all()
        self._changed.release()

    def after_in_child(self) -> None:
        # The other threads do not exist here, nor will they ever end what they began.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._forking = False
        self._inherited = self._inherited or not self._still


_traffic = _Traffic()
os.register_at_fork(
    before=_traffic.before_fork,
    after_in_parent=_traffic.after_in_parent,
    after_in_child=_traffic.after_in_child,
)


def close_before_fork(holder: Holder) -> None:
    """Have a holder let go of its connections whenever this process is about to fork."""
    _traffic.join(holder)


class _Use:
    """What `in_use` gives."""

    __slots__ = ()

    def __enter__(self) -> None:
        _traffic.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _traffic.end()


_use = _Use()


def in_use() -> AbstractContextManager[None]:
    """Mark a use of SQLite; a fork waits for its end.

    Returns:
        A context manager that raises `WorkspaceError` when this process is the child of a fork that could not wait.
    """
    return _use
