"""A plain HTTP client for tests of the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

import engine
from engine.api import Engine
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from tests.builders import empty_workspace


@contextmanager
def served(workspace: Path) -> Iterator[Wire]:
    """A server on a workspace that is made for it."""
    made = empty_workspace(workspace).path
    with (
        engine.open(made, via="http") as opened,
        ThreadedServer(opened, Settings(port=0)) as url,
        Wire(url, opened) as found,
    ):
        yield found


class Answer(NamedTuple):
    """What the server said."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Wire:
    """One connection to a server, and the engine behind it where a test has it."""

    def __init__(self, url: str, engine: Engine | None) -> None:
        self.url = url
        self._engine = engine
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    @classmethod
    def to(cls, url: str) -> Self:
        """A connection to a server in another process."""
        return cls(url, None)

    @property
    def engine(self) -> Engine:
        """The engine behind the server."""
        assert self._engine is not None, "this server runs in another process"
        return self._engine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send bytes as they are."""
        self._connection.request(method, path, body, dict(headers or {}))
        answer = self._connection.getresponse()
        return Answer(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})

    def call(self, method: str, path: str, body: object = None, query: Mapping[str, object] | None = None) -> Answer:
        """Send JSON."""
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        encoded = None if body is None else json.dumps(body).encode()
        return self.send(method, target, encoded, {"content-type": "application/json"} if encoded else {})

    def mlflow(self, method: str, path: str, body: object = None, query: Mapping[str, object] | None = None) -> Answer:
        """Send JSON to a path of the MLflow dialect, given from `mlflow/` on."""
        return self.call(method, f"/api/2.0/mlflow/{path}", body, query)
