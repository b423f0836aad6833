"""Texts that programs might log to take over a terminal, and the judge of what came through."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "colour": "\x1b[31;5;7;8mcolour\x1b[2J\x1b[3;1Hmoved",
    "clipboard": "\x1b]52;c;UFdORUQ=\x07clipboard",
    "title": "\x1b]0;PWNED\x1b\\title",
    "link": "\x1b]8;;http://pwned.example\x1b\\link\x1b]8;;\x1b\\",
    "device": "\x1bP$q m\x1b\\device\x1b_apc\x1b\\\x1b^pm\x1b\\",
    "query": "\x1b[6n\x1b[c\x1b[>q\x05query",
    "reset": "\x1bcreset\x1b[!p\x1b[?1049l\x1b[?1000h",
    "unclosed": "unclosed\x1b]52;c;UFdORUQ=",
    "c1": "\x9b31mc1\x9d52;c;UFdORUQ=\x9c\x90$qm\x9c",
    "control": "line\r\nfeed\ttab\x08\x7f\x07\x0b\x0cbell",
    "closing tag": "[/nope]",
    "action tag": "[@click=app.quit]x[/]",
    "style tag": "[bold red on white]tag[/bold red on white] \\[b]",
    "bidi": "abc\u202egpj.exe\u2066x\u2069\u200f",
    "invisible": "in\u200bvis\ufeffible\u2060\u00ad\U000e0041",
    "marks": "Z" + "\u0301\u0335" * 300 + "algo",
    "wide": "漢字\U0001f468\u200d\U0001f469\u200d\U0001f467 ﷽\uff21",
    "separators": "one\u2028two\u2029three\u0085four",
    "private": "\ue000\U000f0000\ufdd0\uffff",
    "long": "L0ng" * 2_500,
    "formula": '=HYPERLINK("http://pwned.example";"x")',
    "template": "{0.__class__} %s %n ${HOME} `id` $(id)",
}
"""By what they try. None holds what the engine refuses to store: NUL and lone surrogates."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|.)|[\x80-\x9f]", re.DOTALL)
_PLANTED = frozenset(found for text in TEXTS.values() for found in _SEQUENCE.findall(text)) | {"tab\x08", "\x08\x7f"}
# What a well-behaved program sends: CSI sequences, and setting the clipboard when it was asked to copy.
_HONEST = re.compile(
    r"\x1b\[[<=>?]?[0-9;:]*[ $]?[A-Za-z]|\x1b\]52;c;([A-Za-z0-9+/=]*)(?:\x07|\x1b\\)|\x1b[()][0B]|\x1b[=>78M]"
)
_MOVES = dict.fromkeys(map(ord, "\r\n\b"))
"""Honest too: a screen moves its cursor with them."""

_UNPRINTED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_MOST_MARKS = 4
# Our programs send some of these themselves: the cursor to a place, clear, leave the alternate screen.
_OURS = re.compile(r"\x1b\[(?:2J|[0-9;]*H|\?[0-9;]*[hl]|c|6n)$")


def leaks(output: bytes) -> list[str]:
    """What of the hostile texts reached the terminal raw.

    Args:
        output: Everything a program wrote to its terminal, from its start.

    Returns:
        Each leak, described; none is good.
    """
    try:
        text = output.decode()
    except UnicodeDecodeError as error:
        return [f"bytes that are not UTF-8: {output[error.start - 20 : error.end + 20]!r}"]
    found = [f"planted sequence {planted!r}" for planted in _PLANTED if planted in text and not _OURS.match(planted)]
    for payload in (match[1] for match in _HONEST.finditer(text) if match[1]):
        copied = base64.b64decode(payload).decode()
        found += [f"in the clipboard: {each}" for each in _unprinted(copied.replace("\n", " ").replace("\t", " "))]
    return found + _unprinted(_HONEST.sub("", text).translate(_MOVES))


def _unprinted(text: str) -> list[str]:
    found = []
    marks = 0
    for place, character in enumerate(text):
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if kind in _UNPRINTED or marks > _MOST_MARKS:
            found.append(f"{character!r} in {text[max(0, place - 30) : place + 30]!r}")
    return found
