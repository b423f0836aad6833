"""Storing models and versions from another registry as they are: numbers, stages, times, aliases and tags.

What another registry had in Production is a fact, not a promotion: no gate is asked and no approval is used. So only an
admin may import versions that stand in Staging or Production, or protected aliases, and the audit log calls it an
import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.artifacts.model import Manifest, ManifestEntry, manifest
from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.registry import import_store, lookup, model_store, store
from engine.registry.approval_reading import protecting
from engine.registry.model import Stage, Version
from engine.registry.names import MAX_TEXT, check_alias, check_model_name, check_tags, check_word
from engine.registry.stages import write_alias

if TYPE_CHECKING:
    from engine.core.access import Access
    from engine.db.database import Database
    from engine.db.transaction import Transaction
    from engine.policy.model import Policy

VERSIONS_PER_TRANSACTION = 100
_SERVING = (Stage.STAGING, Stage.PRODUCTION)


@dataclass(frozen=True, slots=True)
class VersionImport:
    """A version from elsewhere, to be stored as it is.

    Args:
        number: Its number, from 1.
        stage: Where it stands.
        created_ms: When it was registered, in milliseconds since the epoch.
        updated_ms: When it last changed; taken for when it entered its stage.
        run_id: The run that made it, or `None`.
        source: Where its files came from, in the other registry's words.
        model_id: The logged model it was made from, or `None`.
        run_link: Where its run is shown; may be empty.
        created_by: Who registered it; the importing actor when empty.
        description: Free text.
        tags: Its tags.
        files: Its files, whose bytes are stored; none when they could not be reached, and then no gate will pass it.
        artifact_path: Where they lay among the run's artifacts; may be empty.
        params: The run's parameters.
        metrics: The run's latest metrics.
    """

    number: int
    stage: Stage
    created_ms: int
    updated_ms: int
    run_id: str | None = None
    source: str = ""
    model_id: str | None = None
    run_link: str = ""
    created_by: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[ManifestEntry] = ()
    artifact_path: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelImport:
    """A model from elsewhere, to be stored as it is.

    Args:
        name: Its name.
        created_ms: When it was made, in milliseconds since the epoch.
        updated_ms: When it was last changed.
        description: Free text.
        tags: Its tags.
        aliases: Version number by alias.
        versions: Its versions.
    """

    name: str
    created_ms: int
    updated_ms: int
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    versions: Sequence[VersionImport] = ()


class ModelImports:
    """Stores models and versions from elsewhere.

    Args:
        database: The control database.
        access: Who acts, with which role.
    """

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def import_model(self, given: ModelImport, policy: Policy) -> int:
        """Store a model with its versions, or bring one of that name up to what is said of it.

        A known model gets the tags, aliases and description that are given; a known version its stage, description and
        tags, and files if it has none. Nothing that they have besides is taken away. All is one transaction, with one
        audit record a version and one for the model.

        Args:
            given: The model. An alias names one of the versions given, or one that is here.
            policy: Says which aliases are protected.

        Returns:
            How many things were new or changed: the model, its versions.

        Raises:
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no operator; or no admin, and a version stands in Staging or Production or
                an alias is protected.
            InvalidInput: a name, text or number cannot be stored.
            AlreadyExists: a prompt has the model's name.
            NotFound: an alias names a version that does not exist.
        """
        actor = self._access.require(Role.OPERATOR, "models import")
        _check(given)
        with self._database.transaction(actor) as tx:
            changed = int(self._merge_model(tx, given))
        for begin in range(0, len(given.versions), VERSIONS_PER_TRANSACTION):
            with self._database.transaction(actor) as tx:
                model_id = lookup.model(tx, given.name).row_id
                for each in given.versions[begin : begin + VERSIONS_PER_TRANSACTION]:
                    changed += int(self._merge_version(tx, given.name, model_id, each))
        with self._database.transaction(actor) as tx:
            changed += int(self._merge_aliases(tx, given, policy))
            if changed:
                import_store.set_model_times(
                    tx, lookup.model(tx, given.name).row_id, given.created_ms, given.updated_ms
                )
        return changed

    def _merge_model(self, tx: Transaction, given: ModelImport) -> bool:
        """Store what belongs to the model itself but its aliases; whether anything was new."""
        here = model_store.model(tx, given.name)
        if here is None:
            lookup.refuse_taken(tx, given.name)
            model_id = model_store.insert_model(tx, name=given.name, description=given.description, owner="")
            for key, value in given.tags.items():
                model_store.set_tag(tx, model_id, key, value)
            after = {"description": given.description, "owner": "", "tags": given.tags}
            record(tx, verb="import", kind="model", key=given.name, before=None, after=after)
            tx.emit(kind="model", change="created", key=given.name)
            return True
        tags = {key: value for key, value in given.tags.items() if here.tags.get(key) != value}
        if not tags and given.description == here.description:
            return False
        for key, value in tags.items():
            model_store.set_tag(tx, here.row_id, key, value)
        model_store.update_text(tx, here.row_id, description=given.description, owner=here.owner)
        before = {"description": here.description, "tags": {key: here.tags.get(key) for key in tags}}
        after = {"description": given.description, "tags": tags}
        record(tx, verb="import", kind="model", key=given.name, before=before, after=after)
        tx.emit(kind="model", change="changed", key=given.name)
        return True

    def _merge_version(self, tx: Transaction, name: str, model_id: int, each: VersionImport) -> bool:
        """Store one version; whether anything was new."""
        here = store.version(tx, name, each.number)
        if here is None:
            self._insert_version(tx, name, model_id, each)
            return True
        before: dict[str, object] = {}
        after: dict[str, object] = {}
        if here.stage is not each.stage:
            self._allow_stages(here.stage, each.stage)
            import_store.set_stage(tx, here.row_id, each.stage, each.updated_ms)
            before["stage"], after["stage"] = here.stage.value, each.stage.value
        if here.description != each.description:
            import_store.set_description(tx, here.row_id, each.description)
            before["description"], after["description"] = here.description, each.description
        tags = {key: value for key, value in each.tags.items() if here.tags.get(key) != value}
        for key, value in tags.items():
            store.set_tag(tx, here.row_id, key, value)
        if tags:
            before["tags"], after["tags"] = {key: here.tags.get(key) for key in tags}, tags
        if each.files and not here.size_bytes and not store.files(tx, here.row_id):
            found = _manifest(each)
            import_store.set_files(tx, here.row_id, found, each.files)
            before["digest"], after["digest"] = here.digest, found.digest
        if after:
            record(tx, verb="import", kind="version", key=here.key, before=before, after=after)
            tx.emit(kind="version", change="stage" if "stage" in after else "changed", key=here.key)
        return bool(after)

    def _insert_version(self, tx: Transaction, name: str, model_id: int, each: VersionImport) -> None:
        self._allow_stages(each.stage)
        version = _version(name, each, _manifest(each), tx.actor.name)
        store.insert_version(tx, model_id, version, each.files)
        import_store.count_up_to(tx, name, each.number)
        after = {
            "stage": version.stage.value,
            "digest": version.digest,
            "size_bytes": version.size_bytes,
            "run_id": version.run_id,
            "artifact_path": version.artifact_path,
            "source": each.source,
            "description": version.description,
            "tags": version.tags,
        }
        record(tx, verb="import", kind="version", key=version.key, before=None, after=after)
        tx.emit(kind="version", change="created", key=version.key)

    def _merge_aliases(self, tx: Transaction, given: ModelImport, policy: Policy) -> bool:
        here, policy = lookup.model(tx, given.name), protecting(tx, policy)
        changed = {alias: number for alias, number in given.aliases.items() if here.aliases.get(alias) != number}
        for alias, number in changed.items():
            if policy.protects(alias):
                self._access.require(Role.ADMIN, f"models import of the protected alias {alias}")
            write_alias(tx, given.name, alias, lookup.version(tx, given.name, number), reason="import")
        return bool(changed)

    def _allow_stages(self, *stages: Stage) -> None:
        if any(stage in _SERVING for stage in stages):
            self._access.require(Role.ADMIN, "models import of versions in Staging or Production")


def _manifest(each: VersionImport) -> Manifest:
    return manifest(each.artifact_path, each.files, is_dir=True)


def _version(name: str, each: VersionImport, found: Manifest, actor: str) -> Version:
    return Version(
        row_id=0,
        model=name,
        version=each.number,
        stage=each.stage,
        stage_ms=each.updated_ms,
        run_id=each.run_id,
        artifact_path=each.artifact_path,
        digest=found.digest,
        size_bytes=found.size_bytes,
        flavor="",
        format="",
        signature=None,
        data_name="",
        data_digest="",
        owner="",
        description=each.description,
        created_ms=each.created_ms,
        updated_ms=each.updated_ms,
        created_by=each.created_by or actor,
        params=each.params,
        metrics=each.metrics,
        tags=each.tags,
        source=each.source,
        model_id=each.model_id,
        run_link=each.run_link,
    )


def _check(given: ModelImport) -> None:
    check_model_name(given.name)
    check_word(given.description, "description", MAX_TEXT)
    check_tags(given.tags)
    for alias in given.aliases:
        check_alias(alias)
    for each in given.versions:
        if not 1 <= each.number < 2**63:
            raise InvalidInput("A version's number is a whole number from 1.")
        check_word(each.description, "description", MAX_TEXT)
        check_word(each.source, "source", MAX_TEXT)
        check_word(each.created_by, "user")
        check_word(each.run_link, "run link")
        check_tags(each.tags)
