"""Asking an MLflow tracking server: pages, retries and limits. Nothing it answers is trusted."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput, Unreachable
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import httpx

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
MAX_ANSWER_BYTES = 256 << 20
"""Most bytes of an answer that is held in memory."""

_TRIES = 4
_FIRST_WAIT_S = 0.25
_TIMEOUT_S = 60.0
_PASSING = frozenset((408, 429, 500, 502, 503, 504))
_CHUNK = 1 << 20


class MlflowClient:
    """A connection to a tracking server; may be used by several threads.

    `MLFLOW_TRACKING_USERNAME` with `MLFLOW_TRACKING_PASSWORD`, or `MLFLOW_TRACKING_TOKEN`, are sent where they are set.

    Args:
        url: Its address, such as `http://127.0.0.1:5000`.

    Raises:
        InvalidInput: it is no address.
    """

    def __init__(self, url: str) -> None:
        import httpx  # 100 ms; only a tracking server needs it

        token = os.environ.get("MLFLOW_TRACKING_TOKEN")
        name, word = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
        try:
            self._client = httpx.Client(
                base_url=url.rstrip("/"),
                timeout=_TIMEOUT_S,
                headers={"Authorization": f"Bearer {token}"} if token else None,
                auth=(name, word) if name and word else None,
            )
        except (httpx.InvalidURL, ValueError, UnicodeError) as error:
            raise InvalidInput(f"{clean(url, limit=200)} is no address.", hint="Write http://HOST:PORT.") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, query: Mapping[str, Any]) -> dict[str, Any]:
        """Ask with GET.

        Args:
            path: Such as `/runs/get`, below `API` unless it begins with `/api`.
            query: The parameters.

        Raises:
            Unreachable: the server does not answer, refuses, or answers something else.
        """
        return self._asked("GET", path, params=dict(query))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask with POST.

        Args:
            path: Such as `/runs/search`, below `API`.
            body: The JSON.

        Raises:
            Unreachable: the server does not answer, refuses, or answers something else.
        """
        return self._asked("POST", path, json=dict(body))

    def pages(self, method: str, path: str, items: str, asked: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """Every page of a list.

        Args:
            method: `GET` or `POST`.
            path: As `get` takes it.
            items: The field that holds the items.
            asked: The question, without a page token.

        Yields:
            The items of each page.

        Raises:
            Unreachable: the server does not answer, refuses, answers something else, or gives one token twice.
        """
        tokens: set[str] = set()
        question = dict(asked)
        while True:
            answer = self.get(path, question) if method == "GET" else self.post(path, question)
            found = answer.get(items, [])
            if not isinstance(found, list):
                raise Unreachable(f"The server answers {path} with something else.", hint=_NOT_MLFLOW)
            yield [each for each in found if isinstance(each, dict)]
            token = answer.get("next_page_token")
            if not token:
                return
            if not isinstance(token, str) or token in tokens:
                raise Unreachable(f"The server gives the pages of {path} without end.", hint=_NOT_MLFLOW)
            tokens.add(token)
            question["page_token"] = token

    def download(self, path: str, to: Path) -> None:
        """Store a file of the artifact proxy.

        Args:
            path: Its path, below `FILES`.
            to: The file to write.

        Raises:
            Unreachable: the server does not answer, or refuses.
            OSError: the file cannot be written.
        """
        from urllib.parse import quote

        import httpx

        try:
            with self._client.stream("GET", f"{FILES}/{quote(path)}") as answer, to.open("wb") as file:
                if answer.status_code != httpx.codes.OK:
                    raise Unreachable(f"The server answers {answer.status_code} for the file.")
                for chunk in answer.iter_bytes(_CHUNK):
                    file.write(chunk)
        except httpx.HTTPError as error:
            raise Unreachable(f"The file did not come: {_reason(error)}.") from error

    def _asked(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        import httpx

        url = path if path.startswith("/api") else f"{API}{path}"
        wait_s = _FIRST_WAIT_S
        for left in reversed(range(_TRIES)):
            try:
                status, body = self._answer(method, url, how)
            except httpx.HTTPError as error:
                if not left:
                    where = f"{self._client.base_url}"
                    raise Unreachable(
                        f"{clean(where, limit=200)} does not answer: {_reason(error)}.", hint="Is the server running?"
                    ) from error
            else:
                if status not in _PASSING or not left:
                    return _decoded(status, body, path)
            time.sleep(wait_s)
            wait_s *= 2
        raise AssertionError("the last try answers or raises")

    def _answer(self, method: str, url: str, how: Mapping[str, Any]) -> tuple[int, bytes]:
        with self._client.stream(method, url, **how) as answer:
            body = bytearray()
            for chunk in answer.iter_bytes(_CHUNK):
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise Unreachable(f"The server answers with more than {MAX_ANSWER_BYTES >> 20} MB.")
            return answer.status_code, bytes(body)


_NOT_MLFLOW = "Name the address of an MLflow tracking server."


def _decoded(status: int, body: bytes, path: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if status != 200:
        said = found.get("message") if isinstance(found, dict) else None
        detail = f": {clean(said, limit=200)}" if isinstance(said, str) and said else ""
        hint = "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD." if status in (401, 403) else _NOT_MLFLOW
        raise Unreachable(f"The server answers {status} to {path}{detail}.", hint=hint, details={"status": status})
    if not isinstance(found, dict):
        raise Unreachable(f"The server does not answer {path} with JSON.", hint=_NOT_MLFLOW)
    return found


def _reason(error: httpx.HTTPError) -> str:
    return clean(str(error) or type(error).__name__, limit=200)
