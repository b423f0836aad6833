"""What registering a version takes from its run: the files, the metrics, the parameters, the training data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.artifacts.model import ManifestEntry
from engine.core.errors import Conflict
from engine.registry.model import Signature, Stage, Version
from engine.registry.names import MAX_TEXT, check_tags, check_word

if TYPE_CHECKING:
    from engine.tracking.model import RunDetail
    from engine.tracking.service import Runs

_TRAINING = ("training", "train")


@dataclass(frozen=True, slots=True)
class Intake:
    """What the registering person says of a version.

    Args:
        artifact_path: The file or folder among the run's artifacts.
        flavor: The framework.
        format: The file format.
        signature: What it takes and gives.
        data_digest: Digest of its training data; the run's training input when `None`.
        owner: Who answers for it.
        description: Free text.
        tags: Its tags.
    """

    artifact_path: str
    flavor: str
    format: str
    signature: Signature | None
    data_digest: str | None
    owner: str
    description: str
    tags: Mapping[str, str]

    def check(self) -> None:
        """Refuse what cannot be stored.

        Raises:
            InvalidInput: a text is too long or not valid Unicode, or the signature has columns of one name.
        """
        for what in ("flavor", "format", "owner"):
            check_word(getattr(self, what), what)
        check_word(self.data_digest or "", "data digest")
        check_word(self.description, "description", MAX_TEXT)
        check_tags(self.tags)
        if self.signature is not None:
            Signature.from_json(self.signature.to_json())


Draft = Callable[[int, int, str], Version]
"""Makes the version once its number, the time (milliseconds since the epoch) and the actor's name are known."""


def drafted(runs: Runs, model: str, run_id: str, intake: Intake) -> tuple[tuple[ManifestEntry, ...], Draft]:
    """Read from the run what the version will own.

    Args:
        runs: Where the run is looked up.
        model: The model's name.
        run_id: The run, or an unambiguous beginning of its id.
        intake: What the registering person says.

    Returns:
        The files, and what makes the version from the rest.

    Raises:
        NotFound: there is no such run, or it has no such artifact.
        InvalidInput: a text cannot be stored, or the path is not safe.
        Conflict: the run was deleted.
    """
    intake.check()
    run = runs.get(run_id)
    if run.lifecycle == "deleted":
        raise Conflict(f"Run {run.run_id} was deleted.", hint=f"Bring it back first: qd runs restore {run.run_id}.")
    found = runs.artifact_manifest(run.run_id, intake.artifact_path)
    data_name, data_digest = _training_data(run, intake.data_digest)

    def draft(number: int, now_ms: int, actor: str) -> Version:
        return Version(
            row_id=0,
            model=model,
            version=number,
            stage=Stage.REGISTERED,
            stage_ms=now_ms,
            run_id=run.run_id,
            artifact_path=found.path,
            digest=found.digest,
            size_bytes=found.size_bytes,
            flavor=intake.flavor,
            format=intake.format,
            signature=intake.signature,
            data_name=data_name,
            data_digest=data_digest,
            owner=intake.owner,
            description=intake.description,
            created_ms=now_ms,
            updated_ms=now_ms,
            created_by=actor,
            params=run.params,
            metrics=run.metrics,
            tags=intake.tags,
        )

    return found.entries, draft


def _training_data(run: RunDetail, digest: str | None) -> tuple[str, str]:
    """Name and digest of the data it was trained on: as said, else the training input, else the only one."""
    if digest is not None:
        return next((each.name for each in run.inputs if each.digest == digest), ""), digest
    training = [each for each in run.inputs if each.context.lower() in _TRAINING]
    candidates = training or (list(run.inputs) if len(run.inputs) == 1 else [])
    return (candidates[0].name, candidates[0].digest) if candidates else ("", "")
