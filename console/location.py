"""Where the operator is: a view of the command grammar, so that every place can be typed, remembered and shared."""

from __future__ import annotations

import re

from engine.core.command import View as Location
from engine.core.timetext import format_time

__all__ = ["Location", "filter_text", "filter_words", "identity", "is_number", "narrowed", "title"]

_TERM = re.compile(r"""!?(?:'[^']*+'|"[^"]*+"|`[^`]*+`|/(?:[^/\\]|\\.)++/|[^\s'"`]++)++""", re.DOTALL)
_SHORT_ID = 8
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,18}")
_EPOCH = re.compile(r"[0-9]{11,15}")


def identity(location: Location) -> tuple[str, str, str]:
    """What makes it the same view, however it is filtered and sorted: resource, name and moment."""
    return location.resource, location.name, location.at


def title(location: Location) -> str:
    """The breadcrumb, such as `versions churn`; run ids are shortened, epoch times written in UTC."""
    name = _RUN_ID.sub(lambda found: found[0][:_SHORT_ID], location.name)
    at = format_time(int(location.at)) if _EPOCH.fullmatch(location.at) else location.at
    words = [location.resource, *([name] if name else []), *([f"@{at}"] if at else [])]
    return " ".join(words)


def is_number(name: str) -> bool:
    """Whether a name is a number such as rows have, and no other sign that counts as a digit."""
    return _NUMBER.fullmatch(name) is not None


def filter_text(location: Location) -> str:
    """The filter in force, as typed after `/`; empty for none."""
    return " ".join(location.terms)


def narrowed(location: Location) -> str:
    """What keeps things out of a list, as typed after `:`: its filter and its earliest time; empty for nothing."""
    text = filter_text(location)
    return " ".join([*(["/" + text] if text else []), *([f"since:{location.since}"] if location.since else [])])


def filter_words(text: str) -> tuple[str, ...]:
    """Cut what was typed after `/` into the terms of a location."""
    return tuple(found[0] for found in _TERM.finditer(text))
