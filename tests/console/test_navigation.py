from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from console.location import Location, filter_text, filter_words, identity, title
from console.navigation import LONGEST, Navigator, Trail
from console.registry import GRAMMAR
from engine.core.command import parse_command, unparse_command

A, B, C = Location("runs"), Location("run", "a" * 32), Location("models")


def test_escape_leads_back_the_way_in_and_no_further() -> None:
    way = Navigator(A)
    way.enter(B)
    way.enter(C)
    assert way.trail.places == (A, B, C)
    assert way.up()
    assert way.here == B
    assert way.up()
    assert way.here == A
    assert not way.up()


def test_back_and_forward_walk_through_time() -> None:
    way = Navigator(A)
    way.enter(B)
    way.jump(C)
    assert way.trail == Trail((C,))
    assert way.back()
    assert way.trail == Trail((A, B))
    assert way.forward()
    assert way.here == C
    assert not way.forward()


def test_a_new_step_forgets_what_was_ahead() -> None:
    way = Navigator(A)
    way.jump(B)
    way.back()
    way.jump(C)
    assert not way.forward()
    assert way.back()
    assert way.here == A


def test_last_goes_to_and_fro() -> None:
    way = Navigator(A)
    assert not way.last()
    way.jump(C)
    assert way.last()
    assert way.here == A
    assert way.last()
    assert way.here == C


def test_another_filter_is_no_step() -> None:
    way = Navigator(A)
    way.enter(replace(A, terms=("tree",)))
    assert way.here.terms == ("tree",)
    assert not way.back()


def test_one_view_may_take_the_place_of_another() -> None:
    way = Navigator(A)
    way.enter(B)
    way.replace(C)
    assert way.trail.places == (A, C)


@given(st.lists(st.sampled_from("ejbulf"), max_size=200))
def test_the_navigator_is_always_somewhere_and_never_grows_without_end(moves: list[str]) -> None:
    way = Navigator(A)
    places = [B, C, A]
    for count, move in enumerate(moves):
        if move in "ej":
            (way.enter if move == "e" else way.jump)(places[count % 3])
        else:
            {"b": way.back, "u": way.up, "l": way.last, "f": way.forward}[move]()
        assert way.trail.places
        assert way.here in (A, B, C)
    steps = 0
    while way.back():
        steps += 1
    assert steps < LONGEST


@given(st.lists(st.text(alphabet="ab!=><\"' /.", max_size=12), max_size=4))
def test_a_filter_typed_again_is_the_same_filter(words: list[str]) -> None:
    terms = filter_words(" ".join(words))
    assert filter_words(filter_text(Location("runs", terms=terms))) == terms


def test_a_location_survives_being_a_command() -> None:
    here = Location("runs", "churn", terms=("auc>0.9", "tree"), sort="-auc", columns=("auc", "lr"))
    assert parse_command(unparse_command(here), GRAMMAR) == here


def test_titles_shorten_run_ids_and_name_the_moment() -> None:
    assert title(B) == "run aaaaaaaa"
    assert title(Location("state", at="2h")) == "state @2h"
    assert title(Location("state", at="1795252055713")) == "state @2026-11-21T09:07:35.713Z"
    assert identity(replace(A, sort="-auc")) == identity(A)
