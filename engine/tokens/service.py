"""Tokens: the operations."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from engine.core.paging import Page, decode_number, encode_token
from engine.tokens import store
from engine.tokens.model import (
    SECRET_BYTES,
    NewToken,
    Token,
    TokenState,
    check_life,
    check_name,
    digest_of,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Transaction

MAX_PAGE = 1_000

_MAX_ID = 2**63 - 1


class Tokens:
    """The tokens of a workspace's server.

    Args:
        database: The control database.
        access: Who asks.
        clock: Tells the time.
        random: Gives so many random bytes; the operating system's by default.
    """

    def __init__(
        self, database: Database, access: Access, clock: Clock, *, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._database = database
        self._access = access
        self._clock = clock
        self._random = random

    def create(
        self, name: str, *, user: str | None = None, scope: Role = Role.VIEWER, expires_in_ms: int | None = None
    ) -> NewToken:
        """Make a token.

        Args:
            name: What it is for; no other token that is live may have it, so that nobody revokes the wrong one.
            user: Who acts with it; the caller by default. The policy's role of that user holds too.
            scope: The most it allows.
            expires_in_ms: How long it lives, in milliseconds; `None` for without end.

        Returns:
            The token, whose secret is shown this once.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no admin.
            InvalidInput: a name cannot be one, or the life is none.
            AlreadyExists: a live token has the name.
        """
        actor = self._access.require(Role.ADMIN, "tokens create")
        check_name(name, "a token")
        check_name(actor.name if user is None else user, "a user")
        check_life(expires_in_ms)
        with self._database.transaction(actor) as tx:
            taken = store.living(tx, name, tx.now_ms)
            if taken is not None:
                raise AlreadyExists(
                    f"The token {taken} is called {name!r} already.",
                    hint=f"Take another name, or revoke it with `qd tokens revoke {taken}`.",
                )
            return self._insert(tx, name, actor.name if user is None else user, scope, expires_in_ms)

    def create_first(self, name: str) -> NewToken | None:
        """Make a token for the actor's own use, unless a token with which something can be changed is live.

        It needs no role: the token is the actor's, and the policy holds for them as before.

        Args:
            name: What it is for; given a number where a live token has it.

        Returns:
            The token, of scope admin; `None` when there is one already.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            InvalidInput: the name cannot be one.
        """
        actor = self._access.require(Role.VIEWER, "tokens create")
        if self._has_admin():
            return None
        check_name(name, "a token")
        check_name(actor.name, "a user")
        with self._database.transaction(actor) as tx:
            free, number = name, 1
            while store.living(tx, free, tx.now_ms) is not None:
                number += 1
                free = f"{name} {number}"
            return self._insert(tx, free, actor.name, Role.ADMIN, None)

    def page(self, *, limit: int = 100, page_token: str | None = None) -> Page[Token]:
        """List tokens, newest first, with the revoked and expired ones.

        Args:
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The tokens, without their secrets.

        Raises:
            InvalidInput: the limit is out of range, or the page token is not of this list.
            PermissionDenied: the actor is no admin.
        """
        self._access.require_to_see(Role.ADMIN, "tokens list")
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        before = None if page_token is None else decode_number(page_token)
        with self._database.snapshot() as snapshot:
            found = store.newest(snapshot, before=before, limit=limit + 1, now_ms=self._clock.now_ms())
        token = encode_token(found[limit - 1].id) if len(found) > limit else None
        return Page(found[:limit], token)

    def revoke(self, token_id: int, *, reason: str = "") -> Token:
        """Have a token refused from now on, by every server of the workspace.

        Args:
            token_id: Its number.
            reason: Why; goes into the audit log.

        Returns:
            The token as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no admin.
            NotFound: there is no such token.
            Conflict: it is revoked already.
        """
        actor = self._access.require(Role.ADMIN, "tokens revoke")
        with self._database.transaction(actor) as tx:
            found = store.token(tx, token_id, tx.now_ms) if 0 < token_id <= _MAX_ID else None
            if found is None:
                raise NotFound("There is no token of that number.", hint="See `qd tokens list`.")
            if found.state is TokenState.REVOKED:
                raise Conflict(f"The token {token_id} is revoked already.")
            store.revoke(tx, token_id)
            facts = _facts(found)
            after = facts | {"revoked_ms": tx.now_ms}
            record(tx, verb="revoke", kind="token", key=str(token_id), before=facts, after=after, reason=reason)
            tx.emit(kind="token", change="revoked", key=str(token_id))
            return _stored(store.token(tx, token_id, tx.now_ms))

    def _has_admin(self) -> bool:
        now_ms = self._clock.now_ms()
        with self._database.snapshot() as snapshot:
            found = store.newest(snapshot, before=None, limit=_MAX_ID, now_ms=now_ms)
        return any(each.state is TokenState.LIVE and each.scope is Role.ADMIN for each in found)

    def _insert(self, tx: Transaction, name: str, user: str, scope: Role, expires_in_ms: int | None) -> NewToken:
        secret = written(self._random(SECRET_BYTES))
        expires_ms = None if expires_in_ms is None else tx.now_ms + expires_in_ms
        token_id = store.insert(tx, name=name, user=user, scope=scope, digest=digest_of(secret), expires_ms=expires_ms)
        made = _stored(store.token(tx, token_id, tx.now_ms))
        record(tx, verb="create", kind="token", key=str(token_id), before=None, after=_facts(made))
        tx.emit(kind="token", change="created", key=str(token_id))
        return NewToken(made, secret)


def _stored(found: Token | None) -> Token:
    if found is None:
        raise RuntimeError("a token that was just written is not there")
    return found


def _facts(token: Token) -> dict[str, object]:
    return {"name": token.name, "user": token.user, "scope": token.scope.label, "expires_ms": token.expires_ms}
