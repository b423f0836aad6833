"""The real table and list against a plain model, under the same random keys, news, orders, filters and sizes."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from console import registry
from console.app import ConsoleApp
from console.location import Location
from console.screens.list import ListView
from engine.core.events import Changes, Event
from tests.console.fuzzed_list import THINGS, Model, Row, Thing
from tests.console.world import World

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from console.widgets.table import Key

PATIENCE = 10.0
"""Seconds until the screen must say what the model says."""

WORDS = st.sampled_from(["ash", "birch", "cedar", "elm", "漢字", ""])
NUMBERS = st.none() | st.integers(-5, 20).map(float)
NOTES = st.text("ab ", max_size=12).map(str.strip)

MOVES = {"down": 1, "up": -1, "g": -1_000_000, "G": 1_000_000}

_worlds: list[World] = []


@pytest.fixture(scope="module", autouse=True)
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    registry.RESOURCES["things"] = registry.Entry("tests.console.fuzzed_list:view", "things")
    _worlds.append(World(tmp_path_factory.mktemp("fuzz")))
    yield
    _worlds.pop().close()
    del registry.RESOURCES["things"]


class Lists(RuleBasedStateMachine):
    """One console with one list."""

    def __init__(self) -> None:
        super().__init__()
        self._runner, self._context = asyncio.Runner(), contextvars.copy_context()
        self._numbers = 0
        self.model = Model()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self._runner.run(work, context=self._context)

    @initialize(count=st.integers(0, 60), size=st.tuples(st.integers(40, 110), st.integers(10, 30)))
    def open(self, count: int, size: tuple[int, int]) -> None:
        THINGS.clear()
        for number in range(count):
            self._add(Thing(number, "oak", float(number % 7), ""))
        self.app = ConsoleApp(_worlds[0].engine, Location("things"))
        self._running = self.app.run_test(size=size)

        async def start() -> None:
            self.pilot: Pilot[int] = await self._running.__aenter__()

        self.run(start())
        self.model.listed = self.model.listing()
        self.model.cursor = 0 if count else -1
        self.check()

    def teardown(self) -> None:
        async def stop() -> None:
            await self._running.__aexit__(None, None, None)

        self.run(stop())
        self._runner.close()

    def _add(self, thing: Thing) -> None:
        THINGS[thing.key] = thing
        self._numbers = max(self._numbers, thing.key + 1)

    @property
    def view(self) -> ListView[Thing]:
        assert isinstance(self.app.view, ListView)
        return self.app.view

    @property
    def height(self) -> int:
        return max(self.view.table.size.height - 1, 0)

    def press(self, *keys: str) -> None:
        async def pressing() -> None:
            await self.pilot.press(*keys)

        self.run(pressing())

    def tell(self, change: str, key: int) -> None:
        event = Event(1, 0, "thing", change, str(key), key)

        async def telling() -> None:
            self.view.changed(Changes((event,)))

        following = self.view.table.following
        self.run(telling())
        if change in ("created", "deleted"):
            self.model.news(self.height, following=following)

    # --- what happens

    @rule(key=st.sampled_from(sorted(MOVES)), times=st.integers(1, 5))
    def move(self, key: str, times: int) -> None:
        times = 1 if key in "gG" else times  # what was announced comes in between
        self.press(*[key] * times)
        self.model.go(self.model.cursor + MOVES[key] * times)
        self._at_top()

    @rule(key=st.sampled_from(["pagedown", "pageup"]))
    def page(self, key: str) -> None:
        step = max(1, self.height)
        self.press(key)
        self.model.go(self.model.cursor + (step if key == "pagedown" else -step))
        self._at_top()

    def _at_top(self) -> None:
        """What was announced takes its place when the operator comes to the first row."""
        if self.model.cursor == 0 and self.model.announced and self.view.table.following:
            self.model.take(self.model.listing(), self.height, at_top=True)
        self.check()

    @rule()
    def mark(self) -> None:
        self.press("space")
        if self.model.key is not None:
            self.model.marks ^= {self.model.key}
            self.model.marked_last = self.model.key
        self.check()

    @rule()
    def mark_range(self) -> None:
        self.press("quotation_mark")
        self.model.mark_range()
        self.check()

    @rule()
    def mark_all(self) -> None:
        self.press("asterisk")
        self.model.mark_all()
        self.check()

    @rule(word=WORDS, number=NUMBERS, note=NOTES)
    def create(self, word: str, number: float | None, note: str) -> None:
        self._add(Thing(self._numbers, word, number, note))
        self.tell("created", self._numbers - 1)
        self.check()

    @rule(data=st.data(), word=WORDS, number=NUMBERS, note=NOTES)
    @precondition(lambda _: bool(THINGS))
    def change(self, data: st.DataObject, word: str, number: float | None, note: str) -> None:
        key = data.draw(st.sampled_from(sorted(THINGS)))
        THINGS[key] = Thing(key, word, number, note)
        self.tell("changed", key)
        self.check()

    @rule(data=st.data())
    @precondition(lambda _: bool(THINGS))
    def delete(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(THINGS)))
        del THINGS[key]
        self.model.marks.discard(key)
        self.tell("deleted", key)
        self.check()

    @rule(least=st.none() | st.integers(-6, 20).map(float))
    def filter(self, least: float | None) -> None:
        async def filtering() -> None:
            self.view.set_filter("" if least is None else f"number>{least:g}")

        if least != self.model.least:
            self.run(filtering())
            self.model.least = least
            self.model.take(self.model.listing(), self.height, at_top=False)
        self.check()

    @rule(more=st.booleans())
    def sort(self, more: bool) -> None:
        here = self.view.columns.here
        if here is None:
            return
        first = (here.column.name, here.column.name in ("key", "number", "size"))
        orders, names = self.model.orders, [name for name, _ in self.model.orders]
        turned = [(name, not descending) if name == first[0] else (name, descending) for name, descending in orders]
        if not more or not orders:
            self.model.orders = turned if names == [first[0]] else [first]
        elif first[0] not in names:
            self.model.orders = [*orders, first]
        else:
            self.model.orders = turned if first in orders else [each for each in orders if each[0] != first[0]]
        following = self.view.table.following
        self.press("O" if more else "o")
        self.model.take(self.model.listing(), self.height, at_top=False)
        if following:
            self.model.go(0)
        self.check()

    @rule(key=st.sampled_from(["left", "right"]), times=st.integers(1, 3))
    def step(self, key: str, times: int) -> None:
        self.press(*[key] * times)
        self.check()

    @rule(key=st.sampled_from(["backslash", "number_sign", "plus", "underscore"]))
    def arrange(self, key: str) -> None:
        here = self.view.columns.here
        if here is None:
            return
        name, before = here.column.name, self.view.table.width_of(here.column.name)
        self.press(key)
        if key == "backslash" and len(self.model.shown()) > 1:
            self.model.hidden.add(name)
        elif key == "number_sign":
            self.model.pinned ^= {name}
        elif key in ("plus", "underscore"):
            wanted = max(3, before + (2 if key == "plus" else -2))
            arranged = self.view.columns.arrangement.widths[name]
            assert arranged == wanted, (name, before, arranged)
        self.check()

    @rule(size=st.tuples(st.integers(30, 120), st.integers(8, 40)))
    def resize(self, size: tuple[int, int]) -> None:
        async def resizing() -> None:
            await self.pilot.resize_terminal(*size)

        self.run(resizing())
        self.check()

    # --- what must be so

    def named(self, key: Key | None) -> Row | None:
        """What the model calls a row."""
        return key

    def check(self) -> None:
        self.run(self._until(self._differs))

    async def _until(self, differs: Callable[[], str]) -> None:
        deadline = time.monotonic() + PATIENCE
        await self.pilot.pause()
        while problem := differs():
            assert time.monotonic() < deadline, problem
            await asyncio.sleep(0.005)

    def _differs(self) -> str:
        table, model = self.view.table, self.model
        listed = [self.named(key) for key in self.view.keys]
        if listed != model.listed:
            return f"listed {listed}, not {model.listed}"
        if self.named(table.cursor_key) != model.key:
            return f"the cursor is on {table.cursor_key!r}, not {model.key}"
        if self.view.marks != model.marks:
            return f"marked {sorted(self.view.marks, key=str)}, not {sorted(model.marks)}"
        if table.new_above != len(model.announced):
            return f"{table.new_above} new, not {len(model.announced)}"
        shown = [column.name for column in table.columns]
        if shown != model.shown():
            return f"columns {shown}, not {model.shown()}"
        return self._screen_differs() if model.listed else ""

    def _screen_differs(self) -> str:
        """What stands on the screen, cell by cell, and where."""
        table, model = self.view.table, self.model
        top, height = table.scroll_top, self.height
        if not (top <= model.cursor < top + height) or top > max(0, len(model.listed) - height):
            return f"the cursor {model.cursor} is out of view from {top}, {height} high"
        lines = [table.render_line(y).text for y in range(table.size.height)]
        placed = table._across.placed  # noqa: SLF001 where each cell stands is what is compared
        names = model.shown()
        if table.column is None or table.column.name not in [names[place.column] for place in placed]:
            return "the column cursor is out of view"
        for line, key in zip(lines[1:], model.listed[top : top + height], strict=False):
            if line.startswith("●") is not model.is_marked(key):
                return f"the mark of {key}: {line}"
            if not line.isascii():
                continue  # wide characters stand on two cells; other rows tell enough
            for place in placed:
                text = self.fitting(key, names[place.column], place.width)
                found = line[place.x : place.x + place.width].strip()
                if found != text:
                    return f"{key}.{names[place.column]} reads {found!r}, not {text!r}"
        return ""

    def fitting(self, key: Row, column: str, width: int) -> str:
        """A cell as wide as it is shown."""
        from console.widgets.table.layout import fit
        from tests.console.fuzzed_list import text_of

        assert isinstance(key, int)
        return fit(self.model.indent(column) + text_of(THINGS[key], column), width).strip()


Lists.TestCase.settings = settings(
    max_examples=5,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLists = Lists.TestCase
