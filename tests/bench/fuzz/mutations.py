"""How right values are made wrong: in their types, in their text as JSON, and in their bytes."""

from __future__ import annotations

import json
from typing import Any

from tests.bench.fuzz.words import NUMBERS, TEXTS, Words

_WRONG: tuple[object, ...] = (None, True, [], {}, [[]], [None], {"": {}}, [1] * 2_000, {"key": None}, *TEXTS, *NUMBERS)
_DEEP = (20, 500, 5_000, 60_000)
_RAW = (
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\0",
    b"\\ud800",
    b"\\u0000",
    b'"',
    b"{",
    b"]",
    b",",
    b"\xef\xbb\xbf",
)


def mutated(words: Words, value: Any) -> Any:
    """A value with one thing in it that is wrong: dropped, of another type, or another's.

    Args:
        words: Draws what is wrong.
        value: What would be right; it is changed in place where it can be.
    """
    inner = _places(value)
    if not inner or words.rng.random() < 0.05:
        return words.pick(_WRONG)
    container, place = words.rng.choice(inner)
    if isinstance(container, dict) and words.rng.random() < 0.25:
        del container[place]
    elif words.rng.random() < 0.1:
        other, at = words.rng.choice(inner)
        container[place] = json.loads(json.dumps(other[at]))
    else:
        container[place] = words.pick(_WRONG)
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [(value, place) for place, _ in pairs]
    for _, each in list(pairs):
        found += _places(each)
    return found


def encoded(words: Words, value: Any) -> bytes:
    """A value as JSON: with or without escapes, numbers beyond JSON as Python writes them.

    Args:
        words: Draws how.
        value: Any value of JSON.
    """
    text = json.dumps(value, ensure_ascii=words.rng.random() < 0.5)
    return text.encode("utf-8", "surrogatepass")


def spoilt(words: Words, body: bytes) -> bytes:
    """JSON that is none, or that a reader may read in two ways.

    Args:
        words: Draws what is done.
        body: What would be right.
    """
    return words.rng.choice(_SPOILERS)(words, body)


def _cut(words: Words, body: bytes) -> bytes:
    return body[: words.rng.randrange(len(body) + 1)]


def _intruded(words: Words, body: bytes) -> bytes:
    at = words.rng.randrange(len(body) + 1)
    return body[:at] + words.rng.choice(_RAW) + body[at:]


def _flipped(words: Words, body: bytes) -> bytes:
    at = words.rng.randrange(len(body) + 1)
    return body[:at] + bytes((words.rng.randrange(256),)) + body[at + 1 :]


def _twice(_: Words, body: bytes) -> bytes:
    """Every key twice."""
    return body[:-1] + b"," + body[1:] if body[:1] == b"{" and len(body) > 2 else body * 2


def _deep_array(words: Words, _: bytes) -> bytes:
    depth = words.rng.choice(_DEEP)
    return b'{"tags":' + b"[" * depth + b"]" * depth + b"}"


def _deep_object(words: Words, _: bytes) -> bytes:
    depth = words.rng.choice(_DEEP)
    return b'{"a":' * depth + b"1" + b"}" * depth


def _noise(words: Words, _: bytes) -> bytes:
    return words.rng.randbytes(words.rng.choice((1, 8, 300)))


_SPOILERS = (_cut, _intruded, _flipped, _twice, _deep_array, _deep_object, _noise)
