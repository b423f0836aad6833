"""What a monitor remembers from window to window: parts, each bytes, kept together with what was found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


SINCE = "since"
"""The part that says when a monitor began to look as it does now, in milliseconds since the epoch."""

FILES_SINCE = "files since"
"""The part that says which files a back-test leaves out: those that changed before, in milliseconds since the epoch."""


class Memory:
    """Parts by name; what changes is told apart, so that only that is stored.

    Args:
        parts: What is stored.
    """

    def __init__(self, parts: Mapping[str, bytes] | None = None) -> None:
        self._parts = dict(parts or {})
        self._changed: dict[str, None] = {}

    def get(self, part: str) -> bytes | None:
        """A part; `None` when nothing was kept under that name."""
        return self._parts.get(part)

    def put(self, part: str, content: bytes) -> None:
        """Keep a part."""
        if self._parts.get(part) != content:
            self._parts[part] = content
            self._changed[part] = None

    def drop(self, part: str) -> None:
        """Forget a part."""
        if self._parts.pop(part, None) is not None:
            self._changed[part] = None

    def named(self, beginning: str) -> Iterator[str]:
        """Names of parts that begin so; what is kept or dropped meanwhile changes nothing."""
        return iter([part for part in self._parts if part.startswith(beginning)])

    def said(self, part: str, fallback: Any) -> Any:
        """A part that is JSON.

        Args:
            part: Its name.
            fallback: What stands for one that was never kept.

        Returns:
            The value.
        """
        found = self.get(part)
        return fallback if found is None else json.loads(found)

    def say(self, part: str, value: Any) -> None:
        """Keep a JSON value as a part."""
        self.put(part, json.dumps(value, separators=(",", ":"), sort_keys=True).encode())

    def changed(self) -> dict[str, bytes | None]:
        """The parts that changed since this was last asked; `None` for what was dropped."""
        found = {part: self._parts.get(part) for part in self._changed}
        self._changed.clear()
        return found
