"""SQL of profiles by minute, hour and day in the telemetry database, and how far requests were counted into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.db.transaction import Snapshot, Transaction

STEPS_S = (86_400, 3_600, 60)
"""The lengths that are kept, in seconds, longest first."""


class StepKey(NamedTuple):
    """Whose profiles.

    Args:
        endpoint: The endpoint's row id.
        model: The model's name.
        version: The version's number.
        layout: The digest of the layout they are counted by.
        share: What the version got of the requests.
    """

    endpoint: int
    model: str
    version: int
    layout: str
    share: str


def progress(view: Snapshot, key: StepKey) -> int:
    """The number of the last request that was counted; 0 when none was."""
    row = view.execute(
        """SELECT last_id FROM profile_progress
           WHERE endpoint = ? AND model = ? AND version = ? AND layout = ? AND part = ?""",
        (*key[:4], key.share),
    ).fetchone()
    return 0 if row is None else int(row[0])


def put_progress(tx: Transaction, key: StepKey, last_id: int) -> None:
    """Note how far requests were counted."""
    tx.execute(
        """INSERT INTO profile_progress (endpoint, model, version, layout, part, last_id) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (endpoint, model, version, layout, part) DO UPDATE SET last_id = excluded.last_id""",
        (*key[:4], key.share, last_id),
    )


def step(view: Snapshot, key: StepKey, step_s: int, start_s: int) -> bytes | None:
    """One profile; `None` when nothing was counted then."""
    row = view.execute(
        """SELECT profile FROM profile_step WHERE endpoint = ? AND model = ? AND version = ? AND layout = ?
           AND segment = '' AND step_s = ? AND start_s = ? AND share = ?""",
        (*key[:4], step_s, start_s, key.share),
    ).fetchone()
    return None if row is None else bytes(row[0])


def put_step(tx: Transaction, key: StepKey, step_s: int, start_s: int, found: tuple[int, bytes]) -> None:
    """Store one profile, with how many rows it holds, in the place of the one that was there."""
    tx.execute(
        """INSERT OR REPLACE INTO profile_step
           (endpoint, step_s, start_s, model, version, share, segment, layout, rows, profile)
           VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, ?)""",
        (key.endpoint, step_s, start_s, key.model, key.version, key.share, key.layout, *found),
    )


def forget(tx: Transaction, step_s: int, before_s: int, limit: int) -> int:
    """Delete some profiles of one length that began before a time; returns how many."""
    return tx.execute(
        """DELETE FROM profile_step WHERE (endpoint, model, version, layout, segment, step_s, start_s, share) IN
           (SELECT endpoint, model, version, layout, segment, step_s, start_s, share FROM profile_step
            WHERE step_s = ? AND start_s < ? LIMIT ?)""",
        (step_s, before_s, limit),
    ).rowcount


def between(view: Snapshot, key: StepKey, places: Iterable[tuple[int, int]]) -> list[bytes]:
    """Profiles by length and beginning, in seconds; those of times without rows are left out."""
    found = (step(view, key, step_s, start_s) for step_s, start_s in places)
    return [each for each in found if each is not None]
