"""Headings that are too long for their columns, shortened so that they can still be told apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

ELLIPSIS = "…"
_BETWEEN_WORDS = "_-./: "


def told_apart(titles: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Headings that fit; of long ones that begin alike, what is common to them is left out.

    Args:
        titles: The whole headings, all different.
        widths: Cells there are for each, at least 1.

    Returns:
        One text a title, no wider than its column.
    """
    shown = [shortened(title, width) for title, width in zip(titles, widths, strict=True)]
    for place in range(len(shown)):
        if shown[place] == titles[place]:
            continue
        least = max(widths[place] // 2, 1)
        alike = [
            other
            for other in range(len(shown))
            if shown[other] != titles[other] and len(_beginning([titles[place], titles[other]])) >= least
        ]
        if len(alike) > 1 and shown[place] == shortened(titles[place], widths[place]):
            _part(shown, alike, [titles[each] for each in alike], [widths[each] for each in alike])
    return shown


def shortened(text: str, width: int) -> str:
    """A text of at most `width` cells, its end replaced by an ellipsis when it is longer."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def _alike(one: str, other: str) -> bool:
    """Whether two shortened texts begin alike as far as they go."""
    if not (one.endswith(ELLIPSIS) and other.endswith(ELLIPSIS)):
        return one == other
    one, other = one[:-1], other[:-1]
    return one.startswith(other) or other.startswith(one)


def _part(shown: list[str], places: Sequence[int], titles: Sequence[str], widths: Sequence[int]) -> None:
    """Show the first way of shortening by which these differ."""
    ways = (
        _without_beginning(titles, widths),
        [_both_ends(title, width) for title, width in zip(titles, widths, strict=True)],
        [ELLIPSIS + _last_cells(title, width - 1) for title, width in zip(titles, widths, strict=True)],
    )
    others = [text for place, text in enumerate(shown) if place not in places]
    found = next((way for way in ways if _differ(way, others)), _numbered(titles, widths))
    for place, text in zip(places, found, strict=True):
        shown[place] = text


def _differ(texts: Sequence[str], others: Sequence[str]) -> bool:
    every = [*texts, *others]
    return not any(
        _alike(every[one], every[other]) for one in range(len(texts)) for other in range(one + 1, len(every))
    )


def _beginning(titles: Sequence[str]) -> str:
    """What all of them begin with."""
    first, last = min(titles), max(titles)
    end = next((place for place, letter in enumerate(first) if letter != last[place]), len(first))
    return first[:end]


def _without_beginning(titles: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Without the words that all begin with."""
    same = _beginning(titles)
    words = max((same.rfind(mark) + 1 for mark in _BETWEEN_WORDS), default=0)
    return [shortened(ELLIPSIS + title[words:], width) for title, width in zip(titles, widths, strict=True)]


def _both_ends(title: str, width: int) -> str:
    """The first and the last cells, a little more of the last, which differ more often."""
    if cell_len(title) <= width:
        return title
    first = max((width - 1) // 2, 0)
    return set_cell_size(title, first).rstrip() + ELLIPSIS + _last_cells(title, width - 1 - first)


def _last_cells(title: str, width: int) -> str:
    """As many of the last characters as fit."""
    for start in range(max(len(title) - width, 0), len(title)):
        if cell_len(title[start:]) <= width:
            return title[start:]
    return ""


def _numbered(titles: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Nothing of them tells them apart in so few cells: their order does."""
    numbers = [str(number) for number in range(1, len(titles) + 1)]
    return [
        set_cell_size(title, max(width - 1 - len(number), 0)).rstrip() + ELLIPSIS + number
        for title, width, number in zip(titles, widths, numbers, strict=True)
    ]
