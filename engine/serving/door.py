"""Who may ask for predictions: anybody on this machine, elsewhere whoever shows a token that is good."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.core.errors import PermissionDenied, QuarterdeckError, TooManyFailures, Unauthenticated
from engine.server.failures import Failures
from engine.server.head import Head
from engine.server.hosts import Hosts
from engine.server.standing import TRUST_S
from engine.tokens.checking import TokenCheck
from engine.tokens.model import digest_of

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.server.settings import Settings
    from engine.serving.calls import Call

_KEPT = 1_024


class Door:
    """Lets requests in, or not.

    A token that was good is taken to be so for a second without looking; and for as long as the database cannot be
    read, for then nobody can have revoked it either.

    Args:
        engine: The workspace.
        settings: Hosts, and whether tokens are asked for.

    Attributes:
        looks_each_time: Whether a head that was let in may be refused another time; without tokens it is not.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self.looks_each_time = settings.require_tokens
        self._hosts = Hosts(settings)
        self._tokens = TokenCheck(engine.database, engine.clock)
        self._failures = Failures(time.monotonic)
        self._good: OrderedDict[bytes, tuple[float, Role]] = OrderedDict()
        self._good_hosts: set[bytes] = set()

    def admit(self, call: Call, scheme: str, *, needs: Role | None = Role.VIEWER) -> None:
        """Let a request in.

        Args:
            call: The request; its body is not read.
            scheme: `http` or `https`.
            needs: The role that its token must have, where tokens are asked for; `None` needs no token.

        Raises:
            InvalidInput: its head names no host.
            Refused: its host is not ours, or it comes from another site's page.
            Unauthenticated: it has no token, or one that is not good.
            TooManyFailures: its address was refused too often.
            PermissionDenied: its token allows too little.
        """
        values = call.values
        host = values.get(b"host", b"")
        if host not in self._good_hosts or b"origin" in values or b"sec-fetch-site" in values:
            head = Head(call.headers)
            self._hosts.check(call.method, scheme, head)
            if len(self._good_hosts) < _KEPT and not head.twice(b"host"):
                self._good_hosts.add(host)
        if self._settings.require_tokens and needs is not None:
            has = self._role(values.get(b"authorization", b""), call.client)
            if has < needs:
                raise PermissionDenied(f"This needs a token of the scope {needs.label}; the one shown has {has.label}.")

    def _role(self, shown: bytes, address: str) -> Role:
        """What the token that is shown allows."""
        known = self._good.get(shown)
        if known is not None and time.monotonic() - known[0] < TRUST_S:
            return known[1]
        if known is None and (wait_s := self._failures.wait_s(address)):
            raise TooManyFailures(
                "Too many requests of this address were refused.",
                hint="Check the token, and try again later.",
                details={"retry_after_s": wait_s},
            )
        role = self._looked_up(shown, known[1] if known is not None else None)
        if role is not None:
            self._good[shown] = (time.monotonic(), role)
            self._good.move_to_end(shown)
            if len(self._good) > _KEPT:
                self._good.popitem(last=False)
            return role
        self._good.pop(shown, None)
        self._failures.note(address)
        raise Unauthenticated(
            "A good token is needed to use this server.",
            hint="Make one with `qd tokens create`, and send it as `Authorization: Bearer …`.",
        )

    def _looked_up(self, shown: bytes, known: Role | None) -> Role | None:
        scheme, _, secret = shown.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        try:
            token = self._tokens.good(digest_of(secret.strip().decode("latin-1")))
            return None if token is None else min(token.scope, self._engine.policy.role_of(token.user))
        except QuarterdeckError:  # the database cannot be read
            return known
