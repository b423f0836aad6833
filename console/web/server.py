"""The server of `qd web`: `textual-serve`'s page and socket, behind our guard, with our consoles."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
from html import escape
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web
from textual_serve.server import Server

from console.web.guard import SOCKET, Guard
from console.web.session import ConsoleSession
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "127.0.0.1"
"""Nobody but this machine."""

MOST_MESSAGE = 1 << 20
"""Bytes of a message from the page: a paste."""

MOST_SESSIONS = 16
"""Consoles at a time; each is a process."""

HEARTBEAT_SECONDS = 15.0

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/css/xterm.css">
<style>
@font-face {{
  font-family: "Roboto Mono"; src: url("/static/fonts/RobotoMono-VariableFont_wght.ttf"); font-weight: 100 700;
}}
html, body {{ margin: 0; height: 100%; background: #000; color: #ddd; font-family: monospace; }}
.textual-terminal {{ position: absolute; inset: 0; }}
.closed {{ display: none; position: absolute; inset: 0; background: #000; padding: 2em; z-index: 10; }}
body.-closed .closed {{ display: block; }}
a {{ color: #8cf; }}
</style>
</head>
<body>
<div class="closed">The console has ended. <a href="/">Open it again.</a></div>
<div id="terminal" class="textual-terminal" data-session-websocket-url="{socket}" data-font-size="16"></div>
<script src="/static/js/textual.js"></script>
<script src="/keys.js"></script>
</body>
</html>
"""

KEYS = """const keys = () => document.querySelector(".xterm-helper-textarea");
const opened = new MutationObserver(() => {
  if (keys()) { keys().focus(); opened.disconnect(); }
});
opened.observe(document.body, {childList: true, subtree: true, attributes: true});
window.addEventListener("focus", () => keys() && keys().focus());
"""
"""Gives the terminal the keyboard as soon as it is there: nobody should have to click first."""


class WebConsole(Server):
    """Serves consoles to browsers of this machine.

    Args:
        argv: Starts a console.
        title: What the page is called.
    """

    def __init__(self, argv: Sequence[str], title: str) -> None:
        super().__init__(command=" ".join(argv), host=HOST, title=title)
        self._argv = tuple(argv)
        self._sessions: set[ConsoleSession] = set()

    async def serve_until(self, ended: asyncio.Event, port: int) -> None:
        """Serve until somebody ends it.

        Args:
            ended: Set to end it.
            port: Where to listen; 0 takes a free one.

        Raises:
            InvalidInput: the port is taken.
        """
        with contextlib.closing(_listen(port)) as listener:
            self.port = listener.getsockname()[1]
            guard = Guard(self.port)
            runner = web.AppRunner(self.application(guard), access_log=None, handle_signals=False)
            await runner.setup()
            try:
                await web.SockSite(runner, listener).start()
                sys.stdout.write(f"The console is at http://{HOST}:{self.port}/?token={guard.token}\n")
                sys.stdout.write("Whoever has this address acts as you. Ctrl-C ends it.\n")
                sys.stdout.flush()
                await ended.wait()
            finally:
                await asyncio.gather(*(session.end() for session in tuple(self._sessions)))
                await runner.cleanup()

    def application(self, guard: Guard) -> web.Application:
        """The page, what it loads, and its socket; nothing else.

        Args:
            guard: Who may.
        """
        app = web.Application(middlewares=[guard.middleware])
        app.add_routes(
            [
                web.get("/", self.page),
                web.get("/keys.js", self.keys),
                web.get(SOCKET, self.handle_websocket),
                web.static("/static", self.statics_path),
            ]
        )
        return app

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page: `textual-serve`'s terminal, without the letters it would fetch from elsewhere."""
        text = PAGE.format(title=escape(self.title), socket=escape(f"ws://{request.host}{SOCKET}"))
        return web.Response(text=text, content_type="text/html")

    async def keys(self, request: web.Request) -> web.StreamResponse:
        """The page's own script."""
        del request
        return web.Response(text=KEYS, content_type="text/javascript")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A page's socket: a console of its own for as long as it is open.

        Raises:
            HTTPServiceUnavailable: as many consoles are open as may be.
        """
        if len(self._sessions) >= MOST_SESSIONS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_SESSIONS} consoles are open; close one.\n")
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, max_msg_size=MOST_MESSAGE)
        await socket.prepare(request)
        session = ConsoleSession(self._argv, socket.send_bytes)
        self._sessions.add(session)
        await session.start(*_size(request.query))
        drawing = asyncio.ensure_future(self._draw(session, socket))
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT or not await _hear(session, socket, message.data):
                    break
        finally:
            drawing.cancel()
            await asyncio.wait((drawing,))
            self._sessions.discard(session)
            await session.end()
            with contextlib.suppress(ConnectionError):
                await socket.close()
        return socket

    @staticmethod
    async def _draw(session: ConsoleSession, socket: web.WebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):  # the page has gone
            await session.draw()
        await socket.close()


async def _hear(session: ConsoleSession, socket: web.WebSocketResponse, text: str) -> bool:
    """Do what the page says; false when it is not in the words that were agreed on."""
    try:
        kind, *rest = json.loads(text)
        if kind == "stdin":
            session.type(str(rest[0]).encode("utf-8", "replace"))
        elif kind == "resize":
            session.resize(int(rest[0]["width"]), int(rest[0]["height"]))
        elif kind == "ping":
            await socket.send_json(["pong", rest[0]])
        elif kind in ("focus", "blur"):
            session.focus(seen=kind == "focus")
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        return False
    return True


def _size(query: Any) -> tuple[int, int]:
    """The size the page says it has, in cells."""
    given = [query.get("width", ""), query.get("height", "")]
    columns, rows = (int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0 for text in given)
    return columns or 80, rows or 24


def _listen(port: int) -> Any:
    import socket

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise InvalidInput(f"Port {port} cannot be used: {error.strerror}.", hint="Choose another --port.") from error
    return listener


def serve(argv: Sequence[str], title: str, port: int) -> int:
    """Serve consoles until SIGINT or SIGTERM.

    Args:
        argv: Starts a console.
        title: What the page is called.
        port: Where to listen; 0 takes a free one.

    Returns:
        The exit code: 0.

    Raises:
        InvalidInput: the port is taken.
    """
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # a page that goes away is no news

    async def run() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, ended.set)
        await WebConsole(argv, title).serve_until(ended, port)

    asyncio.run(run())
    return 0
