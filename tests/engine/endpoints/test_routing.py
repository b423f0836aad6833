from __future__ import annotations

from engine.endpoints.model import Share, State
from tests.engine.endpoints.desk import Desk


def states(desk: Desk, name: str = "churn") -> dict[int, State]:
    return {each.version: each.state for each in desk.endpoints.get(name).deployments}


def test_the_first_deployment_is_live_and_takes_everything(desk: Desk) -> None:
    desk.endpoint()
    found = desk.endpoints.get("churn")
    assert (found.model, found.observed, found.settled) == ("churn", None, False)
    assert desk.shares() == {1: ("live", 1000)}
    assert states(desk) == {1: State.PENDING}


def test_a_canary_takes_its_share_and_the_live_one_the_rest(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="try")
    assert desk.shares() == {1: ("live", 900), 2: ("canary", 100)}
    desk.endpoints.traffic("churn", {2: 250}, reason="more")
    assert desk.shares() == {1: ("live", 750), 2: ("canary", 250)}


def test_going_live_keeps_the_one_before_loaded_and_rolling_back_returns_to_it(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.deploy("churn", 2, reason="better")
    assert desk.shares() == {2: ("live", 1000), 1: ("standby", 0)}
    desk.endpoints.roll_back("churn", reason="worse")
    assert desk.shares() == {1: ("live", 1000), 2: ("standby", 0)}
    assert states(desk)[2] is State.ROLLED_BACK


def test_what_planes_say_makes_states(desk: Desk) -> None:
    desk.endpoint()
    with desk.plane():
        assert states(desk) == {1: State.WARMING}
        desk.endpoints.acknowledge("churn", "gate-1:4711", 1)
        found = desk.endpoints.get("churn")
        assert (found.observed, found.settled) == (1, True)
        assert states(desk) == {1: State.LIVE}
    assert states(desk) == {1: State.PENDING}


def test_a_data_plane_is_told_all_it_needs(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="try")
    (found,) = desk.endpoints.desired()
    assert (found.name, found.generation, found.killed) == ("churn", 2, False)
    assert [(each.version, each.route.share, each.route.weight) for each in found.deployments] == [
        (1, Share.LIVE, 0),
        (2, Share.CANARY, 100),
    ]
    assert [[route.share for route in routes] for routes in found.earlier] == [[Share.LIVE]]
