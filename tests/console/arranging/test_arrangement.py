from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.arranging.arrangement import NARROWEST, WIDEST, Arrangement
from console.arranging.choosing import Choosing
from console.arranging.keeping import SavedView, from_plain, to_plain
from console.resources.resource import Shown
from console.widgets.table import Column

NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)
ARRANGEMENTS = st.builds(
    Arrangement,
    order=NAMES.map(tuple),
    hidden=st.frozensets(st.sampled_from("abcdefgh")),
    pinned=st.frozensets(st.sampled_from("abcdefgh")),
    widths=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(NARROWEST, WIDEST)),
)


@given(ARRANGEMENTS, NAMES)
def test_every_column_is_shown_once_or_hidden_and_pinned_ones_stand_behind_the_first(
    arrangement: Arrangement, names: list[str]
) -> None:
    ordered = arrangement.ordered(names)
    assert sorted(ordered) == sorted(names)
    shown = arrangement.shown(names)
    pinned = [name in arrangement.pinned for name in shown[1:]]
    assert pinned == sorted(pinned, reverse=True)
    assert shown
    if set(names) - arrangement.hidden:
        assert shown == [name for name in ordered if name not in arrangement.hidden]


def test_a_column_that_comes_later_stands_behind_the_one_it_usually_follows() -> None:
    arrangement = Arrangement(order=("c", "a"))
    assert arrangement.ordered(["a", "b", "c"]) == ["c", "a", "b"]
    assert arrangement.ordered(["z", "a", "c"]) == ["z", "c", "a"]


def test_a_column_that_no_longer_leads_goes_behind_those_pinned() -> None:
    arrangement = Arrangement(pinned=frozenset("bc"))
    assert arrangement.shown(["a", "b", "c"]) == ["a", "b", "c"]
    assert arrangement.move("a", 1, ["a", "b", "c"]).shown(["a", "b", "c"]) == ["b", "c", "a"]


@given(ARRANGEMENTS, NAMES, st.data())
def test_moving_a_column_changes_places_with_its_neighbour_of_the_same_sort(
    arrangement: Arrangement, names: list[str], data: st.DataObject
) -> None:
    shown = arrangement.shown(names)
    name, by = data.draw(st.sampled_from(shown)), data.draw(st.sampled_from([-1, 1]))
    place, staying = shown.index(name) + by, {shown[0], *arrangement.pinned}
    moved = arrangement.move(name, by, names).shown(names)
    if 0 <= place < len(shown) and (shown[place] in staying) == (name in staying):
        expected = [each for each in shown if each != name]
        expected.insert(place, name)
        assert moved == sorted(expected, key=lambda each: (each != expected[0], each not in arrangement.pinned))
    else:
        assert moved == shown


@given(ARRANGEMENTS, st.sampled_from("abcdefgh"))
def test_pinning_twice_and_hiding_then_showing_change_nothing(arrangement: Arrangement, name: str) -> None:
    assert arrangement.pin(name).pin(name) == arrangement
    shown = arrangement.show([name])
    assert shown.hide(name).show([name]) == shown


@pytest.mark.parametrize(("wanted", "given_width"), [(-5, NARROWEST), (12, 12), (10_000, WIDEST)])
def test_a_column_is_as_wide_as_wanted_within_reason(wanted: int, given_width: int) -> None:
    columns = [_shown("a"), _shown("b"), _shown("c")]
    laid_out = Arrangement().resize("c", wanted).pin("c").laid_out(columns)
    assert [each.column.name for each in laid_out] == ["a", "c", "b"]
    column = laid_out[1].column
    assert (column.width, column.minimum, column.maximum) == (given_width,) * 3
    assert column.pinned
    assert laid_out[2].column == columns[1].column


def _shown(name: str) -> Shown[object]:
    return Shown(Column(name, name.upper(), weight=1), lambda _item, _now: ("", ""))


@given(
    st.builds(
        SavedView,
        of=st.text(max_size=5),
        filter=st.text(max_size=5),
        sort=st.text(max_size=5),
        columns=NAMES.map(tuple),
        arrangement=ARRANGEMENTS,
    )
)
def test_what_is_kept_is_read_as_it_was(view: SavedView) -> None:
    assert from_plain(to_plain(view)) == view
    assert view.usual == replace(view, of="", filter="")


@pytest.mark.parametrize(
    "found",
    [
        None,
        7,
        [],
        {"sort": 7, "columns": "x", "order": [1, None], "hidden": {}, "widths": {"a": "wide", "b": True}, "group": []},
    ],
)
def test_what_is_not_as_it_should_be_counts_as_not_said(found: object) -> None:
    assert from_plain(found) == SavedView()


# --- choosing

CHOICES = ("metrics.auc", "metrics.loss", "params.lr", "params.config")


def choosing(*explicit: str, arrangement: Arrangement | None = None) -> Choosing:
    shown = explicit or ("metrics.auc",)
    return Choosing(("name", *shown, "user"), CHOICES, explicit, arrangement or Arrangement())


def test_taking_and_leaving_columns_of_choice_and_fixed_ones() -> None:
    now = choosing().toggle("params.lr")
    assert (now.explicit, now.shown) == (("metrics.auc", "params.lr"), ["name", "metrics.auc", "user", "params.lr"])
    now = now.toggle("metrics.auc")
    assert now.explicit == ("params.lr",)
    now = now.toggle("user")
    assert now.shown == ["name", "params.lr"]
    assert now.toggle("user").shown == ["name", "user", "params.lr"]


def test_the_last_column_stays() -> None:
    now = choosing()
    for name in ("user", "metrics.auc", "name"):
        now = now.toggle(name)
    assert now.shown == ["name"]


def test_a_usual_column_that_is_left_is_hidden_without_naming_the_others() -> None:
    now = choosing().toggle("metrics.auc")
    assert (now.explicit, now.shown) == ((), ["name", "user"])


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("params", ["params.lr", "params.config"]),
        ("nf para", ["params.config"]),
        ("params.config$.optimizer.lr", ["params.config$.optimizer.lr"]),
        ("params.config$.layers[0].size", ["params.config$.layers[0].size"]),
        ("params.none$.a", []),
        ("metrics.auc$.a", []),
        ("params.config$.", []),
    ],
)
def test_columns_are_found_by_words_and_by_paths_into_json(typed: str, found: list[str]) -> None:
    assert choosing().matching(typed) == found


def test_moving_pinning_and_back_to_the_usual() -> None:
    now = choosing("params.lr").move("user", -1).pin("params.lr")
    assert now.shown == ["name", "params.lr", "user"]
    assert now.pin("metrics.loss") == now
    assert now.reset(("name", "metrics.auc")) == Choosing(("name", "metrics.auc"), CHOICES, (), Arrangement())
