"""Sending one message: to the address that was checked, without redirects, proxies, or patience for slow answers."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.core.text import clean
from engine.webhooks.addresses import address_to_use, resolve
from engine.webhooks.model import PROGRAMS, Outcome, signature

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection
    from http.client import HTTPConnection

    from engine.policy.webhooks import WebhookPolicy
    from engine.webhooks.addresses import Resolve
    from engine.webhooks.model import Parcel

STANDARD_NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")
"""What the headers of a message's name, time and signature are called by the Standard Webhooks specification."""

PATIENCE_S = 10.0
"""Longest that an attempt takes from its connection to its status, in seconds."""

_GONE = 410
_PORTS = {"http": 80, "https": 443}


class Sender:
    """Sends messages.

    Args:
        names: Header names of a message's name, time and signature; each set is sent.
        resolve: Finds the addresses of a host.
        tls: Checks certificates; the system's authorities by default.
        patience_s: Longest that an attempt takes, in seconds.
    """

    def __init__(
        self,
        names: Collection[tuple[str, str, str]] = (STANDARD_NAMES,),
        *,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._names = tuple(names)
        self._resolve = resolve
        self._tls = tls
        self._patience_s = patience_s

    def send(self, parcel: Parcel, *, now_ms: int, allowed: WebhookPolicy) -> Outcome:
        """Try to deliver a message once. Whatever the other side does, it ends in time, and raises nothing.

        Args:
            parcel: The message.
            now_ms: The time, in milliseconds since the epoch.
            allowed: Whom messages may be brought to.

        Returns:
            What came of it.
        """
        from http.client import HTTPException  # only with webhooks

        parts = urlsplit(parcel.url)
        if parts.scheme in PROGRAMS:
            from engine.webhooks.programs import tell_program  # few are told in this way

            return tell_program(parcel, allowed, patience_s=self._patience_s)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
        try:
            address, why = address_to_use(host, port, allowed.allow_private, self._resolve)
            if why:
                return Outcome(None, f"Not sent: {why}.", final=True)
            status = self._post(parcel, (parts.scheme, host, port), address, now_ms)
        except (OSError, HTTPException, ValueError) as error:
            return Outcome(None, clean(f"No answer: {type(error).__name__}: {error}", limit=200))
        if 200 <= status < 300:
            return Outcome(status)
        return Outcome(status, f"Answered {status}.", final=status == _GONE)

    def _post(self, parcel: Parcel, place: tuple[str, str, int], address: str, now_ms: int) -> int:
        from threading import Timer

        scheme, host, port = place
        parts = urlsplit(parcel.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = self._connection(scheme, host, port, address)
        # A timeout holds for each reading; who answers letter by letter is cut off by the clock.
        end = Timer(self._patience_s, _shut, (connection,))
        end.daemon = True
        try:
            connection.connect()
            end.start()
            headers = {"host": parts.netloc, **self._headers(parcel, now_ms // 1_000)}
            connection.request("POST", target, parcel.payload.encode(), headers)
            return connection.getresponse().status  # what it says further is of no interest
        finally:
            end.cancel()
            connection.close()

    def _connection(self, scheme: str, host: str, port: int, address: str) -> HTTPConnection:
        from http.client import HTTPConnection

        connection = HTTPConnection(host, port, timeout=self._patience_s)
        tls = self._context() if scheme == "https" else None

        def connect() -> None:
            plain = socket.create_connection((address, port), self._patience_s)
            connection.sock = plain if tls is None else tls.wrap_socket(plain, server_hostname=host)

        connection.connect = connect  # type: ignore[method-assign]  # the address was checked; the name is not asked again
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        return self._tls

    def _headers(self, parcel: Parcel, timestamp_s: int) -> dict[str, str]:
        headers = {"content-type": "application/json", "user-agent": "quarterdeck-webhooks", "connection": "close"}
        signed = signature(parcel.secret, parcel.delivery_id, timestamp_s, parcel.payload) if parcel.secret else ""
        for name, time, mark in self._names:
            headers |= {name: parcel.delivery_id, time: str(timestamp_s)} | ({mark: signed} if signed else {})
        return headers


def _shut(connection: HTTPConnection) -> None:
    from contextlib import suppress

    sock = connection.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
