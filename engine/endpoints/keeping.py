"""Making, describing and deleting endpoints; nothing here decides who answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.audit.service import record
from engine.core.access import Access, Role
from engine.core.errors import AlreadyExists, Conflict, InvalidInput
from engine.endpoints import routing, store
from engine.endpoints.model import Cause, Endpoint
from engine.endpoints.reading import Building, EndpointReading, find_row
from engine.registry.lookup import model as read_model
from engine.registry.names import MAX_TEXT, check_model_name, check_tag, check_tags, check_word

if TYPE_CHECKING:
    from engine.core.clock import Clock
    from engine.core.ids import Ids
    from engine.db.database import Database
    from engine.db.transaction import Transaction
    from engine.db.workspace import Workspace
    from engine.policy.file import PolicyFile
    from engine.tracking.redaction import Redaction

_NO_TAGS: Mapping[str, str] = {}
_KEY = re.compile(r"client|request|header:[A-Za-z0-9-]{1,100}|field:[^\x00-\x1f]{1,200}")


class EndpointKeeping(EndpointReading):
    """Makes, describes and deletes endpoints.

    Args:
        database: The control database.
        workspace: Where data planes say that they live.
        access: Who acts, with which role.
        builds: Gives what versions are made ready with.
        policy_file: Says which versions may answer callers.
        clock: Tells the present, for ages in filters.
        ids: Makes salts.
        redaction: Replaces secrets in tags.
    """

    def __init__(  # noqa: PLR0913 the composition root alone calls it; each is one thing it stands on
        self,
        database: Database,
        workspace: Workspace,
        access: Access,
        builds: Callable[[], Building],
        policy_file: PolicyFile,
        clock: Clock,
        *,
        ids: Ids,
        redaction: Redaction | None = None,
    ) -> None:
        super().__init__(database, workspace, builds, clock)
        self._access = access
        self._policy_file = policy_file
        self._ids = ids
        self._redaction = redaction

    def create(  # noqa: PLR0913 what an endpoint is; all but two have defaults
        self,
        name: str,
        model: str,
        *,
        description: str = "",
        owner: str = "",
        key: str = "client",
        capture: float = 0.0,
        tags: Mapping[str, str] = _NO_TAGS,
    ) -> Endpoint:
        """Create an endpoint that serves nothing yet.

        Args:
            name: Its name: visible characters, no `/`, `@` or `:`; it may be its model's, but no other model's.
            model: The model it serves.
            description: Free text.
            owner: Who answers for it.
            key: What keeps a caller on one version: `client`, `header:NAME`, `field:NAME`, or `request` for none.
            capture: Share of the requests that are captured, 0 to 1.
            tags: Its tags.

        Returns:
            The endpoint.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such model.
            AlreadyExists: an endpoint, or another model, has the name.
            InvalidInput: a text cannot be stored, the name cannot be one, or the key or the share is none.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints create")
        check_model_name(name)
        _check_texts(description, owner)
        check_key(key)
        check_capture(capture)
        kept = self._kept(tags)
        with self._database.transaction(actor) as tx:
            served = read_model(tx, model)
            _refuse_taken(tx, name, model)
            row_id = store.insert_endpoint(
                tx,
                name,
                served.row_id,
                description=description,
                owner=owner,
                key=key,
                salt=self._ids.new()[:16],
                capture=capture,
            )
            for tag, value in kept.items():
                store.set_tag(tx, row_id, tag, value)
            made = self._whole(tx, (row_id,))[0]
            after = _facts(made) | {"tags": dict(kept)}
            record(tx, verb="create", kind="endpoint", key=name, before=None, after=after)
            tx.emit(kind="endpoint", change="created", key=name, row_id=row_id)
            return made

    def update(
        self,
        name: str,
        *,
        description: str | None = None,
        owner: str | None = None,
        key: str | None = None,
        capture: float | None = None,
    ) -> Endpoint:
        """Change what is said of an endpoint, or how it treats requests; the latter makes a generation.

        Args:
            name: Its name.
            description: The new description; unchanged when `None`.
            owner: The new owner; unchanged when `None`.
            key: What keeps a caller on one version; unchanged when `None`.
            capture: Share of the requests that are captured, 0 to 1; unchanged when `None`.

        Returns:
            The endpoint as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such endpoint.
            InvalidInput: a text cannot be stored, or the key or the share is none.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints update")
        _check_texts(description or "", owner or "")
        check_key("client" if key is None else key)
        check_capture(0.0 if capture is None else capture)
        given = {"description": description, "owner": owner, "key": key, "capture": capture}
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        with self._database.transaction(actor) as tx:
            found = routing.read(tx, find_row(tx, name))
            wanted = replace(found, **changes)
            if wanted != found:
                store.update(tx, wanted)
                _record(tx, "update", found, _facts(found), _facts(wanted))
            if found.desired is not None and (wanted.key, wanted.capture) != (found.key, found.capture):
                routing.route(tx, found, found.desired.routes, Cause.SETTINGS, "")
            return self._whole(tx, (found.row_id,))[0]

    def set_tag(self, name: str, key: str, value: str | None) -> Endpoint:
        """Set an endpoint's tag, or remove it.

        Args:
            name: Its name.
            key: The tag's key.
            value: Its value; `None` removes it.

        Returns:
            The endpoint as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such endpoint.
            InvalidInput: the tag cannot be stored.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints tag")
        check_tag(key, value or "")
        value = None if value is None else self._kept({key: value})[key]
        with self._database.transaction(actor) as tx:
            found = routing.read(tx, find_row(tx, name))
            before = found.tags.get(key)
            if before != value:
                store.set_tag(tx, found.row_id, key, value)
                _record(tx, "tag", found, {"tags": {key: before}}, {"tags": {key: value}})
            return self._whole(tx, (found.row_id,))[0]

    def delete(self, name: str, *, reason: str = "", force: bool = False) -> None:
        """Delete an endpoint with its history; the audit log keeps what it was.

        Args:
            name: Its name.
            reason: Why; goes into the audit log.
            force: Delete it although versions are routed to it: whoever calls it gets 404 from then on.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such endpoint.
            Conflict: versions are routed to it, and it was not forced.
            InvalidInput: the reason is too long or not valid Unicode.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints delete")
        check_word(reason, "reason", MAX_TEXT)
        with self._database.transaction(actor) as tx:
            found = routing.read(tx, find_row(tx, name))
            if routing.routes_of(found) and not force:
                raise Conflict(
                    f"{name} has versions routed to it and cannot be deleted.",
                    hint="Kill it and retire them first, or force it: its callers then get 404.",
                    details={"generation": routing.number_of(found)},
                )
            before = {"model": found.model, "description": found.description, "owner": found.owner, "tags": found.tags}
            last = {} if found.desired is None else routing.told(found.desired, routing.keys(tx, found))
            store.delete(tx, found.row_id)
            record(tx, verb="delete", kind="endpoint", key=name, before={**before, **last}, after=None, reason=reason)
            tx.emit(kind="endpoint", change="deleted", key=name, row_id=found.row_id)

    def _kept(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Tags as they may be kept: checked, and without secrets."""
        check_tags(tags)
        if not tags:
            return tags
        from engine.tracking.redaction import Redaction  # most have no tags

        return (self._redaction or Redaction()).pairs(tags)


def check_key(key: str) -> str:
    """Let a key of an endpoint pass: what keeps a caller on one version.

    Args:
        key: `client`, `request`, `header:NAME` or `field:NAME`.

    Returns:
        The same key.

    Raises:
        InvalidInput: it is none of these.
    """
    if _KEY.fullmatch(key) is None:
        from engine.core.text import clean  # only a wrong key needs it

        raise InvalidInput(
            f"{clean(key, limit=60)!r} cannot keep a caller on one version.",
            hint="Write client, request, header:x-user or field:customer_id.",
        )
    return check_word(key, "key")


def check_capture(share: float) -> float:
    """Let the share of captured requests pass.

    Args:
        share: From 0 to 1.

    Returns:
        The same share.

    Raises:
        InvalidInput: it is outside.
    """
    if not 0 <= share <= 1:
        raise InvalidInput("The share of captured requests must be from 0 to 1.", hint="Write 0.05 for one in twenty.")
    return share


def _check_texts(description: str, owner: str) -> None:
    check_word(description, "description", MAX_TEXT)
    check_word(owner, "owner")


def _refuse_taken(tx: Transaction, name: str, model: str) -> None:
    if store.row_id(tx, name) is not None or store.is_external(tx, name):
        raise AlreadyExists(f"There is an endpoint {name} already.", hint="Choose another name.")
    if name != model and store.is_model(tx, name):
        raise AlreadyExists(
            f"{name} is another model's name, under which its endpoints may be called.", hint="Choose another name."
        )


def _facts(endpoint: Endpoint) -> dict[str, object]:
    said = {"model": endpoint.model, "description": endpoint.description, "owner": endpoint.owner}
    return {**said, "key": endpoint.key, "capture": endpoint.capture}


def _record(
    tx: Transaction, verb: str, endpoint: Endpoint, before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    record(tx, verb=verb, kind="endpoint", key=endpoint.name, before=before, after=after)
    tx.emit(kind="endpoint", change="changed", key=endpoint.name, row_id=endpoint.row_id)
