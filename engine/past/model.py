"""A moment made exact, and what is told of the change it follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

_decode = json.JSONDecoder().raw_decode  # canonical text begins with its value; `loads` looks for white space


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the past ends.

    Args:
        seq: The last audit record that had happened; 0 for none.
        time_ms: The time, in milliseconds since the epoch; rules where nothing was audited.
    """

    seq: int
    time_ms: int


class Undone(NamedTuple):
    """An audit record, as far as turning it back needs it; a tuple, since there may be a hundred thousand.

    Args:
        seq: Its number.
        time_ms: When, in milliseconds since the epoch.
        verb: What was done.
        kind: The kind of object.
        key: The object's public name.
        before_text: Its state before as JSON, as far as it was touched; `None` for none.
        after_text: Its state after; `None` for none.
    """

    seq: int
    time_ms: int
    verb: str
    kind: str
    key: str
    before_text: str | None
    after_text: str | None

    @property
    def before(self) -> Mapping[str, Any]:
        """Its state before; empty for none."""
        return _facts(self.before_text)

    @property
    def after(self) -> Mapping[str, Any]:
        """Its state after; empty for none."""
        return _facts(self.after_text)

    @property
    def created(self) -> bool:
        """Whether it names no state before."""
        return self.before_text is None

    @property
    def deleted(self) -> bool:
        """Whether it names no state after."""
        return self.after_text is None


def _facts(text: str | None) -> Mapping[str, Any]:
    found = {} if text is None else _decode(text)[0]
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a screen shows, for the changes that concern it.

    Args:
        kinds: Kinds of audited objects; none for all.
        key: Only the object of this public name, and what is named under it (`churn` and `churn/7`); empty for all.
    """

    kinds: tuple[str, ...]
    key: str = ""
