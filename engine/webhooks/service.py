"""Webhooks: the operations."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import InvalidInput, NotFound
from engine.core.paging import Page, decode_number, encode_token
from engine.core.timetext import format_time
from engine.policy.webhooks import WebhookPolicy
from engine.webhooks import store
from engine.webhooks.model import EVENTS, Delivery, Outcome, Parcel, Webhook, WebhookChange, check, envelope
from engine.webhooks.sending import Sender

if TYPE_CHECKING:
    from engine.audit.service import AuditLog
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.core.ids import Ids
    from engine.db.database import Database
    from engine.db.transaction import Snapshot
    from engine.policy.file import PolicyFile

MAX_PAGE = 1_000

_OTHERS = 0o007


class Webhooks:
    """Who is told what happens. Every operation is for admins: a URL often is a secret, and calls leave this machine.

    Args:
        database: The control database.
        access: Who asks.
        audit: The audit log, of which messages are made.
        policy_file: Says which hosts may be at private addresses.
        clock: Tells the time.
        ids: Makes webhooks' ids.
    """

    def __init__(
        self,
        database: Database,
        access: Access,
        audit: AuditLog,
        policy_file: PolicyFile,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._database = database
        self._access = access
        self._audit = audit
        self._policy_file = policy_file
        self._clock = clock
        self._ids = ids
        self._sender = Sender()

    def by(self, sender: Sender) -> Webhooks:
        """The same operations, with messages of `test` sent in another way.

        Args:
            sender: Sends them.
        """
        from copy import copy

        other = copy(self)
        other._sender = sender  # noqa: SLF001 its own class
        return other

    def create(
        self, name: str, url: str, events: tuple[str, ...], *, secret: str = "", description: str = ""
    ) -> Webhook:
        """Make a webhook; it is told of what happens from now on.

        Args:
            name: Its name for people.
            url: Where messages are sent.
            events: What it listens for, as `entity.action`.
            secret: Signs messages; empty for none. It is kept readably in the database, which
                is closed to users beyond its group then, and never shown again.
            description: What it is for.

        Returns:
            The webhook.

        Raises:
            InvalidInput: a name, URL, event or secret cannot be one.
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no admin.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.ADMIN, "webhooks create")
        given = WebhookChange(name, url, events, description, secret)
        check(given, self._policy_file.read().webhooks)
        with self._database.transaction(actor) as tx:
            made = Webhook(
                id=self._ids.new(),
                name=name,
                url=url,
                events=tuple(dict.fromkeys(events)),
                description=description,
                active=True,
                signed=bool(secret),
                created_ms=tx.now_ms,
                created_by=actor.name,
                updated_ms=tx.now_ms,
            )
            if not store.active(tx):  # nobody was told for a while; what happened then is past
                store.set_progress(tx, self._audit.head().size)
            store.insert(tx, made, secret)
            record(tx, verb="create", kind="webhook", key=made.id, before=None, after=_facts(made))
            tx.emit(kind="webhook", change="created", key=made.id)
        self._close_to_others(secret)
        return made

    def update(self, webhook_id: str, change: WebhookChange) -> Webhook:
        """Change a webhook.

        Args:
            webhook_id: Its id.
            change: What is to be changed.

        Returns:
            The webhook as it is now.

        Raises:
            NotFound: there is no such webhook.
            InvalidInput: a name, URL, event or secret cannot be one.
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no admin.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.ADMIN, "webhooks update")
        check(change, self._policy_file.read().webhooks)
        with self._database.transaction(actor) as tx:
            row = _found(tx, webhook_id)
            secret = row.secret if change.secret is None else change.secret
            after = replace(_changed(row.webhook, change), signed=bool(secret), updated_ms=tx.now_ms)
            if after.active and not store.active(tx):
                store.set_progress(tx, self._audit.head().size)
            store.update(tx, row.row_id, after, secret)
            record(tx, verb="update", kind="webhook", key=webhook_id, before=_facts(row.webhook), after=_facts(after))
            tx.emit(kind="webhook", change="changed", key=webhook_id)
        self._close_to_others(change.secret)
        return after

    def delete(self, webhook_id: str) -> None:
        """Delete a webhook, with its messages that wait.

        Args:
            webhook_id: Its id.

        Raises:
            NotFound: there is no such webhook.
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no admin.
        """
        actor = self._access.require(Role.ADMIN, "webhooks delete")
        with self._database.transaction(actor) as tx:
            row = _found(tx, webhook_id)
            store.delete(tx, row.row_id)
            record(tx, verb="delete", kind="webhook", key=webhook_id, before=_facts(row.webhook), after=None)
            tx.emit(kind="webhook", change="deleted", key=webhook_id)

    def get(self, webhook_id: str) -> Webhook:
        """One webhook.

        Args:
            webhook_id: Its id.

        Raises:
            NotFound: there is no such webhook.
            PermissionDenied: the actor is no admin.
        """
        self._access.require_to_see(Role.ADMIN, "webhooks show")
        with self._database.snapshot() as snapshot:
            return _found(snapshot, webhook_id).webhook

    def page(self, *, limit: int = 100, page_token: str | None = None) -> Page[Webhook]:
        """List webhooks, newest first.

        Args:
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The webhooks, without their secrets.

        Raises:
            InvalidInput: the limit is out of range, or the page token is not of this list.
            PermissionDenied: the actor is no admin.
        """
        self._access.require_to_see(Role.ADMIN, "webhooks list")
        before = _position(limit, page_token)
        with self._database.snapshot() as snapshot:
            rows = store.newest(snapshot, before=before, limit=limit + 1)
        token = encode_token(rows[limit - 1].row_id) if len(rows) > limit else None
        return Page(tuple(row.webhook for row in rows[:limit]), token)

    def deliveries(self, webhook_id: str, *, limit: int = 100, page_token: str | None = None) -> Page[Delivery]:
        """List the messages to a webhook, newest first.

        Args:
            webhook_id: Its id.
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The messages, without what they say.

        Raises:
            NotFound: there is no such webhook.
            InvalidInput: the limit is out of range, or the page token is not of this list.
            PermissionDenied: the actor is no admin.
        """
        self._access.require_to_see(Role.ADMIN, "webhooks deliveries")
        before = _position(limit, page_token)
        with self._database.snapshot() as snapshot:
            rows = store.deliveries(snapshot, _found(snapshot, webhook_id).row_id, before=before, limit=limit + 1)
        token = encode_token(rows[limit - 1][0]) if len(rows) > limit else None
        return Page(tuple(delivery for _, delivery in rows[:limit]), token)

    def test(self, webhook_id: str, event: str | None = None) -> Outcome:
        """Send a message to a webhook at once, and once only; nothing has happened, and the message says so.

        Args:
            webhook_id: Its id.
            event: Which event to tell of; its first one by default.

        Returns:
            What came of it.

        Raises:
            NotFound: there is no such webhook.
            InvalidInput: there is no such event.
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no admin.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        self._access.require(Role.ADMIN, "webhooks test")
        check(WebhookChange(events=None if event is None else (event,)), WebhookPolicy())
        with self._database.snapshot() as snapshot:
            row = _found(snapshot, webhook_id)
        now_ms = self._clock.now_ms()
        told = envelope(event or row.webhook.events[0], format_time(now_ms), {"name": "example", "test": True})
        parcel = Parcel(self._ids.new(), row.webhook.url, row.secret, json.dumps(told))
        return self._sender.send(parcel, now_ms=now_ms, allowed=self._policy_file.read().webhooks)

    def events(self) -> tuple[str, ...]:
        """All that webhooks may listen for, as `entity.action`."""
        return tuple(f"{entity}.{action}" for entity, actions in EVENTS.items() for action in actions)

    def _close_to_others(self, secret: str | None) -> None:
        """Leave the database to its owner and group once it holds a secret; users beyond could read it."""
        path = self._database.path
        for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")) if secret else ():
            with suppress(OSError):  # it is another's file, who decides
                file.chmod(file.stat().st_mode & ~_OTHERS)


def _found(view: Snapshot, webhook_id: str) -> store.Row:
    row = store.webhook(view, webhook_id)
    if row is None:
        raise NotFound("There is no such webhook.", hint="See `qd webhooks list`.")
    return row


def _position(limit: int, page_token: str | None) -> int | None:
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
    return None if page_token is None else decode_number(page_token)


def _changed(webhook: Webhook, change: WebhookChange) -> Webhook:
    given = {
        "name": change.name,
        "url": change.url,
        "events": change.events and tuple(dict.fromkeys(change.events)),
        "description": change.description,
        "active": change.active,
    }
    return replace(webhook, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # each of its own type


def _facts(webhook: Webhook) -> dict[str, object]:
    """What the audit log keeps: not the whole URL, whose path and query often are a secret."""
    from urllib.parse import urlsplit

    parts = urlsplit(webhook.url)
    return {
        "name": webhook.name,
        "place": f"{parts.scheme}://{parts.netloc}" if parts.netloc else webhook.url,
        "events": list(webhook.events),
        "active": webhook.active,
        "signed": webhook.signed,
    }
