"""A rectangle of one-cell characters with roles, read out as lines of spans."""

from __future__ import annotations

from console.widgets.charts.series import Line, Span


class Sheet:
    """Blank at first; what is written over the edge is cut off.

    Args:
        width: cells, at least 0.
        height: cells, at least 0.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._glyphs = [[" "] * width for _ in range(height)]
        self._roles = [[""] * width for _ in range(height)]

    def put(self, row: int, column: int, glyph: str, role: str) -> None:
        """Write one character.

        Args:
            row: from the top.
            column: from the left.
            glyph: a character one cell wide.
            role: its role.
        """
        if 0 <= row < self.height and 0 <= column < self.width:
            self._glyphs[row][column] = glyph
            self._roles[row][column] = role

    def write(self, row: int, column: int, text: str, role: str) -> None:
        """Write a text of characters each one cell wide.

        Args:
            row: from the top.
            column: of the first character; may be negative.
            text: what to write.
            role: its role.
        """
        if column < 0:
            text, column = text[-column:], 0
        text = text[: max(self.width - column, 0)]
        if text and 0 <= row < self.height:
            end = column + len(text)
            self._glyphs[row][column:end] = text
            self._roles[row][column:end] = [role] * len(text)

    def write_centred(self, text: str) -> None:
        """Write a sentence in the middle, broken between words where it is too long, in the role ``dim``.

        Args:
            text: plain words.
        """
        rows: list[str] = []
        for word in text.split():
            if rows and len(rows[-1]) + 1 + len(word) <= self.width:
                rows[-1] += f" {word}"
            else:
                rows.append(word)
        first = max((self.height - len(rows)) // 2, 0)
        for offset, row in enumerate(rows):
            self.write(first + offset, max((self.width - len(row)) // 2, 0), row, "dim")

    def glyph(self, row: int, column: int) -> str:
        """The character at a place inside the sheet."""
        return self._glyphs[row][column]

    def lines(self) -> tuple[Line, ...]:
        """The sheet, line by line; a blank takes the role of its left neighbour, which makes fewer spans."""
        return tuple(map(_line, self._glyphs, self._roles))


def _line(glyphs: list[str], roles: list[str]) -> Line:
    """Join neighbours of the same role."""
    spans: list[Span] = []
    start, role = 0, ""
    for column, here in enumerate(roles):
        if here != role and glyphs[column] != " ":
            if column > start:
                spans.append(Span("".join(glyphs[start:column]), role))
            start, role = column, here
    spans.append(Span("".join(glyphs[start:]), role))
    return tuple(spans)
