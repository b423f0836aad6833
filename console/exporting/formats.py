"""A list as CSV, JSON, tabs, Markdown, plain text or a picture: pieces of text, made while rows are read. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from engine.core.plain import plain
from engine.core.text import csv_safe, fit, width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from console.exporting.reading import Heading, Value

    Rows = Iterable[Sequence[Value]]
    Write = Callable[[Sequence[Heading], Rows], Iterator[str]]

_SAMPLE = 1_000
"""Rows that the widths of columns are taken from."""

_WIDEST = 80
"""Cells of a column in plain text before longer texts stand out."""

_MARKDOWN = re.compile(r"([\\`*\[\]<>|#~!&$])")

_PICTURED = 200
"""Rows of a picture at most."""

_CELL, _LINE, _EDGE = 8.4, 20, 16
"""Size of a character's cell, of a line and of the margin, in the picture's units."""

_COLOURS: Mapping[str, str] = {
    "good": "#1a7f37",
    "live": "#1a7f37",
    "bad": "#cf222e",
    "loud": "#cf222e",
    "warn": "#9a6700",
    "running": "#0969da",
    "link": "#0969da",
    "production": "#8250df",
    "staging": "#0969da",
    "dim": "#6e7781",
}


def csv_lines(headings: Sequence[Heading], rows: Rows) -> Iterator[str]:
    """Comma separated values, which no spreadsheet takes for formulas: numbers unrounded, times as ISO 8601."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    named = ([csv_safe(heading.name) for heading in headings],)
    for row in chain(named, ([_safe(value) for value in row] for row in rows)):
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _safe(value: Value) -> str:
    stored = value.stored
    return "" if stored is None else csv_safe(str(stored))


def json_lines(headings: Sequence[Heading], rows: Rows) -> Iterator[str]:
    """A list of objects, one on a line, as the command line writes JSON."""
    names, before = [heading.name for heading in headings], "[\n "
    for row in rows:
        found = {name: plain(value.stored) for name, value in zip(names, row, strict=True)}
        yield before + json.dumps(found, ensure_ascii=False)
        before = ",\n "
    yield "\n]\n" if before != "[\n " else "[]\n"


def tab_lines(headings: Sequence[Heading], rows: Rows) -> Iterator[str]:
    """Tabs between what the list shows, for pasting into a spreadsheet, which takes none of it for a formula."""
    yield "\t".join(csv_safe(heading.title) for heading in headings)
    for row in rows:
        yield "\n" + "\t".join(csv_safe(value.text.strip()) for value in row)


def markdown_lines(headings: Sequence[Heading], rows: Rows) -> Iterator[str]:
    """A table of Markdown; what is logged is text in it, and nothing else."""
    yield f"| {' | '.join(_escaped(heading.title) for heading in headings)} |\n"
    yield f"| {' | '.join('---:' if heading.right else '---' for heading in headings)} |"
    for row in rows:
        yield f"\n| {' | '.join(_escaped(value.text.strip()) for value in row)} |"


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def text_lines(headings: Sequence[Heading], rows: Rows) -> Iterator[str]:
    """Lines of aligned columns, as the list shows them; the first thousand rows say how wide."""
    several = iter(rows)
    first = list(islice(several, _SAMPLE))
    widths = _widths(headings, first, _WIDEST)
    yield _aligned([heading.title for heading in headings], headings, widths)
    for row in chain(first, several):
        yield _aligned([value.text for value in row], headings, widths)


def _widths(headings: Sequence[Heading], rows: Sequence[Sequence[Value]], widest: int) -> list[int]:
    return [
        min(max(width(heading.title), *(width(row[place].text) for row in rows), 1), widest)
        for place, heading in enumerate(headings)
    ]


def _aligned(texts: Sequence[str], headings: Sequence[Heading], widths: Sequence[int]) -> str:
    parts = [
        fit(text, max(wide, width(text)), right=heading.right)
        for text, heading, wide in zip(texts, headings, widths, strict=True)
    ]
    return "  ".join(parts).rstrip() + "\n"


class _Pen(NamedTuple):
    """Where the columns of a picture stand."""

    headings: Sequence[Heading]
    places: Sequence[int]
    widths: Sequence[int]

    def line(self, row: Sequence[tuple[str, str]], y: int) -> Iterator[str]:
        """The texts of one line, each with its attributes."""
        for (text, style), heading, place, wide in zip(row, self.headings, self.places, self.widths, strict=True):
            if text:
                x = _EDGE + (place + (wide if heading.right else 0)) * _CELL
                anchor = ' text-anchor="end"' if heading.right else ""
                yield f'<text x="{x:.1f}" y="{y}"{anchor}{style}>{_xml(fit(text, min(wide, width(text))))}</text>\n'


def svg_lines(headings: Sequence[Heading], rows: Rows) -> Iterator[str]:
    """A picture of the first rows, which needs nothing from elsewhere."""
    several = iter(rows)
    seen, more = list(islice(several, _PICTURED)), sum(1 for _ in several)
    widths = _widths(headings, seen, _WIDEST)
    places = [sum(widths[:place]) + 2 * place for place in range(len(widths))]
    wide = 2 * _EDGE + (sum(widths) + 2 * len(widths)) * _CELL
    high = 2 * _EDGE + (len(seen) + 1 + bool(more)) * _LINE
    pen = _Pen(headings, places, widths)
    size = f'viewBox="0 0 {wide:.0f} {high}" width="{wide:.0f}" height="{high}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n'
    yield '<rect width="100%" height="100%" fill="#ffffff"/>\n'
    yield '<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#1f2328">\n'
    yield from pen.line([(heading.title, ' font-weight="bold"') for heading in headings], _EDGE + 14)
    for number, row in enumerate(seen, 1):
        yield from pen.line([(value.text.strip(), _style(value.look)) for value in row], _EDGE + 14 + number * _LINE)
    if more:
        y = _EDGE + 14 + (len(seen) + 1) * _LINE
        yield f'<text x="{_EDGE}" y="{y}" fill="{_COLOURS["dim"]}">and {more:,} more</text>\n'
    yield "</g>\n</svg>\n"


def _style(look: str) -> str:
    colour = _COLOURS.get(look)
    return f' fill="{colour}"' if colour else ""


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


FILES: Mapping[str, Write] = {
    ".csv": csv_lines,
    ".json": json_lines,
    ".txt": text_lines,
    ".md": markdown_lines,
    ".tsv": tab_lines,
    ".svg": svg_lines,
}
"""By suffix of the file."""

COPIES: Mapping[str, Write] = {"tsv": tab_lines, "markdown": markdown_lines, "csv": csv_lines, "json": json_lines}
"""By the word that asks for it."""
