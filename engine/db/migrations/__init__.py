"""Numbered schema changes; each `NNNN_name.sql` runs once; all that are missing are made in one transaction."""

from __future__ import annotations

import os
from pathlib import Path

from engine.core.frozen import frozen

CONTROL = Path(__file__).parent
"""Where the changes of a workspace's control database lie."""

TELEMETRY = CONTROL.parent / "telemetry_migrations"
"""Where those of its telemetry database lie."""


@frozen
class Migration:
    """One schema change.

    Args:
        version: Its number, from 1; the database's `user_version` after it.
        name: The rest of the file's name.
        path: The SQL file.
    """

    version: int
    name: str
    path: Path

    def statements(self) -> str:
        """The SQL to run."""
        return self.path.read_text(encoding="utf-8")


def migrations(folder: Path = CONTROL) -> tuple[Migration, ...]:
    """All schema changes of one database that this program knows, in order.

    Args:
        folder: `CONTROL` or `TELEMETRY`.
    """
    found = []
    for entry in sorted(os.listdir(folder)):  # noqa: PTH208 a third of the time of iterdir, on every start
        number, _, rest = entry.partition("_")
        if number.isdigit() and rest.endswith(".sql"):
            found.append(Migration(int(number), rest.removesuffix(".sql"), folder / entry))
    return tuple(found)
