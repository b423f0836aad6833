from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.policy.lines import KeyPath, key_lines, line_of, written

names = st.sampled_from(["a", "b-c", "d_1", "7", "x y", 'q"q', "t.t", "it's", "ü", "#", "=", "[]", ""])
PLAIN = ("1", "-2.5e3", "true", "nan", "0x1F", "2026-12-20", "2026-12-20 10:00:00")
QUOTED = ('"x # y"', "'[{'", '"}\\"]"', '"""a\n]\n"""', "'''\n' = 1 ''\n'''", '""', "''", '"""x"""""')
scalars = st.sampled_from(PLAIN + QUOTED)
values = st.recursive(
    scalars,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(names, parts, max_size=3),
    max_leaves=8,
)


@dataclass
class Writer:
    """Writes TOML in a random layout and remembers on which line each thing stands."""

    draw: st.DrawFn
    text: str = ""
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def space(self) -> None:
        self.text += self.draw(st.sampled_from(["", " ", "\t "]))

    def blank(self) -> None:
        self.text += self.draw(st.sampled_from(["", " ", "\n", " # ] } = [x\n", "\r\n\n"]))

    def key(self, name: str) -> None:
        plain = name.replace("-", "").replace("_", "")
        if plain.isascii() and plain.isalnum():
            self.text += name
        else:
            self.text += '"' + name.replace('"', '\\"') + '"'

    def value(self, path: KeyPath, value: Any) -> None:
        if isinstance(value, list):
            self.text += "["
            for place, each in enumerate(value):
                self.blank()
                self.note((*path, place))
                self.value((*path, place), each)
                self.blank()
                self.text += ","
            self.blank()
            self.text += "]"
        elif isinstance(value, dict):
            self.text += "{"
            for place, (name, each) in enumerate(value.items()):
                self.text += ", " if place else " "
                self.pair((*path, name), each)
            self.text += " }"
        else:
            self.text += value

    def pair(self, path: KeyPath, value: Any) -> None:
        self.note(path)
        self.key(str(path[-1]))
        self.space()
        self.text += "="
        self.space()
        self.value(path, value)

    def table(self, path: KeyPath, header: str, body: dict[str, Any]) -> None:
        self.space()
        self.note(path)
        self.text += header
        self.text += self.draw(st.sampled_from(["\n", " # x = 1\n", "\n\n"]))
        for name, value in body.items():
            self.space()
            self.pair((*path, name), value)
            self.text += self.draw(st.sampled_from(["\n", "  # [x]\n"]))


@st.composite
def documents(draw: st.DrawFn) -> Writer:
    writer = Writer(draw)
    bodies = st.dictionaries(names, values, max_size=3)
    for place in range(draw(st.integers(0, 2))):
        writer.table(("list", place), "[[ list ]]", draw(bodies))
    writer.table(("table", "in it"), '[table . "in it"]', draw(bodies))
    return writer


@given(documents())
def test_every_key_is_found_on_its_line(document: Writer) -> None:
    tomllib.loads(document.text)
    found = key_lines(document.text)
    assert document.lines.items() <= found.items()


def test_a_missing_key_is_placed_at_what_is_around_it() -> None:
    lines = key_lines("x = 1\n[a.b]\nc = [{d = 1},\n {e = 2}]\n")
    assert line_of(lines, ("a", "b", "c", 1, "nothing")) == 4
    assert line_of(lines, ("a", "b", "nothing")) == 2
    assert line_of(lines, ("nothing",)) == 1


def test_a_path_is_written_as_people_write_it() -> None:
    assert written(("models", "a b", "production", "gates", 0, "min")) == 'models."a b".production.gates[0].min'
