"""Answers: JSON without detours, texts, and errors in the native words."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import PlainTextResponse, Response

from engine.core.errors import QuarterdeckError, TooLarge, Unauthenticated
from engine.core.text import clean

MAX_ECHO = 200
"""Most characters of a message: what a client sent is never given back at length."""

_RETRY_AFTER_S = {429: 1, 503: 1}
"""When to try again what nobody said more of, by status; in seconds."""

_ENCODER = msgspec.json.Encoder()


class JsonAnswer(Response):
    """A JSON answer.

    Args:
        content: JSON values, msgspec structs or dataclasses.
        status_code: The HTTP status.
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode; bytes are taken as JSON that is encoded already."""
        return content if isinstance(content, bytes) else _ENCODER.encode(content)


class Done(Response):
    """The JSON answer that has nothing to say, for those who log all day: made without looking at what it holds."""

    def __init__(self) -> None:
        self.status_code = 200
        self.background = None
        self.body = b"{}"
        self.raw_headers = [(b"content-length", b"2"), (b"content-type", b"application/json")]


def text(content: str, status_code: int = 200) -> Response:
    """A plain-text answer."""
    return PlainTextResponse(content, status_code)


def said(message: str) -> str:
    """A message as it may leave the server: cleaned, and no longer than `MAX_ECHO` allows."""
    return clean(message, limit=MAX_ECHO)


def native_error(error: QuarterdeckError) -> Response:
    """An error in the words of our own API: code, message, hint and details."""
    body = {"error": {"code": error.code, "message": said(error.message), "hint": said(error.hint)}}
    return with_headers(JsonAnswer(body, error.http_status), error)


def with_headers(answer: Response, error: QuarterdeckError) -> Response:
    """Add the headers that an error calls for: when to try again, what to show, that no more will be read."""
    after_s = error.details.get("retry_after_s", _RETRY_AFTER_S.get(answer.status_code))
    if after_s is not None:
        answer.headers["retry-after"] = str(after_s)
    if isinstance(error, Unauthenticated):
        answer.headers["www-authenticate"] = "Bearer"  # not Basic: browsers would keep it and send it for any page
    if isinstance(error, TooLarge):
        answer.headers["connection"] = "close"
    return answer
