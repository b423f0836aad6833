"""One probe: asks an external endpoint how it is, to the address that was checked, within its time, and no further."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from engine.core.text import clean
from engine.probing.model import ExternalEndpoint, Probe, Protocol
from engine.probing.rules import address_problem

if TYPE_CHECKING:
    import httpx

    from engine.core.clock import Clock

    Resolve = Callable[[str, int], Awaitable[list[str]]]

MOST_BYTES = 65_536
"""Longest answer that is read, in bytes."""

_REDIRECTS = 3
_ADDRESSES = 4
_FACT, _PROBLEM = 100, 300
_JSON = "application/json"


class _Wrong(Exception):
    """What a probe found wrong."""

    def __init__(self, problem: str, status: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status


class _Answer:
    """An answer, whole.

    Args:
        status: Its HTTP status.
        body: Its bytes.
        took_us: How long it took, from the request to the last byte, in microseconds.
        tls_expires_ms: When the certificate ends, in milliseconds since the epoch; `None` without TLS.
        location: Where it sends the caller; `None` when it does not.
    """

    __slots__ = ("body", "location", "status", "tls_expires_ms", "took_us")

    def __init__(
        self, status: int, body: bytes, took_us: int, tls_expires_ms: int | None, location: httpx.URL | None
    ) -> None:
        self.status = status
        self.body = body
        self.took_us = took_us
        self.tls_expires_ms = tls_expires_ms
        self.location = location


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as text.

    Who asks may stop waiting at any time, which no name server can prevent: the question is asked in a thread of its
    own, and its answer is dropped when it comes too late.

    Args:
        host: Its name or address.
        port: The port.

    Raises:
        OSError: it has none, or nobody can tell.
        ValueError: it cannot be a name.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], problem: Exception | None) -> None:
        if waiting.done():  # nobody waits any more
            return
        if problem is None:
            waiting.set_result(addresses)
        else:
            waiting.set_exception(problem)

    def look() -> None:
        addresses: list[str] = []
        problem: Exception | None = None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        except (OSError, ValueError) as error:
            problem = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, addresses, problem)

    threading.Thread(target=look, name="resolve", daemon=True).start()
    return await waiting


class Asker:
    """Probes external endpoints.

    Args:
        clock: Tells the time.
        environ: Where the values of headers are.
        resolve: Finds the addresses of a host.
        tls: Checks certificates; the system's authorities by default.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        environ: Mapping[str, str] = os.environ,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._environ = environ
        self._resolve = resolve
        self._tls = tls

    async def ask(self, endpoint: ExternalEndpoint) -> Probe:
        """Probe an endpoint once. Whatever the other side does, it ends in time, and raises nothing.

        Args:
            endpoint: The endpoint.

        Returns:
            What was found.
        """
        import httpx  # only with external endpoints
        from anyio.lowlevel import checkpoint

        await checkpoint()  # what httpx loads at its first connection must not count as the endpoint's time
        found = Probe(self._clock.now_ms(), ok=False)
        asking = _Asking(endpoint, self._resolve, self._context(), found)
        try:
            async with asyncio.timeout(endpoint.timeout_ms / 1_000):
                await asking.run(self._headers(endpoint))
        except _Wrong as wrong:
            status = asking.found.status if wrong.status is None else wrong.status
            return replace(asking.found, ok=False, status=status, problem=clean(wrong.problem, limit=_PROBLEM))
        except TimeoutError:
            return replace(asking.found, ok=False, problem=f"No whole answer within {endpoint.timeout_ms} ms.")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return replace(asking.found, ok=False, problem=clean(_no_answer(error), limit=_PROBLEM))
        return replace(asking.found, ok=True)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _headers(self, endpoint: ExternalEndpoint) -> dict[str, str]:
        headers = {"user-agent": "quarterdeck-prober", "accept": f"{_JSON}, */*", "accept-encoding": "identity"}
        for header, variable in endpoint.headers.items():
            value = self._environ.get(variable)
            if value is None:
                raise _Wrong(f"The environment variable {variable} of the header {header} is not set here.")
            if not value.isascii() or not value.isprintable():
                raise _Wrong(f"The environment variable {variable} holds no value that a header can have.")
            headers[header.lower()] = value
        return headers


class _Asking:
    """One probe under way.

    Args:
        endpoint: The endpoint.
        resolve: Finds the addresses of a host.
        tls: Checks certificates.
        found: What is found so far.
    """

    def __init__(self, endpoint: ExternalEndpoint, resolve: Resolve, tls: ssl.SSLContext, found: Probe) -> None:
        self._endpoint = endpoint
        self._resolve = resolve
        self._tls = tls
        self.found = found

    async def run(self, headers: dict[str, str]) -> None:
        """Ask all that the protocol asks; `found` grows on the way."""
        import httpx

        seconds = self._endpoint.timeout_ms / 1_000  # of each step; the whole is bounded by who calls
        limits = httpx.Limits(max_connections=2, max_keepalive_connections=1)
        async with httpx.AsyncClient(
            verify=self._tls, trust_env=False, timeout=seconds, headers=headers, limits=limits
        ) as client:
            steps = {Protocol.V2: self._v2, Protocol.MLFLOW: self._mlflow, Protocol.HTTP: self._http}
            await steps[self._endpoint.protocol](client)

    async def _http(self, client: httpx.AsyncClient) -> None:
        await self._first(client, "")

    async def _mlflow(self, client: httpx.AsyncClient) -> None:
        await self._first(client, "/ping")
        answer = await self._get(client, "/version")
        if answer.status == 200:
            self._tell(version=answer.body.decode("utf-8", "replace"))

    async def _v2(self, client: httpx.AsyncClient) -> None:
        await self._first(client, "/v2/health/ready")
        model = self._endpoint.model
        answer = await self._get(client, f"/v2/models/{quote(model, safe='')}" if model else "/v2")
        if answer.status != 200:
            asked = "its model's metadata" if model else "its metadata"
            raise _Wrong(f"It is ready, but answers {answer.status} when asked for {asked}.", answer.status)
        said = _object(answer.body)
        self._tell(**{key: said[key] for key in ("name", "platform", "version") if isinstance(said.get(key), str)})
        versions = said.get("versions")
        if isinstance(versions, list):
            self._tell(versions=", ".join(str(each) for each in versions[:20] if isinstance(each, (str, int))))
        if model and said.get("name") != model:
            raise _Wrong(f"It says to serve {str(said.get('name'))[:_FACT]!r}, not {model!r}.")

    async def _first(self, client: httpx.AsyncClient, path: str) -> None:
        answer = await self._get(client, path)
        self.found = replace(
            self.found, status=answer.status, latency_us=answer.took_us, tls_expires_ms=answer.tls_expires_ms
        )
        if answer.status != self._endpoint.expected_status:
            raise _Wrong(f"It answered {answer.status}; {self._endpoint.expected_status} is expected.")

    def _tell(self, **facts: str) -> None:
        told = {key: clean(value, limit=_FACT) for key, value in facts.items()}
        self.found = replace(self.found, facts={**self.found.facts, **told})

    async def _get(self, client: httpx.AsyncClient, path: str) -> _Answer:
        """Get a path; redirects are followed where they lead to the same host only, who else was never registered."""
        import httpx

        first = url = httpx.URL(self._endpoint.url + path)
        for _ in range(_REDIRECTS + 1):
            answer = await self._send(client, url)
            if answer.location is None or answer.status == self._endpoint.expected_status:
                return answer
            url = answer.location
            if (url.scheme, url.host, url.port) != (first.scheme, first.host, first.port):
                raise _Wrong("It sends callers to another host, which is not asked.", answer.status)
        raise _Wrong(f"It redirects more than {_REDIRECTS} times.")

    async def _send(self, client: httpx.AsyncClient, url: httpx.URL) -> _Answer:
        import httpx

        # Asked once: a name cannot lead elsewhere between the check and the use.
        addresses = await self._resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
        problem = next((found for each in addresses if (found := address_problem(each))), "")
        if problem or not addresses:
            raise _Wrong(f"It is not asked: {problem}." if problem else "Its name leads nowhere.")
        *others, last = addresses[:_ADDRESSES]
        for address in others:
            with suppress(httpx.ConnectError):
                return await self._exchange(client, url, address)
        return await self._exchange(client, url, last)

    async def _exchange(self, client: httpx.AsyncClient, url: httpx.URL, address: str) -> _Answer:
        began = time.perf_counter_ns()
        target = url.copy_with(host=address)
        extensions = {"sni_hostname": url.host}
        host = {"host": url.netloc.decode("ascii")}
        async with client.stream("GET", target, headers=host, extensions=extensions) as answer:
            expires_ms = _expires_ms(answer)
            body = b""
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > MOST_BYTES:
                    raise _Wrong(f"It answered more than {MOST_BYTES // 1_024} KiB.", answer.status_code)
            took_us = (time.perf_counter_ns() - began) // 1_000
            location = url.join(answer.headers["location"]) if answer.has_redirect_location else None
            return _Answer(answer.status_code, body, took_us, expires_ms, location)


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise _Wrong("It is ready, but its metadata is no JSON object.")
    return said


def _expires_ms(answer: httpx.Response) -> int | None:
    stream = answer.extensions.get("network_stream")
    connection = None if stream is None else stream.get_extra_info("ssl_object")
    if connection is None:
        return None
    ends = (connection.getpeercert() or {}).get("notAfter")
    return None if ends is None else int(ssl.cert_time_to_seconds(ends)) * 1_000


def _no_answer(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"Its certificate is not accepted: {cause.verify_message}."
        cause = cause.__cause__ or cause.__context__
    return f"No answer: {str(error) or type(error).__name__}"
