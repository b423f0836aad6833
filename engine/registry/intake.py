"""What registering a version takes: the files and facts of its source, and what the registering person says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.artifacts.model import ManifestEntry
from engine.registry.model import Signature, Stage, Version
from engine.registry.names import MAX_TEXT, check_tags, check_word

if TYPE_CHECKING:
    from engine.registry.sources import Origin


@dataclass(frozen=True, slots=True)
class Intake:
    """What the registering person says of a version.

    Args:
        flavor: The framework; what the files say when empty.
        format: The file format; what the files say when empty.
        signature: What it takes and gives; what the files say when `None`.
        data_digest: Digest of its training data; the run's training input when `None`.
        owner: Who answers for it.
        description: Free text.
        tags: Its tags.
        run_link: Where the run is shown that made it, when that is elsewhere; may be empty.
    """

    flavor: str = ""
    format: str = ""
    signature: Signature | None = None
    data_digest: str | None = None
    owner: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    run_link: str = ""

    def check(self) -> None:
        """Refuse what cannot be stored.

        Raises:
            InvalidInput: a text is too long or not valid Unicode, or the signature has columns of one name.
        """
        for what in ("flavor", "format", "owner"):
            check_word(getattr(self, what), what)
        check_word(self.data_digest or "", "data digest")
        check_word(self.description, "description", MAX_TEXT)
        check_word(self.run_link, "run link")
        check_tags(self.tags)
        if self.signature is not None:
            Signature.from_json(self.signature.to_json())


NOTHING_ADDED = Intake()
"""The source speaks for itself."""

Draft = Callable[[int, int, str], Version]
"""Makes the version once its number, the time (milliseconds since the epoch) and the actor's name are known."""


def drafted(model: str, origin: Origin, intake: Intake) -> tuple[tuple[ManifestEntry, ...], Draft]:
    """Put together what a version will own.

    Args:
        model: The model's name.
        origin: What its source holds.
        intake: What the registering person says; it goes before what the files say.

    Returns:
        The files, and what makes the version from the rest.
    """
    data_name, data_digest = origin.training_data(intake.data_digest)

    def draft(number: int, now_ms: int, actor: str) -> Version:
        return Version(
            row_id=0,
            model=model,
            version=number,
            stage=Stage.REGISTERED,
            stage_ms=now_ms,
            run_id=origin.run_id,
            artifact_path=origin.path,
            digest=origin.digest,
            size_bytes=origin.size_bytes,
            flavor=intake.flavor or origin.package.flavor,
            format=intake.format or origin.package.format,
            signature=intake.signature or origin.package.signature,
            data_name=data_name,
            data_digest=data_digest,
            owner=intake.owner,
            description=intake.description,
            created_ms=now_ms,
            updated_ms=now_ms,
            created_by=actor,
            source=origin.wording,
            model_id=origin.model_id,
            run_link=intake.run_link,
            params=origin.params,
            metrics=origin.metrics,
            tags=intake.tags,
        )

    return origin.files, draft
