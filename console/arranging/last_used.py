"""The arrangement last used of each resource, remembered between sessions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from console.arranging.files import read_text, replace_text, sole_writer
from console.arranging.keeping import SavedView, from_plain, to_plain
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

FILE = "arrangements.json"


class LastUsed:
    """Arrangements by resource.

    Args:
        folder: What the console remembers.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def of(self, resource: str) -> SavedView:
        """The one last used; the usual one when none is remembered or the file is broken: it is only a memory."""
        return from_plain(self._all().get(resource))

    def keep(self, resource: str, view: SavedView) -> None:
        """Remember one; a file that cannot be written is done without.

        Args:
            resource: The resource's name.
            view: What to remember.
        """
        try:
            with sole_writer(self._path):
                kept = {**self._all(), resource: to_plain(view.usual)}
                replace_text(
                    self._path, json.dumps({name: each for name, each in kept.items() if each}, indent=1) + "\n"
                )
        except InvalidInput:
            return

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(read_text(self._path) or "{}")
        except (InvalidInput, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}
