"""Texts that programs might log to take over a terminal, a markup parser, a reader or a spreadsheet."""

from __future__ import annotations

import os
from collections.abc import Mapping

HOSTILE: Mapping[str, str] = {
    "escape": "\x1b",
    "colour": "\x1b[31;5;7;8mcolour\x1b[2J\x1b[3J\x1b[777;777Hmoved",
    "clipboard": "\x1b]52;c;UFdORUQ=\x07clipboard",
    "title": "\x1b]0;PWNED\x1b\\title",
    "link": "\x1b]8;;http://pwned.example\x1b\\link\x1b]8;;\x1b\\",
    "device": "\x1bP$q m\x1b\\device\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\",
    "query": "\x1b[6n\x1b[c\x1b[?6n\x1b[>q\x1b[21t\x05query",
    "reset": "\x1bcreset\x1b[!p\x1b[?1049l\x1b[?47l\x1b[?1000h",
    "unclosed": "unclosed\x1b]52;c;UFdORUQ=",
    "c1": "\x9b31mc1\x9d52;c;UFdORUQ=\x9c\x90$qm\x9c\x85\x8d",
    "c1 in utf-8": b"\xc2\x9b31mbytes\xc2\x9d0;PWNED\xc2\x9c".decode("latin-1"),
    "control": "line\r\nfeed\ttab\x08\x7f\x07\x0b\x0c\x0e\x0fbell",
    "line feed": "one\n\x1b[31;5;7;8mtwo\rthree",
    "closing tag": "[/nope]",
    "open tag": "[red]",
    "action tag": "[@click=app.quit]x[/]",
    "style tag": "[#a1b2c3 on #c3b2a1]tag[/] [bold red]x[/bold red] \\[b] [[",
    "link tag": "[link=http://pwned.example]tag[/link] [$error]x[/$error]",
    "bidi": "abc\u202egpj.exe\u202c\u2066x\u2069\u2067y\u2068z\u200f\u061c",
    "invisible": "in\u200bvis\u200c\u200d\ufeffible\u2060\u00ad\U000e0041\u3164",
    "blank": "\u3000\u00a0\u2800",
    "marks": "Z" + "\u0301\u0335" * 300 + "algo",
    "marks first": "\u0301\u0301\u20e3" * 2 + "first",
    "wide": "漢字\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1ea 1\ufe0f\u20e3 ﷽\uff21",
    "separators": "one\u2028two\u2029three\u0085four",
    "private": "\ue000\U000f0000\ufdd0\uffff",
    "long": "L0ng" * 2_500,
    "long and wide": "漢\u0301" * 5_000,
    "formula": "=cmd|' /C calc'!A0",
    "formula link": '=HYPERLINK("http://pwned.example";"x")',
    "formula at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "formula plus": "+1+cmd|' /C calc'!A0",
    "formula minus": "-1+cmd|' /C calc'!A0",
    "formula after a tab": "\t=1+1",
    "template": "{0.__class__} %s %n ${HOME} `id` $(id) '; DROP TABLE run; --",
}
"""By what they try. The engine stores every one of them, but not as the name of a model."""

REFUSED: Mapping[str, str] = {"nul": "nul\0nul", "surrogate": "lone\ud800surrogate", "undecodable": "raw\udc9bbyte"}
"""What the engine stores nowhere: SQLite would cut it, or it is no Unicode text."""

MODEL_NAMES = ("[bold red]churn", "[click=app.quit]x[]", "[nope]", "漢字-churn", "=1+1", "+cmd|x", "M" * 250)
"""Names of models are held to what can be seen; these are as bad as they get."""

ARGUMENTS: Mapping[str, str] = {
    **HOSTILE,
    "raw c1": os.fsdecode(b"\x9b31m\x9d0;PWNED\x9c"),
    "raw latin-1": os.fsdecode(b"caf\xe9"),
    "overlong": os.fsdecode(b"\xc0\x9b\xe0\x80\x9b31m"),
}
"""What the arguments of a command line can hold: every text without NUL, and bytes that are not UTF-8."""

FILE = b"\x1b[31;5;7;8mfile\x1b]0;PWNED\x07\x9b31m\x00\xff\xfe[/nope]\xe2\x80\xae\n\x1b[777;777H" + b"x" * 3_000
"""What the content of an artifact may be: anything."""


def pasteable(text: str, limit: int = 2_000) -> str:
    """What a terminal lets through when somebody pastes a text: neither escapes nor what would end the paste.

    Args:
        text: Any text.
        limit: Most characters.
    """
    return text.replace("\x1b", "").replace("\x9b", "")[:limit]


def at_once(texts: Mapping[str, str] = HOSTILE) -> str:
    """All texts in one, the short ones first, as long as a description may be."""
    return " ".join(sorted(texts.values(), key=len))[:20_000]
