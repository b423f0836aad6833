"""A list's arrangement as it is kept: in `views.toml` under a name, and as the one last used."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from console.arranging.arrangement import NARROWEST, WIDEST, Arrangement
from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.location import Location

Plain: TypeAlias = "str | bool | list[str] | dict[str, int]"
"""What a key of a kept view holds."""


@frozen
class SavedView:
    """A list as somebody wants to find it again.

    Args:
        of: The name in its location, such as an experiment; empty for all.
        filter: As typed after `/`.
        sort: As after `sort:`.
        columns: Keys of the columns of choice.
        arrangement: How the columns are laid out.
        group: Key of the column that rows are grouped by; empty for none.
    """

    of: str = ""
    filter: str = ""
    sort: str = ""
    columns: tuple[str, ...] = ()
    arrangement: Arrangement = field(default_factory=Arrangement)
    group: str = ""

    @classmethod
    def of_list(cls, location: Location, arrangement: Arrangement) -> SavedView:
        """The present state of a list."""
        words = " ".join(location.terms)
        return cls(location.name, words, location.sort, location.columns, arrangement, location.group)

    @property
    def usual(self) -> SavedView:
        """What of it is remembered from one time to the next: not what was looked for, nor the groups of a moment."""
        return SavedView("", "", self.sort, self.columns, self.arrangement)


def to_plain(view: SavedView) -> dict[str, Plain]:
    """A view as keys and values, without those that say nothing."""
    arrangement = view.arrangement
    every: dict[str, Plain] = {
        "of": view.of,
        "filter": view.filter,
        "sort": view.sort,
        "columns": list(view.columns),
        "order": list(arrangement.order),
        "hidden": sorted(arrangement.hidden),
        "pinned": sorted(arrangement.pinned),
        "widths": dict(arrangement.widths),
        "group": view.group,
        "footer": arrangement.footer,
    }
    return {key: value for key, value in every.items() if value}


def from_plain(found: object) -> SavedView:
    """Read a view as it was kept; what is not as it should be counts as not said."""
    if not isinstance(found, dict):
        return SavedView()
    return SavedView(
        _text(found, "of"),
        _text(found, "filter"),
        _text(found, "sort"),
        _texts(found, "columns"),
        Arrangement(
            _texts(found, "order"),
            frozenset(_texts(found, "hidden")),
            frozenset(_texts(found, "pinned")),
            _widths(found),
            found.get("footer") is True,
        ),
        _text(found, "group"),
    )


def _text(found: Mapping[str, object], key: str) -> str:
    value = found.get(key, "")
    return value if isinstance(value, str) else ""


def _texts(found: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = found.get(key, [])
    return tuple(dict.fromkeys(each for each in value if isinstance(each, str))) if isinstance(value, list) else ()


def _widths(found: Mapping[str, object]) -> dict[str, int]:
    value = found.get("widths", {})
    if not isinstance(value, dict):
        return {}
    return {
        name: max(NARROWEST, min(width, WIDEST))
        for name, width in value.items()
        if isinstance(name, str) and isinstance(width, int) and not isinstance(width, bool)
    }
