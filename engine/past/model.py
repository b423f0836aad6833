"""A moment made exact, and what is told of the change it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the past ends.

    Args:
        seq: The last audit record that had happened; 0 for none.
        time_ms: The time, in milliseconds since the epoch; rules where nothing was audited.
    """

    seq: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class Undone:
    """An audit record, as far as turning it back needs it.

    Args:
        seq: Its number.
        time_ms: When, in milliseconds since the epoch.
        verb: What was done.
        kind: The kind of object.
        key: The object's public name.
        before: Its state before, as far as it was touched; empty for none.
        after: Its state after; empty for none.
        created: Whether it names no state before.
        deleted: Whether it names no state after.
    """

    seq: int
    time_ms: int
    verb: str
    kind: str
    key: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    created: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What a screen shows, for the changes that concern it.

    Args:
        kinds: Kinds of audited objects; none for all.
        key: Only the object of this public name, and what is named under it (`churn` and `churn/7`); empty for all.
    """

    kinds: tuple[str, ...]
    key: str = ""
