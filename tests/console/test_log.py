"""The log: what was said stays, also of sessions before, also when a disk takes nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from console.journal import FILE, MOST_BYTES, OLD, Entry, Journal
from console.own import Own
from engine.core.errors import NotFound
from engine.core.text import clean
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import HOSTILE, World


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state")


def test_what_was_said_is_there_in_the_next_session(tmp_path: Path, journal: Journal) -> None:
    journal.note(Entry(1, "bad", "It failed.", "Try again.", "busy", "runs"))
    journal.note(Entry(2, "good", "Done."))
    assert [entry.text for entry in Journal(tmp_path / "state").entries()] == ["Done.", "It failed."]
    assert journal.entries()[1] == Entry(1, "bad", "It failed.", "Try again.", "busy", "runs")


def test_only_its_owner_may_read_it(tmp_path: Path, journal: Journal) -> None:
    journal.note(Entry(1, "bad", "It failed."))
    assert stat.S_IMODE((tmp_path / "state" / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_remarks_in_passing_are_not_kept(journal: Journal) -> None:
    journal.note(Entry(1, "dim", "This is the first screen."))
    assert list(journal.entries()) == []


def test_a_hostile_text_is_one_clean_line(tmp_path: Path, journal: Journal) -> None:
    journal.note(Entry(1, "bad", HOSTILE + "\nsecond line"))
    assert (tmp_path / "state" / FILE).read_text().count("\n") == 1
    assert "\x1b" not in journal.entries()[0].text
    assert journal.entries()[0].text == clean(HOSTILE + "\nsecond line", limit=2_000)


@pytest.mark.parametrize(
    "line", ["", "{", "[]", "null", '{"at_ms": "x"}', json.dumps({"at_ms": 1, "look": "bad"}), "[" * 5_000, "\udcff"]
)
def test_lines_of_somebody_else_are_passed_over(tmp_path: Path, journal: Journal, line: str) -> None:
    journal.note(Entry(1, "bad", "before"))
    with (tmp_path / "state" / FILE).open("a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(line + "\n")
    journal.note(Entry(2, "bad", "after"))
    assert [entry.text for entry in journal.entries()] == ["after", "before"]


def test_a_large_file_is_put_aside_and_still_read(tmp_path: Path, journal: Journal) -> None:
    journal.note(Entry(1, "bad", "first"))
    with (tmp_path / "state" / FILE).open("a") as file:
        file.write("x" * MOST_BYTES + "\n")
    journal.note(Entry(2, "bad", "second"))
    assert (tmp_path / "state" / OLD).exists()
    assert [entry.text for entry in journal.entries()] == ["second", "first"]


def test_a_place_that_takes_nothing_costs_the_file_only(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    journal = Journal(tmp_path / "state")
    journal.note(Entry(1, "bad", "It failed."))
    assert [entry.text for entry in journal.entries()] == ["It failed."]


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_an_error_can_be_read_again(tmp_path: Path, world: World, size: tuple[int, int]) -> None:
    own = Own(tmp_path / "config", tmp_path / "state")
    async with console(world.engine, size=size, own=own) as running:
        running.app.fail(NotFound("There is no run 3f2a.", hint="Look at `qd runs list`."))
        await running.press("f2")
        await running.expect("There is no run 3f2a.")
        await running.expect("error")
        await running.press("j", "enter")
        await running.expect("not_found")
        await running.expect("qd runs list")


async def test_an_error_that_a_page_shows_in_its_place_is_kept_once(world: World) -> None:
    async with console(world.engine, "run nope") as deck:
        await deck.expect("There is no run nope")
        await deck.type(":refresh")
        await deck.press("enter")
        await deck.rest()
        kept = [entry.text for entry in deck.app.journal.entries()]
        assert [text.startswith("There is no run nope") for text in kept] == [True]


@pytest.mark.parametrize(("code", "kept"), [("busy", 1), ("", 2)])
def test_an_error_that_goes_on_is_kept_once_and_what_is_done_again_twice(
    journal: Journal, code: str, kept: int
) -> None:
    for at_ms in (1, 2):
        journal.note(Entry(at_ms, "bad", "It failed.", "", code, "runs"))
    assert len(journal.entries()) == kept
