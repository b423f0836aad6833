"""Reading baselines inside a caller's view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.drift import store

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot
    from engine.drift.baseline_model import Baseline


def in_force(view: Snapshot, version: int) -> Baseline | None:
    """What a version is compared with: its newest baseline.

    Args:
        view: The caller's transaction or snapshot.
        version: The version's row.

    Returns:
        The baseline; `None` when it has none.
    """
    return store.get(view, version)
