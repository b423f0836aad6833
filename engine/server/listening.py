"""What listens: the socket, the HTTP server on it, and how both are set up."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import struct
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from engine.core.errors import Busy, InvalidInput
from engine.server.exposure import public_name
from engine.server.protocol import bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.server.crowd import Crowd
    from engine.server.protocol import BoundedProtocol
    from engine.server.settings import Settings

DRAIN_S = 10
"""How long requests that have begun may take once the server is told to stop, in seconds."""

LEAVE_S = 0.5
"""How long clients that keep their connections are told with an answer that it is the last one, in seconds."""

_BACKLOG = 1024
_LOOK_S = 0.02
_ATTACH_FILTER = 26
"""Linux: `SO_ATTACH_FILTER`, which Python does not name."""

_END = (signal.SIGINT, signal.SIGTERM)


class HttpServer(uvicorn.Server):
    """The HTTP server below an application; tells when it answers, and when it is about to end.

    Args:
        config: How it is set up.
        crowd: Its connections.
        started: Told that it answers.
        ending: Told that it waits for the last answers.
    """

    def __init__(
        self, config: uvicorn.Config, crowd: Crowd, *, started: Callable[[], None], ending: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._crowd = crowd
        self._tell_started = started
        self._tell_ending = ending

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take a signal as the word to end; unlike the original, do not raise it again: the end is an orderly one."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for sign in _END:
            loop.add_signal_handler(sign, self.handle_exit, sign, None)
        try:
            yield
        finally:
            for sign in _END:
                loop.remove_signal_handler(sign)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets=sockets)
        if self.started:
            self._tell_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, and wait for the last answers."""
        self._tell_ending()
        await self._take_leave()
        await super().shutdown(sockets=sockets)

    async def _take_leave(self) -> None:
        """Tell every client with its next answer that it is the last one here.

        A connection that is closed while its client sends is a request that nobody answers, so none is closed that was
        used a moment ago; nor is the socket while somebody who has connected waits in its queue.
        """
        self._crowd.leaving = True
        for server in self.servers:
            for listener in server.sockets:
                _let_nobody_in(listener)
        for each in self.server_state.connections:
            cast("BoundedProtocol", each).take_leave()
        for look in range(int(LEAVE_S / _LOOK_S)):
            await asyncio.sleep(_LOOK_S)
            if self.force_exit or (look and not self.server_state.connections):
                return  # not at the first look: some have connected, and are taken only now


def _let_nobody_in(listener: socket.socket) -> None:
    """Have the kernel pass over who would connect: they try again, and find the next server or none.

    Closing the socket instead would break off those who have connected but were not taken yet.
    """
    if sys.platform != "linux":
        return
    import ctypes  # needed once, at the end

    nothing = struct.pack("HBBI", 0x06, 0, 0, 0)  # one instruction of a packet filter: keep 0 bytes
    kept = ctypes.create_string_buffer(nothing)
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(kept)))


def http_config(
    app: Any, settings: Settings, crowd: Crowd, *, protocol: type[BoundedProtocol] | None = None
) -> uvicorn.Config:
    """How an application is served: with bounds on everything, and nothing said of who serves it.

    Args:
        app: The ASGI application.
        settings: Limits, and TLS.
        crowd: Told of all connections.
        protocol: Of its connections; the bounded one when it is `None`.
    """
    return uvicorn.Config(
        app,
        http=protocol or bounded(settings, crowd),
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,  # the gate decides which proxy is believed
        timeout_keep_alive=int(settings.idle_s),
        timeout_graceful_shutdown=DRAIN_S,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )


def listening(settings: Settings, *, shared: bool = False) -> socket.socket:
    """A socket that listens where the settings say.

    Args:
        settings: The address and port.
        shared: Whether other processes of ours listen there too.

    Returns:
        The socket; close it. One that is shared gets no connections before a server listens on it.

    Raises:
        Busy: the port is taken.
        InvalidInput: there is no such address here, or it may not be used.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise InvalidInput(f"{settings.host[:100]} is not an address.", hint="Give --host 127.0.0.1.") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
        if not shared:  # the others answer until this one is ready, which `HttpServer` says by listening
            listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Busy(
                f"Port {settings.port} of {settings.host} is taken by another program.",
                hint="Give another one with --port.",
            ) from error
        raise InvalidInput(
            f"{settings.host} port {settings.port} cannot be listened on: {error.strerror}.",
            hint="Give --host 127.0.0.1 and a port above 1023.",
        ) from error
    return listener


def url_of(settings: Settings, listener: socket.socket) -> str:
    """Where a server is, in words that clients take.

    Args:
        settings: Its address, and whether it speaks TLS.
        listener: Its socket, whose port counts.
    """
    name = public_name(settings)
    host = f"[{name}]" if ":" in name else name
    scheme = "https" if settings.tls_certificate else "http"
    return f"{scheme}://{host}:{listener.getsockname()[1]}"
