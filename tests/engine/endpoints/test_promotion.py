"""Promotion to Production behind an endpoint: stage and route change together, or neither does."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from engine.api import Engine
from engine.core.access import Access, Actor
from engine.core.errors import Conflict, NotServable, QuarterdeckError
from engine.db.database import Database
from engine.endpoints.model import Cause, Share, State
from engine.registry.model import Stage
from tests.engine.deployment.world import ONE_APPROVAL
from tests.engine.endpoints.desk import Desk, ToldBuilds
from tests.faults import Faults

ROUNDS = 6
MOST_CALLS = 400


def apart(desk: Desk, name: str) -> Engine:
    """The workspace as another process opens it: with connections of its own."""
    engine = Engine(
        desk.workspace,
        Database(desk.workspace.control_db, clock=desk.clock),
        policy_file=desk.policy_file,
        access=Access(Actor(name), desk.policy_file.read().role_of(name)),
        clock=desk.clock,
        ids=desk.ids,
    )
    engine.__dict__["builds"] = ToldBuilds(engine)
    return engine


@pytest.fixture
def two(desk: Desk) -> Iterator[tuple[Engine, Engine]]:
    engines = apart(desk, "bob"), apart(desk, "dave")
    yield engines
    for engine in engines:
        engine.close()


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Start all at the same moment; each gives its result or the error it was refused with."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        barrier.wait(timeout=30)
        try:
            return act()
        except QuarterdeckError as refused:
            return refused

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, act) for act in acts]]


def live(desk: Desk, name: str = "churn") -> int:
    return next(version for version, (share, _) in desk.shares(name).items() if share == "live")


def test_what_enters_production_answers_behind_every_endpoint_of_its_model(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.create("beside", "churn")
    desk.versions(1, model="risk")
    desk.endpoints.create("other", "risk")
    desk.engine().promotions.promote("churn", 2, to=Stage.PRODUCTION, reason="better")
    assert desk.shares() == {2: ("live", 1000), 1: ("standby", 0)}
    assert desk.shares("beside") == {2: ("live", 1000)}
    assert desk.shares("other") == {}
    newest = desk.endpoints.history("churn").items[0]
    assert (newest.cause, newest.reason, newest.by) == (Cause.PROMOTE, "better", "bob")


def test_the_approval_that_was_used_up_is_kept_with_the_route(desk: Desk) -> None:
    desk.endpoint()
    desk.set_policy(ONE_APPROVAL)
    request = desk.request(2)
    desk.approve(request, "alice")
    desk.engine().promotions.promote("churn", 2, to=Stage.PRODUCTION, reason="better")
    assert desk.endpoints.history("churn").items[0].request == request.id


def test_rolling_back_production_rolls_the_endpoint_back(desk: Desk) -> None:
    desk.endpoint()
    promotions = desk.engine().promotions
    for version in (1, 2):
        promotions.promote("churn", version, to=Stage.PRODUCTION, reason="r")
    promotions.roll_back("churn", reason="worse")
    assert desk.shares() == {1: ("live", 1000), 2: ("standby", 0)}
    states = {each.version: each.state for each in desk.endpoints.get("churn").deployments}
    assert states[2] is State.ROLLED_BACK
    assert desk.endpoints.history("churn").items[0].cause is Cause.ROLL_BACK


def test_other_stages_route_nothing(desk: Desk) -> None:
    desk.endpoint()
    desk.engine().promotions.promote("churn", 2, to=Stage.STAGING, reason="r")
    assert len(desk.endpoints.history("churn").items) == 1


def test_what_cannot_be_built_is_not_promoted(desk: Desk) -> None:
    desk.endpoint()
    engine = desk.engine()
    engine.__dict__["builds"].refused[engine.models.version("churn", 2).digest] = NotServable("It does not agree.")
    with pytest.raises(NotServable, match="does not agree"):
        engine.promotions.promote("churn", 2, to=Stage.PRODUCTION, reason="r")
    assert engine.models.version("churn", 2).stage is Stage.REGISTERED
    assert live(desk) == 1


def test_a_model_without_endpoints_is_promoted_without_a_build(desk: Desk) -> None:
    desk.versions(1)
    engine = desk.engine()
    engine.promotions.promote("churn", 1, to=Stage.PRODUCTION, reason="r")
    assert engine.__dict__["builds"].asked == []


def test_stage_and_route_agree_whoever_wins(desk: Desk, two: tuple[Engine, Engine]) -> None:
    desk.endpoint()
    desk.engine().promotions.promote("churn", 1, to=Stage.PRODUCTION, reason="r")
    current = 1
    for _ in range(ROUNDS):
        rivals = [number for number in (1, 2, 3) if number != current]
        seen = [
            engine.promotions.plan("churn", number, to=Stage.PRODUCTION).expect
            for engine, number in zip(two, rivals, strict=True)
        ]
        results = at_once(
            *(
                partial(engine.promotions.promote, "churn", number, to=Stage.PRODUCTION, reason="mine", expect=expect)
                for engine, number, expect in zip(two, rivals, seen, strict=True)
            )
        )
        assert [isinstance(result, Conflict) for result in results].count(True) == 1, results
        (current,) = desk.engine().models.get("churn").production
        assert live(desk) == current


def test_of_two_operators_who_change_traffic_one_wins(desk: Desk, two: tuple[Engine, Engine]) -> None:
    desk.endpoint()
    desk.engine().endpoints.deploy("churn", 2, share=Share.CANARY, weight=10, reason="r")
    for round_ in range(ROUNDS):
        seen = desk.endpoints.get("churn").desired
        assert seen is not None
        results = at_once(
            *(
                partial(engine.endpoints.traffic, "churn", {2: weight}, reason="mine", expect=seen.number)
                for engine, weight in zip(two, (100 + round_, 200 + round_), strict=True)
            )
        )
        refused = [result for result in results if isinstance(result, Conflict)]
        assert len(refused) == 1, results
        assert refused[0].details == {"generation": seen.number + 1, "expected": seen.number}
    assert len(desk.endpoints.history("churn").items) == 2 + ROUNDS


DEPLOYING = """
import sys
from itertools import cycle
import engine

with engine.open(sys.argv[1]) as opened:
    print("ready", flush=True)
    for version in cycle((2, 3, 1)):
        opened.endpoints.deploy("churn", version, reason="again")
"""


def test_a_process_that_is_killed_while_it_deploys_leaves_whole_generations(desk: Desk) -> None:
    desk.endpoint()
    builds = desk.engine().__dict__["builds"]
    for version in (1, 2, 3):
        builds.build("churn", version)
    desk.lose_policy()
    for _ in range(3):
        before = len(desk.endpoints.history("churn", limit=1_000).items)
        words = [sys.executable, "-c", DEPLOYING, str(desk.workspace.path)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            until = time.monotonic() + 30
            while len(desk.endpoints.history("churn", limit=1_000).items) < before + 3:
                assert time.monotonic() < until
                time.sleep(0.002)  # the core is for what is waited for
            process.kill()
        found = desk.endpoints.history("churn", limit=1_000).items
        assert [each.number for each in reversed(found)] == list(range(1, len(found) + 1))
        assert next(iter(desk.shares().values())) == ("live", 1000)
        assert len(desk.audited("deploy")) == len(found)
        assert desk.engine().audit.verify().ok


FAILING: dict[str, Callable[[Desk], object]] = {
    "promote": lambda desk: desk.engine().promotions.promote("churn", 2, to=Stage.PRODUCTION, reason="r"),
    "deploy": lambda desk: desk.endpoints.deploy("churn", 2, reason="r"),
    "roll_back": lambda desk: desk.endpoints.roll_back("churn", reason="r"),
    "delete": lambda desk: desk.endpoints.delete("churn", force=True),
    "update": lambda desk: desk.endpoints.update("churn", key="request", owner="o"),
}
TABLES = (
    "SELECT id, stage FROM model_version ORDER BY id",
    "SELECT id, key, owner FROM endpoint ORDER BY id",
    "SELECT endpoint, number, routes FROM generation ORDER BY id",
    "SELECT id, ended FROM deployment ORDER BY id",
    "SELECT id, kind FROM promotion ORDER BY id",
    "SELECT count(*) FROM audit WHERE kind IN ('endpoint', 'promotion')",
)


def _stored(desk: Desk) -> list[list[tuple[object, ...]]]:
    with desk.database.snapshot() as view:
        return [view.execute(sql).fetchall() for sql in TABLES]


@pytest.mark.parametrize("name", FAILING)
def test_whichever_storage_call_fails_nothing_is_half_done(tmp_path: Path, name: str) -> None:
    faults = Faults()
    desk = Desk(tmp_path, connect=faults.connect)
    desk.endpoint()
    desk.endpoints.deploy("churn", 3, reason="r")
    act = FAILING[name]
    before = _stored(desk)
    for call in range(1, MOST_CALLS):
        faults.arm(call)
        try:
            act(desk)
        except QuarterdeckError:
            faults.disarm()
            assert faults.hit, "refused for another reason"
            assert _stored(desk) == before
            continue
        break
    faults.disarm()
    assert _stored(desk) != before
    assert desk.engine().audit.verify().ok
    desk.database.close()
