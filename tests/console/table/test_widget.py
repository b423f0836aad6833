from __future__ import annotations

import random
import time
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from console.widgets.table import Cell, Column, VirtualTable
from tests.console.table.table_app import COLUMNS, TableApp, row

if TYPE_CHECKING:
    from textual.pilot import Pilot

SIZE = (80, 12)  # eleven rows and the headings
HEIGHT = SIZE[1] - 1


async def pressed(app: TableApp, pilot: Pilot[None], *keys: str) -> VirtualTable:
    await pilot.press(*keys)
    await pilot.pause()
    return app.table


async def test_only_the_rows_in_view_and_a_little_more_are_read() -> None:
    app = TableApp(array("q", range(100_000)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.1)
        assert app.names() == [f"run-{key}" for key in range(HEIGHT)]
        assert {key for keys in app.asked for key in keys} <= set(range(HEIGHT * 4))
        assert app.table.row_count == 100_000


@pytest.mark.parametrize(
    ("keys", "index", "top"),
    [
        (["down"], 1, 0),
        (["j", "j", "k"], 1, 0),
        (["up"], 0, 0),
        (["pagedown"], HEIGHT, HEIGHT),
        (["ctrl+f", "ctrl+b"], 0, 0),
        (["ctrl+d"], HEIGHT // 2, HEIGHT // 2),
        (["ctrl+d", "ctrl+u"], 0, 0),
        (["G"], 99, 100 - HEIGHT),
        (["end", "home"], 0, 0),
        (["G", "g"], 0, 0),
        (["G", "pagedown"], 99, 100 - HEIGHT),
        (["j"] * HEIGHT, HEIGHT, 1),
        (["G", *["k"] * HEIGHT], 99 - HEIGHT, 99 - HEIGHT),
    ],
)
async def test_keys_move_the_cursor_and_the_view(keys: list[str], index: int, top: int) -> None:
    app = TableApp(array("q", range(100)))
    async with app.run_test(size=SIZE) as pilot:
        table = await pressed(app, pilot, *keys)
        assert (table.cursor_index, table.scroll_top) == (index, top)
        assert app.names() == [f"run-{key}" for key in range(top, top + HEIGHT)]
        if index:
            told = app.last(VirtualTable.RowHighlighted)
            assert isinstance(told, VirtualTable.RowHighlighted)
            assert (told.key, told.index) == (index, index)


async def test_enter_selects_the_row_under_the_cursor() -> None:
    app = TableApp([7, 8, 9])
    async with app.run_test(size=SIZE) as pilot:
        await pressed(app, pilot, "j", "enter")
        told = app.last(VirtualTable.RowSelected)
        assert isinstance(told, VirtualTable.RowSelected)
        assert told.key == 8


async def test_an_empty_table_takes_every_key() -> None:
    app = TableApp([])
    async with app.run_test(size=SIZE) as pilot:
        table = await pressed(app, pilot, *VirtualTable.KEYS)
        assert (table.cursor_index, table.cursor_key, table.visible_keys) == (-1, None, ())
        assert app.messages == []


async def test_marks_are_shown_and_survive_another_order() -> None:
    app = TableApp([1, 2, 3])
    async with app.run_test(size=SIZE) as pilot:
        table = await pressed(app, pilot, "j", "space")
        assert app.lines()[2].startswith("● run-2")
        table.set_keys([3, 2, 1])
        await pilot.pause()
        assert table.marks == {2}
        assert app.lines()[2].startswith("● run-2")
        table.set_keys([1])
        assert table.marks == {2}
        table.clear_marks()
        await pilot.pause()
        told = app.last(VirtualTable.MarksChanged)
        assert isinstance(told, VirtualTable.MarksChanged)
        assert told.marks == frozenset()


async def test_a_click_moves_a_second_one_opens() -> None:
    app = TableApp([1, 2, 3])
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(VirtualTable, offset=(5, 3))
        assert app.table.cursor_key == 3
        await pilot.click(VirtualTable, offset=(5, 2), times=2)
        await pilot.pause()
        told = app.last(VirtualTable.RowSelected)
        assert isinstance(told, VirtualTable.RowSelected)
        assert told.key == 2
        await pilot.click(VirtualTable, offset=(5, 9))
        assert app.table.cursor_key == 2


async def test_a_click_on_a_heading_asks_for_that_order() -> None:
    app = TableApp([1])
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(VirtualTable, offset=(18, 0))
        await pilot.pause()
        told = app.last(VirtualTable.SortRequested)
        assert isinstance(told, VirtualTable.SortRequested)
        assert told.column == "status"
        assert not told.further
        app.table.set_orders([("status", True)])
        await pilot.pause()
        assert "STATUS▼" in app.lines()[0]
        await pilot.click(VirtualTable, offset=(28, 0), control=True)
        await pilot.pause()
        told = app.last(VirtualTable.SortRequested)
        assert isinstance(told, VirtualTable.SortRequested)
        assert told.further
        app.table.set_orders([("status", True), ("auc", False)])
        await pilot.pause()
        assert "STATUS▼1" in app.lines()[0]
        assert "AUC▲2" in app.lines()[0]


async def test_rows_that_come_late_appear_when_they_come() -> None:
    app = TableApp(array("q", range(100)), answering=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.1)
        assert app.names() == [""] * HEIGHT
        app.table.put_rows({key: row(key) for key in app.asked[-1]})
        await until(pilot, lambda: app.names() == [f"run-{key}" for key in range(HEIGHT)])


async def test_an_update_shows_and_an_update_of_a_row_never_read_is_ignored() -> None:
    app = TableApp(array("q", range(1000)))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.table.update_rows({2: row(2, "changed"), 999: row(999, "unseen")})
        await pilot.pause()
        assert "changed" in app.lines()[3]
        assert app.table.row(999) is None


async def test_rows_that_come_with_their_keys_are_not_asked_for() -> None:
    app = TableApp([])
    async with app.run_test(size=SIZE) as pilot:
        app.table.set_keys([1, 2])
        app.table.put_rows({1: row(1), 2: row(2)})
        await until(pilot, lambda: app.names()[:2] == ["run-1", "run-2"])
        assert app.asked == []


async def test_forgotten_rows_are_read_again() -> None:
    app = TableApp([1, 2])
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.asked.clear()
        app.table.forget_rows()
        await pilot.pause()
        assert app.asked[0] == (1, 2)


async def test_new_rows_are_announced_and_move_nothing() -> None:
    app = TableApp(array("q", range(100)))
    async with app.run_test(size=SIZE) as pilot:
        await pressed(app, pilot, "j", "j")
        before = app.lines()[1:]
        app.table.announce(5)
        app.table.announce(12)
        await pilot.pause()
        assert app.lines()[0].rstrip().endswith("↑ 12 new")
        assert app.lines()[1:] == before
        app.table.set_keys([*range(200, 212), *range(100)])
        await pilot.pause()
        assert app.table.new_above == 0
        assert app.lines()[1:] == before


async def test_columns_that_do_not_fit_are_reached_with_the_arrow_and_the_first_stays() -> None:
    columns = [Column(f"c{i}", f"C{i}", width=12, minimum=12, priority=9 - i) for i in range(8)]
    app = TableApp([1], columns)
    app.answering = False
    async with app.run_test(size=(50, 5)) as pilot:
        await pilot.pause(0.1)
        assert app.lines()[0].split() == ["C0", "C1", "C2", "›"]  # noqa: RUF001 - the arrowhead
        await pressed(app, pilot, "right", "l")
        assert app.lines()[0].split() == ["C0", "C1", "C2", "›"]  # noqa: RUF001
        await pressed(app, pilot, "right")
        assert app.lines()[0].split()[:4] == ["C0", "‹", "C2", "C3"]  # noqa: RUF001
        await pressed(app, pilot, *["right"] * 10)
        assert app.lines()[0].split()[-1] == "C7"
        await pressed(app, pilot, *["left"] * 10)
        assert app.lines()[0].split() == ["C0", "C1", "C2", "›"]  # noqa: RUF001


async def test_the_hardware_cursor_rests_on_the_row_for_screen_readers() -> None:
    app = TableApp([1, 2, 3])
    async with app.run_test(size=SIZE) as pilot:
        await pressed(app, pilot, "j", "j")
        assert app.cursor_position == (0, 3)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred",
        "a\nb\tc\r",
        "[/nope]",
        "[@click=app.quit]x[/]",
        "x" * 10_000,
        "界" * 50,
        "e" + "\u0301" * 1_000,
        "\u202egnp.exe",
        "👩\u200d💻" * 20,
        "\ud800",
        "",
    ],
)
async def test_any_text_in_a_cell_keeps_every_line_as_wide_as_the_table(text: str) -> None:
    app = TableApp([1, 2], COLUMNS)
    app.answering = False
    async with app.run_test(size=SIZE) as pilot:
        app.table.put_rows({key: (Cell(text),) * 4 for key in (1, 2)})
        await pilot.pause()
        strips = [app.table.render_line(y) for y in range(SIZE[1])]
        assert [cell_len(strip.text) for strip in strips] == [SIZE[0]] * SIZE[1]
        assert not any(char < " " or "\x7f" <= char < "\xa0" for strip in strips for char in strip.text)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 3), (10, 2), (300, 80)])
async def test_any_size_is_drawn(size: tuple[int, int]) -> None:
    app = TableApp(array("q", range(50)))
    async with app.run_test(size=size) as pilot:
        await pressed(app, pilot, "G", "g", "j", "space", "right", "pagedown")
        assert all(cell_len(line) == size[0] for line in app.lines())


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_the_screen_shows_the_rows_in_view(seed: int) -> None:
    rng = random.Random(seed)
    keys = list(range(rng.choice([5, 60, 400])))
    app = TableApp(keys)
    movements = sorted(set(VirtualTable.KEYS.values()) - {"select"})
    async with app.run_test(size=SIZE) as pilot:
        table = app.table
        for _ in range(60):
            step = rng.random()
            if step < 0.7:
                for movement in rng.choices(movements, k=3):
                    table.move(movement)
            elif step < 0.8:
                rng.shuffle(keys)
                table.set_keys(list(keys))
            elif step < 0.9:
                table.update_rows({key: row(key, str(rng.random())) for key in keys[:30]})
            else:
                await pilot.resize_terminal(rng.randint(20, 100), rng.randint(2, 25))
            await until(pilot, lambda: [name for name in app.names() if name] == wanted_names(table))
            assert table.visible_keys == tuple(keys[table.scroll_top : table.scroll_top + table.size.height - 1])
            assert keys[table.cursor_index] == table.cursor_key


def wanted_names(table: VirtualTable) -> list[str]:
    return [f"run-{key}" for key in table.visible_keys]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await pilot.pause(0.005)
