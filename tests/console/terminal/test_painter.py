from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style

from console.terminal.capabilities import TRUE_COLOUR, Capabilities
from console.terminal.painter import Painter
from tests.console.terminal.emulator import Terminal, fresh_picture
from tests.console.terminal.strategies import (
    COLUMNS,
    ODD_TEXT,
    PLAIN_TEXT,
    ROWS,
    WIDE_TEXT,
    Write,
    frames,
    writes,
)

ANY_TEXT = st.one_of(PLAIN_TEXT, WIDE_TEXT, ODD_TEXT)
FULL = Capabilities(colours=TRUE_COLOUR)
Screen = tuple[Painter, Terminal]


def screen(capabilities: Capabilities = FULL, columns: int = COLUMNS, rows: int = ROWS) -> Screen:
    return Painter(capabilities, columns, rows), Terminal(columns, rows)


def put(painter: Painter, x: int, y: int, text: str, style: Style | None = None) -> None:
    Write(x, y, text, style).on(painter)


@settings(max_examples=80, deadline=None)
@given(frames(ANY_TEXT))
def test_every_sequence_of_changes_shows_what_a_full_repaint_shows(sequence: list[list[Write]]) -> None:
    painter, terminal = screen()
    reference, _ = screen()
    for changes in sequence:
        for change in changes:
            change.on(painter)
            change.on(reference)
        terminal.feed(painter.frame((0, 0)))
        assert terminal.picture() == fresh_picture(reference)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.text(alphabet="abc ─", max_size=COLUMNS), min_size=ROWS * 3, max_size=ROWS * 3),
    st.lists(st.tuples(st.integers(-4, 4), st.lists(writes(PLAIN_TEXT), max_size=2)), max_size=8),
)
def test_scrolled_lists_show_what_a_full_repaint_shows(lines: list[str], steps: list[tuple[int, list[Write]]]) -> None:
    painter, terminal = screen()
    reference, _ = screen()
    top = ROWS
    for count, extra in steps:
        top = max(0, min(top + count, len(lines) - ROWS))
        for target in (painter, reference):
            for y in range(1, ROWS):
                put(target, 0, y, f"{top + y} {lines[top + y]}".ljust(COLUMNS))
            for change in extra:
                change.on(target)
        terminal.feed(painter.frame((3, 3)))
        assert terminal.picture() == fresh_picture(reference)


@settings(max_examples=50, deadline=None)
@given(frames(ANY_TEXT), st.lists(st.tuples(st.integers(1, 40), st.integers(1, 12)), min_size=6, max_size=6))
def test_a_resized_screen_shows_what_a_full_repaint_shows(
    sequence: list[list[Write]], sizes: list[tuple[int, int]]
) -> None:
    painter, terminal = screen()
    for changes, (columns, rows) in zip(sequence, sizes, strict=False):
        for change in changes:
            change.on(painter)
        terminal.feed(painter.frame((0, 0)))
        painter.resize(columns, rows)
        terminal.screen.resize(rows, columns)
        terminal.feed(painter.frame((0, 0)))
        assert terminal.picture() == fresh_picture(painter)


@settings(max_examples=80, deadline=None)
@given(st.lists(writes(st.one_of(PLAIN_TEXT, WIDE_TEXT)), max_size=10))
def test_a_frame_shows_each_text_where_it_was_put(changes: list[Write]) -> None:
    painter, terminal = screen()
    rows = [[" "] * COLUMNS for _ in range(ROWS)]
    for change in changes:
        change.on(painter)
        _overwrite(rows[change.y], change.x, change.text)
    terminal.feed(painter.frame((0, 0)))
    assert [[str(cell[0]) for cell in row] for row in terminal.picture()] == rows


def _overwrite(row: list[str], x: int, text: str) -> None:
    """The obvious model of a row: wide characters take two cells and never lose a half."""
    for char in text:
        width = 2 if unicodedata.east_asian_width(char) == "W" else 1
        if x >= COLUMNS:
            return
        cells = [char, ""][:width] if x + width <= COLUMNS else [" "]
        if row[x] == "":
            row[x - 1] = " "
        end = x + len(cells)
        if end < COLUMNS and row[end] == "":
            row[end] = " "
        row[x:end] = cells
        x = end


@given(frames(ANY_TEXT))
@settings(max_examples=50, deadline=None)
def test_nothing_changed_sends_nothing(sequence: list[list[Write]]) -> None:
    painter, _ = screen()
    for changes in sequence:
        for change in changes:
            change.on(painter)
        painter.frame((1, 1))
        for change in changes:
            change.on(painter)
        for change in reversed(changes):  # overlapping writes: bring the last state back
            change.on(painter)
        for change in changes:
            change.on(painter)
        painter.frame((1, 1))
        assert painter.frame((1, 1)) == ""


def test_one_changed_cell_sends_a_move_and_a_letter() -> None:
    painter, _ = screen()
    put(painter, 0, 0, "value 1234")
    painter.frame((0, 0))
    put(painter, 0, 0, "value 1934")
    assert painter.frame((0, 0)) == "\x1b[8G9\r"


@pytest.mark.parametrize("count", [1, 3, -1, -2])
def test_a_list_that_moves_is_scrolled_by_the_terminal(count: int) -> None:
    painter, terminal = screen(columns=80, rows=24)
    lines = [f"row {i} " + chr(97 + i % 26) * 60 for i in range(60)]
    for y in range(2, 23):
        put(painter, 0, y, lines[20 + y])
    terminal.feed(painter.frame((0, 0)))
    for y in range(2, 23):
        put(painter, 0, y, lines[20 + count + y])
    sent = painter.frame((0, 0))
    terminal.feed(sent)
    assert [line.rstrip() for line in terminal.screen.display[2:23]] == lines[22 + count : 43 + count]
    assert len(sent) < 100 * abs(count)


def test_no_color_never_sends_a_colour() -> None:
    painter, _ = screen(Capabilities(colours=0))
    put(painter, 0, 0, "bad", Style(color="red", bgcolor="#102030", bold=True))
    assert painter.frame((0, 0)) == "\x1b[m\x1b[H\x1b[2J\x1b[1mbad\r"


@pytest.mark.parametrize(
    ("colours", "style", "code"),
    [
        (16, Style(color="#ff0000"), "31"),
        (256, Style(color="#ff8700"), "38;5;208"),
        (TRUE_COLOUR, Style(color="#ff8700"), "38;5;208"),
        (TRUE_COLOUR, Style(color="#ff8701"), "38;2;255;135;1"),
        (TRUE_COLOUR, Style(color="red"), "31"),
        (TRUE_COLOUR, Style(bgcolor="bright_blue"), "104"),
    ],
)
def test_a_colour_takes_the_shortest_code_the_terminal_knows(colours: int, style: Style, code: str) -> None:
    painter, _ = screen(Capabilities(colours=colours))  # type: ignore[arg-type]  # parametrized literal
    put(painter, 0, 0, "x", style)
    assert f"\x1b[{code}mx" in painter.frame((0, 0))


def test_ascii_borders_stand_in_where_the_locale_is_not_utf8() -> None:
    painter, terminal = screen(Capabilities(unicode=False))
    put(painter, 0, 0, "┌─▲é界…👩\u200d💻x")
    sent = painter.frame((0, 0))
    terminal.feed(sent)
    assert sent.isascii()
    assert terminal.screen.display[0].rstrip() == "+-^e? .? x"


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[31mred",
        "\x1b]52;c;aGk=\x07",
        "\x9b31m",
        "\x9d52;c;aGk=\x9c",
        "a\rb\nc\td\x08\x7f",
        "\u202egnp.exe\u202c",
        "\u2066iso\u2069\u200e\u200f\u061c",
        "\u200b\u2060\ufeff\u00ad",
        "\ud800 lone surrogate",
        "e" + "\u0301" * 500,
        "\u0301\u0301 starts with marks",
        "\U000e0041\U000e0042 tags",
    ],
)
def test_a_hostile_text_reaches_the_terminal_as_text_only(hostile: str) -> None:
    painter, terminal = screen(columns=60)
    put(painter, 0, 0, hostile + "END")
    sent = painter.frame((0, 0)).removeprefix("\x1b[m\x1b[H\x1b[2J")
    sent = sent.replace("\x1b[", "", sent.count("\x1b["))
    assert all(char.isprintable() or char == "\r" for char in sent.replace("\ufffd", "?"))
    assert len(sent.encode()) < 200
    terminal.feed(painter.frame((0, 0)))


def test_the_cursor_rests_where_it_is_asked_to() -> None:
    painter, terminal = screen()
    put(painter, 0, 0, "text")
    terminal.feed(painter.frame((5, 4)))
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (5, 4)
    terminal.feed(painter.frame((500, 400)))
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (COLUMNS - 1, ROWS - 1)
