from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Conflict, InvalidInput, QuarterdeckError
from engine.core.percent import format_percent, parse_percent
from engine.endpoints import rules
from engine.endpoints.model import WHOLE, Cause, Generation, Route, Share, State, weights

LIVE, OLD, CANARY, SHADOW = 1, 2, 3, 4
BUSY = (
    Route(LIVE, Share.LIVE),
    Route(CANARY, Share.CANARY, 100),
    Route(SHADOW, Share.SHADOW),
    Route(OLD, Share.STANDBY),
)


def key(deployment: int) -> str:
    return f"churn/{deployment}"


def generation(number: int, *routes: Route, killed: bool = False) -> Generation:
    return Generation("churn", number, routes, killed, Cause.DEPLOY, "", "ada", None, number)


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("0", 0),
        ("10", 100),
        ("12.5%", 125),
        (" 12.5 % ", 125),
        ("0.1%", 1),
        ("100%", 1_000),
        ("5.00%", 50),
        ("99.9", 999),
    ],
)
def test_a_share_is_read_in_tenths_of_a_percent(text: str, weight: int) -> None:
    assert parse_percent(text) == weight


@pytest.mark.parametrize(
    "text",
    ["", "%", "101", "100.1%", "-5", "1e2", "0.05%", "12,5", "half", "\u0665", "nan", "inf", "1" * 400, "\x1b[31m9"],
)
def test_what_is_no_share_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"\.$|\. "):
        parse_percent(text)


@given(st.integers(0, WHOLE))
def test_what_is_written_is_read_back(weight: int) -> None:
    assert parse_percent(format_percent(weight)) == weight


def test_going_live_keeps_the_one_before_and_the_canaries() -> None:
    routes = rules.deployed(BUSY, 9, Share.LIVE)
    assert routes == (
        Route(9, Share.LIVE),
        Route(CANARY, Share.CANARY, 100),
        Route(SHADOW, Share.SHADOW),
        Route(LIVE, Share.STANDBY),
        Route(OLD, Share.STANDBY),
    )


def test_a_canary_that_goes_live_gives_up_its_share() -> None:
    routes = rules.deployed(BUSY, CANARY, Share.LIVE)
    assert weights(routes) == {CANARY: WHOLE}
    assert rules.share_of(routes, LIVE) is Share.STANDBY


def test_asking_for_what_is_there_changes_nothing() -> None:
    routes = rules.deployed(rules.deployed(BUSY, 7, Share.SHADOW), 6, Share.CANARY, 5)
    for route in routes:
        if route.share is not Share.STANDBY:
            assert rules.deployed(routes, route.deployment, route.share, route.weight) == routes
    assert rules.shifted(routes, {CANARY: 100}, key) == routes


def test_what_stands_by_too_long_is_let_go() -> None:
    routes: rules.Routes = ()
    for deployment in range(1, 8):
        routes = rules.deployed(routes, deployment, Share.LIVE)
    assert [route.deployment for route in routes] == [7, 6, 5]


@pytest.mark.parametrize("share", [Share.CANARY, Share.SHADOW])
def test_the_live_one_can_become_nothing_less(share: Share) -> None:
    with pytest.raises(Conflict, match="live"):
        rules.deployed(BUSY, LIVE, share, 100 if share is Share.CANARY else 0)


@pytest.mark.parametrize("share", [Share.CANARY, Share.SHADOW])
def test_nothing_stands_beside_nothing(share: Share) -> None:
    with pytest.raises(Conflict, match="live first"):
        rules.deployed((), 1, share, 100 if share is Share.CANARY else 0)


@pytest.mark.parametrize(
    ("share", "weight"),
    [
        (Share.CANARY, 0),
        (Share.CANARY, WHOLE),
        (Share.CANARY, -1),
        (Share.CANARY, 10**30),
        (Share.LIVE, 5),
        (Share.SHADOW, 5),
        (Share.STANDBY, 0),
    ],
)
def test_what_a_share_cannot_weigh_is_refused(share: Share, weight: int) -> None:
    with pytest.raises(InvalidInput):
        rules.check_wish(share, weight)


def test_the_live_one_is_left_at_least_a_tenth_of_a_percent() -> None:
    with pytest.raises(Conflict, match="nothing would be left"):
        rules.deployed(BUSY, 9, Share.CANARY, 900)
    assert weights(rules.deployed(BUSY, 9, Share.CANARY, 899))[LIVE] == 1


@pytest.mark.parametrize("asked", [{LIVE: 890, CANARY: 100}, {LIVE: 910, CANARY: 100}, {LIVE: -100, CANARY: 100}])
def test_shares_that_do_not_sum_to_all_are_refused(asked: dict[int, int]) -> None:
    with pytest.raises(InvalidInput, match="100 %"):
        rules.shifted(BUSY, asked, key)


def test_a_canary_of_nothing_stands_by() -> None:
    routes = rules.shifted(BUSY, {CANARY: 0}, key)
    assert rules.share_of(routes, CANARY) is Share.STANDBY
    assert weights(routes) == {LIVE: WHOLE}


def test_traffic_of_what_is_not_deployed_is_refused() -> None:
    with pytest.raises(Conflict, match="churn/9 is not deployed"):
        rules.shifted(BUSY, {9: 10}, key)


@pytest.mark.parametrize("deployment", [LIVE, CANARY])
def test_what_takes_traffic_is_not_retired(deployment: int) -> None:
    with pytest.raises(Conflict, match="takes traffic"):
        rules.without(BUSY, deployment, killed=False, key="it")


def test_the_last_one_is_retired_while_killed_only() -> None:
    last = (Route(LIVE, Share.LIVE),)
    with pytest.raises(Conflict):
        rules.without(last, LIVE, killed=False, key="it")
    assert rules.without(last, LIVE, killed=True, key="it") == ()
    with pytest.raises(Conflict):
        rules.without(BUSY, LIVE, killed=True, key="it")


def test_rolling_back_gives_up_the_canaries_first() -> None:
    routes, given_up = rules.rolled_back(BUSY, [generation(2, *BUSY)], lambda _: True)
    assert given_up == (CANARY,)
    assert weights(routes) == {LIVE: WHOLE}


def test_rolling_back_passes_over_what_was_given_up() -> None:
    now = (Route(3, Share.LIVE),)
    earlier = [generation(n, Route(n, Share.LIVE)) for n in (3, 2, 1)]
    routes, given_up = rules.rolled_back(now, earlier, lambda deployment: deployment != 2)
    assert (rules.live_of(routes), given_up) == (1, (3,))


@pytest.mark.parametrize("now", [(), (Route(1, Share.LIVE),)])
def test_there_may_be_nothing_to_go_back_to(now: rules.Routes) -> None:
    with pytest.raises(Conflict, match="go back"):
        rules.rolled_back(now, [generation(1, *now)], lambda _: True)


def test_undoing_finds_the_last_state_that_differs() -> None:
    first, second = generation(1, Route(1, Share.LIVE)), generation(2, Route(2, Share.LIVE))
    third = generation(3, Route(2, Share.LIVE))
    assert rules.undone(third, [second, first]) is first
    with pytest.raises(Conflict, match="nothing to undo"):
        rules.undone(first, [])


def made(number: int, cause: Cause, *routes: Route) -> Generation:
    return replace(generation(number, *routes), cause=cause)


@given(
    st.lists(
        st.tuples(st.sampled_from(Cause), st.dictionaries(st.integers(2, 4), st.sampled_from(Share), max_size=3)),
        max_size=12,
    )
)
def test_who_is_fallen_is_told_by_replaying_what_happened(past: list[tuple[Cause, dict[int, Share]]]) -> None:
    generations = [
        made(number, cause, *(Route(deployment, share) for deployment, share in shares.items()))
        for number, (cause, shares) in enumerate(past, start=1)
    ]
    fallen: set[int] = set()
    before: dict[int, Share] = {}
    for cause, shares in past:
        if cause in (Cause.ROLL_BACK, Cause.ABORT):
            wanted = (deployment for deployment, share in before.items() if share is not Share.STANDBY)
            fallen |= {deployment for deployment in wanted if shares.get(deployment, Share.STANDBY) is Share.STANDBY}
        first_live = next((deployment for deployment, share in shares.items() if share is Share.LIVE), None)
        fallen -= {first_live}
        before = shares
    assert rules.fallen(reversed(generations)) == fallen


@pytest.mark.parametrize("expect", [0, 4, 6])
def test_what_the_operator_no_longer_sees_is_a_conflict(expect: int) -> None:
    with pytest.raises(Conflict) as caught:
        rules.check_expected("churn", 5, expect)
    assert caught.value.details == {"generation": 5, "expected": expect}


ROUTES = st.builds(Route, st.integers(1, 6), st.sampled_from(Share), st.one_of(st.just(0), st.integers(-5, WHOLE + 5)))


@given(st.lists(ROUTES, max_size=8))
def test_whatever_passes_holds_together(routes: list[Route]) -> None:
    try:
        made = rules.checked(routes)
    except QuarterdeckError:
        return
    assert set(made) <= set(routes)
    holds_together(made)


def holds_together(routes: rules.Routes) -> None:
    """What is true of any routes that anything may lead to."""
    if not routes:
        return
    assert sum(route.share is Share.LIVE for route in routes) == 1
    assert sum(weights(routes).values()) == WHOLE
    assert min(weights(routes).values()) >= 1
    assert len({route.deployment for route in routes}) == len(routes) <= rules.MAX_ROUTES
    assert sum(route.share is Share.STANDBY for route in routes) <= rules.KEPT_WARM
    assert [list(Share).index(route.share) for route in routes] == sorted(
        list(Share).index(route.share) for route in routes
    )


VERBS = st.one_of(
    st.tuples(st.just("live"), st.integers(1, 5), st.just(0)),
    st.tuples(st.just("canary"), st.integers(1, 5), st.integers(-1, WHOLE + 1)),
    st.tuples(st.just("shadow"), st.integers(1, 5), st.just(0)),
    st.tuples(st.just("weigh"), st.integers(1, 5), st.integers(-1, WHOLE + 1)),
    st.tuples(st.just("unshadow"), st.integers(1, 5), st.just(0)),
    st.tuples(st.just("retire"), st.integers(1, 5), st.just(0)),
    st.tuples(st.just("back"), st.just(0), st.just(0)),
)


def applied(routes: rules.Routes, past: list[Generation], verb: str, deployment: int, weight: int) -> rules.Routes:
    match verb:
        case "live" | "canary" | "shadow":
            return rules.deployed(routes, deployment, Share(verb), weight)
        case "weigh":
            return rules.shifted(routes, {deployment: weight}, key)
        case "unshadow":
            return rules.unshadowed(routes, deployment, "it")
        case "retire":
            return rules.without(routes, deployment, killed=False, key="it")
        case _:
            return rules.rolled_back(routes, reversed(past), lambda _: True)[0]


@given(st.lists(VERBS, max_size=30))
def test_no_verb_loses_the_live_one_or_a_share_of_the_requests(verbs: list[tuple[str, int, int]]) -> None:
    routes: rules.Routes = ()
    past: list[Generation] = []
    number = count(1)
    for verb in verbs:
        had_live = rules.live_of(routes) is not None
        try:
            routes = applied(routes, past, *verb)
        except QuarterdeckError:
            continue
        holds_together(routes)
        assert rules.live_of(routes) is not None or not had_live
        past.append(generation(next(number), *routes))


S = State


@pytest.mark.parametrize(
    ("share", "planes", "ended", "paused", "problem", "state"),
    [
        (Share.LIVE, [], "", "", False, S.PENDING),
        (Share.LIVE, [None], "", "", False, S.WARMING),
        (Share.LIVE, [Share.LIVE, None], "", "", False, S.WARMING),
        (Share.LIVE, [None], "", "", True, S.FAILED),
        (Share.LIVE, [Share.LIVE, Share.LIVE], "", "", False, S.LIVE),
        (Share.LIVE, [Share.CANARY], "", "", False, S.CANARY),
        (Share.CANARY, [Share.CANARY], "", "", False, S.CANARY),
        (Share.CANARY, [Share.CANARY], "", "no traffic", False, S.PAUSED),
        (Share.SHADOW, [Share.SHADOW], "", "", False, S.SHADOW),
        (Share.STANDBY, [Share.STANDBY], "", "", False, S.STANDBY),
        (Share.STANDBY, [Share.LIVE], "", "", False, S.DRAINING),
        (Share.STANDBY, [Share.LIVE, Share.STANDBY], "errors", "", False, S.DRAINING),
        (Share.STANDBY, [Share.STANDBY], "errors", "", False, S.ROLLED_BACK),
        (Share.STANDBY, [], "errors", "", False, S.ROLLED_BACK),
        (None, [], rules.RETIRED, "", False, S.RETIRED),
        (None, [], "errors", "", False, S.ROLLED_BACK),
        (None, [Share.STANDBY], rules.RETIRED, "", False, S.DRAINING),
        (None, [None], rules.RETIRED, "", False, S.RETIRED),
    ],
)
def test_states_follow_from_what_is_desired_and_what_was_taken_over(
    share: Share | None, planes: list[Share | None], ended: str, paused: str, *, problem: bool, state: State
) -> None:
    def routes(had: Share | None) -> rules.Routes:
        return () if had is None else (Route(1, had, 100 if had is Share.CANARY else 0),)

    found = rules.state_of(
        1, desired=routes(share), planes=[routes(each) for each in planes], ended=ended, paused=paused, problem=problem
    )
    assert found is state
