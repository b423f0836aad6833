"""What a screen says, as numbered lines: a page of a list, or the lines of a detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from console.arranging.group_cells import CLOSED, OPENED
from console.formats import NONE, number, plural
from console.plain.speech import speakable
from console.text import plain
from console.views import Page
from console.widgets.bar import Bar
from console.widgets.charts.grid import ChartGrid
from console.widgets.charts.series import buckets
from console.widgets.document import Document
from console.widgets.table import VirtualTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.widget import Widget

    from console.views import View
    from console.widgets.charts.series import Series
    from console.widgets.table import Key

SHELL = "$; "
"""Begins the line of a dialog that shows the same for the shell; `copy-cli` says it to who wants it."""

_GROUPS = {OPENED: "open group", CLOSED: "closed group"}
"""What the sign says that stands before a group."""

PAGE = 20
"""Rows of a list that are said at a time."""


class Place(NamedTuple):
    """Where a number points.

    Args:
        widget: The table or the document.
        key: Identity of the thing there.
    """

    widget: VirtualTable | Document
    key: Key | str


class Told(NamedTuple):
    """A screen as it was said.

    Args:
        lines: What was said.
        places: What its numbers mean.
    """

    lines: list[str]
    places: dict[int, Place]


def table_of(view: View) -> VirtualTable | None:
    """The table of a list that has rows; `None` for every other screen."""
    return next((table for table in view.query(VirtualTable) if table.display), None)


def headline(view: View) -> str:
    """What the screen is, and how it stands."""
    status = speakable("  ".join(plain([part]) for part in view.status()))
    past = "; the past, read-only" if view.location.at else ""
    return f"{speakable(view.title)}{past}{f': {status}' if status else ''}"


def tell_rows(table: VirtualTable, first: int) -> Told:
    """A page of a list.

    Args:
        table: The table, with these rows in view.
        first: Place of the first row, from 0.
    """
    lines: list[str] = []
    places: dict[int, Place] = {}
    for index, key in enumerate(table.visible_keys, table.scroll_top):
        if first <= index < first + PAGE:
            places[index + 1] = Place(table, key)
            lines.append(f"{index + 1}. {_row(table, key)}")
    last = first + len(lines)
    if last < table.row_count:
        lines.append(f"Rows {first + 1} to {last} of {table.row_count}; next says more.")
    return Told(lines, places)


def _row(table: VirtualTable, key: Key) -> str:
    row = table.row(key)
    if row is None:
        return "not read yet"
    said: list[str] = []
    sign = row[0].text[:1] if row else ""
    if sign in _GROUPS:
        said.append(_GROUPS[sign])
    for column, cell in zip(table.columns, row, strict=False):
        text = speakable(cell.text) if cell.text != NONE else ""
        if text:
            said.append(f"{column.title.lower()} {text}" if column is not table.columns[0] else text)
    return "; ".join(said) or "empty"


def tell_page(view: View) -> Told:
    """A screen that is no list: its bars, charts and lines, those that can be opened with a number."""
    lines: list[str] = []
    places: dict[int, Place] = {}
    charted = bool(view.query(ChartGrid))
    for widget in view.walk_children():
        if isinstance(widget, Document):
            if _shown(widget) or charted:
                lines += _document(widget, places)
        elif _shown(widget):
            lines += _drawn(widget)
    return Told([line for line in lines if line], places)


def _shown(widget: object) -> bool:
    from textual.widget import Widget

    return isinstance(widget, Widget) and all(each.display for each in widget.ancestors_with_self)


def _document(document: Document, places: dict[int, Place]) -> Iterator[str]:
    for line in document.lines:
        text = speakable(plain(line.parts))
        if line.key:
            numbered = len(places) + 1
            places[numbered] = Place(document, line.key)
            yield f"{numbered}. {text}"
        else:
            yield text


def _drawn(widget: object) -> list[str]:
    if isinstance(widget, Bar):
        return [speakable("  ".join(plain([part]) for part in widget.parts))]
    if isinstance(widget, ChartGrid):
        read = [curve(chart.title, chart.series) for chart in widget.charts if chart.series]
        left = len(widget.charts) - len(read)
        return [*read, f"{plural(left, 'more chart')} not read yet: page-down."] if left and read else read
    return []


def curve(title: str, series: Sequence[Series]) -> str:
    """A chart in a sentence: the latest value, and between which its curves move."""
    said: list[str] = []
    for each in series:
        spans = [bucket for bucket in buckets(each.points) if bucket is not None]
        if not spans:
            continue
        low, high = min(span[1] for span in spans), max(span[2] for span in spans)
        name = f"{each.name}: " if each.name else ""
        latest = "" if each.latest is None else f"latest {number(each.latest)}; "
        said.append(f"{name}{latest}from {number(low)} to {number(high)}")
    return speakable(f"{title}: {'; '.join(said) or 'no points'}")


def needs_number(view: View) -> bool:
    """Whether what an action is done to depends on a cursor that nobody sees."""
    if table_of(view) is not None:
        return True
    chosen = [document for document in view.query(Document) if document.line is not None]
    return bool(chosen) and (len(chosen) > 1 or type(view).subject is Page.subject)


def dialog_lines(dialog: Widget) -> list[str]:
    """What a dialog says, without the names of its fields and its hints about keys."""
    lines: list[str] = []
    for widget in dialog.walk_children():
        if isinstance(widget, Bar):
            if not widget.has_class("label") and all(look != "key" for _text, look in widget.parts):
                lines.append(speakable("  ".join(plain([part]) for part in widget.parts)))
        elif isinstance(widget, Document):
            lines += [speakable(plain(line.parts)) for line in widget.lines]
    return [line for line in lines if line and not line.startswith(SHELL)]
