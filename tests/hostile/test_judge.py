"""The judge is judged: what a terminal would obey is found, and what our own screens send is not."""

from __future__ import annotations

import base64
import unicodedata

import pytest

from tests.hostile.judge import Findings, formulas, leaks, unprinted
from tests.hostile.texts import HOSTILE

OURS = (
    "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[>1u\x1b[?2026$p",
    "\x1b[m\x1b[H\x1b[2J\x1b[12;40H\x1b[1;38;2;120;200;80mchurn\x1b[3C\x1b[K\x1b[17G\r\n",
    "\x1b[4;38r\x1b[4H\x1bM\x1b[r",
    "\x1b]52;c;" + base64.b64encode("漢字\tchurn".encode()).decode() + "\x07",
    "[/nope] [@click=app.quit]x[/] 漢字 é",
)
SAFE = {"closing tag", "open tag", "action tag", "style tag", "link tag", "long", "template", "long and wide"}
"""Texts that are as harmless as any when they are shown as they are."""


def _is_safe(name: str) -> bool:
    return name in SAFE or (name.startswith("formula") and "\t" not in HOSTILE[name])


@pytest.mark.parametrize("name", [name for name in HOSTILE if not _is_safe(name) and name != "blank"])
def test_a_text_that_came_through_raw_is_found(name: str) -> None:
    assert leaks(f"\x1b[31mchurn\x1b[m {HOSTILE[name]} \x1b[K".encode())


@pytest.mark.parametrize("name", [name for name in HOSTILE if _is_safe(name)])
def test_brackets_and_braces_as_they_are_do_no_harm(name: str) -> None:
    assert leaks(HOSTILE[name].encode()) == []


@pytest.mark.parametrize("sent", OURS)
def test_what_our_screens_send_is_no_leak(sent: str) -> None:
    assert leaks(sent.encode()) == []


def test_every_control_and_format_character_is_found() -> None:
    for code in range(0x110000):
        if unicodedata.category(chr(code)) in ("Cc", "Cf"):
            assert unprinted(f"a{chr(code)}b"), hex(code)


@pytest.mark.parametrize(
    "sent",
    [
        b"caf\xe9",
        b"\x9b31m",
        b"\x1b[38;2;161;178;195mtag",
        b"\x1b]8;;http://pwned.example\x1b\\tag",
        b"\x1b]52;c;" + base64.b64encode(b"\x1b[31m") + b"\x07",
        b"\x1b]52;c;not base64\x07",
    ],
    ids=ascii,
)
def test_bytes_obeyed_markup_and_a_dirty_clipboard_are_found(sent: bytes) -> None:
    assert leaks(sent)


def test_a_cell_that_a_spreadsheet_runs_is_found() -> None:
    assert formulas('name,value\n"=cmd|x",-1.5e-3\n" +1+1",@SUM\n') == ["=cmd|x", " +1+1", "@SUM"]
    assert formulas("name,value\n'=cmd|x,+7\n-inf,churn\n") == []


def test_a_failure_nobody_foresaw_is_a_crash_and_findings_add_up() -> None:
    first, second = Findings(), Findings()
    first.judge("runs", b"", "qd: the console stopped: ValueError: no such thing")
    second.judge("models", b"\x9b", "churn")
    first.add(second)
    assert (first.looks, len(first.leaks), len(first.crashes)) == (2, 1, 1)
