"""Copying and saving whole lists, by keys."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from console.exporting.actions import FORMS
from console.exporting.acts import save_list
from console.exporting.formats import COPIES, FILES
from console.exporting.reading import Whole
from console.screens.list import ListView
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import HOSTILE, World

FORMULA = "=cmd|' /C calc'!A0"


def fill(world: World) -> None:
    world.run("tree", auc=0.9123456789)
    world.run(FORMULA, auc=0.8, params={"depth": "-1+2", "lr": "a|b"})
    world.run(HOSTILE, auc=0.7, experiment="loans")


async def save_as(deck: Console, path: Path) -> None:
    await deck.expect("3 runs")
    await deck.press("ctrl+e")
    await deck.expect("Save all rows")
    await deck.press("ctrl+u")
    deck.app.screen.focused.value = str(path)  # type: ignore[union-attr] # the dialog's only field
    await deck.press("enter")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_list_is_saved_as_csv_that_no_spreadsheet_runs(
    world: World, tmp_path: Path, size: tuple[int, int]
) -> None:
    fill(world)
    target = tmp_path / "runs.csv"
    async with console(world.engine, "runs", size) as deck:
        await save_as(deck, target)
        await deck.expect("Saved 3 rows")
    rows = {row["run_name"]: row for row in csv.DictReader(target.read_text().splitlines())}
    assert len(rows) == 3
    assert rows["tree"]["metrics.auc"] == "0.9123456789"  # not as rounded for the screen
    assert rows["tree"]["start_time"].endswith("Z")
    assert f"'{FORMULA}" in rows
    assert rows[f"'{FORMULA}"]["params.depth"] == "'-1+2"
    assert "\x1b" not in target.read_text()


async def test_the_filter_and_the_marks_say_which_rows(world: World, tmp_path: Path) -> None:
    fill(world)
    async with console(world.engine, "runs /auc>0.75") as deck:
        await deck.expect("2 runs")
        assert isinstance(deck.app.view, ListView)
        whole, engine = Whole.of(deck.app.view), world.engine
        assert save_list(engine, whole, tmp_path / "filtered.json", lambda *_: None) == 2
        await deck.press("space")
        whole = Whole.of(deck.app.view)
    assert save_list(engine, whole, tmp_path / "marked.json", lambda *_: None) == 1
    [marked] = json.loads((tmp_path / "marked.json").read_text())
    assert marked["run_name"] == "tree"
    assert marked["metrics.auc"] == 0.9123456789


async def test_a_file_is_replaced_only_when_asked(world: World, tmp_path: Path) -> None:
    fill(world)
    target = tmp_path / "runs.txt"
    target.write_text("precious")
    async with console(world.engine, "runs") as deck:
        await save_as(deck, target)
        await deck.expect("is there already", "Replace it?")
        await deck.press("n")
        await deck.expect("Nothing was written")
        assert target.read_text() == "precious"
        await save_as(deck, target)
        await deck.expect("Replace it?")
        await deck.press("y")
        await deck.expect("Saved 3 rows")
    head, *lines = target.read_text().splitlines()
    assert head.startswith("NAME")
    assert len(lines) == 3


async def test_a_name_that_says_no_format_is_told_which_there_are(world: World, tmp_path: Path) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await save_as(deck, tmp_path / "runs.xlsx")
        await deck.expect("says no format")
        await deck.press("escape")
        await save_as(deck, tmp_path / "missing" / "runs.csv")
        await deck.expect("cannot be written")


@pytest.mark.parametrize("suffix", FILES)
async def test_every_format_writes_hostile_names_harmlessly(world: World, tmp_path: Path, suffix: str) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("3 runs")
        assert isinstance(deck.app.view, ListView)
        whole = Whole.of(deck.app.view)
    target = tmp_path / f"runs{suffix}"
    assert save_list(world.engine, whole, target, lambda *_: None) == 3
    text = target.read_text()
    assert all(character.isprintable() or character in "\t\n" for character in text)
    assert "tree" in text
    if suffix == ".svg":
        assert "tree" in [each.text for each in ET.fromstring(text).iter() if each.text]  # noqa: S314 - our own
    if suffix == ".json":
        assert len(json.loads(text)) == 3


@pytest.mark.parametrize("form", FORMS)
async def test_a_table_is_copied(world: World, form: str) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("3 runs")
        await deck.press("Y")
        await deck.expect("Copy all rows")
        deck.app.screen.focused.value = form  # type: ignore[union-attr] # the dialog's only field
        await deck.press("enter")
        await deck.expect("Copied: 3 runs")
        copied = deck.app.clipboard
    assert "tree" in copied
    assert "\x1b" not in copied
    if form == "tsv":
        assert any(line.startswith(f"'{FORMULA}\t") for line in copied.splitlines())
    if form == "markdown":
        assert r"a\|b" in copied


async def test_cells_and_rows_are_copied(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs /tree") as deck:
        await deck.expect("1 run")
        await deck.press("c")
        await deck.until(lambda: deck.app.clipboard == "tree", "the cell")
        await deck.press("C")
        await deck.until(lambda: deck.app.clipboard.startswith("tree\tchurn\t"), "the row")


async def test_short_lists_are_saved_with_what_filters_see(world: World, tmp_path: Path) -> None:
    world.version(owner="=1+1")
    async with console(world.engine, "versions churn") as deck:
        await deck.expect("1 version")
        assert isinstance(deck.app.view, ListView)
        whole = Whole.of(deck.app.view)
    assert save_list(world.engine, whole, tmp_path / "versions.csv", lambda *_: None) == 1
    [row] = csv.DictReader((tmp_path / "versions.csv").read_text().splitlines())
    assert row["stage"] == "registered"
    assert "'=1+1" in row.values()


def test_what_is_offered_can_be_written() -> None:
    assert tuple(COPIES) == FORMS
