r"""Canonical JSON: one value, one text, so that a hash over it means something. Close to RFC 8785 (JCS).

The rules:

- Objects: keys are strings, sorted by code point (JCS sorts by UTF-16 unit; the two differ only beyond U+FFFF).
- No white space. UTF-8; only `"`, `\` and control characters are escaped. A lone surrogate, which UTF-8 cannot
  carry, is written as its `\udXXX` escape.
- Numbers: two numbers that are equal have one text. Whole numbers are written with all their digits whatever their type
  (`1.0` is `1`, `-0.0` is `0`); any other number as the shortest decimal that reads back as the same float.
- NaN and the infinities, which JSON lacks, become the strings `"NaN"`, `"Infinity"` and `"-Infinity"`.
- Tuples are arrays. Anything else is refused rather than guessed at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite, isnan

from engine.core.errors import InvalidInput

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, check_circular=False, separators=(",", ":")
).encode


def plain(value: object) -> object:
    """Rebuild a value from the types that JSON has: what reading its canonical text gives back.

    Args:
        value: `None`, booleans, strings, numbers, lists, tuples and mappings of these.

    Returns:
        The same value from `None`, bool, str, int, float, list and dict only.

    Raises:
        InvalidInput: a key is not a string, or a value is of a type JSON does not have.
    """
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return _plain_float(value)
    if isinstance(value, Mapping):
        return {_plain_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise InvalidInput(f"A value of type {type(value).__name__} cannot be written as JSON.")


def canonical_text(value: object) -> str:
    """Write a value as canonical JSON; equal values give equal text, different ones different text.

    Args:
        value: `None`, booleans, strings, numbers, lists, tuples and mappings of these.

    Returns:
        The text, without lone surrogates, so that it always encodes as UTF-8.

    Raises:
        InvalidInput: a key is not a string, a value is of a type JSON does not have, it is nested too deeply, or an
            integer has thousands of digits.
    """
    try:
        text = _encode(plain(value))
    except (RecursionError, ValueError) as error:
        raise InvalidInput(
            "The value is nested too deeply, or a number in it is too long, to be written as JSON."
        ) from error
    # Inside a JSON text a backslash of the value is already doubled, so this escape cannot be mistaken for one.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def canonical_bytes(value: object) -> bytes:
    """`canonical_text` in UTF-8.

    Args:
        value: As for `canonical_text`.

    Returns:
        The bytes to hash or to store.

    Raises:
        InvalidInput: as for `canonical_text`.
    """
    return canonical_text(value).encode()


def _plain_float(value: float) -> int | float | str:
    if isfinite(value):
        return int(value) if value.is_integer() else float(value)
    if isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _plain_key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise InvalidInput(f"A JSON key must be a string; this one is of type {type(key).__name__}.")
