"""Who may come in, and as whom."""

from __future__ import annotations

import asyncio
import time
from base64 import b64decode
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from engine.core.access import Actor, Role
from engine.core.errors import (
    InvalidInput,
    PermissionDenied,
    QuarterdeckError,
    ReadOnlyMode,
    Refused,
    TooLarge,
    TooManyFailures,
    Unauthenticated,
    UnsupportedMediaType,
)
from engine.server.failures import Failures
from engine.server.head import Head
from engine.server.hosts import Hosts, is_address
from engine.server.proxies import Proxies
from engine.server.refusals import RouteRefusals
from engine.server.routes import Body
from engine.server.standing import Standing
from engine.tokens.checking import TokenCheck
from engine.tokens.model import PREFIX, digest_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from engine.api import Engine
    from engine.core.access import Access
    from engine.server.routes import Match
    from engine.server.settings import Settings
    from engine.tokens.model import Token

MAX_VIEWS = 1_024
"""Engines kept, one a token and address; beyond, the one unused for longest is made anew when it is needed."""

KEEP_USED_S = 20.0
"""How often it is written down which tokens were used, in seconds."""

_UNKNOWN = "unknown"
_JSON = "application/json"


class Gate:
    """Decides whether a request may come in, and which engine it uses.

    Args:
        engine: The workspace, as the server's own user has it.
        settings: Hosts, tokens and limits.

    Attributes:
        refusals: Those of roles, to be written down beside the requests.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._hosts = Hosts(settings)
        self._proxies = Proxies(settings)
        # Without TLS of its own, whoever comes past the proxy sends its token readably.
        self._only_proxies = settings.behind_proxy and settings.tls_certificate is None
        self._tokens = TokenCheck(engine.database, engine.clock)
        self._failures = Failures(time.monotonic)
        self.refusals = RouteRefusals(engine.database)
        self._views: OrderedDict[tuple[bytes, str], tuple[Engine, Standing]] = OrderedDict()

    def admit(self, request: Request, match: Match | None) -> Engine:
        """Let a request in.

        Args:
            request: The request; its body is not read.
            match: The route it found, or `None`.

        Returns:
            The workspace as the caller may use it.

        Raises:
            InvalidInput: its head says no host, or contradicts itself.
            Refused: its host is not ours, it comes from another site's page, or past the proxy.
            Unauthenticated: it has no token, or one that is not good.
            TooManyFailures: its address was refused too often.
            PermissionDenied: its role is below that of the route.
            ReadOnlyMode: it would change something, and the server is read-only.
            TooLarge: its body is larger than the route takes.
            UnsupportedMediaType: its body is not of the type that the route takes.
        """
        head = Head(request.scope["headers"])
        if self._only_proxies and not self._proxied(request):
            raise Refused("This server is reached through its proxy alone.", hint="Use the proxy's address.")
        self._hosts.check(request.method, self._scheme(request, head), head)
        role = match.route.role if match else Role.VIEWER
        engine = self._engine if role is None else self._caller(request, head, match, role)
        if match is not None:
            self._check_body(head, match.route.body)
        return engine

    async def keep_used(self) -> None:
        """Write down now and then which tokens were used, until cancelled."""
        while True:
            await asyncio.sleep(KEEP_USED_S)
            with suppress(QuarterdeckError):  # a full disk is told by the requests that need it
                await asyncio.to_thread(self._tokens.keep_used, self._engine.access.actor)

    def _scheme(self, request: Request, head: Head) -> str:
        if self._proxied(request):
            return (head.get(b"x-forwarded-proto") or "https").lower()
        return str(request.scope["scheme"])

    def _address(self, request: Request, head: Head) -> str:
        """Where a request comes from: the last address that our own proxy added, or the connection's."""
        if self._proxied(request):
            last = (head.get(b"x-forwarded-for") or "").rpartition(",")[2].strip()
            return last if is_address(last) else _UNKNOWN
        return request.client.host if request.client else _UNKNOWN

    def _proxied(self, request: Request) -> bool:
        return request.client is not None and self._proxies.has(request.client.host)

    def _caller(self, request: Request, head: Head, match: Match | None, role: Role) -> Engine:
        secret = _shown(head)
        if secret is None or not (self._settings.require_tokens or secret.startswith(PREFIX)):
            if self._settings.require_tokens:
                self._refuse(self._address(request, head), "Requests to this server need a token.")
            engine, token_id = self._engine, None
        else:
            engine, token_id = self._view(secret, self._address(request, head))
        if engine.access.role < role:
            raise self._too_small(request, match, engine.access, token_id, role)
        if self._engine.access.read_only and role > Role.VIEWER and request.method not in ("GET", "HEAD"):
            raise ReadOnlyMode("This server is read-only.", hint="Send changes to the one that writes.")
        return engine

    def _too_small(
        self, request: Request, match: Match | None, access: Access, token_id: int | None, role: Role
    ) -> PermissionDenied:
        has = access.role.label
        refusal = PermissionDenied(
            f"{request.method} {request.url.path[:60]} needs the role {role.label}; this caller has {has}.",
            hint="Use a token of a wider scope.",
        )
        if not self._engine.access.read_only:
            operation = f"{match.route.method} {match.route.path}" if match else request.method
            self.refusals.note(access.actor, token_id, operation, refusal)
        return refusal

    def _view(self, secret: str, address: str) -> tuple[Engine, int]:
        digest = digest_of(secret)
        key = (digest, address)
        known = self._views.get(key)
        # Who has come in with this token before is not made to wait for what others behind the same address do.
        if known is None and (wait_s := self._failures.wait_s(address)):
            raise _too_many(wait_s)
        token = self._tokens.good(digest)
        if token is None:
            self._views.pop(key, None)
            self._refuse(address, "The token is not known, expired or revoked.")
        if known is None:
            known = self._views[key] = self._made(token, digest, address)
            if len(self._views) > MAX_VIEWS:
                self._views.popitem(last=False)
        engine, standing = known
        standing.seen()
        self._views.move_to_end(key)
        return engine, token.id

    def _refuse(self, address: str, message: str) -> NoReturn:
        if wait_s := self._failures.wait_s(address):
            raise _too_many(wait_s)
        self._failures.note(address)
        raise Unauthenticated(
            message, hint="Make one with `qd tokens create`, and set MLFLOW_TRACKING_TOKEN to it, or send it as Bearer."
        )

    def _made(self, token: Token, digest: bytes, address: str) -> tuple[Engine, Standing]:
        """The workspace as a token's user has it."""
        standing = Standing(token, digest, self._tokens, self._engine)
        return self._engine.acting(Actor(token.user, origin=f"http:{address}", via="http"), standing), standing

    def _check_body(self, head: Head, takes: Body) -> None:
        size = _length(head)
        if takes is not Body.STREAM and size is not None and size > self._settings.max_body_bytes:
            raise TooLarge(f"The body has more than {self._settings.max_body_bytes} bytes.", hint="Send less at once.")
        if takes is Body.JSON and (size is None or size > 0):
            _check_json(head)


def _too_many(wait_s: int) -> TooManyFailures:
    return TooManyFailures(
        "Too many requests of this address were refused.",
        hint="Check the token, and try again later.",
        details={"retry_after_s": wait_s},
    )


def _shown(head: Head) -> str | None:
    """The token that a request shows, as a bearer or as the password of a user; `None` when it shows none.

    Raises:
        InvalidInput: there are several.
    """
    given = head.get(b"authorization")
    if given is None:
        return None
    if head.twice(b"authorization"):
        raise InvalidInput("The request shows several credentials.", hint="Send one Authorization header.")
    scheme, _, rest = given.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return b64decode(rest.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""


def _length(head: Head) -> int | None:
    """How many bytes the body has, `None` when nobody says so beforehand.

    Raises:
        InvalidInput: the head contradicts itself, which is how requests are smuggled past proxies.
    """
    length, coding = head.get(b"content-length"), head.get(b"transfer-encoding")
    both = length is not None and coding is not None
    if both or head.twice(b"content-length") or head.twice(b"transfer-encoding"):
        raise InvalidInput("The request says the length of its body twice.", hint="Send one Content-Length.")
    if coding is not None:
        return None
    text = "0" if length is None else length
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidInput("The length of the body is no number.", hint="Send one Content-Length.")
    return int(text)


def _check_json(head: Head) -> None:
    kind = head.get(b"content-type") or ""
    plain = kind == _JSON or kind.partition(";")[0].strip().lower() == _JSON
    if not plain or head.twice(b"content-type"):
        raise UnsupportedMediaType("The body must be JSON.", hint="Send it with Content-Type: application/json.")
    if (head.get(b"content-encoding") or "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed.", hint="Send it without Content-Encoding.")
