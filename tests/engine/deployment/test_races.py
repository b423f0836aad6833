"""Several people, or several processes, decide at once: one wins, and the others are told the new state."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from engine.api import Engine
from engine.core.access import Access, Actor
from engine.core.errors import ApprovalMissing, Conflict, QuarterdeckError
from engine.db.database import Database
from engine.registry.approval_model import ApprovalState
from engine.registry.model import Stage
from tests.engine.deployment.world import ONE_APPROVAL, World

MakeWorld = Callable[[str], World]
ROUNDS = 15


def apart(world: World, name: str) -> Engine:
    """The workspace as another process opens it: with connections of its own."""
    access = Access(Actor(name), world.policy_file.read().role_of(name))
    return Engine(
        world.workspace,
        Database(world.workspace.control_db, clock=world.clock),
        policy_file=world.policy_file,
        access=access,
        clock=world.clock,
        ids=world.ids,
    )


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


def test_of_two_operators_who_promote_different_versions_one_wins(world: World) -> None:
    for _ in range(3):
        world.register()
    world.promote(1)
    engines = [apart(world, name) for name in ("bob", "dave")]
    current = 1
    for _ in range(ROUNDS):
        rivals = [number for number in (1, 2, 3) if number != current]
        seen = [
            engine.promotions.plan("churn", number, to=Stage.PRODUCTION).expect
            for engine, number in zip(engines, rivals, strict=True)
        ]

        results = at_once(
            *(
                partial(engine.promotions.promote, "churn", number, to=Stage.PRODUCTION, reason="mine", expect=expect)
                for engine, number, expect in zip(engines, rivals, seen, strict=True)
            )
        )
        refused = [result for result in results if isinstance(result, Conflict)]
        assert len(refused) == 1, results
        (current,) = world.production()
        assert refused[0].details["production"] == [current]
    for engine in engines:
        engine.close()


def test_one_approval_is_used_once_however_many_promote(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL)
    engines = [apart(world, name) for name in ("bob", "dave", "root")]
    for number in range(1, ROUNDS + 1):
        world.register()
        world.approve(world.request(number), "alice")
        go = [partial(e.promotions.promote, "churn", number, to=Stage.PRODUCTION, reason="go") for e in engines]
        results = at_once(*go)
        assert sum(not isinstance(result, QuarterdeckError) for result in results) == 1, results
        assert world.production() == (number,)
    for engine in engines:
        engine.close()


@pytest.mark.parametrize("act", ["revoke", "reject", "withdraw"])
def test_an_approval_taken_away_at_the_same_moment_counts_or_does_not(make_world: MakeWorld, act: str) -> None:
    world = make_world(ONE_APPROVAL)
    who = {"revoke": "alice", "reject": "carol", "withdraw": "bob"}[act]
    promoter, other = apart(world, "dave"), apart(world, who)
    outcomes = set()
    for number in range(1, ROUNDS + 1):
        world.register()
        request = world.request(number)
        world.approve(request, "alice")
        promoted, taken = at_once(
            partial(promoter.promotions.promote, "churn", number, to=Stage.PRODUCTION, reason="go"),
            partial(getattr(other.approvals, act), request.id, "wait"),
        )
        state = world.engine("bob").approvals.get(request.id).state
        serves = number in world.production()
        outcomes.add(serves)
        if serves:
            assert isinstance(taken, Conflict), taken
            assert state is ApprovalState.USED
        else:
            assert isinstance(promoted, ApprovalMissing), promoted
            assert not isinstance(taken, QuarterdeckError)
            assert state is not ApprovalState.USED
    assert outcomes
    promoter.close()
    other.close()


def test_two_who_roll_back_what_they_saw_go_back_once(world: World) -> None:
    for number in range(1, ROUNDS + 1):
        world.register()
        world.promote(number)
    engines = [apart(world, name) for name in ("bob", "dave")]
    for number in range(ROUNDS, 1, -1):
        seen = world.engine("bob").promotions.plan_roll_back("churn").expect
        results = at_once(*(partial(e.promotions.roll_back, "churn", reason="bad", expect=seen) for e in engines))
        assert sum(isinstance(result, Conflict) for result in results) == 1, results
        assert world.production() == (number - 1,)
    for engine in engines:
        engine.close()


RIVAL = """
import sys
import engine
from engine.core.errors import Conflict
from engine.deployment.model import Expectation
from engine.registry.model import Stage

with engine.open(sys.argv[1]) as here:
    number = int(sys.argv[2])
    seen = here.promotions.plan("churn", number, to=Stage.PRODUCTION).expect
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        here.promotions.promote("churn", number, to=Stage.PRODUCTION, reason="mine", expect=seen)
    except Conflict as lost:
        print("lost", lost.details["production"])
    else:
        print("won", [number])
"""


def test_of_several_processes_that_promote_at_once_one_wins(world: World) -> None:
    count = 4
    for _ in range(count):
        world.register()
    world.set_policy("", people="")  # everybody who can write is admin
    root = Path(__file__).parents[3]
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", RIVAL, str(world.workspace.path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )
        for number in range(1, count + 1)
    ]
    for rival in rivals:
        assert rival.stdout is not None
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("go\n")
        rival.stdin.flush()
    said = [rival.communicate(timeout=60)[0].split() for rival in rivals]
    assert sorted(words[0] for words in said) == ["lost"] * (count - 1) + ["won"]
    assert {words[1] for words in said} == {str(list(world.production()))}
