"""Registered models: from what a source says to what is stored, and the rows that both are compared by."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from engine.artifacts.model import ManifestEntry, safe_path
from engine.core.access import Role
from engine.core.errors import InvalidInput, NotFound, PermissionDenied
from engine.registry.importing import ModelImport, ModelImports, VersionImport
from engine.registry.model import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.api import Engine
    from engine.exchange.comparing import Rows
    from engine.exchange.files import FileIntake
    from engine.exchange.model import SkippedList, SourceModel, SourceVersion
    from engine.exchange.source import Source
    from engine.registry.model import Version
    from engine.tracking.model import Artifact

_UNSTAGED = "None"
_SERVING = (Stage.STAGING, Stage.PRODUCTION)
_OF_A_RUN = "runs:/"
_PAGE = 1_000


class ModelIntake:
    """Stores the models of a source.

    Args:
        engine: The workspace.
        source: Where from.
        files: Stores files; `None` leaves them where they are.
        skipped: Takes what is left out.
    """

    def __init__(self, engine: Engine, source: Source, files: FileIntake | None, skipped: SkippedList) -> None:
        self._engine = engine
        self._source = source
        self._files = files
        self._skipped = skipped
        self._imports = ModelImports(engine.database, engine.access)
        self._may_stage = engine.access.role >= Role.ADMIN

    def prepared(self, model: SourceModel) -> ModelImport:
        """What will be stored of a model; the bytes of its files are stored when this returns."""
        kept = [each for each in model.versions if self._may_import(model.name, each)]
        numbers = {each.number for each in kept}
        policy = self._engine.policy
        aliases = {
            alias: number
            for alias, number in model.aliases.items()
            if number in numbers and (self._may_stage or not policy.protects(alias))
        }
        for alias in model.aliases.keys() - aliases.keys():
            self._skipped.add("alias", f"{model.name}@{alias}", "Only an admin may import what serves.")
        return ModelImport(
            model.name,
            model.created_ms,
            model.updated_ms,
            model.description,
            model.tags,
            aliases,
            tuple(self._version(model.name, each) for each in kept),
        )

    def store(self, model: ModelImport) -> int:
        """Store a model; how many things were new or changed."""
        try:
            return self._imports.import_model(model, self._engine.policy)
        except (InvalidInput, PermissionDenied, NotFound) as error:
            self._skipped.add("model", model.name, error.message)
            return 0

    def rows_here(self, name: str) -> Rows | None:
        """The canonical rows of a model as it is here; `None` when it is not."""
        try:
            found = self._engine.models.get(name)
        except NotFound:
            return None
        versions = [self._version_here(each) for each in self._versions(name)]
        return model_rows(
            ModelImport(
                name, found.created_ms, found.updated_ms, found.description, found.tags, found.aliases, versions
            )
        )

    def _version_here(self, each: Version) -> VersionImport:
        return VersionImport(
            number=each.version,
            stage=each.stage,
            created_ms=each.created_ms,
            updated_ms=each.updated_ms,
            run_id=each.run_id,
            source=each.source,
            model_id=each.model_id,
            run_link=each.run_link,
            created_by=each.created_by,
            description=each.description,
            tags=each.tags,
            files=self._engine.models.files(each.model, each.version),
            artifact_path=each.artifact_path,
        )

    def _versions(self, name: str) -> Iterator[Version]:
        token: str | None = None
        while True:
            page = self._engine.models.versions(name, limit=_PAGE, page_token=token)
            yield from page.items
            token = page.next_page_token
            if token is None:
                return

    def _may_import(self, name: str, version: SourceVersion) -> bool:
        if self._may_stage or _stage(version.stage) not in _SERVING:
            return True
        self._skipped.add("version", f"{name}/{version.number}", "Only an admin may import what serves.")
        return False

    def _version(self, name: str, each: SourceVersion) -> VersionImport:
        params, metrics = self._values(each.run_id)
        stage = _stage(each.stage)
        if stage is None:
            self._skipped.add("stage", f"{name}/{each.number}", f"There is no stage called {each.stage[:60]}.")
        return VersionImport(
            number=each.number,
            stage=stage or Stage.REGISTERED,
            created_ms=each.created_ms,
            updated_ms=each.updated_ms,
            run_id=each.run_id,
            source=each.source,
            model_id=each.model_id,
            run_link=each.run_link,
            created_by=each.user,
            description=each.description,
            tags=each.tags,
            files=self._stored_files(f"{name}/{each.number}", each),
            artifact_path=_artifact_path(each),
            params=params,
            metrics=metrics,
        )

    def _values(self, run_id: str | None) -> tuple[dict[str, str], dict[str, float]]:
        if run_id is None:
            return {}, {}
        found = self._engine.runs.export_runs([run_id])
        return dict(found[0].params) if found else {}, self._engine.runs.latest_values([run_id]).get(run_id, {})

    def _stored_files(self, key: str, each: SourceVersion) -> Sequence[ManifestEntry]:
        if self._files is None:
            return ()
        if each.run_id is not None and each.root.startswith(_OF_A_RUN):
            return self._files_of_run(key, each.run_id, _artifact_path(each))
        tree = self._source.tree(each.root)
        if isinstance(tree, str):
            self._skipped.add("files", key, tree)
            return ()
        return _entries(self._files.stored(key, tree))

    def _files_of_run(self, key: str, run_id: str, path: str) -> Sequence[ManifestEntry]:
        try:
            return self._engine.runs.artifact_manifest(run_id, path).entries
        except (NotFound, InvalidInput) as error:
            self._skipped.add("files", key, error.message)
            return ()


def model_rows(model: ModelImport) -> Rows:
    """The canonical rows of a model."""
    versions = sorted(model.versions, key=lambda each: each.number)
    return {
        "models": [[model.name, model.description]],
        "model tags": sorted([key, value] for key, value in model.tags.items()),
        "aliases": sorted([alias, number] for alias, number in model.aliases.items()),
        "versions": [_version_row(each) for each in versions],
        "version tags": [[each.number, key, value] for each in versions for key, value in sorted(each.tags.items())],
        "version files": sorted(
            [each.number, file.path, file.digest, file.size_bytes] for each in versions for file in each.files
        ),
    }


def _version_row(each: VersionImport) -> list[object]:
    made = [each.created_ms, each.run_id, each.source, each.model_id, each.run_link]
    return [each.number, each.stage.value, *made, each.description]


def _entries(files: Sequence[Artifact]) -> tuple[ManifestEntry, ...]:
    return tuple(ManifestEntry(file.path, file.digest, file.size_bytes) for file in files)


def _stage(word: str) -> Stage | None:
    if word == _UNSTAGED:
        return Stage.REGISTERED
    try:
        return Stage.parse(word)
    except InvalidInput:
        return None


def _artifact_path(each: SourceVersion) -> str:
    """Where a version's files lie among its run's artifacts; empty when that is not told."""
    for address in (each.source, each.root):
        _, found, path = address.partition(f"{each.run_id}/artifacts/")
        if not found and address.startswith(_OF_A_RUN):
            _, found, path = address.removeprefix(_OF_A_RUN).partition("/")
        if found:
            try:
                return safe_path(unquote(path))
            except InvalidInput:
                return ""
    return ""
