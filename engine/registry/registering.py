"""Registering: models come to be, and versions from whatever holds their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING

from engine.artifacts.model import manifest
from engine.audit.service import record
from engine.core.access import Access, Role
from engine.core.errors import Conflict, NotFound
from engine.core.keys import is_system
from engine.registry import lookup, model_store, packaging, store
from engine.registry.intake import NOTHING_ADDED, Intake, drafted
from engine.registry.model import Model, Signature, Version
from engine.registry.names import MAX_TEXT, check_model_name, check_tags, check_word
from engine.registry.reading import ModelReading
from engine.registry.sources import MAX_WORDING, CopySource, LoggedSource, Origin, RunSource, VersionSource
from engine.tracking.model import DatasetInput

if TYPE_CHECKING:
    from engine.artifacts.files import Files
    from engine.artifacts.model import Manifest
    from engine.artifacts.store import ArtifactStore
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Transaction
    from engine.tracking.logged_model_model import LoggedModel, RunModel
    from engine.tracking.logged_models import LoggedModels
    from engine.tracking.model import RunDetail
    from engine.tracking.redaction import Redaction
    from engine.tracking.service import Runs

_NO_TAGS: Mapping[str, str] = {}


class Registering(ModelReading):
    """Creates models and registers versions.

    Args:
        database: The control database.
        access: Who acts, with which role.
        runs: Where versions come from.
        artifacts: The bytes of their files.
        clock: Tells the present, for ages in filters.
        logged_models: Where else versions come from.
        redaction: Replaces secrets in tags.
    """

    def __init__(  # noqa: PLR0913 the composition root alone calls it; each is one thing it stands on
        self,
        database: Database,
        access: Access,
        runs: Runs,
        artifacts: ArtifactStore,
        clock: Clock,
        *,
        logged_models: LoggedModels,
        redaction: Redaction | None = None,
    ) -> None:
        super().__init__(database, runs, artifacts, clock)
        self._access = access
        self._logged_models = logged_models
        self._redaction = redaction

    @property
    def version_files(self) -> Files:
        """The files of versions, as files below anything are read; the owner's id is a version's `files_id`."""
        from engine.artifacts.files import Files  # only a download needs them
        from engine.registry.version_files import VERSIONS_OWN

        return Files(VERSIONS_OWN, self._database, self._access, self._artifacts)

    def create(self, name: str, description: str = "", owner: str = "", tags: Mapping[str, str] = _NO_TAGS) -> Model:
        """Create a model without versions.

        Args:
            name: Its name: visible characters, no `/`, `@` or `:`.
            description: Free text.
            owner: Who answers for it.
            tags: Its tags.

        Returns:
            The model.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no writer.
            InvalidInput: a text cannot be stored, or the name cannot be one.
            AlreadyExists: a model or a prompt has the name.
        """
        actor = self._access.require(Role.WRITER, "models create")
        check_model_name(name)
        check_texts(description, owner)
        kept = self._kept(tags)
        with self._database.transaction(actor) as tx:
            lookup.refuse_taken(tx, name)
            _create(tx, name, description, owner, kept)
            return lookup.model(tx, name)

    def register(  # noqa: PLR0913 each is one fact of a version; all but two have defaults
        self,
        model: str,
        *,
        run_id: str,
        artifact_path: str = "model",
        flavor: str = "",
        format: str = "",  # noqa: A002 the field's word
        signature: Signature | None = None,
        data_digest: str | None = None,
        owner: str = "",
        description: str = "",
        tags: Mapping[str, str] = _NO_TAGS,
    ) -> Version:
        """Register what a run made as the next version of a model: `register_from` for the usual source.

        Args:
            model: The model's name.
            run_id: The run that made it, or an unambiguous beginning of its id.
            artifact_path: The file or folder among the run's artifacts.
            flavor: The framework, such as `sklearn`; what the files say when empty.
            format: The file format, such as `skops`; what the files say when empty.
            signature: What it takes and gives; what the files say when `None`.
            data_digest: Digest of its training data; the run's training input when `None`.
            owner: Who answers for it.
            description: Free text.
            tags: Its tags.

        Returns:
            The version, in the stage Registered.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no writer.
            NotFound: there is no such run, or it has no such artifact.
            InvalidInput: a text cannot be stored, the name cannot be one, or the path is not safe.
            AlreadyExists: a prompt has the model's name.
            Conflict: the run was deleted.
            IntegrityError: the stored bytes of what the files say of themselves are missing or have changed.
        """
        intake = Intake(flavor, format, signature, data_digest, owner, description, dict(tags))
        return self.register_from(model, RunSource(run_id, artifact_path), intake)

    def register_from(self, model: str, source: VersionSource, intake: Intake = NOTHING_ADDED) -> Version:
        """Register what a source holds as the next version of a model; the model is created when there is none.

        The version owns a copy of the list of files, the metrics and the parameters: what happens to the source
        afterwards does not change it.

        Args:
            model: The model's name.
            source: Where its files are.
            intake: What there is to say of it besides.

        Returns:
            The version, in the stage Registered.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no writer.
            NotFound: there is no such source, or it has no such file.
            InvalidInput: a text cannot be stored, the name cannot be one, or the path is not safe.
            AlreadyExists: a prompt has the model's name.
            Conflict: the run was deleted.
            IntegrityError: the stored bytes of what the files say of themselves are missing or have changed.
        """
        actor = self._access.require(Role.WRITER, "models register")
        check_model_name(model)
        intake.check()
        intake = replace(intake, tags=self._kept(intake.tags)) if intake.tags else intake
        files, draft = drafted(model, self._origin(source), intake)
        with self._database.transaction(actor) as tx:
            found = model_store.model(tx, model)
            if found is None:
                lookup.refuse_taken(tx, model)
            model_id = _create(tx, model, "", "", _NO_TAGS) if found is None else found.row_id
            version = draft(store.next_number(tx, model), tx.now_ms, actor.name)
            store.insert_version(tx, model_id, version, files)
            model_store.touch(tx, model)
            record(tx, verb="register", kind="version", key=version.key, before=None, after=version_facts(version))
            tx.emit(kind="version", change="created", key=version.key)
            if found is not None:
                tx.emit(kind="model", change="changed", key=model)
            return lookup.version(tx, model, version.version)

    def _kept(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Tags as they may be kept: checked, and without secrets."""
        check_tags(tags)
        if not tags:
            return tags
        from engine.tracking.redaction import Redaction  # most have no tags

        return (self._redaction or Redaction()).pairs(tags)

    def _origin(self, source: VersionSource) -> Origin:
        check_word(source.wording, "source", MAX_WORDING)
        if isinstance(source, CopySource):
            return self._copied(source)
        if isinstance(source, LoggedSource):
            return self._logged(source)
        run = self._run(source.run_id)
        try:
            found = self._runs.files.manifest(run.run_id, source.path)
        except NotFound:
            logged = _newest(self._logged_models.of_run(run.run_id), source.path)
            if logged is not None:
                return self._logged(LoggedSource(logged.model_id, run.run_id, wording=source.wording))
            if not source.may_be_empty:
                raise
            found = manifest(source.path, (), is_dir=True)
        return self._made_by(run, found, source.wording)

    def _logged(self, source: LoggedSource) -> Origin:
        logged = self._logged_models.get(source.model_id)
        try:
            found = self._logged_models.manifest(logged.model_id, source.path)
        except NotFound:
            if not source.may_be_empty:
                raise
            found = manifest(source.path, (), is_dir=True)
        run_id = source.run_id or logged.run_id
        if run_id:
            return self._made_by(self._run(run_id), found, source.wording, model_id=logged.model_id)
        return Origin(
            None,
            logged.model_id,
            found.path,
            found.digest,
            found.size_bytes,
            found.entries,
            params=logged.params,
            metrics={each.key: each.value for each in logged.metrics},
            package=self._package(found),
            wording=source.wording,
        )

    def _run(self, run_id: str) -> RunDetail:
        run = self._runs.get(run_id)
        if run.lifecycle == "deleted":
            raise Conflict(f"Run {run.run_id} was deleted.", hint=f"Bring it back first: qd runs restore {run.run_id}.")
        return run

    def _made_by(self, run: RunDetail, found: Manifest, wording: str, model_id: str | None = None) -> Origin:
        return Origin(
            run.run_id,
            model_id,
            found.path,
            found.digest,
            found.size_bytes,
            found.entries,
            params=run.params,
            metrics={key: value for key, value in run.metrics.items() if not is_system(key)},
            inputs=run.inputs,
            package=self._package(found),
            wording=wording,
        )

    def _copied(self, source: CopySource) -> Origin:
        with self._database.snapshot() as view:
            version = lookup.version(view, source.model, source.version)
            files = store.files(view, version.row_id)
        data = (DatasetInput(version.data_name, version.data_digest),) if version.data_digest else ()
        return Origin(
            version.run_id,
            version.model_id,
            version.artifact_path,
            version.digest,
            version.size_bytes,
            files,
            params=version.params,
            metrics=version.metrics,
            inputs=data,
            package=packaging.Package(version.flavor, version.format, version.signature),
            wording=source.wording or version.source,
        )

    def _package(self, found: Manifest) -> packaging.Package:
        """What the files say of themselves, as far as it can be read."""
        file = next((each for each in found.entries if each.path == packaging.FILE), None)
        if file is None or file.size_bytes > packaging.MAX_BYTES:
            return packaging.NOTHING_SAID
        with self._artifacts.open(file.digest) as stream:
            return packaging.read_package(stream.read())


def _newest(beside: Sequence[RunModel], name: str) -> LoggedModel | None:
    """The model of that name that its run logged last, by its own steps."""
    named = [
        (each.step, each.model.created_ms, each.model.row_id, each.model)
        for each in beside
        if each.role == "output" and each.model is not None and each.model.name == name
    ]
    return max(named, key=itemgetter(0, 1, 2))[3] if named else None


def check_texts(description: str, owner: str) -> None:
    """Let a description and an owner pass.

    Raises:
        InvalidInput: one of them is too long or not valid Unicode.
    """
    check_word(description, "description", MAX_TEXT)
    check_word(owner, "owner")


def version_facts(version: Version) -> dict[str, object]:
    """What the audit log keeps of a version that comes or goes."""
    return {
        "stage": version.stage.value,
        "digest": version.digest,
        "size_bytes": version.size_bytes,
        "run_id": version.run_id,
        "model_id": version.model_id,
        "source": version.source,
        "artifact_path": version.artifact_path,
        "data_digest": version.data_digest,
        "owner": version.owner,
        "description": version.description,
        "tags": version.tags,
    }


def _create(tx: Transaction, name: str, description: str, owner: str, tags: Mapping[str, str]) -> int:
    row_id = model_store.insert_model(tx, name=name, description=description, owner=owner)
    for key, value in tags.items():
        model_store.set_tag(tx, row_id, key, value)
    after = {"name": name, "description": description, "owner": owner, "tags": dict(tags)}
    record(tx, verb="create", kind="model", key=name, before=None, after=after)
    tx.emit(kind="model", change="created", key=name)
    return row_id
