"""The one writer of stdout: tables for people, JSON and CSV for programs. Everything logged is cleaned here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from engine.cli.cells import STATE_STYLES, short, text
from engine.core.plain import plain
from engine.core.text import ascii_fold, clean, csv_safe, fit, width

if TYPE_CHECKING:
    from engine.core.paging import Page

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_COLOURED = frozenset(("state", "stage", "status", "kind", "from", "to", "decision"))
_CELL = 120
_HEADING = 60
_GAP = 2
_CSV_CELL = 100_000
_LINE = 2_000


class Format(Enum):
    """How a verb answers."""

    HUMAN = "human"
    JSON = "json"
    CSV = "csv"


class Column:
    """A column of a table.

    Args:
        name: The field's name in CSV, and the heading people read unless there is a title.
        value: Takes an item, gives what programs read.
        show: Takes that value, gives what people read.
        title: The heading people read.
        right: Whether to align right and never to cut (numbers and times).
    """

    # A plain class: a dataclass or named tuple takes ten times as long to define, at every start.
    __slots__ = ("name", "right", "show", "title", "value")

    def __init__(
        self,
        name: str,
        value: Callable[[Any], object],
        show: Callable[[Any], str] = short,
        title: str = "",
        *,
        right: bool = False,
    ) -> None:
        self.name = name
        self.value = value
        self.show = show
        self.title = title
        self.right = right

    @property
    def heading(self) -> str:
        """What stands above the column for people; cleaned, for metrics and runs are named by their programs."""
        return clean(self.title or self.name, limit=_HEADING)


def format_options(function: F) -> F:
    """Give a verb `--json` and `--csv`; it receives `fmt`."""
    function = click.option("--csv", "fmt", flag_value=Format.CSV, type=Format, help="Answer as CSV.")(function)
    return click.option(
        "--json", "fmt", flag_value=Format.JSON, type=Format, default=Format.HUMAN, help="Answer as JSON."
    )(function)


def write(content: str) -> None:
    """Write text to stdout as it is, in letters its encoding has.

    Args:
        content: Text without control characters other than line feeds.
    """
    sys.stdout.write(content if content.isascii() or takes_all_letters() else ascii_fold(content))


def takes_all_letters() -> bool:
    """Whether stdout takes more than ASCII: by its encoding and, where it is a terminal, by the user's locale.

    Python speaks UTF-8 under the C locale; a terminal of that locale may not understand it. Files and pipes do.
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    if not encoding.startswith("utf") or not sys.stdout.isatty():
        return encoding.startswith("utf")
    import os

    from engine.core.locales import is_utf8, launch_environ

    return is_utf8(launch_environ(os.environ))


def show_json(value: object) -> None:
    """Print one JSON document: indented on a terminal, one line elsewhere. ASCII only, so it is safe anywhere.

    Args:
        value: What `plain` accepts.
    """
    import json

    indent = 2 if sys.stdout.isatty() else None
    separators = None if indent else (",", ":")
    write(json.dumps(plain(value), indent=indent, separators=separators, allow_nan=False) + "\n")


def show_page(page: Page[T], columns: Sequence[Column], fmt: Format, *, encode: Callable[[T], object] = plain) -> None:
    """Print a page of a list.

    Args:
        page: The items, and the token of the next page.
        columns: What people and CSV readers see of each.
        fmt: How to answer. JSON is `{"items": [...], "next_page_token": …}`.
        encode: Makes an item's JSON.
    """
    if fmt is Format.JSON:
        show_json({"items": [encode(item) for item in page.items], "next_page_token": page.next_page_token})
        return
    show_rows(page.items, columns, fmt)
    if page.next_page_token:
        click.echo(f"More: add --page-token {page.next_page_token}", err=True)


def show_rows(items: Sequence[Any], columns: Sequence[Column], fmt: Format) -> None:
    """Print items as a table.

    Args:
        items: The items.
        columns: What to show of each.
        fmt: How to answer. JSON is an array of objects by column name.
    """
    if fmt is Format.JSON:
        show_json([{column.name: column.value(item) for column in columns} for item in items])
    elif fmt is Format.CSV:
        rows = [[text(column.value(item)) for column in columns] for item in items]
        write_csv([[column.name for column in columns], *rows])
    else:
        cells = [[clean(column.show(column.value(item)), limit=_CELL) for column in columns] for item in items]
        table = _rich_table if sys.stdout.isatty() else _aligned_table
        table(columns, cells)


def show_record(record: object, fmt: Format, *, leave_out: Sequence[str] = ()) -> None:
    """Print one thing with its fields.

    Args:
        record: A dataclass or a mapping of field names to values, nested or not.
        fmt: How to answer. JSON has every field; CSV has a row a field, nested ones named `metrics.auc`.
        leave_out: Fields that people do not want to read here.
    """
    from engine.cli.documents import flatten, lay_out

    document: Mapping[str, Any] = plain(record)
    if fmt is Format.JSON:
        show_json(document)
    elif fmt is Format.CSV:
        write_csv([("field", "value"), *flatten(document)])
    else:
        shown = {name: value for name, value in document.items() if name not in leave_out}
        write("".join(f"{line}\n" for line in lay_out(shown)))


def show_lines(lines: Iterable[str]) -> None:
    """Print lines of text, cleaned.

    Args:
        lines: The lines; may hold logged text.
    """
    for line in lines:
        write(clean(line, limit=_LINE) + "\n")


def write_csv(rows: Iterable[Sequence[str]]) -> None:
    """Print rows as CSV that no spreadsheet takes for formulas.

    Args:
        rows: Cells by row, the headings first; may hold logged text.
    """
    import csv
    import io

    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerows([csv_safe(clean(cell, limit=_CSV_CELL)) for cell in row] for row in rows)
    write(content.getvalue())


def _aligned_table(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> None:
    table = [[column.heading for column in columns], *cells]
    widths = [max(width(row[place]) for row in table) for place in range(len(columns))]
    for row in table:
        parts = [fit(cell, wide, right=column.right) for cell, wide, column in zip(row, widths, columns, strict=True)]
        write("  ".join(parts).rstrip() + "\n")


_ASCII_HEAD = "    \n    \n -- \n" + "    \n" * 5
"""A table that has a rule under its head, in ASCII."""


def _rich_table(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD, Box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from engine.cli.layout import arrange

    console = Console(highlight=False, markup=False, emoji=False)
    plain_letters = not takes_all_letters()
    fold = ascii_fold if plain_letters else str
    rows = [[fold(column.heading) for column in columns], *([fold(cell) for cell in row] for row in cells)]
    natural = [max(1, *(width(row[place]) for row in rows)) for place in range(len(columns))]
    widths = arrange(natural, [column.right for column in columns], room=console.width, gap=_GAP)
    box = Box(_ASCII_HEAD, ascii=True) if plain_letters else SIMPLE_HEAD
    overflow: Literal["crop", "ellipsis"] = "crop" if plain_letters else "ellipsis"
    table = Table(box=box, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column, heading, wide in zip(columns, rows[0], widths, strict=False):
        justify: Literal["right", "left"] = "right" if column.right else "left"
        table.add_column(Text(heading), justify=justify, width=wide, overflow=overflow, no_wrap=True)
    for row in rows[1:]:
        shown = zip(columns, row, widths, strict=False)
        table.add_row(*(Text(cell, style=_style(column, cell)) for column, cell, _ in shown))
    console.print(table)
    if len(widths) < len(columns):
        hidden = ", ".join(column.heading for column in columns[len(widths) :] if column.heading.strip())
        click.echo(f"No room for {hidden}.", err=True)


def _style(column: Column, cell: str) -> str:
    return STATE_STYLES.get(cell, "") if column.name in _COLOURED else ""
