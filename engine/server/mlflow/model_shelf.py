"""Registered models and their versions as MLflow's routes see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound
from engine.deployment.model import Occupants
from engine.registry.intake import Intake
from engine.registry.model import Stage
from engine.server.mlflow.registry_words import Json, pairs, stage_word, worded
from engine.server.mlflow.sources import Named, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.api import Engine
    from engine.registry.model import Model, Version
    from engine.registry.sources import VersionSource
    from engine.server.mlflow.registry_words import Asked

NEWEST_FIRST = ("last_updated_timestamp DESC", "name ASC", "version_number DESC")
"""How MLflow sorts versions when nobody says how."""

_WHY = "stage transition asked for over MLflow's API"


class ModelShelf:
    """Registered models.

    Args:
        engine: The workspace, as the caller may use it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._models = engine.models

    def create(self, name: str, description: str, tags: dict[str, str]) -> Json:
        """Create a model; the other operations are those of `Shelf`."""
        return model_json(self._models.create(name, description, tags=tags), ())

    def register(self, name: str, named: Named, intake: Intake) -> Json:
        """Register the next version of a model that is there."""
        with worded(name):
            self._models.get(name)
        return version_json(self._models.register_from(name, self._source(named), intake))

    def move(self, name: str, number: int, to: Stage, *, archive: bool) -> Json:
        """Move a version to a stage, as far as the policy lets it.

        Args:
            name: The model's name.
            number: The version's number.
            to: The stage.
            archive: Whether the versions that are there leave for the archive.
        """
        with worded(name, number):
            version = self._models.version(name, number)
        promotions = self._engine.promotions
        if version.stage is not to:
            occupants = Occupants.ARCHIVE if archive else Occupants.STAY
            promotions.promote(name, number, to=to, reason=_WHY, occupants=occupants)
        elif archive:
            model = self._models.get(name)
            there = model.production if to is Stage.PRODUCTION else model.staging
            for other in there:
                if other != number:
                    promotions.promote(name, other, to=Stage.ARCHIVED, reason=_WHY)
        return self.version(name, number)

    def get(self, name: str) -> Json:
        """One of them."""
        with worded(name):
            model = self._models.get(name)
        return model_json(model, self._models.newest([model.name]).get(model.name, ()))

    def describe(self, name: str, description: str) -> Json:
        """Change its description."""
        with worded(name):
            self._models.update(name, description=description)
        return self.get(name)

    def rename(self, name: str, new: str) -> Json:
        """Give it another name."""
        with worded(name):
            self._models.rename(name, new)
        return self.get(new)

    def delete(self, name: str) -> None:
        """Remove it with its versions."""
        with worded(name):
            self._models.delete(name)

    def tag(self, name: str, key: str, value: str | None) -> None:
        """Set a tag, or remove it."""
        with worded(name):
            self._models.set_tag(name, key, value)

    def newest(self, name: str, stages: Sequence[Stage]) -> list[Json]:
        """The newest version in each of some stages."""
        with worded(name):
            self._models.get(name)
        found = self._models.newest([name]).get(name, ())
        return [version_json(version) for version in found if not stages or version.stage in stages]

    def version(self, name: str, number: int) -> Json:
        """One version."""
        with worded(name, number):
            return version_json(self._models.version(name, number))

    def by_alias(self, name: str, alias: str) -> Json | None:
        """The version that an alias, or `latest`, names; `None` when it names none."""
        with worded(name):
            model = self._models.get(name)
        number = model.latest if alias.lower() == "latest" else model.aliases.get(alias)
        return None if number is None else version_json(self._models.version(name, number))

    def describe_version(self, name: str, number: int, description: str) -> Json:
        """Change a version's description."""
        with worded(name, number):
            return version_json(self._models.update_version(name, number, description=description))

    def delete_version(self, name: str, number: int) -> None:
        """Remove a version."""
        with worded(name, number):
            self._models.delete_version(name, number)

    def tag_version(self, name: str, number: int, key: str, value: str | None) -> None:
        """Set a version's tag, or remove it."""
        with worded(name, number):
            self._models.set_version_tag(name, number, key, value)

    def alias(self, name: str, alias: str, number: int | None) -> None:
        """Point an alias to a version, or remove it."""
        if number is not None:
            with worded(name, number):
                self._models.set_alias(name, alias, number)
            return
        with worded(name):
            model = self._models.get(name)
        if alias in model.aliases:
            self._models.remove_alias(name, alias)

    def download_uri(self, name: str, number: int) -> str:
        """Where the files are that were registered: what happens to the source afterwards does not change them."""
        with worded(name, number):
            version = self._models.version(name, number)
        if version.size_bytes:
            return f"mlflow-artifacts:/registry/versions/{version.files_id}/artifacts"
        return version.source or _source_text(version)

    def search(self, asked: Asked) -> tuple[list[Json], str | None]:
        """A page of them, and the token of the next."""
        page = self._models.page(asked.filter, asked.order_by, limit=asked.limit, page_token=asked.page_token)
        newest = self._models.newest([model.name for model in page.items])
        return [model_json(model, newest.get(model.name, ())) for model in page.items], page.next_page_token

    def search_versions(self, asked: Asked) -> tuple[list[Json], str | None]:
        """A page of versions, and the token of the next."""
        order = asked.order_by or NEWEST_FIRST
        page = self._models.versions(
            filter=asked.filter, order_by=order, limit=asked.limit, page_token=asked.page_token
        )
        return [version_json(version) for version in page.items], page.next_page_token

    def _source(self, named: Named) -> VersionSource:
        def resolve(reference: str) -> tuple[str, int]:
            try:
                version = self._models.resolve(reference)
            except NotFound as error:
                raise InvalidInput(f"Invalid model version source: '{named.shown}'. {error.message}") from error
            return version.model, version.version

        return source_of(named, resolve)


def model_json(model: Model, newest: Sequence[Version]) -> Json:
    """A registered model.

    Args:
        model: The model.
        newest: Its newest version in each stage.
    """
    found: Json = {
        "name": model.name,
        "creation_timestamp": model.created_ms,
        "last_updated_timestamp": model.updated_ms,
    }
    optional: Json = {
        "description": model.description,
        "latest_versions": [version_json(version) for version in newest],
        "tags": pairs(model.tags),
        "aliases": [{"alias": alias, "version": str(number)} for alias, number in model.aliases.items()],
    }
    return found | {key: value for key, value in optional.items() if value}


def version_json(version: Version) -> Json:
    """A version of a registered model."""
    found: Json = {
        "name": version.model,
        "version": str(version.version),
        "creation_timestamp": version.created_ms,
        "last_updated_timestamp": version.updated_ms,
        "current_stage": stage_word(version.stage),
        "source": version.source or _source_text(version),
        "status": "READY",
    }
    optional: Json = {
        "description": version.description,
        "user_id": version.created_by,
        "run_id": version.run_id,
        "run_link": version.run_link,
        "tags": pairs(version.tags),
        "aliases": list(version.aliases),
    }
    return found | {key: value for key, value in optional.items() if value}


def _source_text(version: Version) -> str:
    """The source of a version that was registered elsewhere than on this wire."""
    if version.model_id:
        return f"models:/{version.model_id}"
    return f"runs:/{version.run_id}/{version.artifact_path}" if version.run_id else ""
