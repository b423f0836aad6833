from __future__ import annotations

import pytest

from console.screens.list import ListView
from console.widgets.table import VirtualTable
from engine.core.clock import ManualClock
from engine.tracking.model import RunImport, RunStatus
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import World


def _table(deck: Console) -> VirtualTable:
    assert isinstance(deck.app.view, ListView)
    return deck.app.view.table


def _later(world: World) -> None:
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(1000)


def _three(world: World) -> None:
    world.run("tree", auc=0.81, params={"depth": "3", "lr": "0.1"})
    world.run("forest", auc=0.92, params={"depth": "7", "lr": "0.1"})
    world.run("linear", auc=0.75, experiment="loans", params={"lr": "0.5"}, status=RunStatus.FAILED)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_runs_show_state_metrics_and_parameters(world: World, size: tuple[int, int]) -> None:
    _three(world)
    async with console(world.engine, "runs", size) as deck:
        await deck.expect_line("forest", "✓ finished", "0.92", "7")
        await deck.expect_line("linear", "✗ failed", "0.75")
        assert "3 runs" in deck.lines()[1]


async def test_an_empty_workspace_names_the_command_that_fills_it(world: World) -> None:
    async with console(world.engine, "runs") as deck:
        await deck.expect("No runs yet.", "qd demo")
        assert "0 runs" in deck.lines()[1]


async def test_a_word_typed_after_slash_filters_while_it_is_typed(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("3 runs")
        await deck.press("slash")
        await deck.type("for")
        await deck.expect("1 run", "/for")
        await deck.expect_gone("linear")
        await deck.press("enter")
        await deck.press("escape")
        await deck.expect("3 runs", "linear")


async def test_a_typed_predicate_runs_in_the_engine(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("3 runs")
        await deck.press("slash")
        await deck.type("auc>0.8 depth=7")
        await deck.expect("1 run", "forest")
        await deck.expect_gone("tree")


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("!tree", "2 runs"),
        ("-tree", "2 runs"),
        ("/^f/", "1 run"),
        ("status=failed", "1 run"),
        ("cfg.depth>=3 -name:tree", "1 run"),
        ("name:ree,fores", "2 runs"),
        ("auc=0.8..", "2 runs"),
    ],
)
async def test_negation_expressions_and_states_filter(world: World, typed: str, left: str) -> None:
    _three(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("3 runs")
        await deck.press("slash")
        await deck.type(typed)
        await deck.expect(left)


async def test_giving_up_a_filter_brings_back_the_one_before(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs") as deck:
        await deck.press("slash")
        await deck.type("forest")
        await deck.press("enter")
        await deck.expect("1 run")
        await deck.press("slash")
        await deck.type("xxx")
        await deck.expect("No run matches")
        await deck.press("escape")
        await deck.expect("1 run", "forest")


async def test_a_filter_that_does_not_parse_says_where_and_does_no_harm(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("3 runs")
        await deck.press("slash")
        await deck.type("aux>1")
        await deck.expect("Column 1: runs have nothing called 'aux'.")
        await deck.press("escape")
        await deck.expect("3 runs")


async def test_sorting_by_the_next_column_and_turning_it_round(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs sort:-auc") as deck:
        await deck.until(lambda: _order(deck.lines()) == ["forest", "tree", "linear"], "best first")
        await deck.press(*["right"] * 4, "o")
        await deck.until(lambda: _order(deck.lines()) == ["linear", "tree", "forest"], "worst first")
        await deck.expect("auc▲")
        await deck.press("less_than_sign")
        await deck.expect_gone("auc▲")


def _order(lines: list[str]) -> list[str]:
    names = [line[1:].split()[0] if line[1:].split() else "" for line in lines]
    return [name for name in names if name in ("tree", "forest", "linear")]


async def test_marked_runs_are_compared_and_escape_takes_the_marks_away(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs sort:-auc") as deck:
        await deck.expect("3 runs")
        await deck.press("x")
        await deck.expect("Mark at least two runs with space")
        await deck.press("space", "down", "space")
        await deck.expect("2 marked")
        await deck.press("x")
        await deck.expect("compare 2 runs", "Parameters that differ", "depth")
        await deck.press("escape")
        await deck.expect("2 marked")
        await deck.press("escape")
        await deck.expect_gone("2 marked")


async def test_columns_of_choice_are_chosen_and_named_in_a_command(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs cols:params.lr") as deck:
        await deck.expect("lr")
        assert "auc" not in deck.lines()[2]
        await deck.press("ctrl+o")
        await deck.expect("metrics.auc")
        await deck.press("tab")
        await deck.type("auc")
        await deck.press("enter", "escape")
        await deck.until(lambda: "auc" in deck.lines()[2] and "lr" in deck.lines()[2], "both columns")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_new_runs_appear_by_themselves_while_nothing_was_moved(world: World, size: tuple[int, int]) -> None:
    _three(world)
    async with console(world.engine, "runs", size) as deck:
        await deck.expect("3 runs")
        for number in range(1, 4):
            world.run(f"newcomer-{number}")
            await deck.expect(f"newcomer-{number}", f"{3 + number} runs")
        assert "new " not in deck.lines()[2]
        await deck.press("j", "g")  # away, and back to the first row
        world.run("newcomer-4")
        await deck.expect("newcomer-4")


async def test_a_cursor_that_newcomers_push_down_stays_on_its_run_as_long_as_it_is_in_view(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("3 runs")
        table = _table(deck)
        first = table.cursor_key
        _later(world)
        world.run("newcomer")
        await deck.expect("newcomer")
        assert (table.cursor_key, table.cursor_index, table.scroll_top) == (first, 1, 0)
        _later(world)
        for number in range(25):
            _later(world)
            world.run(f"many-{number}")
        await deck.expect("many-24", "29 runs")
        assert (table.cursor_index, table.scroll_top) == (0, 0)


async def test_new_runs_of_other_experiments_are_no_news_in_the_list_of_one(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs churn") as deck:
        await deck.expect("2 runs")
        await deck.press("j")
        world.run("elsewhere", experiment="fraud")
        world.run("newcomer", experiment="churn")
        await deck.expect("↑ 1 new")


async def test_the_list_of_runs_is_up_to_date_when_it_is_opened_again(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("3 runs")
        await deck.press("j")
        await deck.type(":models")
        await deck.press("enter")
        await deck.expect("No registered models")
        _later(world)
        world.run("newcomer")
        await deck.type(":runs")
        await deck.press("enter")
        await deck.expect("newcomer", "4 runs")
        assert _table(deck).cursor_index == 2


async def test_new_runs_are_announced_to_who_moved_and_taken_in_on_request(world: World) -> None:
    _three(world)
    async with console(world.engine, "runs") as deck:
        await deck.expect("3 runs")
        await deck.press("j")
        world.run("newcomer")
        await deck.expect("↑ 1 new")
        assert "newcomer" not in deck.text()
        await deck.press("ctrl+r")
        await deck.expect("4 runs", "newcomer")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_long_metric_names_are_told_apart_and_help_says_them_whole(world: World, size: tuple[int, int]) -> None:
    names = ["training_accuracy_score", "training_f1_score", "training_precision_score", "training_recall_score"]
    run = world.engine.runs.start("churn", "tree", capture=False)
    run.log_metrics(dict.fromkeys(names, 0.5))
    run.finish()
    async with console(world.engine, "runs", size) as deck:
        await deck.expect_line("tree", "0.5")
        headings = deck.lines()[2].split()
        shown = [heading for heading in headings if "…" in heading]
        assert shown
        assert len({heading[:4] for heading in shown}) == len(shown), headings
        await deck.press("question_mark")
        await deck.expect("Columns", "training_accuracy_score")


async def test_a_metric_logged_elsewhere_changes_its_cell(world: World) -> None:
    run = world.engine.runs.start("churn", "live", capture=False)
    run.log_metric("auc", 0.5)
    async with console(world.engine, "runs") as deck:
        await deck.expect_line("live", "● running", "0.5")
        world.as_("bob").runs.log_batch(run.id, metrics=[("auc", 0.625, 1, world.clock.now_ms())])
        await deck.expect_line("live", "0.625")
        run.finish()
        await deck.expect_line("live", "✓ finished")


async def test_frozen_rows_stay_until_they_are_let_go(world: World) -> None:
    run = world.engine.runs.start("churn", "live", capture=False)
    run.log_metric("auc", 0.5)
    async with console(world.engine, "runs") as deck:
        await deck.expect_line("live", "0.5")
        await deck.press("f")
        await deck.expect("FROZEN")
        run.log_metric("auc", 0.75, step=1)
        run.finish()
        await deck.expect("FROZEN, 1 change waits")
        assert "0.75" not in deck.text()
        await deck.press("f")
        await deck.expect_line("live", "0.75", "finished")


async def test_a_run_whose_process_fell_silent_is_shown_as_lost(world: World) -> None:
    world.engine.runs.start("churn", "silent", capture=False)
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(10 * 60_000)
    async with console(world.engine, "runs") as deck:
        await deck.expect_line("silent", "? lost")


async def test_a_list_that_is_shown_again_tells_the_age_of_now(world: World) -> None:
    world.run("tree")
    async with console(world.engine, "runs") as deck:
        await deck.expect_line("tree", "0s")
        await deck.press("enter")
        await deck.expect("charts")
        assert isinstance(world.clock, ManualClock)
        world.clock.advance(3 * 3_600_000)
        await deck.press("escape")
        await deck.expect_line("tree", "3h")


async def test_runs_of_one_experiment_are_reached_through_it(world: World) -> None:
    _three(world)
    async with console(world.engine, "experiments") as deck:
        await deck.expect_line("churn", "2")
        await deck.press("slash")
        await deck.type("loans")
        await deck.expect("1 experiment")
        await deck.press("enter", "enter")
        await deck.expect("runs loans", "linear", "1 run")


async def test_tagging_renaming_noting_and_deleting_a_run(world: World) -> None:
    world.run("tree")
    async with console(world.engine, "runs") as deck:
        await deck.expect("1 run")
        await deck.press("N")
        await deck.expect("Rename the run.")
        await deck.press("end", "ctrl+u")
        await deck.type("oak")
        await deck.press("enter")
        await deck.expect_line("oak", "finished")
        await deck.press("t")
        await deck.type("team")
        await deck.press("enter")
        await deck.type("red")
        await deck.press("enter")
        await deck.expect("Tag team set on 1 runs.")
        await deck.press("D")
        await deck.expect("Deleted ", "No runs yet.")
    assert world.engine.runs.count() == 0


async def test_copying_a_cell_and_a_row(world: World) -> None:
    world.run("tree")
    async with console(world.engine, "runs") as deck:
        await deck.expect("1 run")
        await deck.press("c")
        await deck.expect("Copied: tree")
        assert deck.app.clipboard == "tree"
        await deck.press("C")
        await deck.until(lambda: "finished" in deck.app.clipboard, "the row on the clipboard")


async def test_every_row_can_be_acted_on_however_far_one_went(world: World) -> None:
    runs = [RunImport("churn", f"run-{number:04}", start_ms=world.clock.now_ms() - number) for number in range(2_000)]
    world.engine.runs.import_runs(runs)
    async with console(world.engine, "runs") as deck:
        await deck.expect("2,000 runs", "run-0000")
        await deck.press(*["pagedown"] * 70)
        await deck.press(*["pageup"] * 25)
        await deck.until(lambda: deck.app.view is not None and deck.app.view.copy_text(whole=False) != "", "a row")
        await deck.press("y")
        await deck.expect('"run_id"')


async def test_registering_a_version_from_a_run(world: World) -> None:
    world.run("tree")
    async with console(world.engine, "runs") as deck:
        await deck.expect("1 run")
        await deck.press("R")
        await deck.expect("Register a version")
        await deck.type("churn")
        await deck.press("enter", "enter", "enter", "enter")
        await deck.expect("Registered churn/1.")


async def test_marks_that_a_filter_hides_are_counted_apart_and_deleted_rows_lose_theirs(world: World) -> None:
    for name in ("first", "second"):
        with world.engine.runs.start("churn", name=name) as run:
            run.log_metric("auc", 0.9)
    async with console(world.engine, "runs") as deck:
        await deck.expect("first", "second")
        await deck.press("asterisk")
        await deck.expect("2 marked")
        await deck.type("/first")
        await deck.press("enter")
        await deck.expect("2 marked, 1 hidden by the filter")
        await deck.press("D")
        await deck.expect("1 marked, 1 hidden by the filter")
        await deck.press("escape")
        await deck.expect("1 marked")
        await deck.expect_gone("hidden")
