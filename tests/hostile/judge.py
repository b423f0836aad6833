"""Judges what reached a reader: bytes at a terminal, cells of a CSV file, words on a screen."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.hostile.texts import HOSTILE

_PRIVATE_MODES = "25|7|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2048"
_OURS = re.compile(
    r"\x1b\[[0-9;]*[A-HJKXdm]"  # move, erase, colour
    r"|\x1b\[(?:[0-9]+;[0-9]+)?r|\x1bM"  # scroll some lines
    rf"|\x1b\[\?(?:{_PRIVATE_MODES})(?:[hl]|\$p)"
    r"|\x1b\[(?:>[0-9]*|<)u"  # the keyboard's protocol
    r"|\x1b\]52;c;([A-Za-z0-9+/=]*)(?:\x07|\x1b\\)"  # what the operator copied
)
"""All that our driver and our tables send; everything else came from somebody's text."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", re.DOTALL)
_ALSO_OURS = re.compile(r"\x1b\[[23]J|\x1b\[\?(?:1049l|1000h)")
_PLANTED = frozenset(
    found for text in HOSTILE.values() for found in _SEQUENCE.findall(text) if not _ALSO_OURS.fullmatch(found)
)
_OBEYED = re.compile(r"161;178;195|195;178;161|pwned\.example(?:\x07|\x1b)")
"""What a terminal gets when somebody's markup was taken for ours: the colours of a tag, the target of a link."""

_MOVES = dict.fromkeys(map(ord, "\r\n\b"))
_UNPRINTED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_MOST_MARKS = 4
_NUMBER = re.compile(r"[+-]?(?:[0-9.]+(?:[eE][+-]?[0-9]+)?|inf|nan)")
_UNFORESEEN = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Interrupt): |Traceback|internal error")


@dataclass(slots=True)
class Findings:
    """What was seen.

    Args:
        looks: Screens, dialogs, messages and tables looked at.
        leaks: What came through raw, and where.
        crashes: What ended, hung or failed in a way nobody foresaw, and where.
        missed: What could not be looked at in the time there was, or would not open.
    """

    looks: int = 0
    leaks: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def judge(self, place: str, output: bytes, screen: str) -> None:
        """Look once.

        Args:
            place: Where, for the report.
            output: What reached the terminal since the last look.
            screen: What it shows.
        """
        self.looks += 1
        self.leaks += [f"{place[:80]!r}: {leak}" for leak in leaks(output)[:3]]
        if _UNFORESEEN.search(screen):
            self.crashes.append(f"{place[:80]!r}:\n{screen}")

    def add(self, other: Findings) -> None:
        """Take over what another sweep saw."""
        self.looks += other.looks
        self.leaks += other.leaks
        self.crashes += other.crashes
        self.missed += other.missed


def leaks(output: bytes) -> list[str]:
    """What of a hostile text reached the terminal raw.

    Args:
        output: What a program wrote to its terminal, cut at no character and no sequence.

    Returns:
        Each leak, described; none is good.
    """
    try:
        text = output.decode()
    except UnicodeDecodeError as error:
        return [f"bytes that are not UTF-8: {output[max(0, error.start - 20) : error.end + 20]!r}"]
    found = [f"planted sequence {planted!r}" for planted in _PLANTED if planted in text]
    found += [f"obeyed: {match[0]!r}" for match in _OBEYED.finditer(text)]
    for payload in (match[1] for match in _OURS.finditer(text) if match[1]):
        found += [f"in the clipboard: {each}" for each in _copied(payload)]
    return found + unprinted(_OURS.sub("", text).translate(_MOVES))


def formulas(table: str) -> list[str]:
    """Cells of a CSV table that a spreadsheet would run.

    Args:
        table: The table.

    Returns:
        The cells; none is good.
    """
    cells = (cell for row in csv.reader(io.StringIO(table)) for cell in row)
    return [cell[:80] for cell in cells if cell.lstrip()[:1] in ("=", "+", "-", "@") and not _NUMBER.fullmatch(cell)]


def _copied(payload: str) -> Iterator[str]:
    try:
        yield from unprinted(base64.b64decode(payload, validate=True).decode().replace("\n", " ").replace("\t", " "))
    except (binascii.Error, UnicodeDecodeError) as error:
        yield f"{payload[:60]!r}, which is no text: {error}"


def unprinted(text: str) -> list[str]:
    """What of a text no reader sees or every reader is misled by: control and format characters, piles of marks.

    Args:
        text: What is shown.

    Returns:
        Each, with its surroundings; none is good.
    """
    if text.isascii() and text.isprintable():
        return []
    found, marks = [], 0
    for place, character in enumerate(text):
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if kind in _UNPRINTED or marks > _MOST_MARKS:
            found.append(f"{character!r} in {text[max(0, place - 30) : place + 30]!r}")
    return found
