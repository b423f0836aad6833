"""What the registry, which knows no endpoints and no batches, asks for its lineages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.endpoints import holding
from engine.registry.lineage import MAX_NODES, Batch
from engine.scoring import store

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot
    from engine.scoring.model import Scoring

_MOST = MAX_NODES + 1
"""One more than is shown, so that the walk notices when some are left out."""


class BeyondRegistry:
    """Endpoints and batches of predictions, as a lineage asks for them."""

    def serving(self, view: Snapshot, model: str, number: int) -> tuple[tuple[str, str], ...]:
        """The endpoints that have a version loaded, each with what it gets."""
        return holding.serving(view, model, number)

    def batch(self, view: Snapshot, number: int) -> Batch | None:
        """The batch of that number."""
        found = store.get(view, number)
        return None if found is None else _batch(found)

    def batches_by(self, view: Snapshot, model: str, number: int) -> tuple[Batch, ...]:
        """The batches that a version answered, the newest first."""
        return tuple(map(_batch, store.by_version(view, model, number, limit=_MOST)))

    def batches_of(self, view: Snapshot, digest: str) -> tuple[Batch, ...]:
        """The batches that read a file of that digest, the newest first."""
        return tuple(map(_batch, store.by_input(view, digest, limit=_MOST)))


def _batch(found: Scoring) -> Batch:
    detail = f"{found.state.value}, {found.rows:,} rows"
    if found.input_files > len(found.inputs):
        detail += f" of {found.input_files:,} files, {len(found.inputs)} of them named"
    inputs = tuple((each.digest, each.path) for each in found.inputs)
    return Batch(found.id, found.model, found.version, inputs, found.output, detail)
