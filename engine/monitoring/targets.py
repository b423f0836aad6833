"""Targets: which requests, or which files, a monitor looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.frozen import frozen
from engine.monitoring.captured_store import Range
from engine.monitoring.model import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.monitoring.captured_store import OriginRow

ANSWERING = ("live", "canary")
"""What callers are answered by; a shadow is asked the same, and answers nobody."""


@frozen
class Target:
    """A target as its parts.

    Args:
        kind: `endpoint`, `stage` or `files`.
        name: The endpoint's or the model's name, or the glob.
    """

    kind: str
    name: str


def target_of(text: str) -> Target:
    """Take a target apart.

    Args:
        text: As settings say it: `endpoint NAME`, `MODEL@production` or `files GLOB`.
    """
    kind, _, rest = text.partition(" ")
    if rest and kind in ("endpoint", "files"):
        return Target(kind, rest)
    return Target("stage", text.rpartition("@")[0])


@frozen
class Followed:
    """One version's requests.

    Args:
        subject: The version, and where it answers.
        range: Its requests.
        names: Names of the values of a row, by the number of who answered.
    """

    subject: Subject
    range: Range
    names: Mapping[int, tuple[str, ...]]


def followed(
    found: Iterable[OriginRow], upto: tuple[int, int], names: dict[int, str], wanted: Sequence[int] | None
) -> tuple[Followed, ...]:
    """Tell versions apart.

    Args:
        found: Who answered.
        upto: The greatest numbers of a prediction and of a label that are known.
        names: Endpoints' names by row id; who answered for another one is left out.
        wanted: Version numbers; `None` for all.

    Returns:
        One entry for each version, endpoint and share, by them; a stage's version is one entry over its endpoints.
    """
    groups: dict[Subject, list[OriginRow]] = {}
    for row in found:
        if row.endpoint not in names or (wanted is not None and row.version not in wanted):
            continue
        endpoint, share = (names[row.endpoint], row.share) if wanted is None else ("", "live")
        groups.setdefault(Subject(row.model, row.version, endpoint, share), []).append(row)
    return tuple(
        Followed(
            subject,
            Range(
                tuple(sorted({row.endpoint for row in rows})),
                tuple(row.id for row in rows),
                *upto,
            ),
            {row.id: row.names for row in rows},
        )
        for subject, rows in sorted(groups.items(), key=lambda pair: (pair[0].key, pair[0].endpoint, pair[0].share))
    )
