"""What a person does with the columns of a list: sort, filter, hide, pin, resize, choose, mark, keep."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from console.arranging.saved import open_view, view_names
from console.own import Own
from console.screens.list import ListView
from console.widgets.table import VirtualTable
from engine.core.clock import ManualClock
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import World

NAMES = ("tree", "forest", "linear", "bayes")


def fill(world: World) -> None:
    for number, name in enumerate(NAMES):
        assert isinstance(world.clock, ManualClock)
        world.clock.advance(60_000)
        config = json.dumps({"optimizer": {"lr": number / 10}})
        experiment = "churn" if number % 2 else "loans"
        world.run(
            name, auc=0.9 - number / 10, experiment=experiment, params={"config": config, "depth": str(number % 2)}
        )


def view_of(deck: Console) -> ListView[object]:
    assert isinstance(deck.app.view, ListView)
    return deck.app.view


def shown(deck: Console) -> list[str]:
    return [heading for _, heading in view_of(deck).table.headings()]


def order(deck: Console) -> list[str]:
    words = [line[1:].split() for line in deck.lines()]
    return [each[0] for each in words if each and each[0] in NAMES]


def sorts_by(deck: Console, key: str) -> bool:
    return deck.app.navigator.here.sort.lstrip("-") == key


async def test_o_sorts_by_the_column_under_the_cursor_and_turns_it_round(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("4 runs")
        await deck.press("o")
        await deck.until(lambda: order(deck) == sorted(NAMES), "by name")
        await deck.press("o")
        await deck.until(lambda: order(deck) == sorted(NAMES, reverse=True), "by name, the other way round")
        await deck.press(*["right"] * 4, "o")
        await deck.until(lambda: order(deck) == list(NAMES), "the greatest metric first")
        await deck.expect("auc▼")


async def test_several_orders_are_numbered_and_taken_away(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs sort:experiment") as deck:
        await deck.until(lambda: order(deck)[0] in ("bayes", "forest"), "by experiment")
        await deck.press(*["right"] * 4, "O")
        await deck.until(lambda: order(deck) == ["forest", "bayes", "tree", "linear"], "then by metric")
        await deck.expect("▲1", "auc▼2")
        await deck.press("O")
        await deck.until(lambda: order(deck) == ["bayes", "forest", "linear", "tree"], "the metric turned round")
        await deck.press("O")
        await deck.expect_gone("▲1")
        assert deck.app.navigator.here.sort == "experiment"


@pytest.mark.parametrize("how", [{"control": True}, {"meta": True}, {"shift": True}, {"button": 3}])
async def test_a_click_on_a_heading_sorts_and_in_some_way_that_comes_through_adds(
    world: World, how: dict[str, int]
) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("4 runs")
        table = view_of(deck).table
        heading = deck.lines()[2]
        await deck.pilot.click(VirtualTable, offset=(heading.index("EXPERIMENT"), 0))
        await deck.until(lambda: deck.app.navigator.here.sort == "experiment", "sorted by the heading")
        assert table.column is not None
        assert table.column.name == "experiment"
        await deck.pilot.click(VirtualTable, offset=(heading.index("auc"), 0), **how)  # type: ignore[arg-type]
        await deck.until(lambda: deck.app.navigator.here.sort == "experiment,-metrics.auc", "and by another")


@pytest.mark.parametrize(
    "words", ["models", "versions", "audit", "experiments", "alerts", "endpoints", "approvals", "traces", "monitors"]
)
async def test_every_list_sorts_by_every_column_it_shows(world: World, words: str) -> None:
    world.version("churn")
    async with console(world.engine, words, LARGE) as deck:
        await deck.until(lambda: bool(view_of(deck).columns.shown), "the columns")
        for column in view_of(deck).columns.shown:
            view_of(deck).table.go_to_column(column.column.name)
            await deck.press("o")
            key = f"{column.sort}"
            await deck.until(partial(sorts_by, deck, key), f"sorted by {key}")
            assert view_of(deck).columns.kind(column) is not None
        await deck.press("ctrl+r")
        await deck.until(lambda: "Column " not in deck.text(), "no complaint")


async def test_a_column_is_filtered_with_what_fits_it_and_filters_add_up(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("4 runs")
        await deck.press(*["right"] * 4, "equals_sign")
        await deck.expect("auc  > >= < <= = !=", "=metrics.auc>")
        await deck.type("0.65")
        await deck.expect("3 runs")
        await deck.press("enter", "left", "left", "equals_sign")
        await deck.expect("STATE  running  finished  failed")
        await deck.type("fin")
        await deck.press("tab", "enter")
        await deck.expect("/metrics.auc>0.65 status=finished", "3 runs")
        await deck.press("right", "right", "equals_sign")
        await deck.expect("=metrics.auc>0.65")
        await deck.press("backspace", "backspace")
        await deck.type("85")
        await deck.press("enter")
        await deck.expect("1 run")
        await deck.press("escape")
        await deck.expect("/status=finished", "4 runs")
        await deck.press("escape")
        await deck.expect_gone("/status")


async def test_a_wrong_value_is_told_and_giving_up_brings_back_what_was(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("4 runs")
        await deck.press(*["right"] * 4, "equals_sign")
        await deck.type("x")
        await deck.expect("Column ")
        await deck.press("escape")
        await deck.expect("4 runs")
        await deck.expect_gone("Column ")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_columns_are_hidden_moved_pinned_and_resized(world: World, size: tuple[int, int]) -> None:
    fill(world)
    async with console(world.engine, "runs", size) as deck:
        await deck.expect("4 runs")
        await deck.press("right", "backslash")
        await deck.expect_gone("EXPERIMENT  STATE")
        assert "EXPERIMENT" not in shown(deck)
        await deck.press("right_parenthesis")
        await deck.until(lambda: shown(deck)[1:3] == ["AGE", "STATE"], "the state moved to the right")
        await deck.press("number_sign")
        await deck.until(lambda: shown(deck)[1] == "STATE", "the state pinned")
        before = view_of(deck).table.width_of("status")
        await deck.press("plus", "plus", "_")
        await deck.until(lambda: view_of(deck).table.width_of("status") == before + 2, "the state wider")
        await deck.expect_line("tree", "✓ finished")


async def test_columns_inside_json_are_shown_sorted_and_filtered(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("4 runs")
        await deck.press("ctrl+o", "tab")
        await deck.type("params.config$.optimizer.lr")
        await deck.press("enter", "escape")
        await deck.until(
            lambda: any(each.column.name == "params.config$.optimizer.lr" for each in view_of(deck).columns.shown),
            "the column",
        )
        view_of(deck).table.go_to_column("params.config$.optimizer.lr")
        await deck.press("o")
        await deck.until(lambda: order(deck) == ["tree", "forest", "linear", "bayes"], "by what is inside")
        await deck.press("o")
        await deck.until(lambda: order(deck) == ["bayes", "linear", "forest", "tree"], "the other way round")


async def test_a_range_and_all_rows_are_marked(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("4 runs")
        await deck.press("quotation_mark")
        await deck.expect("Mark a row with space first")
        await deck.press("space", "down", "down", "quotation_mark")
        await deck.expect("3 marked")
        await deck.press("asterisk")
        await deck.expect("4 marked")
        assert len(view_of(deck).subjects()) == 4
        await deck.press("asterisk")
        await deck.expect_gone("marked")
        await deck.press("slash")
        await deck.type("auc>0.75")
        await deck.press("enter")
        await deck.expect("2 runs")
        await deck.press("asterisk", "escape")
        await deck.expect("2 marked", "4 runs")


async def test_what_came_meanwhile_takes_its_place_when_the_operator_goes_to_the_top(world: World) -> None:
    fill(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("4 runs")
        await deck.press("j")
        world.run("newcomer")
        await deck.expect("↑ 1 new")
        await deck.press("g")
        await deck.expect("5 runs", "newcomer")


async def test_rows_that_changed_out_of_view_are_read_again(world: World) -> None:
    fill(world)
    for number in range(60):
        world.run(f"other-{number:02}", auc=0.1)
    async with console(world.engine, "runs sort:run_name") as deck:
        await deck.expect("64 runs", "bayes")
        await deck.press("pagedown", "pageup", "pagedown")
        await deck.expect("other-20")
        found = world.engine.run_reading.rows(list(world.engine.run_reading.keys()))
        run = next(run for run in found.values() if run.name == "bayes")
        world.as_("bob").runs.log_batch(run.run_id, metrics=[("auc", 0.123, 999, world.clock.now_ms())])
        await deck.press("pageup")
        await deck.expect_line("bayes", "0.123")


async def test_views_are_saved_opened_and_the_last_arrangement_is_remembered(world: World, tmp_path: Path) -> None:
    fill(world)
    own = Own(tmp_path / "config", tmp_path / "state")
    async with console(world.engine, "models") as deck:
        deck.app.own = own
        await deck.type(":runs")
        await deck.press("enter")
        await deck.expect("4 runs")
        await deck.press("right", "backslash", *["right"] * 2, "o")
        await deck.expect("auc▼")
        await deck.press("slash")
        await deck.type("auc>0.75")
        await deck.press("enter", "ctrl+s")
        await deck.type("good ones")
        await deck.press("enter")
        await deck.expect("Saved. Open it with  :view 'good ones'")
        assert view_names(deck.app) == ["good ones"]
    async with console(world.engine, "models") as deck:
        deck.app.own = own
        await deck.type(":runs")
        await deck.press("enter")
        await deck.expect("4 runs", "auc▼")
        assert "EXPERIMENT" not in shown(deck)
        await deck.press("backslash")
        await deck.expect_gone("NAME")
        await deck.type(":view 'good ones'")
        await deck.press("enter")
        await deck.expect("2 runs", "NAME")
        open_view(deck.app, "none")
        await deck.expect("No view is called none.")


async def test_a_remembered_order_that_is_no_more_is_forgotten(world: World, tmp_path: Path) -> None:
    fill(world)
    own = Own(tmp_path / "config", tmp_path / "state")
    own.state.mkdir()
    (own.state / "arrangements.json").write_text(
        json.dumps({"runs": {"sort": "-metrics.gone.away", "hidden": ["nothing"]}})
    )
    async with console(world.engine, "models") as deck:
        deck.app.own = own
        await deck.type(":runs")
        await deck.press("enter")
        await deck.expect("4 runs")
