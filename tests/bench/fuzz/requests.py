"""Whole requests, as bytes: mostly a route with what it takes, some with something wrong at any level."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from engine.server.routes import Body
from tests.bench.fuzz import spans
from tests.bench.fuzz.mutations import encoded, mutated, spoilt
from tests.bench.fuzz.routes import Target
from tests.bench.fuzz.words import BY_FIELD, Words
from tests.hostile.texts import FILE

_JSON = "application/json"
_CALM = 0.35
"""How many requests have nothing wrong on purpose."""
_ONE_WRONG = 0.35
"""How many are right but for one thing or two; the others are wild."""
_TYPES = (
    "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "", "multipart/form-data",
    "application/x-protobuf", "application/JSON", _JSON, "x" * 3_000,
)  # fmt: skip
_METHODS = ("HEAD", "OPTIONS", "TRACE", "GET", "POST", "PUT", "PATCH", "DELETE", "LOCK", "NOPE")
_TRICKS = (
    "/..%2f..%2fetc/passwd", "/%00", ";x=1", "%23", "%3f", "//", "/.", "/..", "/%2e%2e/", "%ff%fe", "/%ed%a0%80",
    "\\..\\", "%25252f", "/%0d%0aX:1", "%zz", "%", "?", "#", "/" + "a" * 5_000, "\xe9", "%E2%80%AE",
)  # fmt: skip
_HEADERS = (
    "range: bytes=0-3", "range: bytes=5-1", "range: bytes=-999999999999999999999", "range: bytes=0-0,2-3",
    "range: lines=1", "if-none-match: *", "expect: 100-continue", "authorization: Basic !!", "authorization: Bearer x",
    "authorization: Bearer qd_nope", "last-event-id: 999", "last-event-id: x", "origin: http://pwned.example",
    "x-mlflow-experiment-id: 0", "x-mlflow-experiment-id: \u0661", "x-mlflow-run-id: nope", "accept: text/html",
    "cookie: a=b", "upgrade: websocket", "x-forwarded-for: \x7f", "content-range: bytes 0-1/2", "if-range: x",
    "x-" + "y" * 200 + ": " + "z" * 8_000, "content-encoding: br", "host: pwned.example", "x-http-method-override: PUT",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    Args:
        method: Its method; the answer to `HEAD` has no body.
        label: The method and template of the route that it aims at.
        raw: All its bytes.
    """

    method: str
    label: str
    raw: bytes


@dataclass(slots=True)
class _Draft:
    method: str
    path: str
    query: str
    body: bytes
    headers: dict[str, str]
    extra: list[str]
    chunked: bool = False


def request(words: Words, target: Target, host: str) -> Request:
    """A request at a route.

    Args:
        words: Draws all that it says.
        target: The route.
        host: What it names as the server.
    """
    words.path_asked = target.path
    mood = words.rng.random()
    words.calm = mood < _CALM + _ONE_WRONG
    draft = _right(words, target, wrong=mood > _CALM and words.rng.random() < 0.6)
    while mood > _CALM and words.rng.random() < 0.3:
        _spoil(words, draft)
    return Request(draft.method, f"{target.method} {target.path}", _raw(words, draft, host))


def _right(words: Words, target: Target, *, wrong: bool) -> _Draft:
    path = _filled(words, target.path)
    said = words.rng.choice(target.makers)(words) if target.makers else {}
    if wrong:
        said = mutated(words, said)
    draft = _Draft(target.method, path, "", b"", {}, [])
    if target.path == "/v1/traces":
        _spans(words, draft, wrong=wrong)
    elif target.body is Body.STREAM:
        draft.body = FILE[: words.rng.randrange(len(FILE))]
    elif target.method == "GET" or target.body is Body.NONE:
        draft.query = _query(words, said)
    else:
        draft.body = encoded(words, said)
        draft.headers["content-type"] = _JSON
    return draft


def _spans(words: Words, draft: _Draft, *, wrong: bool) -> None:
    said = spans.export(words)
    if wrong:
        said = mutated(words, said)
    if words.rng.random() < 0.5 and isinstance(said, dict):
        draft.body = spans.protobuf(said)
        draft.headers["content-type"] = "application/x-protobuf"
    else:
        draft.body = encoded(words, said)
        draft.headers["content-type"] = _JSON


def _filled(words: Words, template: str) -> str:
    """The path of a template; each parameter is what its name says, percent-encoded unless it is a trick."""
    pieces = []
    for piece in template.split("/"):
        if not piece.startswith("{"):
            pieces.append(piece)
            continue
        name = piece.strip("{}").removesuffix(":path")
        value = words.rooted() if name == "path" else _parameter(words, name)
        safe = "/" if piece.endswith(":path}") and words.rng.random() < 0.7 else ""
        pieces.append(quote(value.encode("utf-8", "surrogatepass"), safe=safe))
    return "/".join(pieces)


def _parameter(words: Words, name: str) -> str:
    return str(BY_FIELD[name](words)) if name in BY_FIELD and words.rng.random() < 0.9 else words.text()


def _query(words: Words, said: Any) -> str:
    if not isinstance(said, dict):
        return quote(json.dumps(said).encode())
    pairs = [
        (name, each)
        for name, value in said.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None or words.rng.random() < 0.1
    ]
    return urlencode([(name, _spoken(each)) for name, each in pairs])


def _spoken(value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")[:6_000]


def _spoil(words: Words, draft: _Draft) -> None:
    """Make one thing wrong beyond what the body says."""
    kind = words.rng.randrange(9)
    if kind == 0:
        draft.method = str(words.pick(_METHODS))
    elif kind == 1:
        at = words.rng.randrange(1, len(draft.path) + 1)
        draft.path = draft.path[:at] + str(words.pick(_TRICKS)) + draft.path[at:]
    elif kind == 2:
        draft.headers["content-type"] = str(words.pick(_TYPES))
    elif kind == 3:
        draft.body = spoilt(words, draft.body)
    elif kind == 4:
        draft.body = gzip.compress(draft.body, 1)
        draft.headers["content-encoding"] = str(words.pick(("gzip", "gzip", "deflate", "identity")))
    elif kind == 5:
        draft.chunked = True
    elif kind == 6:
        draft.query += "&" + str(
            words.pick(("filter=%ff", "a=%ed%a0%80", "=", "&&&", "run_id=a&run_id=b", "max_results="))
        )
    elif kind == 7:
        draft.query, draft.body = draft.body.hex()[:200], quote(draft.query).encode()
    else:
        draft.extra.append(str(words.pick(_HEADERS)))


def _raw(words: Words, draft: _Draft, host: str) -> bytes:
    target = f"{draft.path}?{draft.query}" if draft.query else draft.path
    lines = [f"{draft.method} {target} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in draft.headers.items()]
    lines += draft.extra
    body = draft.body
    if draft.chunked:
        lines.append("transfer-encoding: chunked")
        body = _chunks(words, body)
    elif body or draft.method in ("POST", "PUT", "PATCH"):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogatepass") + body


def _chunks(words: Words, body: bytes) -> bytes:
    size = words.rng.choice((1, 7, 4_096)) if len(body) < 2_000 else 4_096
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
