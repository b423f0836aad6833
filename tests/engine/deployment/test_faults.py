"""The N-th storage call fails, for every N of every operation: the state is the old one or the new one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.audit.service import AuditLog
from engine.core.errors import QuarterdeckError
from engine.db.database import Database
from engine.registry.model import Stage
from tests.engine.deployment.world import ONE_APPROVAL, World
from tests.faults import Faults

Act = Callable[[World], object]

TABLES = {
    "model_version": "SELECT id, stage FROM model_version ORDER BY id",
    "model_alias": "SELECT alias, version FROM model_alias ORDER BY alias",
    "approval_request": "SELECT id, closed, promotion FROM approval_request ORDER BY id",
    "approval_decision": "SELECT id, verdict FROM approval_decision ORDER BY id",
    "promotion": "SELECT id, kind, version FROM promotion ORDER BY id",
    "promotion_move": "SELECT * FROM promotion_move ORDER BY promotion, version",
    "audit": "SELECT count(*) FROM audit",
}
"""Everything that must change together; evidence is not here, since it is kept also when nothing moves."""


def state_of(world: World) -> dict[str, object]:
    """What a process sees that has nothing to do with the one that failed."""
    with closing(Database(world.workspace.control_db, clock=world.clock)) as database:
        assert AuditLog(database, world.clock).verify().ok
        with database.snapshot() as view:
            found: dict[str, object] = {name: view.execute(sql).fetchall() for name, sql in TABLES.items()}
            reports, results = (
                {row[0] for row in view.execute(sql)}
                for sql in (
                    "SELECT id FROM gate_report WHERE target = 'Production'",
                    "SELECT DISTINCT report FROM gate_result",
                )
            )
    assert reports == results, "half a gate report"
    return found


def served(world: World) -> None:
    """Version 1 serves under the alias champion; version 2 is approved for Production."""
    world.register()
    world.approved(1)
    world.engine("bob").models.set_alias("churn", "champion", 1)
    world.register()
    world.approve(world.request(2), "alice")


def asked(world: World) -> None:
    """Version 1 waits for approval as request 1."""
    world.register()
    world.request(1)


def said_yes(world: World) -> None:
    """Version 1 is approved by request 1."""
    asked(world)
    world.engine("alice").approvals.approve(1, "yes")


def replaced(world: World) -> None:
    """Version 2 has replaced version 1."""
    served(world)
    world.promote(2)


def overridable(world: World) -> None:
    """Version 1 fails its gate, and an override is approved."""
    world.register(auc=0.1)
    world.approve(world.request(1, override=True), "alice")


def once_registered(world: World) -> None:
    """Version 1 is registered."""
    world.register()


OPERATIONS: dict[str, tuple[Callable[[World], None], Act]] = {
    "promote": (served, lambda world: world.promote(2)),
    "override": (overridable, lambda world: world.promote(1, by="root", override=True)),
    "archive": (replaced, lambda world: world.promote(2, to=Stage.ARCHIVED)),
    "roll back": (replaced, lambda world: world.engine("bob").promotions.roll_back("churn", reason="bad")),
    "request": (once_registered, lambda world: world.request(1)),
    "approve": (asked, lambda world: world.engine("alice").approvals.approve(1, "yes")),
    "reject": (asked, lambda world: world.engine("alice").approvals.reject(1, "no")),
    "revoke": (said_yes, lambda world: world.engine("alice").approvals.revoke(1, "wait")),
    "withdraw": (said_yes, lambda world: world.engine("bob").approvals.withdraw(1)),
    "check": (once_registered, lambda world: world.engine("bob").gates.check("churn", 1, to=Stage.PRODUCTION)),
}


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("operation", list(OPERATIONS))
def test_whichever_storage_call_fails_nothing_is_half_done(tmp_path: Path, operation: str, for_good: bool) -> None:
    prepare, act = OPERATIONS[operation]
    faults = Faults()
    changes = operation != "check"
    world, old = prepared(tmp_path / "0", prepare, faults)
    for number in range(1, 1_000):
        faults.arm(number, for_good=for_good)
        try:
            act(world)
        except QuarterdeckError:
            assert faults.hit
            done = False
        else:
            done = True
        finally:
            faults.disarm()
        assert (state_of(world) == old) == (not done or not changes), f"call {number} of {operation} left half of it"
        if not faults.hit:
            break
        if done:  # what failed was the end of a reading; the operation went through as a whole
            world.database.close()
            world, old = prepared(tmp_path / str(number), prepare, faults)
    assert done
    assert number > 20
    world.database.close()


def prepared(path: Path, prepare: Callable[[World], None], faults: Faults) -> tuple[World, dict[str, object]]:
    """A new workspace over a disk that can fail, and its state."""
    world = World(path, ONE_APPROVAL, connect=faults.connect)
    prepare(world)
    return world, state_of(world)
