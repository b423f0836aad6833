"""What goes wrong again and again on a thread that has to go on, said once."""

from __future__ import annotations

import sys

from engine.core.text import clean


class Complaints:
    """Says on stderr what kept a thread from its work, each kind of it once."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()

    def say(self, who: str, error: Exception) -> None:
        """Say what went wrong, unless this was said of it before.

        Args:
            who: Whose work it was.
            error: What it raised.
        """
        kind = type(error).__name__
        if (who, kind) not in self._said:
            self._said.add((who, kind))
            sys.stderr.write(clean(f"{who} goes on after {kind}: {error}", limit=500) + "\n")
