"""What logged text must go through on its way out: to a screen, a terminal, a CSV file or a log.

Names, tags and descriptions come from programs we do not know. A terminal obeys control characters, a reader is
misled by invisible and right-to-left marks, a spreadsheet runs formulas. Nothing here fails on any `str`.
"""

from __future__ import annotations

import re

SYMBOL = "·"
"""Stands where something unprintable was."""

ELLIPSIS = "…"
"""Ends a text that was cut."""

_MOST_MARKS = 4  # a base letter carries at most three or four in any living script
_CACHE = 4_096
_LENGTHENING = 16  # how much longer than its cleaned form we look into a text
_HANDFUL = 256
_FIRST_MARK = "\u0300"

# A whole escape sequence becomes one symbol. A run stops where another sequence may begin and is never tried again,
# so hostile text costs linear time; an unclosed string loses its first byte only, and its words stay readable.
# Compiled when the first comes: most programs meet none.
_SEQUENCE = (
    "(?:\x1b\\[|\x9b)[0-?]{0,64}+[ -/]{0,8}+[@-~]"
    "|(?:\x1b[PX\\]^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f]{0,4096}+(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]{0,8}+[0-~]"
)
_INVISIBLE = frozenset((0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0xFFFC))
# Variation selectors and skin tones: terminals disagree on the width of what they follow.
_SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF), (0x180B, 0x180F), (0x1F3FB, 0x1F3FF))
_UNPRINTED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


class _Replacements(dict[int, str]):
    """For `str.translate`: what each character becomes; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        if len(self) >= _CACHE:  # hostile text may hold every character there is
            self.clear()
        replaced = self[code] = _replacement(code)
        return replaced


_REPLACEMENTS = _Replacements()


def _replacement(code: int) -> str:
    from unicodedata import category  # plain ASCII, the usual case, does without

    if code == 0x09:
        return " "
    if any(first <= code <= last for first, last in _SELECTORS):
        return ""
    kind = category(chr(code))
    if kind in _UNPRINTED or code in _INVISIBLE:
        return SYMBOL
    return " " if kind == "Zs" else chr(code)


def clean(text: str, *, limit: int = 200, newlines: bool = False) -> str:
    """Make text harmless and legible for any outlet.

    Escape sequences, control, format (bidi, zero-width, tag), private-use and unassigned characters, lone
    surrogates and line separators each become `·`; any space becomes a plain one; variation selectors and skin
    tones go; so do more than four combining marks on one letter. Cleaning twice is cleaning once.

    Args:
        text: Any text, however long or hostile.
        limit: Longest result, in characters, the ellipsis included; at least 1.
        newlines: True keeps line feeds (and reads CR LF as one).

    Returns:
        The printable text.
    """
    beginning = text[:limit]
    if beginning.isascii() and beginning.isprintable():
        return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS
    horizon = _LENGTHENING * limit + _HANDFUL
    head = text[:horizon]
    cleaned = "\n".join(map(_clean_line, head.replace("\r\n", "\n").split("\n"))) if newlines else _clean_line(head)
    if len(cleaned) > limit or len(text) > horizon:
        return cleaned[: limit - 1] + ELLIPSIS
    return cleaned


def _clean_line(text: str) -> str:
    if "\x1b" in text or any("\x90" <= character <= "\x9f" for character in text):
        text = re.sub(_SEQUENCE, SYMBOL, text)
    text = text.translate(_REPLACEMENTS)
    return text if text.isascii() or max(text) < _FIRST_MARK else _thin_marks(text)


def _thin_marks(text: str) -> str:
    """Keep a few combining marks a letter, and none that would sit on the cell before the text."""
    kept: list[str] = []
    marks = 0
    for character in text:
        is_mark = character >= _FIRST_MARK and _WIDTHS[character] == 0
        marks = marks + 1 if is_mark else 0
        if is_mark and not kept:
            kept.append(SYMBOL)
        elif marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


# What combines with the character before it (Hangul vowels and finals), and what is wide though its East Asian
# width says otherwise; the table agrees with the one our screens are composed by.
_JOINED = ((0x1160, 0x11FF), (0xD7B0, 0xD7FF))
_WIDE = ((0x2630, 0x2637), (0x268A, 0x268F), (0x4DC0, 0x4DFF), (0x1D300, 0x1D356), (0x1D360, 0x1D376))


class _Widths(dict[str, int]):
    """Cells of each character; filled as characters are met."""

    def __missing__(self, character: str) -> int:
        if len(self) >= _CACHE:
            self.clear()
        cells = self[character] = _cells(character)
        return cells


_WIDTHS = _Widths()


def _cells(character: str) -> int:
    from unicodedata import category, east_asian_width

    code = ord(character)
    if category(character)[0] == "M" or any(first <= code <= last for first, last in _JOINED):
        return 0
    wide = east_asian_width(character) in ("W", "F") or any(first <= code <= last for first, last in _WIDE)
    return 2 if wide else 1


def width(text: str) -> int:
    """How many terminal cells a cleaned text takes."""
    return len(text) if text.isascii() else sum(map(_WIDTHS.__getitem__, text))


def fit(text: str, cells: int, *, right: bool = False, ellipsis: str = ELLIPSIS) -> str:
    """Cut or fill a cleaned text to a number of terminal cells, exactly.

    Args:
        text: One line.
        cells: The wanted width; below 1 gives the empty text.
        right: True fills on the left, for numbers.
        ellipsis: Ends a text that was cut; narrow characters only (`~` for ASCII terminals).

    Returns:
        Text of exactly that width.
    """
    taken = width(text)
    if taken > cells:
        text, taken = _clip(text, cells, ellipsis)
    filling = " " * (cells - taken)
    return filling + text if right else text + filling


def _clip(text: str, cells: int, ellipsis: str) -> tuple[str, int]:
    """The longest beginning that fits together with the ellipsis, and its width."""
    ending = ellipsis[: max(cells, 0)]
    room = cells - len(ending)
    taken = end = 0
    for end, character in enumerate(text):  # noqa: B007 - the place of the first that no longer fits
        wide = _WIDTHS[character]
        if taken + wide > room:
            break
        taken += wide
    return text[:end] + ending, taken + len(ending)


def clean_json(value: object, *, limit: int = 2_000) -> object:
    """Clean every text of a JSON value, keys included.

    Args:
        value: None, a bool, number or text, or lists and dicts of such; anything else is shown as its `str`.
        limit: Longest text, in characters.

    Returns:
        The same shape in new containers; deeper than 32 levels only an ellipsis. Keys that become equal are numbered.
    """
    return _clean_json(value, limit, 32)


def _clean_json(value: object, limit: int, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if not isinstance(value, list | tuple | dict):
        return clean(str(value), limit=limit)
    if depth == 0:
        return ELLIPSIS
    if not isinstance(value, dict):
        return [_clean_json(item, limit, depth - 1) for item in value]
    cleaned: dict[str, object] = {}
    for key, item in value.items():
        name = clean(str(key), limit=limit)
        cleaned[name if name not in cleaned else f"{name}~{len(cleaned)}"] = _clean_json(item, limit, depth - 1)
    return cleaned


_FORMULA_STARTS = frozenset("=+-@\t\r\n|%＝＋－＠")  # noqa: RUF001 - spreadsheets obey the full-width ones too
_PLAIN_NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|[+-](?:inf|nan)"


def csv_safe(text: str) -> str:
    """Keep a spreadsheet from running a cell as a formula.

    Args:
        text: One cell; clean it first.

    Returns:
        The text, behind a `'` when it begins like a formula and is not a plain number.
    """
    start = text.lstrip(" ")[:1]
    if start not in _FORMULA_STARTS or not start or re.fullmatch(_PLAIN_NUMBER, text):
        return text
    return f"'{text}"


_FOLDED = str.maketrans(
    {
        SYMBOL: ".",
        ELLIPSIS: "...",
        "–": "-",  # noqa: RUF001 - the dashes and quotes are what we fold
        "—": "-",
        "−": "-",  # noqa: RUF001
        "‘": "'",  # noqa: RUF001
        "’": "'",  # noqa: RUF001
        "“": '"',
        "”": '"',
        "→": "->",
        "←": "<-",
        "×": "x",  # noqa: RUF001
        "≤": "<=",
        "≥": ">=",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "æ": "ae",
        "Æ": "AE",
    }
)


def ascii_fold(text: str) -> str:
    """Write text in ASCII, for terminals and files that know nothing else.

    Args:
        text: Cleaned text; fold it before fitting, for the length may change.

    Returns:
        Letters without their marks, our symbols spelled out, `?` for all else that is not ASCII.
    """
    if text.isascii():
        return text
    from unicodedata import combining, normalize

    folded: list[str] = []
    for character in text.translate(_FOLDED):
        plain = "".join(part for part in normalize("NFKD", character) if not combining(part)).replace("\u2044", "/")
        folded.append(plain if plain.isascii() else "?")
    return "".join(folded)
