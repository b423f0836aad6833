"""Reading a table of `quarterdeck.toml` key by key; what is wrong is collected, with its place, not guessed around."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeVar

from engine.core.errors import InvalidInput
from engine.core.timetext import format_duration, parse_duration
from engine.policy.lines import KeyPath

T = TypeVar("T")
U = TypeVar("U")

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([a-z]*)", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "b": 1} | {
    f"{prefix}{infix}b": int(base**power)
    for power, prefix in enumerate("kmgt", start=1)
    for infix, base in (("", 1000), ("i", 1024))
}


def parse_size(text: str) -> int:
    """Read a size in bytes.

    Args:
        text: A number with a unit, such as `50MB` (50,000,000), `50 MiB` (52,428,800) or `1.5GB`; bytes without one.

    Returns:
        Bytes, rounded.

    Raises:
        InvalidInput: it is none.
    """
    found = _SIZE.fullmatch(text.strip())
    unit = _SIZE_UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None:
        raise InvalidInput("This is no size.", hint="Write a number and kB, MB, GB, KiB, MiB or GiB, such as 50MB.")
    return round(float(found[1]) * unit)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at one place of the file.

    Args:
        path: The way to the key.
        message: What is wrong, to be read after the key.
        hint: What to write instead; may be empty.
    """

    path: KeyPath
    message: str
    hint: str = ""


class Table:
    """One table, read key by key.

    Every reading notes the key as known and gives `fallback` where the key is missing or its value wrong; a wrong value
    adds a problem. `finish` adds one for each key that nobody asked for.

    Args:
        path: The way to the table.
        data: What the file says there.
        problems: Where problems are collected.
    """

    def __init__(self, path: KeyPath, data: Mapping[str, Any], problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self._data = data
        self._known: dict[str, None] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def refuse(self, key: str | None, message: str, hint: str = "") -> None:
        """Add a problem with a key, or with the table itself when `None`."""
        self.problems.append(Problem(self.path if key is None else (*self.path, key), message, hint))

    def text(self, key: str, fallback: str = "", *, choices: tuple[str, ...] = ()) -> str:
        """A text that is not empty; one of `choices` when there are any."""

        def read(value: Any) -> str:
            if not isinstance(value, str) or not value.strip():
                raise InvalidInput(f"must be a text, not {_kind(value)}.", hint='Put it in "quotes".')
            if choices and value not in choices:
                raise InvalidInput(f"must be {' or '.join(choices)}.", hint=_nearest(value, choices))
            return value

        return self.read(key, fallback, read)

    def flag(self, key: str, *, fallback: bool) -> bool:
        """`true` or `false`."""

        def read(value: Any) -> bool:
            if not isinstance(value, bool):
                raise InvalidInput(f"must be true or false, not {_kind(value)}.", hint="Write it without quotes.")
            return value

        return self.read(key, fallback, read)

    def number(self, key: str, fallback: U, *, least: float | None = None, most: float | None = None) -> float | U:
        """A finite number, not below `least` and not above `most`."""

        def read(value: Any) -> float:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidInput(
                    f"must be a number, not {_kind(value)}.", hint="Write it without quotes, such as 0.8."
                )
            if not _is_finite(value):
                raise InvalidInput("must be a finite number.", hint="Leave it out for no bound.")
            if least is not None and value < least:
                raise InvalidInput(f"must be at least {least:g}.")
            if most is not None and value > most:
                raise InvalidInput(f"must be at most {most:g}.")
            return float(value)

        return self.read(key, fallback, read)

    def whole(self, key: str, fallback: int, *, most: int) -> int:
        """A whole number from 0 to `most`."""

        def read(value: Any) -> int:
            if type(value) is not int or not 0 <= value <= most:
                raise InvalidInput(f"must be a whole number from 0 to {most}.")
            return value

        return self.read(key, fallback, read)

    def duration(self, key: str, fallback: U, *, least: int = 1) -> int | U:
        """A length of time above zero, not below `least`, in milliseconds; written as text with a unit."""

        def read(value: Any) -> int:
            if not isinstance(value, str):
                raise InvalidInput(f"must be a text with a unit, not {_kind(value)}.", hint='Write "24h" or "7d".')
            found = parse_duration(value)
            if found <= 0:
                raise InvalidInput("must be longer than nothing.")
            if found < least:
                raise InvalidInput(f"must be at least {format_duration(least)}.")
            return found

        return self.read(key, fallback, read)

    def size(self, key: str, fallback: U) -> int | U:
        """A size above zero, in bytes; written as text with a unit, or as a whole number of bytes."""

        def read(value: Any) -> int:
            found: object = parse_size(value) if isinstance(value, str) else value
            if type(found) is not int or found <= 0:
                raise InvalidInput(f"must be a size above zero, not {_kind(value)}.", hint='Write "50MB".')
            return found

        return self.read(key, fallback, read)

    def words(self, key: str, fallback: tuple[str, ...] = (), *, choices: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts that are not empty, each of `choices` when there are any; repeated ones count once."""

        def read(value: Any) -> tuple[str, ...]:
            if not isinstance(value, list):
                raise InvalidInput(f"must be a list of texts, not {_kind(value)}.", hint='Write ["alice", "bob"].')
            for place, each in enumerate(value):
                if not isinstance(each, str) or not each.strip():
                    self.problems.append(Problem((*self.path, key, place), f"must be a text, not {_kind(each)}."))
                elif choices and each not in choices:
                    problem = Problem(
                        (*self.path, key, place), f"must be one of {', '.join(choices)}.", _nearest(each, choices)
                    )
                    self.problems.append(problem)
            return tuple(dict.fromkeys(each for each in value if isinstance(each, str)))

        return self.read(key, fallback, read)

    def line(self, key: str, fallback: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A program with its arguments: a list of texts in their order, none of which holds a NUL."""

        def read(value: Any) -> tuple[str, ...]:
            if not isinstance(value, list) or not all(isinstance(each, str) and "\0" not in each for each in value):
                raise InvalidInput(f"must be a list of texts, not {_kind(value)}.", hint='Write ["/bin/tell", "-v"].')
            return tuple(value)

        return self.read(key, fallback, read)

    def names(self) -> tuple[str, ...]:
        """The keys that are there."""
        return tuple(self._data)

    def table(self, key: str) -> Table:
        """The table below a key; an empty one when it is missing or no table."""

        def read(value: Any) -> Mapping[str, Any]:
            if not isinstance(value, dict):
                raise InvalidInput(f"must be a table, not {_kind(value)}.")
            return value

        empty: Mapping[str, Any] = {}
        return Table((*self.path, key), self.read(key, empty, read), self.problems)

    def tables(self, key: str) -> tuple[Table, ...]:
        """The tables in the list below a key."""

        def read(value: Any) -> list[Any]:
            if not isinstance(value, list):
                raise InvalidInput(f"must be a list of tables, not {_kind(value)}.", hint="Write [{…}, {…}].")
            return value

        empty: list[Any] = []
        found = []
        for place, each in enumerate(self.read(key, empty, read)):
            path = (*self.path, key, place)
            if isinstance(each, dict):
                found.append(Table(path, each, self.problems))
            else:
                self.problems.append(Problem(path, f"must be a table, not {_kind(each)}.", "Write {…}."))
        return tuple(found)

    def each_table(self) -> Iterator[tuple[str, Table]]:
        """Every key of this table, each with the table below it."""
        for key in self.names():
            yield key, self.table(key)

    def finish(self) -> None:
        """Add a problem for every key that was not asked for."""
        for key in self._data:
            if key not in self._known:
                self.refuse(key, "is not known here.", _nearest(key, tuple(self._known)))

    def read(self, key: str, fallback: U, read: Callable[[Any], T]) -> T | U:
        """A value as `read` makes it, which raises `InvalidInput` for a wrong one.

        Args:
            key: The key.
            fallback: What stands for a missing or wrong value.
            read: Makes the value of what the file says.

        Returns:
            The value.
        """
        self._known[key] = None
        if key not in self._data:
            return fallback
        try:
            return read(self._data[key])
        except InvalidInput as error:
            self.refuse(key, error.message, error.hint)
            return fallback


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False


def _nearest(word: str, known: tuple[str, ...]) -> str:
    from engine.core.suggest import did_you_mean  # only a wrong key needs it

    return did_you_mean(word, known) or (f"Known: {', '.join(known)}." if known else "")


def _kind(value: object) -> str:
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return "an empty text" if value == "" else names.get(type(value), "a date or time")
