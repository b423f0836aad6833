"""Lists in groups, as somebody sees and uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.exporting.acts import save
from console.location import Location
from console.own import Own
from console.resources.grouped import GroupRow
from console.screens.list import ListView
from engine.api import Engine
from engine.core.clock import ManualClock
from engine.core.grouping import Group
from engine.tracking.model import RunStatus
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.plain.test_conversation import talk
from tests.console.world import HOSTILE, World


def fill(world: World) -> None:
    world.run("none", auc=0.2, params={"depth": "3"})
    later(world)
    world.run("tree", auc=0.9, params={"lr": "0.1"})
    later(world)
    world.run("forest", auc=0.7, params={"lr": "0.1"})
    later(world)
    world.run("bayes", auc=0.4, params={"lr": "0.5"}, experiment="loans")


def later(world: World) -> None:
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(1_000)


def view(deck: Console) -> ListView[object]:
    assert isinstance(deck.app.view, ListView)
    return deck.app.view


def rows(deck: Console) -> list[str]:
    """The first words of each row, below the headings."""
    return [line.strip(" ●").split("  ")[0].strip() for line in deck.lines()[3:-2] if line.strip()]


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_groups_say_value_count_and_mean_and_open_in_place(world: World, size: tuple[int, int]) -> None:
    fill(world)
    async with console(world.engine, "runs group:lr cols:auc,params.lr", size) as deck:
        await deck.expect("3 groups by lr", "4 runs")
        await deck.expect_line("▸ 0.1 (2)", "0.8")
        await deck.expect_line("▸ — (1)", "0.2")
        assert rows(deck) == ["▸ 0.5 (1)", "▸ 0.1 (2)", "▸ — (1)"]
        await deck.press("down", "enter")
        await deck.expect_line("▾ 0.1 (2)")
        await deck.expect_line("    forest", "0.7")
        assert rows(deck) == ["▸ 0.5 (1)", "▾ 0.1 (2)", "forest", "tree", "▸ — (1)"]
        await deck.press("enter")
        await deck.expect_gone("forest")
        await deck.press("circumflex_accent")
        await deck.expect("none", "bayes")
        assert len(rows(deck)) == 7
        await deck.press("circumflex_accent")
        await deck.expect_gone("bayes")


async def test_percent_groups_by_the_column_under_the_cursor_and_ungroups(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("4 runs")
        await deck.press("right", "percent_sign")
        await deck.expect("2 groups by EXPERIMENT")
        await deck.expect_line("▸ churn (3)")
        await deck.press("right", "percent_sign")
        await deck.expect_line("▸ finished (4)")
        await deck.press("percent_sign")
        await deck.expect_gone("groups by")
        await deck.expect("forest")
        await deck.press("right", "percent_sign")
        await deck.expect("Hardly two rows have the same AGE")


async def test_the_order_of_the_list_is_that_of_groups_and_in_them(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs group:lr cols:auc,params.lr sort:-auc") as deck:
        await deck.expect("▸ 0.1 (2)")
        await deck.press("circumflex_accent")
        await deck.expect("bayes")
        assert rows(deck) == ["▾ 0.1 (2)", "tree", "forest", "▾ 0.5 (1)", "bayes", "▾ — (1)", "none"]


async def test_marking_a_group_marks_its_rows_and_says_so(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs group:lr cols:auc,params.lr") as deck:
        await deck.expect("▸ 0.1 (2)")
        await deck.press("down", "space")
        await deck.expect("2 marked", "Marked: the 2 runs of this group.")
        assert deck.line("0.1 (2)").startswith("●")
        assert {run.name for run in view(deck).subjects()} == {"tree", "forest"}  # type: ignore[attr-defined]
        await deck.press("enter", "down", "space")
        await deck.expect("1 marked")
        assert not deck.line("0.1 (2)").startswith("●")
        await deck.press("space")
        await deck.expect("2 marked")
        assert deck.line("0.1 (2)").startswith("●")
        await deck.press("up", "space")
        await deck.expect_gone("marked")
        await deck.press("asterisk")
        await deck.expect("4 marked")
        await deck.press("t")
        await deck.expect("4")


async def test_what_is_done_to_one_row_is_not_done_to_a_group(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs group:lr") as deck:
        await deck.expect("▸ 0.5 (1)")
        await deck.press("N")
        await deck.expect("Rename: nothing is selected.")
        await deck.press("D")
        await deck.expect("Delete: nothing is selected.")


async def test_new_runs_join_their_groups_and_the_cursor_stays(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs group:lr cols:auc,params.lr") as deck:
        await deck.expect("▸ 0.1 (2)")
        await deck.press("down", "enter")
        await deck.expect("forest")
        await deck.press("down", "down")
        later(world)
        world.run("late", auc=0.2, params={"lr": "0.1"})
        await deck.expect("0.1 (3)", "↑ 1 new")
        key = view(deck).table.cursor_key
        assert getattr(view(deck).item(key), "name", "") == "tree"
        await deck.press("g")
        await deck.expect("late")
        await deck.expect_line("0.1 (3)", "0.6")


async def test_frozen_groups_stay_as_they_are(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs group:lr cols:auc,params.lr") as deck:
        await deck.expect("▸ 0.1 (2)")
        await deck.press("f")
        world.run("late", auc=0.2, params={"lr": "0.1"})
        await deck.expect("FROZEN, 1 change")
        assert "0.1 (2)" in deck.text()
        await deck.press("down", "enter")
        await deck.expect("forest")
        await deck.press("f")
        await deck.expect("0.1 (3)")


async def test_the_filter_narrows_groups_and_an_opened_one_stays_open(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs group:lr cols:auc,params.lr") as deck:
        await deck.expect("▸ 0.1 (2)")
        await deck.press("down", "enter")
        await deck.expect("forest")
        await deck.press("slash")
        await deck.type("tree")
        await deck.press("enter")
        await deck.expect("▾ 0.1 (1)", "1 group by lr")
        assert rows(deck) == ["▾ 0.1 (1)", "tree"]


async def test_hostile_values_stay_values(world: World) -> None:
    for place, text in enumerate([HOSTILE, "", "  ", "漢字" * 60, "0.1\n0.2", "—"]):
        world.run(f"r{place}", auc=0.5, params={"lr": text})
    for size in (SMALL, LARGE):
        async with console(world.engine, "runs group:lr", size) as deck:
            await deck.expect("groups by lr", "red", '"" (1)')
            assert "\x1b" not in deck.text()
            assert "\u202e" not in deck.text()
            assert deck.text().count("(1)") == 6
            assert '"—" (1)' in deck.text()
            await deck.press("circumflex_accent")
            await deck.expect("r0", "r5")


async def test_what_cannot_be_grouped_by_says_what_can(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs group:start_time") as deck:
        await deck.expect("Runs are not grouped by start_time")
    async with console(world.engine, "models group:nothing") as deck:
        await deck.expect("There is no column nothing to group by.")


async def test_short_lists_are_grouped_one_by_one(world: World) -> None:
    world.run("a", auc=0.5)
    world.run("b", auc=0.5, experiment="loans", status=RunStatus.FAILED)
    async with console(world.engine, "experiments group:lifecycle") as deck:
        await deck.expect("by")


async def test_a_saved_view_keeps_its_groups(world: World, tmp_path: Path) -> None:
    fill(world)
    own = Own(tmp_path / "config", tmp_path / "state")
    async with console(world.engine, "runs group:params.lr", own=own) as deck:
        await deck.expect("▸ 0.1 (2)")
        await deck.press("ctrl+s")
        await deck.type("mine")
        await deck.press("enter")
        await deck.expect("Saved.")
    async with console(world.engine, "runs", own=own) as deck:
        await deck.expect("4 runs")
        assert "groups" not in deck.text()
        await deck.press("colon")
        await deck.type("view mine")
        await deck.press("enter")
        await deck.expect("3 groups by lr")


async def test_rows_are_saved_group_by_group(world: World, tmp_path: Path) -> None:
    fill(world)
    file = tmp_path / "list.csv"
    async with console(world.engine, "runs group:lr cols:params.lr") as deck:
        await deck.expect("▸ 0.1 (2)")
        save(deck.app, str(file))
        await deck.until(file.exists, "the file")
        await deck.expect("Saved 4 rows")
    names = [line.split(",")[0] for line in file.read_text().splitlines()[1:]]
    assert names == ["bayes", "forest", "tree", "none"]


async def test_the_line_below_adds_up_the_group_under_the_cursor(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs group:lr cols:auc,params.lr") as deck:
        await deck.expect("▸ 0.1 (2)")
        await deck.press("ampersand", "down")
        await deck.expect("0.1: 2 runs", "auc min 0.7 mean 0.8 max 0.9 n 2")
        await deck.press("enter", "down")
        await deck.expect("4 runs", "auc min 0.2 mean 0.55 max 0.9 n 4")


async def test_plain_lines_number_groups_and_open_them(world: World, tmp_path: Path) -> None:
    fill(world)
    heard = await talk(world.engine, tmp_path, "runs group:lr cols:auc,params.lr", "open 2", "delete 2", "open 3")
    assert "2. closed group; 0.1 (2); auc 0.8" in heard.text
    assert "2. open group; 0.1 (2); auc 0.8" in heard.text
    assert any(line.startswith("3. forest; ") for line in heard.said)
    assert "Row 2 is a group." in heard.errors


async def test_a_group_that_is_gone_before_it_is_added_up_is_asked_for_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world)
    async with console(world.engine, "runs group:lr cols:auc,params.lr") as deck:
        await deck.expect("▸ 0.1 (2)")
        grouping = view(deck).grouping
        asked: list[list[int]] = []
        add_up = grouping.source.add_up

        def noted(engine: Engine, marks: list[int], location: Location) -> object:
            asked.append(marks)
            return add_up(engine, marks, location)

        monkeypatch.setattr(grouping.source, "add_up", noted)
        grouping.came({"gone": GroupRow(999, Group("gone", 9_000), added=False)})
        await deck.rest()
        await deck.rest()
        assert asked == [[999]]
