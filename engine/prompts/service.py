"""The operations that change prompts: each one transaction, with its audit record and its news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Access, Role
from engine.core.errors import NotFound
from engine.prompts import store
from engine.prompts.model import NewPrompt, Prompt, PromptVersion, check_settings
from engine.prompts.reading import PromptReading, find, find_version
from engine.registry.lookup import refuse_taken
from engine.registry.names import MAX_TEXT, check_alias, check_model_name, check_tag, check_tags, check_word

if TYPE_CHECKING:
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Transaction
    from engine.tracking.redaction import Redaction

_NO_TAGS: Mapping[str, str] = {}


class Prompts(PromptReading):
    """Prompts, their versions and aliases.

    Args:
        database: The control database.
        access: Who acts, with which role.
        clock: Tells the present, for ages in filters.
        redaction: Replaces secrets in tags.
    """

    def __init__(self, database: Database, access: Access, clock: Clock, *, redaction: Redaction | None = None) -> None:
        super().__init__(database, clock)
        self._access = access
        self._redaction = redaction

    def create(self, name: str, description: str = "", tags: Mapping[str, str] = _NO_TAGS) -> Prompt:
        """Create a prompt without versions.

        Args:
            name: Its name: visible characters, no `/`, `@` or `:`.
            description: Free text.
            tags: Its tags.

        Returns:
            The prompt.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no writer.
            InvalidInput: a text cannot be stored, or the name cannot be one.
            AlreadyExists: a prompt or a model has the name.
        """
        actor = self._access.require(Role.WRITER, "prompts create")
        check_model_name(name)
        check_word(description, "description", MAX_TEXT)
        kept = self._kept(tags)
        with self._database.transaction(actor) as tx:
            return _create(tx, name, description, kept)

    def register(self, name: str, new: NewPrompt) -> PromptVersion:
        """Register the next version of a prompt; the prompt is created when there is none.

        Args:
            name: The prompt's name.
            new: What it says.

        Returns:
            The version.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no writer.
            InvalidInput: a text cannot be stored, the name cannot be one, or what should be JSON is none.
            AlreadyExists: a model has the name.
        """
        actor = self._access.require(Role.WRITER, "prompts register")
        check_model_name(name)
        new.check()
        new = replace(new, tags=self._kept(new.tags)) if new.tags else new
        with self._database.transaction(actor) as tx:
            prompt = store.prompt(tx, name) or _create(tx, name, "", _NO_TAGS)
            number = store.insert_version(tx, prompt, new)
            store.touch(tx, name)
            version = find_version(tx, name, number)
            record(tx, verb="register", kind="prompt version", key=version.key, before=None, after=_facts(version))
            tx.emit(kind="prompt version", change="created", key=version.key)
            tx.emit(kind="prompt", change="changed", key=name)
            return version

    def update(self, name: str, description: str) -> Prompt:
        """Change a prompt's description.

        Args:
            name: The prompt's name.
            description: The new description.

        Returns:
            The prompt as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such prompt.
            InvalidInput: the text cannot be stored.
        """
        actor = self._access.require(Role.OPERATOR, "prompts update")
        check_word(description, "description", MAX_TEXT)
        with self._database.transaction(actor) as tx:
            found = find(tx, name)
            if found.description != description:
                store.update_text(tx, found.row_id, description)
                _record(tx, "update", name, {"description": found.description}, {"description": description})
            return find(tx, name)

    def set_tag(self, name: str, key: str, value: str | None) -> Prompt:
        """Set a prompt's tag, or remove it.

        Args:
            name: The prompt's name.
            key: The tag's key.
            value: Its value; `None` removes it.

        Returns:
            The prompt as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no writer.
            NotFound: there is no such prompt.
            InvalidInput: the tag cannot be stored.
        """
        actor = self._access.require(Role.WRITER, "prompts tag")
        check_tag(key, value or "")
        value = None if value is None else self._kept({key: value})[key]
        with self._database.transaction(actor) as tx:
            found = find(tx, name)
            before = found.tags.get(key)
            if before != value:
                store.set_tag(tx, found.row_id, key, value)
                _record(tx, "tag", name, {"tags": {key: before}}, {"tags": {key: value}})
            return find(tx, name)

    def update_version(
        self, name: str, number: int, *, commit_message: str | None = None, model_config: str | None = None
    ) -> PromptVersion:
        """Change what is said beside a version; its template never changes.

        Args:
            name: The prompt's name.
            number: The version's number.
            commit_message: The new message; unchanged when `None`.
            model_config: The new settings of the model, as JSON; empty for none, unchanged when `None`.

        Returns:
            The version as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such prompt or version.
            InvalidInput: a text cannot be stored, or the settings are no JSON.
        """
        actor = self._access.require(Role.OPERATOR, "prompts update")
        check_word(commit_message or "", "commit message", MAX_TEXT)
        check_settings(model_config or "", "model's settings")
        with self._database.transaction(actor) as tx:
            found = find_version(tx, name, number)
            before = {"commit_message": found.commit_message, "model_config": found.model_config}
            given = {"commit_message": commit_message, "model_config": model_config}
            after = before | {key: text for key, text in given.items() if text is not None}
            if after != before:
                store.update_version(tx, found.row_id, **after)
                _record_version(tx, "update", found, before, after)
            return find_version(tx, name, number)

    def set_version_tag(self, name: str, number: int, key: str, value: str | None) -> PromptVersion:
        """Set a version's tag, or remove it.

        Args:
            name: The prompt's name.
            number: The version's number.
            key: The tag's key.
            value: Its value; `None` removes it.

        Returns:
            The version as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no writer.
            NotFound: no such prompt or version.
            InvalidInput: the tag cannot be stored.
        """
        actor = self._access.require(Role.WRITER, "prompts tag")
        check_tag(key, value or "")
        value = None if value is None else self._kept({key: value})[key]
        with self._database.transaction(actor) as tx:
            found = find_version(tx, name, number)
            before = found.tags.get(key)
            if before != value:
                store.set_version_tag(tx, found.row_id, key, value)
                _record_version(tx, "tag", found, {"tags": {key: before}}, {"tags": {key: value}})
            return find_version(tx, name, number)

    def set_alias(self, name: str, alias: str, version: int) -> PromptVersion:
        """Let an alias point to a version, wherever it pointed before.

        Args:
            name: The prompt's name.
            alias: Letters, digits, `_`, `-`; not `latest`, not like `v7`.
            version: The version's number.

        Returns:
            The version as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such prompt or version.
            InvalidInput: the alias cannot be one.
        """
        actor = self._access.require(Role.OPERATOR, "prompts alias")
        check_alias(alias)
        with self._database.transaction(actor) as tx:
            _point(tx, find(tx, name), alias, find_version(tx, name, version))
            return find_version(tx, name, version)

    def remove_alias(self, name: str, alias: str) -> Prompt:
        """Remove an alias.

        Args:
            name: The prompt's name.
            alias: The alias.

        Returns:
            The prompt as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such prompt or alias; the hint names the nearest.
            InvalidInput: no alias is written so.
        """
        actor = self._access.require(Role.OPERATOR, "prompts unalias")
        check_alias(alias)
        with self._database.transaction(actor) as tx:
            found = find(tx, name)
            if alias not in found.aliases:
                from engine.core.suggest import did_you_mean  # only a wrong alias needs it

                raise NotFound(f"{name} has no alias {alias}.", hint=did_you_mean(alias, found.aliases))
            _point(tx, found, alias, None)
            return find(tx, name)

    def delete(self, name: str, *, reason: str = "") -> None:
        """Delete a prompt with all its versions; their numbers are never given again under its name.

        Args:
            name: The prompt's name.
            reason: Why; goes into the audit log.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no admin.
            NotFound: there is no such prompt.
            InvalidInput: the reason is too long or not valid Unicode.
        """
        actor = self._access.require(Role.ADMIN, "prompts delete")
        check_word(reason, "reason", MAX_TEXT)
        with self._database.transaction(actor) as tx:
            found = find(tx, name)
            store.delete(tx, found.row_id)
            before = {"description": found.description, "versions": found.versions, "aliases": found.aliases}
            record(tx, verb="delete", kind="prompt", key=name, before=before, after=None, reason=reason)
            tx.emit(kind="prompt", change="deleted", key=name)

    def delete_version(self, name: str, number: int, *, reason: str = "") -> None:
        """Delete a version; its number is never given again.

        Args:
            name: The prompt's name.
            number: The version's number.
            reason: Why; goes into the audit log.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no admin.
            NotFound: no such prompt or version.
            InvalidInput: the reason is too long or not valid Unicode.
        """
        actor = self._access.require(Role.ADMIN, "prompts delete")
        check_word(reason, "reason", MAX_TEXT)
        with self._database.transaction(actor) as tx:
            found = find_version(tx, name, number)
            store.delete_version(tx, found.row_id)
            store.touch(tx, name)
            before = _facts(found) | {"aliases": found.aliases}
            record(tx, verb="delete", kind="prompt version", key=found.key, before=before, after=None, reason=reason)
            tx.emit(kind="prompt version", change="deleted", key=found.key)
            tx.emit(kind="prompt", change="changed", key=name)

    def _kept(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Tags as they may be kept: checked, and without secrets."""
        check_tags(tags)
        if not tags:
            return tags
        from engine.tracking.redaction import Redaction  # most have no tags

        return (self._redaction or Redaction()).pairs(tags)


def _create(tx: Transaction, name: str, description: str, tags: Mapping[str, str]) -> Prompt:
    refuse_taken(tx, name)
    row_id = store.insert_prompt(tx, name, description)
    for key, value in tags.items():
        store.set_tag(tx, row_id, key, value)
    after = {"name": name, "description": description, "tags": dict(tags)}
    record(tx, verb="create", kind="prompt", key=name, before=None, after=after)
    tx.emit(kind="prompt", change="created", key=name)
    return find(tx, name)


def _facts(version: PromptVersion) -> dict[str, object]:
    from hashlib import sha256  # only a change needs it

    return {
        "kind": version.kind.value,
        "digest": sha256(version.template.encode()).hexdigest(),
        "commit_message": version.commit_message,
        "tags": version.tags,
    }


def _point(tx: Transaction, prompt: Prompt, alias: str, version: PromptVersion | None) -> None:
    before, after = prompt.aliases.get(alias), None if version is None else version.version
    if before == after:
        return
    store.point_alias(tx, prompt.row_id, alias, None if version is None else version.row_id)
    verb = "remove alias" if version is None else "set alias"
    _record(tx, verb, prompt.name, {"aliases": {alias: before}}, {"aliases": {alias: after}})
    for number in (before, after):
        if number is not None:
            tx.emit(kind="prompt version", change="changed", key=f"{prompt.name}/{number}")


def _record(tx: Transaction, verb: str, name: str, before: Mapping[str, object], after: Mapping[str, object]) -> None:
    store.touch(tx, name)
    record(tx, verb=verb, kind="prompt", key=name, before=before, after=after)
    tx.emit(kind="prompt", change="changed", key=name)


def _record_version(
    tx: Transaction, verb: str, version: PromptVersion, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    store.touch(tx, version.prompt)
    record(tx, verb=verb, kind="prompt version", key=version.key, before=before, after=after)
    tx.emit(kind="prompt version", change="changed", key=version.key)
