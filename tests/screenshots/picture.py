"""Turns what a terminal shows, cell by cell, into a PNG: box lines, blocks and braille drawn, letters set in a font."""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from pathlib import Path

    import pyte
    from pyte.screens import Char

CELL_WIDTH, CELL_HEIGHT, FONT_SIZE, MARGIN = 10, 22, 16, 12
BACKGROUND, FOREGROUND = "#16181d", "#d7dae0"
BLACK = "#2b2f37"
PALETTE = {
    "black": BLACK,
    "red": "#e5707a",
    "green": "#8fc17a",
    "brown": "#e0b568",
    "blue": "#6ea8ec",
    "magenta": "#c58be0",
    "cyan": "#5fbdc6",
    "white": "#c9ced6",
    "brightblack": "#757c89",
    "brightred": "#ff8b94",
    "brightgreen": "#a9db93",
    "brightbrown": "#f5cf85",
    "brightyellow": "#f5cf85",
    "brightblue": "#8fc1ff",
    "brightmagenta": "#dda9f5",
    "brightcyan": "#80dbe4",
    "brightwhite": "#ffffff",
}
LIGHT_BACKGROUND, LIGHT_FOREGROUND = "#fbfbfa", "#24292f"
BRAILLE = 0x2800
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
# Which half-lines a box character has: left, right, up, down; heavy and rounded ones are drawn like their light kin.
BOX = {
    "─": "lr", "━": "lr", "│": "ud", "┃": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "rud", "┤": "lud",
    "┬": "lrd", "┴": "lru", "┼": "lrud", "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu", "╶": "r", "╴": "l", "╷": "d",
    "╵": "u", "═": "lr", "║": "ud",
}  # fmt: skip
HEAVY = frozenset("━┃")
STROKES = {
    "✓": ((1, 12), (4, 16), (9, 6)),
    "✗": ((2, 7), (8, 15), (5, 11), (8, 7), (2, 15)),
}
"""Signs that the font does not have, as lines through a cell of 10 x 22."""
RING = "○"
SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}
"""Shades as how much of the colour there is, so that cells of them join."""
LOWER = "▁▂▃▄▅▆▇█"
LEFT = "▏▎▍▌▋▊▉"


def color_of(name: str, default: str) -> str:
    """A colour as the web writes it.

    Args:
        name: As the emulator names it.
        default: What the terminal has where nothing was chosen.
    """
    if name == "default":
        return default
    return PALETTE.get(name) or f"#{name}"


def _blended(front: str, back: str, share: float) -> str:
    pairs = zip(bytes.fromhex(front[1:]), bytes.fromhex(back[1:]), strict=True)
    return "#" + bytes(round(a * share + b * (1 - share)) for a, b in pairs).hex()


class Picture:
    """Draws one screen.

    Args:
        screen: What the terminal shows.
        light: Whether the terminal's own background is light.
    """

    def __init__(self, screen: pyte.Screen, *, light: bool = False) -> None:
        font = files("fontpkg_jetbrains_mono") / "files" / "JetBrainsMono[wght].ttf"
        self._fonts = {}
        for bold, weight in ((False, "Regular"), (True, "Bold")):
            with font.open("rb") as stream:
                loaded = ImageFont.truetype(BytesIO(stream.read()), FONT_SIZE)
                loaded.set_variation_by_name(weight)
                self._fonts[bold] = loaded
        self._screen = screen
        self._front, self._back = (LIGHT_FOREGROUND, LIGHT_BACKGROUND) if light else (FOREGROUND, BACKGROUND)
        size = (screen.columns * CELL_WIDTH + 2 * MARGIN, screen.lines * CELL_HEIGHT + 2 * MARGIN)
        self._image = Image.new("RGB", size, self._back)
        self._draw = ImageDraw.Draw(self._image)

    def save(self, path: Path) -> None:
        """Draw every cell and write the PNG."""
        for row in range(self._screen.lines):
            for column in range(self._screen.columns):
                self._cell(column, row, self._screen.buffer[row][column])
        self._image.quantize(64).save(path, optimize=True)

    def _colors(self, cell: Char) -> tuple[str, str]:
        front, back = color_of(cell.fg, self._front), color_of(cell.bg, self._back)
        return (back, front) if cell.reverse else (front, back)

    def _cell(self, column: int, row: int, cell: Char) -> None:
        left, top = MARGIN + column * CELL_WIDTH, MARGIN + row * CELL_HEIGHT
        front, back = self._colors(cell)
        if back != self._back:
            self._draw.rectangle((left, top, left + CELL_WIDTH - 1, top + CELL_HEIGHT - 1), fill=back)
        text = cell.data
        if not text.strip():
            return
        code = ord(text[0])
        if BRAILLE < code < BRAILLE + 256:
            self._braille(left, top, code - BRAILLE, front)
        elif text in BOX:
            self._box(left, top, text, front)
        elif text in SHADES:
            full = (left, top, left + CELL_WIDTH - 1, top + CELL_HEIGHT - 1)
            self._draw.rectangle(full, fill=_blended(front, back, SHADES[text]))
        elif text in LOWER or text in LEFT:
            self._block(left, top, text, front)
        elif text in STROKES:
            self._draw.line([(left + x, top + y) for x, y in STROKES[text]], fill=front, width=2)
        elif text == RING:
            self._draw.ellipse((left + 1, top + 7, left + 8, top + 14), outline=front, width=1)
        else:
            self._draw.text((left, top + 1), text, font=self._fonts[cell.bold], fill=front)
        if cell.underscore:
            self._draw.line((left, top + CELL_HEIGHT - 2, left + CELL_WIDTH, top + CELL_HEIGHT - 2), fill=front)

    def _block(self, left: int, top: int, text: str, front: str) -> None:
        right, bottom = left + CELL_WIDTH - 1, top + CELL_HEIGHT - 1
        if text in LOWER:
            self._draw.rectangle((left, bottom + 1 - CELL_HEIGHT * (LOWER.index(text) + 1) // 8, right, bottom), front)
        else:
            self._draw.rectangle((left, top, left + CELL_WIDTH * (LEFT.index(text) + 1) // 8 - 1, bottom), front)

    def _braille(self, left: int, top: int, bits: int, front: str) -> None:
        for bit, (x, y) in enumerate(DOTS):
            if bits >> bit & 1:
                dot_x, dot_y = left + 1 + x * 5, top + 2 + round(y * 5.5)
                self._draw.rectangle((dot_x, dot_y, dot_x + 2, dot_y + 2), fill=front)

    def _box(self, left: int, top: int, text: str, front: str) -> None:
        middle_x, middle_y = left + CELL_WIDTH // 2, top + CELL_HEIGHT // 2
        ends = {
            "l": (left, middle_y, middle_x, middle_y),
            "r": (middle_x, middle_y, left + CELL_WIDTH, middle_y),
            "u": (middle_x, top, middle_x, middle_y),
            "d": (middle_x, middle_y, middle_x, top + CELL_HEIGHT),
        }
        for side in BOX[text]:
            self._draw.line(ends[side], fill=front, width=2 if text in HEAVY else 1)
