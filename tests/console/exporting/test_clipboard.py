"""What is copied: to terminals, through tmux and screen, and into a file when it is too long."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.exporting.clipboard import KEPT, harmless, keep
from console.own import Own
from console.terminal.clipboard import fits, sequence
from engine.core.errors import InvalidInput
from tests.console.driver import console
from tests.console.world import HOSTILE, World

_OSC = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\a")


def decoded(sent: str) -> str:
    found = _OSC.search(sent)
    assert found is not None
    return b64decode(found[1]).decode()


@given(st.text(st.characters(codec="utf-8")))
def test_what_is_sent_is_what_was_copied_whatever_stands_between(text: str) -> None:
    assert decoded(sequence(text, {"TERM": "xterm-256color"})) == text
    in_tmux = sequence(text, {"TMUX": "/tmp/x,1,0", "TERM": "tmux-256color"})  # noqa: S108 - only a word
    wrapped = re.search(r"\x1bPtmux;(.*)\x1b\\", in_tmux, re.DOTALL)
    assert wrapped is not None
    assert decoded(wrapped[1].replace("\x1b\x1b", "\x1b")) == text
    pieces = re.findall(r"\x1bP([^\\]*)\x1b\\", sequence(text, {"STY": "1.pts", "TERM": "screen"}))
    assert decoded("".join(pieces)) == text


def test_screen_gets_strings_it_passes_on() -> None:
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", sequence("x" * 5_000, {"TERM": "screen.xterm"}), re.DOTALL)
    assert len(pieces) > 5
    assert max(map(len, pieces)) <= 700


@pytest.mark.parametrize(
    ("term", "tmux"), [("tmux-256color", True), ("screen.xterm-256color", False), ("screen", False)]
)
def test_where_one_runs_in_the_other_screen_is_not_sent_what_it_would_show(term: str, tmux: bool) -> None:
    sent = sequence("x", {"TMUX": "socket,1,0", "STY": "1.pts", "TERM": term})
    assert ("tmux;" in sent) is tmux


def test_nothing_a_terminal_obeys_is_in_what_is_pasted() -> None:
    pasted = harmless(f"{HOSTILE}\tb\r\nc\x1b[201~")
    assert pasted.count("\t") == 1
    assert pasted.count("\n") == 1
    assert all(character.isprintable() for character in pasted if character not in "\t\n")


def test_terminals_are_not_sent_more_than_they_take() -> None:
    assert fits("x" * 55_000)
    assert not fits("x" * 56_000)
    assert not fits("漢" * 19_000)


def test_what_is_too_long_is_kept_where_only_its_owner_reads_and_the_oldest_goes(tmp_path: Path) -> None:
    paths = [keep(tmp_path / "state" / "clipboard", f"text {number}") for number in range(KEPT + 3)]
    assert paths[-1].read_text() == f"text {KEPT + 2}"
    assert paths[-1].stat().st_mode & 0o777 == 0o600
    assert paths[-1].parent.stat().st_mode & 0o777 == 0o700
    assert [path.exists() for path in paths] == [False] * 3 + [True] * KEPT


def test_a_folder_that_cannot_be_made_says_what_to_do_instead(tmp_path: Path) -> None:
    (tmp_path / "clipboard").write_text("in the way")
    with pytest.raises(InvalidInput, match="cannot be written"):
        keep(tmp_path / "clipboard", "text")


async def test_a_long_text_goes_into_a_file_whose_path_is_said(world: World, tmp_path: Path) -> None:
    async with console(world.engine, "runs", own=Own(tmp_path / "config", tmp_path / "state")) as deck:
        deck.app.copy("x" * 100_000)
        await deck.expect("too much for a terminal's clipboard")
        [path] = (tmp_path / "state" / "clipboard").iterdir()
        assert path.read_text() == "x" * 100_000
    assert deck.app.clipboard == ""


async def test_a_short_text_goes_to_the_terminal(world: World) -> None:
    async with console(world.engine, "runs") as deck:
        deck.app.copy("a secret", "one thing")
        await deck.expect("Copied: one thing")
        assert deck.app.clipboard == "a secret"
        assert "a secret" not in [entry.text for entry in deck.app.journal.entries()]
