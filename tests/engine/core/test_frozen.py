"""Values against dataclasses of the same fields: nobody can tell them apart but by the time they take to define."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.frozen import frozen


@frozen
class Point:
    """A value.

    Args:
        x: Compared and shown.
        tags: Each has its own.
        seen: Neither compared nor shown.
    """

    KIND: ClassVar[str] = "point"

    x: int
    tags: tuple[str, ...] = ()
    marks: list[int] = field(default_factory=list, hash=False)
    seen: int = field(default=0, compare=False, repr=False)

    @property
    def twice(self) -> int:
        """Twice."""
        return 2 * self.x


@dataclass(frozen=True, slots=True)
class Model:
    """The same as the standard library makes it."""

    x: int
    tags: tuple[str, ...] = ()
    marks: list[int] = field(default_factory=list, hash=False)
    seen: int = field(default=0, compare=False, repr=False)


@frozen
class Named(Point):
    """Derived, with a rule."""

    name: str = ""

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("less than nothing")


@frozen
class Loose:  # noqa: PLW1641 `frozen` gives it one, as a frozen dataclass would
    """Equal whatever the case; says so itself."""

    word: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loose) and self.word.lower() == other.word.lower()

    def __repr__(self) -> str:
        return f"~{self.word}"


def _thawed(point: Point) -> Point:
    found = pickle.loads(pickle.dumps(point))  # noqa: S301 our own bytes
    assert isinstance(found, Point)
    return found


ARGUMENTS = st.tuples(st.integers(), st.tuples(st.text()), st.lists(st.integers(), max_size=3), st.integers())


@given(ARGUMENTS, ARGUMENTS)
def test_values_compare_hash_read_and_are_taken_apart_as_dataclasses(
    one: tuple[int, tuple[str], list[int], int], two: tuple[int, tuple[str], list[int], int]
) -> None:
    ours, theirs = (Point(*one), Point(*two)), (Model(*one), Model(*two))
    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
    assert hash(ours[0]) == hash(theirs[0])
    assert repr(ours[0]) == repr(theirs[0]).replace("Model", "Point")
    assert asdict(ours[0]) == asdict(theirs[0])
    assert asdict(replace(ours[0], x=7)) == asdict(replace(theirs[0], x=7))
    for copied in (copy.copy(ours[0]), copy.deepcopy(ours[0]), _thawed(ours[0])):
        assert copied == ours[0]
        assert copied.seen == ours[0].seen


def test_a_value_has_fields_defaults_of_its_own_and_no_other_names() -> None:
    assert [part.name for part in fields(Point)] == ["x", "tags", "marks", "seen"]
    assert Point(1).marks is not Point(1).marks
    assert (Point(3).twice, Point.KIND) == (6, "point")
    assert not hasattr(Point(1), "__dict__")
    match Point(4, ("a",)):
        case Point(x, tags):
            assert (x, tags) == (4, ("a",))


@pytest.mark.parametrize("point", [Point(1), Named(1, name="a")], ids=["value", "derived"])
def test_a_value_never_changes(point: Point) -> None:
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2  # type: ignore[misc]  # what is refused
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    with pytest.raises(AttributeError):
        point.other = 2  # type: ignore[attr-defined]  # what is refused


def test_rules_of_a_value_are_kept_and_missing_or_unknown_arguments_refused() -> None:
    assert Named(2, name="a") == Named(2, name="a") != Point(2)
    with pytest.raises(ValueError, match="less than nothing"):
        replace(Named(1), x=-1)
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]  # what is refused
    with pytest.raises(TypeError):
        Point(1, z=2)  # type: ignore[call-arg]  # what is refused


def test_a_value_may_compare_and_read_as_it_likes() -> None:
    assert Loose("A") == Loose("a")
    assert repr(Loose("A")) == "~A"
    assert hash(Loose("A")) == hash(Loose("A"))


MANY = 300
"""More objects than are filled before the class is compiled for those to come."""


@given(ARGUMENTS)
def test_the_first_objects_of_a_class_are_as_those_after_many(
    arguments: tuple[int, tuple[str], list[int], int],
) -> None:
    @frozen
    class Fresh(Point):
        """As many uses as this test makes."""

        last: str = "end"

        def __post_init__(self) -> None:
            object.__setattr__(self, "last", self.last.upper())

    made = [Fresh(*arguments, last="x") for _ in range(MANY)]
    made += [Fresh(seen=arguments[3], x=arguments[0], tags=arguments[1], marks=arguments[2], last="x")]
    assert all(each == made[0] and each.last == "X" for each in made)
    assert Fresh(1).marks is not Fresh(1).marks
    assert Fresh(1).last == "END"


@pytest.mark.parametrize("uses", [0, MANY], ids=["at first", "after many"])
def test_arguments_that_do_not_fit_are_refused_however_often_the_class_was_used(uses: int) -> None:
    @frozen
    class Fresh:
        """A class of its own for each case."""

        x: int
        y: int = 0

    assert all(Fresh(each).x == each for each in range(uses))
    made: Any = Fresh  # which arguments fit is not for the checker here
    for args, words in (((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1})):
        with pytest.raises(TypeError, match=r"__init__\(\)"):
            made(*args, **words)
