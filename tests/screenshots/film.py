"""Turns what a terminal showed over time into one animated SVG: no script, no fonts, lines that repeat drawn once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from tests.screenshots.picture import (
    BACKGROUND,
    BOX,
    BRAILLE,
    DOTS,
    FOREGROUND,
    HEAVY,
    LEFT,
    LOWER,
    SHADES,
    color_of,
)

if TYPE_CHECKING:
    import pyte
    from pyte.screens import Char

WIDTH, HEIGHT, MARGIN, TITLE = 9, 20, 12, 30
"""Of a cell, and of what is around all of them, in pixels."""
FONT = "'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace"
LETTERS, LINES, BLOCKS, POINTS = range(4)


@dataclass(frozen=True, slots=True)
class Cell:
    """One character as it looks: text, colours as the web writes them, weight."""

    text: str
    front: str
    back: str
    bold: bool


Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the terminal showed. seconds: for how long."""

    rows: tuple[Row, ...]
    seconds: float


def rows_of(screen: pyte.Screen) -> tuple[Row, ...]:
    """What a terminal shows, as values that can be compared.

    Args:
        screen: The terminal.
    """
    return tuple(
        tuple(_cell(screen.buffer[row][column]) for column in range(screen.columns)) for row in range(screen.lines)
    )


def _cell(cell: Char) -> Cell:
    front, back = color_of(cell.fg, FOREGROUND), color_of(cell.bg, BACKGROUND)
    if cell.reverse:
        front, back = back, front
    return Cell(cell.data or " ", front, back, cell.bold)


@dataclass(slots=True)
class Film:
    """An SVG that shows frames one after the other, and begins anew.

    Args:
        title: Stands above the picture.
        columns: Cells in a line.
        lines: Lines on the terminal.
    """

    title: str
    columns: int
    lines: int
    _classes: dict[str, str] = field(init=False, default_factory=dict)
    _rows: dict[Row, str] = field(init=False, default_factory=dict)

    def drawn(self, frames: Sequence[Frame]) -> str:
        """The whole file.

        Args:
            frames: In order; at least one.
        """
        width, height = self.columns * WIDTH, self.lines * HEIGHT
        strip = "".join(
            f'<g transform="translate({number * width} 0)">{"".join(self._used(frame.rows))}</g>'
            for number, frame in enumerate(frames)
        )
        rows = "".join(f'<g id="{name}">{"".join(self._row(row))}</g>' for row, name in self._rows.items())
        return "".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 2 * MARGIN}" ',
                f'height="{height + MARGIN + TITLE}" font-family="{FONT}" font-size="15">',
                f"<title>{escape(self.title)}</title><style>{self._style(frames, width)}</style>",
                f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
                "".join(f'<circle cx="{20 + at * 18}" cy="15" r="5" fill="#757c89"/>' for at in range(3)),
                f'<text x="50%" y="20" text-anchor="middle" font-size="13" fill="#9aa1ad">{escape(self.title)}</text>',
                f"<defs>{rows}</defs>",
                f'<svg x="{MARGIN}" y="{TITLE}" width="{width}" height="{height}"><g class="film">{strip}</g></svg>',
                "</svg>\n",
            )
        )

    def _style(self, frames: Sequence[Frame], width: int) -> str:
        total = sum(frame.seconds for frame in frames)
        at, stops = 0.0, []
        for number, frame in enumerate(frames):
            stops.append(f"{100 * at / total:.3f}%{{transform:translateX({-number * width}px)}}")
            at += frame.seconds
        stops.append(f"to{{transform:translateX({-(len(frames) - 1) * width}px)}}")
        colours = "".join(
            f".{name}{{fill:{colour}}}.{name.upper()}{{stroke:{colour};fill:none}}"
            for colour, name in self._classes.items()
        )
        return (
            f"text{{white-space:pre}}.b{{font-weight:700}}.film{{animation:film {total:.2f}s step-end infinite}}"
            f"@keyframes film{{{''.join(stops)}}}{colours}"
        )

    def _used(self, rows: Iterable[Row]) -> Iterator[str]:
        for number, row in enumerate(rows):
            if any(cell.text.strip() or cell.back != BACKGROUND for cell in row):
                name = self._rows.setdefault(row, f"r{len(self._rows)}")
                place = f' y="{number * HEIGHT}"' if number else ""
                yield f'<use href="#{name}"{place}/>'

    def _row(self, row: Row) -> Iterator[str]:
        at = 0
        for back, cells in groupby(row, key=lambda cell: cell.back):
            length = len(list(cells))
            if back != BACKGROUND:
                yield f'<rect x="{at * WIDTH}" width="{length * WIDTH}" height="{HEIGHT}" class="{self._class(back)}"/>'
            at += length
        at = 0
        for (kind, front, bold), cells in groupby(row, key=lambda cell: (_kind(cell.text), cell.front, cell.bold)):
            text = "".join(cell.text for cell in cells)
            yield from self._run(kind, at, text, self._class(front), bold=bold)
            at += len(text)

    def _run(self, kind: int, at: int, text: str, colour: str, *, bold: bool) -> Iterator[str]:
        if not text.strip():
            return
        if kind == LETTERS:
            yield from _letters(at, text, colour, bold=bold)
        elif kind == LINES:
            heavy = ' stroke-width="2"' if set(text) & HEAVY else ""
            yield f'<path class="{colour.upper()}"{heavy} d="{_box(at, text)}"/>'
        elif kind == POINTS:
            yield f'<path class="{colour}" d="{_points(at, text)}"/>'
        else:
            for character, same in groupby(enumerate(text), key=lambda each: each[1]):
                places = [place for place, _ in same]
                yield _block(at + places[0], len(places), character, colour)

    def _class(self, colour: str) -> str:
        return self._classes.setdefault(colour, f"c{len(self._classes)}")


def _kind(text: str) -> int:
    if BRAILLE < ord(text[0]) < BRAILLE + 256:
        return POINTS
    if text in BOX:
        return LINES
    return BLOCKS if text in LOWER or text in LEFT or text in SHADES else LETTERS


def _letters(at: int, text: str, colour: str, *, bold: bool) -> Iterator[str]:
    """Words apart where there is much between them, each as wide as its cells whatever font there is."""
    place = at
    for blank, part in ((not word.strip(), word) for word in _words(text)):
        if not blank:
            weight = " b" if bold else ""
            wide = f' textLength="{len(part) * WIDTH}" lengthAdjust="spacingAndGlyphs"' if len(part) > 1 else ""
            yield f'<text x="{place * WIDTH}" y="15" class="{colour}{weight}"{wide}>{escape(part, quote=False)}</text>'
        place += len(part)


def _words(text: str) -> Iterator[str]:
    """The text cut at two blanks and more."""
    first = 0
    for blank, group in groupby(enumerate(text), key=lambda each: each[1] == " "):
        places = [place for place, _ in group]
        if blank and len(places) > 1:
            if first < places[0]:
                yield text[first : places[0]]
            yield text[places[0] : places[-1] + 1]
            first = places[-1] + 1
    if first < len(text):
        yield text[first:]


def _box(at: int, text: str) -> str:
    """Lines through cells; those that run across are drawn in one."""
    parts: list[str] = []
    place = at
    for character, same in groupby(text):
        length = len(list(same))
        left = place * WIDTH
        if BOX[character] == "lr":
            parts.append(f"M{left} 10h{length * WIDTH}")
        else:
            for cell in range(length):
                x, middle = left + cell * WIDTH, left + cell * WIDTH + 4.5
                ends = {
                    "l": f"M{x} 10H{middle}",
                    "r": f"M{middle} 10h4.5",
                    "u": f"M{middle} 0v10",
                    "d": f"M{middle} 10v10",
                }
                parts += [ends[side] for side in BOX[character]]
        place += length
    return "".join(parts)


def _points(at: int, text: str) -> str:
    """Braille as squares; a run of them is one path."""
    parts: list[str] = []
    for place, character in enumerate(text, at):
        bits = ord(character) - BRAILLE
        parts += [
            f"M{place * WIDTH + 1 + x * 4.5:g} {2 + y * 5}h2.4v2.4h-2.4z"
            for bit, (x, y) in enumerate(DOTS)
            if bits >> bit & 1
        ]
    return "".join(parts)


def _block(at: int, length: int, character: str, colour: str) -> str:
    x, width = at * WIDTH, length * WIDTH
    if character in SHADES:
        faint = f' opacity="{SHADES[character]}"'
        return f'<rect x="{x}" width="{width}" height="{HEIGHT}" class="{colour}"{faint}/>'
    if character in LOWER:
        height = HEIGHT * (LOWER.index(character) + 1) / 8
        return f'<rect x="{x}" y="{HEIGHT - height:g}" width="{width}" height="{height:g}" class="{colour}"/>'
    share = (LEFT.index(character) + 1) / 8
    cells = range(length)
    return "".join(
        f'<rect x="{x + cell * WIDTH}" width="{share * WIDTH:g}" height="{HEIGHT}" class="{colour}"/>' for cell in cells
    )
