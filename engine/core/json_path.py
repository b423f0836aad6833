"""Paths into the JSON of a parameter or tag: the key `config$.optimizer.lr` means `optimizer.lr` in `config`."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_KEY = re.compile(r"(?P<key>.+?)\$(?P<steps>(?:\.[\w-]+|\[[0-9]{1,4}\])+)")
_STEP = re.compile(r"\.([\w-]+)|\[([0-9]+)\]")

MAX_TEXT = 100_000
"""Longest text that is read as JSON, in characters."""


class JsonPath(NamedTuple):
    """A place within the values of a key.

    Args:
        key: The parameter or tag.
        steps: Names and places from 0, outermost first.
    """

    key: str
    steps: tuple[str | int, ...]

    @property
    def title(self) -> str:
        """The path without its key, such as `optimizer.lr`."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps).lstrip(".")

    def value(self, text: str) -> str | float | int | None:
        """What stands there in a text.

        Args:
            text: JSON; anything else holds nothing.

        Returns:
            A text or number; `true` and `false` as texts, objects and lists as JSON; `None` when there is nothing.
        """
        if len(text) > MAX_TEXT:
            return None
        try:
            found = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return None
        for step in self.steps:
            found = _step(found, step)
        return _plain(found)


def _refuse(word: str) -> object:
    """NaN and infinities are no JSON, whatever Python says."""
    raise ValueError(word)


def _step(found: object, step: str | int) -> object:
    if isinstance(found, list) and isinstance(step, int):
        return found[step] if step < len(found) else None
    return found.get(step) if isinstance(found, dict) else None


def _plain(found: object) -> str | float | int | None:
    if found is None or isinstance(found, str):
        return found
    if isinstance(found, int | float) and not isinstance(found, bool):
        return found
    return json.dumps(found, separators=(",", ":"))


def json_path(key: str) -> JsonPath | None:
    """Read a key as a path; `None` when it is a key like others."""
    found = _KEY.fullmatch(key) if "$" in key else None
    if found is None:
        return None
    steps = tuple(int(place) if place else name for name, place in _STEP.findall(found["steps"]))
    return JsonPath(found["key"], steps)
