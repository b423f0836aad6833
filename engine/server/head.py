"""A request's head as the gate reads it: each header by one look-up, and which ones were said twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Head:
    """The headers of a request.

    Args:
        raw: Names in lower case and values, as they came.
    """

    __slots__ = ("_raw", "_values")

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._raw = raw
        self._values = dict(raw)

    def get(self, name: bytes) -> str | None:
        """The value of a header, the last one when it was said twice; `None` when it was not said."""
        value = self._values.get(name)
        return None if value is None else value.decode("latin-1")

    def twice(self, name: bytes) -> bool:
        """Whether a header was said more than once, which is how one is smuggled past whoever reads the other."""
        return len(self._values) != len(self._raw) and sum(each == name for each, _ in self._raw) > 1
