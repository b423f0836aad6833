"""The one writer of stdout: tables for humans, JSON and CSV for programs. Everything logged is cleaned here."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.core.text import clean, csv_safe, fit, width

if TYPE_CHECKING:
    from engine.core.paging import Page

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_CELL = 120


class Format(Enum):
    """How a verb answers."""

    HUMAN = "human"
    JSON = "json"
    CSV = "csv"


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        name: The field's name in CSV.
        title: The heading people read.
        value: Takes an item, gives the cell's text.
        right: Whether to align right (numbers).
    """

    name: str
    title: str
    value: Callable[[Any], str]
    right: bool = False


def format_options(function: F) -> F:
    """Give a verb `--json` and `--csv`; it receives `fmt`."""
    function = click.option("--csv", "fmt", flag_value=Format.CSV, type=Format, help="Answer as CSV.")(function)
    return click.option(
        "--json", "fmt", flag_value=Format.JSON, type=Format, default=Format.HUMAN, help="Answer as JSON."
    )(function)


def plain(value: object) -> Any:
    """Turn a value into what JSON can say; the documented shape of every `--json` answer.

    Dataclasses become objects with their fields' names, tuples become arrays, enumerations their words, bytes hex
    digits; NaN and the infinities become the strings `"NaN"`, `"Infinity"` and `"-Infinity"`.

    Args:
        value: Any value of the engine's models.

    Returns:
        Dictionaries, lists, strings, numbers, booleans and `None`.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return _plain_nested(value)


def _plain_nested(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.repr}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return str(value)


def show_json(value: object) -> None:
    """Print one JSON document: indented on a terminal, one line elsewhere. ASCII only, so it is safe anywhere.

    Args:
        value: What `plain` accepts.
    """
    import json

    indent = 2 if sys.stdout.isatty() else None
    separators = None if indent else (",", ":")
    click.echo(json.dumps(plain(value), indent=indent, separators=separators, allow_nan=False))


def show_page(page: Page[T], columns: Sequence[Column], fmt: Format) -> None:
    """Print a page of a list.

    Args:
        page: The items, and the token of the next page.
        columns: What people and CSV readers see of each.
        fmt: How to answer. JSON is `{"items": [...], "next_page_token": …}` with every field.
    """
    if fmt is Format.JSON:
        show_json({"items": page.items, "next_page_token": page.next_page_token})
        return
    show_rows(page.items, columns, fmt)
    if fmt is Format.HUMAN and page.next_page_token:
        click.echo(f"More: add --page-token {page.next_page_token}", err=True)


def show_rows(items: Sequence[Any], columns: Sequence[Column], fmt: Format) -> None:
    """Print items as a table.

    Args:
        items: The items.
        columns: What to show of each.
        fmt: How to answer. JSON is an array of objects by column name.
    """
    cells = [[column.value(item) for column in columns] for item in items]
    if fmt is Format.JSON:
        show_json([{column.name: text for column, text in zip(columns, row, strict=True)} for row in cells])
    elif fmt is Format.CSV:
        _write_csv([[column.name for column in columns], *cells])
    elif sys.stdout.isatty():
        _write_rich(cells, columns)
    else:
        _write_aligned(cells, columns)


def show_record(record: Mapping[str, object], fmt: Format) -> None:
    """Print one thing: its fields, one a line.

    Args:
        record: Field names and values; values may be nested for JSON.
        fmt: How to answer.
    """
    if fmt is Format.JSON:
        show_json(record)
    elif fmt is Format.CSV:
        _write_csv([["field", "value"], *([name, _text(value)] for name, value in record.items())])
    else:
        longest = max((len(name) for name in record), default=0)
        for name, value in record.items():
            click.echo(f"{name:<{longest}}  {clean(_text(value), limit=2_000)}")


def show_lines(lines: Sequence[str]) -> None:
    """Print lines of text, cleaned.

    Args:
        lines: The lines; may hold logged text.
    """
    for line in lines:
        click.echo(clean(line, limit=2_000))


def _text(value: object) -> str:
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        import json

        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _write_csv(rows: Sequence[Sequence[str]]) -> None:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([csv_safe(clean(cell, limit=100_000)) for cell in row] for row in rows)
    click.echo(text.getvalue(), nl=False)


def _write_aligned(cells: Sequence[Sequence[str]], columns: Sequence[Column]) -> None:
    table = [[column.title for column in columns], *([clean(cell, limit=_CELL) for cell in row] for row in cells)]
    widths = [max(width(row[place]) for row in table) for place in range(len(columns))]
    for row in table:
        parts = [
            " " * (wide - width(cell)) + cell if column.right else fit(cell, wide)
            for cell, wide, column in zip(row, widths, columns, strict=True)
        ]
        click.echo("  ".join(parts).rstrip())


def _write_rich(cells: Sequence[Sequence[str]], columns: Sequence[Column]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(Text(column.title), justify="right" if column.right else "left", overflow="ellipsis")
    for row in cells:
        table.add_row(*(Text(clean(cell, limit=_CELL)) for cell in row))
    Console(highlight=False, markup=False, emoji=False).print(table)
