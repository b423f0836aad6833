"""Who may talk to `qd web`: whoever was given the address with its token, from this machine, from its own page.

A web page from anywhere can make a browser send requests to a port of this machine. So three things must hold: the
`Host` is this machine by a name it has (a name that an attacker's server resolves to us is refused: DNS rebinding), the
`Origin` of a socket or a form is our own page, and the browser has a cookie that only the address with the token gives.
"""

from __future__ import annotations

import secrets
from hmac import compare_digest
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SOCKET = "/ws"
NAMES = ("127.0.0.1", "localhost", "[::1]")
"""What this machine calls itself; nothing else may stand in `Host`."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere; styles stand in the page, for the terminal sets its letters' sizes so."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

REFUSED = "Refused. Open the address that `qd web` has printed, with its token, on the machine where it runs.\n"


class Guard:
    """Decides who may talk to us.

    Args:
        port: Where we listen.
    """

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(32)
        self._pass = secrets.token_urlsafe(32)
        self._cookie = f"qd_web_{port}"  # cookies do not tell ports apart
        self._hosts = frozenset(f"{name}:{port}" for name in NAMES)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through, give a cookie for a token, or refuse; every answer carries `HEADERS`."""
        if not self._from_here(request):
            return _refuse()
        if "token" in request.query:
            return self._welcome(request)
        if not self._known(request):
            return _refuse()
        try:
            answer = await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise
        if not answer.prepared:
            answer.headers.update(HEADERS)
        return answer

    def _from_here(self, request: web.Request) -> bool:
        if request.method not in ("GET", "HEAD") or request.headers.get("Host", "").lower() not in self._hosts:
            return False
        origin = request.headers.get("Origin")
        if origin is None:
            return request.path != SOCKET  # a browser always says it when it opens a socket
        return origin.lower() in self._origins

    def _known(self, request: web.Request) -> bool:
        return _same(request.cookies.get(self._cookie, ""), self._pass)

    def _welcome(self, request: web.Request) -> web.StreamResponse:
        """Take the token out of the address, so that it stays in no history, and give a cookie instead."""
        if request.path != "/" or not _same(request.query["token"], self.token):
            return _refuse()
        answer = web.Response(status=303, headers={**HEADERS, "Location": "/"})
        answer.set_cookie(self._cookie, self._pass, httponly=True, samesite="Strict", path="/")
        return answer


def _same(given: str, right: str) -> bool:
    return compare_digest(given.encode("utf-8", "replace"), right.encode())


def _refuse() -> web.Response:
    return web.Response(status=403, text=REFUSED, headers=HEADERS)
