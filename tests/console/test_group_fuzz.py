"""A list in groups against a plain model, under the same random keys, filters and orders as a list without."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from console.arranging.grouped_keys import mark_of
from console.widgets.table import Key
from tests.console.fuzzed_list import THINGS, Model, Row, text_of
from tests.console.test_list_fuzz import NOTES, NUMBERS, WORDS, Lists
from tests.console.test_list_fuzz import world as world  # noqa: PLC0414 a fixture of this module too


@dataclass
class GroupedModel(Model):
    """What a list must show that may stand in groups."""

    group: str = ""
    every: bool = False
    but: set[str] = field(default_factory=set)

    def value(self, key: int) -> str:
        """The group of a thing, as the row of the group is called here."""
        thing = THINGS[key]
        if self.group == "word":
            return f"= {thing.word}"
        return f"= {text_of(thing, self.group)}" if text_of(thing, self.group) else "none"

    def members(self) -> dict[str, list[int]]:
        """The things of every group, in order; those without a value last."""
        found: dict[str, list[int]] = {}
        for key in self.things():
            found.setdefault(self.value(key), []).append(key)
        return dict(sorted(found.items(), key=lambda group: group[0] == "none"))

    def opened(self, group: str) -> bool:
        """Whether the rows of a group are shown."""
        return (group in self.but) != self.every

    def listing(self) -> list[Row]:
        """All rows in order."""
        if not self.group:
            return super().listing()
        rows: list[Row] = []
        for group, things in self.members().items():
            rows.append(group)
            if self.opened(group):
                rows += things
        return rows

    def turn(self, group: str) -> None:
        """Open a group, or close it; the cursor goes to it."""
        self.but ^= {group}
        self.listed = self.listing()
        self.cursor = self.listed.index(group)

    def turn_all(self) -> None:
        """Open all groups, or close them when one is open."""
        key = self.key
        group = self.value(key) if isinstance(key, int) else key
        self.every, self.but = len(self.listed) == len(self.members()), set()
        self.listed = self.listing()
        if isinstance(group, str):
            self.cursor = self.listed.index(key if isinstance(key, int) and self.every else group)

    def toggle(self) -> None:
        """Mark what is under the cursor, or take the mark away; a group stands for its things."""
        key = self.key
        self.marked_last = key
        if isinstance(key, str):
            things = set(self.members()[key])
            self.marks = self.marks - things if self.is_marked(key) else self.marks | things
        elif key is not None:
            self.marks ^= {key}

    def mark_range(self) -> None:
        """From the row marked last to the cursor: the things there, and all of groups that are closed."""
        if self.marked_last in self.listed and self.key is not None:
            first, last = sorted((self.listed.index(self.marked_last), self.cursor))
            for row in self.listed[first : last + 1]:
                if isinstance(row, int):
                    self.marks.add(row)
                elif not self.opened(row):
                    self.marks |= set(self.members()[row])

    def mark_all(self) -> None:
        """All things that pass, or none of them."""
        here: set[Row] = set(self.things() if self.group else self.listed)
        self.marks = self.marks - here if here and here <= self.marks else self.marks | here

    def is_marked(self, key: Row) -> bool:
        """Whether a row has a mark: a group, when all its things have one."""
        return key in self.marks if isinstance(key, int) else set(self.members()[key]) <= self.marks

    def indent(self, column: str) -> str:
        """Things stand in from their groups."""
        return "  " if self.group and column == self.shown()[0] else ""


class GroupedLists(Lists):
    """One console with one list, in groups or not."""

    model: GroupedModel

    def __init__(self) -> None:
        super().__init__()
        self.model = GroupedModel()

    def named(self, key: Key | None) -> Row | None:
        """A group by its value."""
        mark, keys = mark_of(key), self.view.grouping.keys
        if mark is None or keys is None:
            return key
        member = next(iter(keys.members(mark)), None)
        return self.model.value(member) if isinstance(member, int) and member in THINGS and self.model.group else "gone"

    @rule()
    def group(self) -> None:
        here = self.view.columns.here
        if here is None:
            return
        name = here.column.name
        self.model.group = "" if name == self.model.group else name
        self.model.every, self.model.but = False, set()
        self.press("percent_sign")
        self.model.take(self.model.listing(), self.height, at_top=False)
        self.check()

    @rule(key=st.sampled_from(["enter", "circumflex_accent"]))
    @precondition(lambda self: bool(self.model.group) and self.model.key is not None)
    def turn(self, key: str) -> None:
        if key == "circumflex_accent":
            self.press(key)
            self.model.turn_all()
        elif isinstance(self.model.key, str):
            self.press(key)
            self.model.turn(self.model.key)
        self.check()

    @rule()
    def mark(self) -> None:
        self.press("space")
        self.model.toggle()
        self.check()

    # What comes and goes while rows stand in groups is read a second later; `test_grouping.py` looks at that.

    @rule(word=WORDS, number=NUMBERS, note=NOTES)
    @precondition(lambda self: not self.model.group)
    def create(self, word: str, number: float | None, note: str) -> None:
        super().create(word, number, note)

    @rule(data=st.data(), word=WORDS, number=NUMBERS, note=NOTES)
    @precondition(lambda self: bool(THINGS) and not self.model.group)
    def change(self, data: st.DataObject, word: str, number: float | None, note: str) -> None:
        super().change(data, word, number, note)

    @rule(data=st.data())
    @precondition(lambda self: bool(THINGS) and not self.model.group)
    def delete(self, data: st.DataObject) -> None:
        super().delete(data)


GroupedLists.TestCase.settings = settings(
    max_examples=4,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestGroupedLists = GroupedLists.TestCase
del Lists
