"""How much of the memory the bodies of all requests may take together: many clients with large ones must not end it."""

from __future__ import annotations

from threading import Lock

from engine.core.errors import Overloaded

MOST_HELD_BYTES = 256 << 20
"""Most bytes of bodies that are read whole and not yet answered, of all requests together."""

UNCOUNTED_BYTES = 64 << 10
"""Bodies up to this length are not counted: as many as there are connections take less than a tenth of that."""

_RETRY_AFTER_S = 1


class Room:
    """What is left for the bodies of requests; safe to use from several threads.

    Args:
        most_bytes: How much there is.
    """

    def __init__(self, most_bytes: int = MOST_HELD_BYTES) -> None:
        self.left_bytes = most_bytes
        self._lock = Lock()

    def take(self, size_bytes: int) -> None:
        """Take some.

        Raises:
            Overloaded: not so much is left.
        """
        with self._lock:
            if size_bytes > self.left_bytes:
                raise Overloaded(
                    "The server has more large requests than it holds at once.",
                    hint="Try again shortly, or send less at once.",
                    details={"retry_after_s": _RETRY_AFTER_S},
                )
            self.left_bytes -= size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Give some back."""
        with self._lock:
            self.left_bytes += size_bytes


class Held:
    """What one request has taken; given back when the request is forgotten, however it ends.

    Args:
        room: Where from.
    """

    __slots__ = ("_room", "_size_bytes")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size_bytes = 0

    def grow(self, to_bytes: int) -> None:
        """Take what is missing.

        Args:
            to_bytes: How much it needs in all.

        Raises:
            Overloaded: not so much is left.
        """
        missing = to_bytes - self._size_bytes
        if to_bytes > UNCOUNTED_BYTES and missing > 0:
            self._room.take(missing)
            self._size_bytes = to_bytes

    def __del__(self) -> None:
        self._room.give_back(self._size_bytes)
