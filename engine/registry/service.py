"""The operations that change models and versions: each one transaction, with its audit record and its news."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from engine.audit.refusals import refusals_recorded
from engine.audit.service import record
from engine.core.access import Access, Role
from engine.core.errors import Conflict, InvalidInput, NotFound, PolicyRefused
from engine.policy.model import Policy
from engine.registry import lookup, model_store, store
from engine.registry.model import Model, Stage, Version
from engine.registry.names import MAX_TEXT, check_alias, check_model_name, check_new_alias, check_tag, check_word
from engine.registry.registering import Registering, check_texts, version_facts
from engine.registry.stages import write_alias

if TYPE_CHECKING:
    from engine.artifacts.store import ArtifactStore
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Snapshot, Transaction
    from engine.policy.file import PolicyFile
    from engine.registry.tracing import Beyond
    from engine.tracking.logged_models import LoggedModels
    from engine.tracking.redaction import Redaction
    from engine.tracking.service import Runs


Holding = Callable[["Snapshot", str, int | None], None]
"""Refuses, with `Conflict`, to let go of a model (no number) or a version that something above the registry needs."""


def held_by_nobody(_view: Snapshot, _model: str, _number: int | None) -> None:
    """Let everything go."""


class Models(Registering):
    """Registered models, their versions and aliases.

    Args:
        database: The control database.
        access: Who acts, with which role.
        runs: Where versions come from.
        artifacts: The bytes of their files.
        policy_file: Says which aliases are protected.
        clock: Tells the present, for ages in filters.
        logged_models: Where else versions come from.
        redaction: Replaces secrets in tags.
        refuse_held: Says what may not be deleted, because it is served.
        beyond: Makes what a lineage asks of modules that stand above this one.
    """

    def __init__(  # noqa: PLR0913 the composition root alone calls it; each is one thing it stands on
        self,
        database: Database,
        access: Access,
        runs: Runs,
        artifacts: ArtifactStore,
        policy_file: PolicyFile,
        clock: Clock,
        *,
        logged_models: LoggedModels,
        redaction: Redaction | None = None,
        refuse_held: Holding = held_by_nobody,
        beyond: Callable[[], Beyond] | None = None,
    ) -> None:
        super().__init__(database, access, runs, artifacts, clock, logged_models=logged_models, redaction=redaction)
        self._policy_file = policy_file
        self._refuse_held = refuse_held
        self._beyond = beyond

    def update(self, name: str, *, description: str | None = None, owner: str | None = None) -> Model:
        """Change a model's texts.

        Args:
            name: The model's name.
            description: The new description; unchanged when `None`.
            owner: The new owner; unchanged when `None`.

        Returns:
            The model as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such model.
            InvalidInput: a text cannot be stored.
        """
        actor = self._access.require(Role.OPERATOR, "models update")
        check_texts(description or "", owner or "")
        with self._database.transaction(actor) as tx:
            found = lookup.model(tx, name)
            before = {"description": found.description, "owner": found.owner}
            after = _changed(before, description, owner)
            if after != before:
                model_store.update_text(tx, found.row_id, **after)
                _record_model(tx, "update", name, before, after)
            return lookup.model(tx, name)

    def set_tag(self, name: str, key: str, value: str | None) -> Model:
        """Set a model's tag, or remove it.

        Args:
            name: The model's name.
            key: The tag's key.
            value: Its value; `None` removes it.

        Returns:
            The model as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such model.
            InvalidInput: the tag cannot be stored.
        """
        actor = self._access.require(Role.OPERATOR, "models tag")
        check_tag(key, value or "")
        value = None if value is None else self._kept({key: value})[key]
        with self._database.transaction(actor) as tx:
            found = lookup.model(tx, name)
            before = found.tags.get(key)
            if before != value:
                model_store.set_tag(tx, found.row_id, key, value)
                _record_model(tx, "tag", name, {"tags": {key: before}}, {"tags": {key: value}})
            return lookup.model(tx, name)

    def ask_retraining(self, name: str, version: int | None = None, *, reason: str) -> Model:
        """Ask whoever trains a model to train it anew: recorded, and told to webhooks; nothing is trained by it.

        Args:
            name: The model's name.
            version: The version that gave rise to it; `None` for none in particular.
            reason: Why.

        Returns:
            The model.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such model or version.
            InvalidInput: the reason is empty, too long or not valid Unicode.
        """
        actor = self._access.require(Role.OPERATOR, "models ask-retraining")
        check_word(reason, "reason", MAX_TEXT)
        if not reason.strip():
            raise InvalidInput("A reason is needed.", hint="Say why, for whoever trains it.")
        with self._database.transaction(actor) as tx:
            found = lookup.model(tx, name)
            if version is not None:
                lookup.version(tx, name, version)
            after = {"version": version}
            record(tx, verb="ask retraining", kind="model", key=name, before=None, after=after, reason=reason)
            tx.emit(kind="model", change="retraining", key=name, row_id=found.row_id)
            return found

    def rename(self, name: str, new: str) -> Model:
        """Give a model another name.

        Policies speak of models by name: a model that serves keeps its name, and no model gets one of which the policy
        demands other things. Else what was in Production under an easier name could be rolled back to.

        Args:
            name: Its name now.
            new: Its name from now on.

        Returns:
            The model as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such model.
            InvalidInput: the new name cannot be one.
            AlreadyExists: a model or a prompt has the new name.
            Conflict: a version is in Staging or Production.
            PolicyRefused: the policy demands other things of the new name.
            PolicyInvalid: the policy file is wrong, or gone though versions were judged by it, so nobody can tell.
        """
        actor = self._access.require(Role.OPERATOR, "models rename")
        check_model_name(new)
        from engine.registry.approval_reading import check_policy_there  # most sessions rename nothing

        with self._database.transaction(actor) as tx:
            found = lookup.model(tx, name)
            if new == name:
                return found
            _refuse_serving(found, "renamed")
            policy = self._policy_file.read()
            check_policy_there(tx, policy)
            _refuse_other_demands(policy, name, new)
            lookup.refuse_taken(tx, new)
            model_store.rename(tx, found.row_id, new)
            store.carry_counter(tx, name, new)
            record(tx, verb="rename", kind="model", key=name, before={"name": name}, after={"name": new})
            tx.emit(kind="model", change="deleted", key=name)
            tx.emit(kind="model", change="created", key=new)
            return lookup.model(tx, new)

    def delete(self, name: str, *, reason: str = "") -> None:
        """Delete a model with all its versions; their numbers are never given again under its name.

        Args:
            name: The model's name.
            reason: Why; goes into the audit log.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no admin.
            NotFound: there is no such model.
            Conflict: a version is in Staging or Production, or the model has endpoints.
        """
        actor = self._access.require(Role.ADMIN, "models delete")
        with self._database.transaction(actor) as tx:
            found = lookup.model(tx, name)
            _refuse_serving(found, "deleted")
            self._refuse_held(tx, name, None)
            numbers = store.numbers(tx, name, tuple(Stage))
            model_store.delete(tx, found.row_id)
            before = _state(found) | {"versions": numbers, "aliases": found.aliases}
            record(tx, verb="delete", kind="model", key=name, before=before, after=None, reason=reason)
            tx.emit(kind="model", change="deleted", key=name)
            for number in numbers:
                tx.emit(kind="version", change="deleted", key=f"{name}/{number}")

    def update_version(
        self, name: str, number: int, *, description: str | None = None, owner: str | None = None
    ) -> Version:
        """Change a version's texts.

        Args:
            name: The model's name.
            number: The version's number.
            description: The new description; unchanged when `None`.
            owner: The new owner; unchanged when `None`.

        Returns:
            The version as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such model or version.
            InvalidInput: a text cannot be stored.
        """
        actor = self._access.require(Role.OPERATOR, "versions update")
        check_texts(description or "", owner or "")
        with self._database.transaction(actor) as tx:
            found = lookup.version(tx, name, number)
            before = {"description": found.description, "owner": found.owner}
            after = _changed(before, description, owner)
            if after != before:
                store.update_text(tx, found.row_id, **after)
                _record_version(tx, "update", found, before, after)
            return lookup.version(tx, name, number)

    def set_version_tag(self, name: str, number: int, key: str, value: str | None) -> Version:
        """Set a version's tag, or remove it.

        Args:
            name: The model's name.
            number: The version's number.
            key: The tag's key.
            value: Its value; `None` removes it.

        Returns:
            The version as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such model or version.
            InvalidInput: the tag cannot be stored.
        """
        actor = self._access.require(Role.OPERATOR, "versions tag")
        check_tag(key, value or "")
        value = None if value is None else self._kept({key: value})[key]
        with self._database.transaction(actor) as tx:
            found = lookup.version(tx, name, number)
            before = found.tags.get(key)
            if before != value:
                store.set_tag(tx, found.row_id, key, value)
                _record_version(tx, "tag", found, {"tags": {key: before}}, {"tags": {key: value}})
            return lookup.version(tx, name, number)

    def delete_version(self, name: str, number: int, *, reason: str = "") -> None:
        """Delete a version; its number is never given again.

        Args:
            name: The model's name.
            number: The version's number.
            reason: Why; goes into the audit log.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no admin.
            NotFound: no such model or version.
            Conflict: it is in Staging or Production, or an endpoint has it loaded.
        """
        actor = self._access.require(Role.ADMIN, "versions delete")
        with self._database.transaction(actor) as tx:
            found = lookup.version(tx, name, number)
            if found.stage in (Stage.STAGING, Stage.PRODUCTION):
                raise Conflict(
                    f"{found.key} is in {found.stage.value} and cannot be deleted.",
                    hint=f"Archive it first: qd models promote {name} {number} --to archived.",
                )
            self._refuse_held(tx, name, number)
            store.delete_version(tx, found.row_id)
            model_store.touch(tx, name)
            before = version_facts(found) | {"aliases": found.aliases}
            record(tx, verb="delete", kind="version", key=found.key, before=before, after=None, reason=reason)
            tx.emit(kind="version", change="deleted", key=found.key)
            tx.emit(kind="model", change="changed", key=name)

    def set_alias(self, name: str, alias: str, version: int) -> Version:
        """Let an alias point to a version, wherever it pointed before.

        Args:
            name: The model's name.
            alias: Letters, digits, `_`, `-`; not `latest`, not like `v7`, not `staging` or another stage.
            version: The version's number.

        Returns:
            The version as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such model or version.
            InvalidInput: the alias cannot be one.
            PolicyRefused: the policy protects the alias and the version is not in Production; that is recorded in the
                audit log too.
            PolicyInvalid: the policy file is wrong, so nobody can tell.
        """
        actor = self._access.require(Role.OPERATOR, "models alias")
        check_new_alias(alias)
        attempt = {"verb": "set alias", "alias": alias, "version": version}
        recorded = refusals_recorded(self._database, actor, kind="model", key=name, attempt=attempt)
        with recorded, self._database.transaction(actor) as tx:
            found = lookup.version(tx, name, version)
            if found.stage is not Stage.PRODUCTION and self._protects(tx, alias):
                raise PolicyRefused(
                    f"The alias {alias} is protected: it may only name a version in Production, and {found.key} is in "
                    f"{found.stage.value}.",
                    hint=f"Promote {found.key} first, or use another alias.",
                )
            write_alias(tx, name, alias, found)
            return lookup.version(tx, name, version)

    def _protects(self, tx: Transaction, alias: str) -> bool:
        policy = self._policy_file.read()
        if policy.missing and not policy.protects(alias):
            from engine.registry.approval_reading import protecting  # most aliases ask no further

            policy = protecting(tx, policy)
        return policy.protects(alias)

    def remove_alias(self, name: str, alias: str) -> Model:
        """Remove an alias.

        Args:
            name: The model's name.
            alias: The alias.

        Returns:
            The model as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such model or alias; the hint names the nearest.
            InvalidInput: no alias is written so.
        """
        actor = self._access.require(Role.OPERATOR, "models unalias")
        check_alias(alias)
        with self._database.transaction(actor) as tx:
            found = lookup.model(tx, name)
            if alias not in found.aliases:
                from engine.core.suggest import did_you_mean  # only a wrong alias needs it

                raise NotFound(f"{name} has no alias {alias}.", hint=did_you_mean(alias, found.aliases))
            write_alias(tx, name, alias, None)
            return lookup.model(tx, name)


def _state(model: Model) -> dict[str, object]:
    return {"name": model.name, "description": model.description, "owner": model.owner, "tags": model.tags}


def _record_model(
    tx: Transaction, verb: str, name: str, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    record(tx, verb=verb, kind="model", key=name, before=before, after=after)
    tx.emit(kind="model", change="changed", key=name)


def _record_version(
    tx: Transaction, verb: str, version: Version, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    model_store.touch(tx, version.model)
    record(tx, verb=verb, kind="version", key=version.key, before=before, after=after)
    tx.emit(kind="version", change="changed", key=version.key)


def _changed(before: Mapping[str, str], description: str | None, owner: str | None) -> dict[str, str]:
    return {
        "description": before["description"] if description is None else description,
        "owner": before["owner"] if owner is None else owner,
    }


def _refuse_other_demands(policy: Policy, name: str, new: str) -> None:
    for stage in Stage:
        if policy.stage(name, stage.value) != policy.stage(new, stage.value):
            raise PolicyRefused(
                f"The policy of {stage.value} demands other things of {new} than of {name}.",
                hint=f"Register the versions under {new}, or have an admin give both names the same tables.",
            )


def _refuse_serving(model: Model, what: str) -> None:
    serving = sorted((*model.production, *model.staging))
    if not serving:
        return
    listed = ", ".join(f"{model.name}/{number}" for number in serving[:5]) + (", …" if len(serving) > 5 else "")
    raise Conflict(
        f"{model.name} cannot be {what} while {listed} is in Staging or Production.",
        hint=f"Archive it first: qd models promote {model.name} {serving[0]} --to archived.",
        details={"production": list(model.production), "staging": list(model.staging)},
    )
