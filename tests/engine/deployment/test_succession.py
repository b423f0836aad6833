from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.deployment.succession import Turn, WayBack, line, way_back

ALL = range(1, 100)


def up(version: int) -> Turn:
    return Turn(version, entered=True, digest=f"d{version}")


def out(version: int) -> Turn:
    return Turn(version, entered=False, digest=f"d{version}")


def back(to: int, given_up: int | None) -> Turn:
    return Turn(to, entered=True, digest=f"d{to}", rolled_back_from=given_up)


def go(turns: list[Turn], *production: int) -> tuple[int | None, int] | None:
    way = way_back(turns, production=production, existing=ALL)
    return None if way is None else (way.leaving, way.target)


def test_a_rollback_goes_to_the_version_before() -> None:
    assert go([up(1), up(2)], 2) == (2, 1)


def test_rolling_back_twice_walks_further_back() -> None:
    assert go([up(1), up(2), up(3), back(2, 3)], 2) == (2, 1)


def test_nothing_is_left_before_the_first() -> None:
    assert go([up(1)], 1) is None
    assert go([]) is None
    assert go([up(1), up(2), back(1, 2)], 1) is None


def test_a_version_that_was_rolled_back_from_is_passed_over() -> None:
    assert go([up(1), up(2), back(1, 2), up(3)], 3) == (3, 1)


def test_a_new_promotion_rehabilitates_it() -> None:
    assert go([up(1), up(2), back(1, 2), up(2), up(3)], 3) == (3, 2)


def test_a_version_taken_out_by_hand_is_passed_over() -> None:
    assert go([up(1), up(2), out(2), up(3)], 3) == (3, 1)


def test_with_nothing_in_production_the_last_good_one_comes_back() -> None:
    assert go([up(1), up(2), out(2)]) == (None, 1)
    assert go([up(1), out(1)]) is None


def test_a_version_promoted_again_counts_from_its_last_entry() -> None:
    assert go([up(1), up(2), up(1)], 1) == (1, 2)


def test_a_deleted_version_is_passed_over() -> None:
    turns = [up(1), up(2), up(3)]
    assert way_back(turns, production={3}, existing={1, 3}) == WayBack(3, 1, "d1")


def test_of_several_in_production_the_last_to_enter_is_given_up() -> None:
    assert go([up(1), up(2), up(3)], 1, 2, 3) == (3, 2)


@given(st.lists(st.tuples(st.sampled_from("pbo"), st.integers(1, 5)), max_size=30))
def test_a_rollback_never_goes_where_one_came_from(steps: list[tuple[str, int]]) -> None:
    turns: list[Turn] = []
    serving: int | None = None
    bad: set[int] = set()
    for step, number in steps:
        if step == "p" and number != serving:
            turns.append(up(number))
            serving = number
            bad.discard(number)
        elif step == "o" and serving is not None:
            turns.append(out(serving))
            bad.add(serving)
            serving = None
        elif step == "b":
            way = way_back(turns, production=() if serving is None else (serving,), existing=ALL)
            if way is None:
                continue
            assert way.leaving == serving
            assert way.target not in bad
            assert way.target != serving
            if serving is not None:
                bad.add(serving)
            turns.append(back(way.target, way.leaving))
            serving = way.target
    assert not {turn.version for turn in line(turns)} & bad
