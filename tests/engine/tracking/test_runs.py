"""Runs from start to end: status, nesting, lost processes, and what people change about them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from engine.audit.service import AuditLog
from engine.core.access import Role
from engine.core.clock import ManualClock
from engine.core.errors import Conflict, InvalidInput, NotFound, PermissionDenied, ReadOnlyMode
from engine.db.database import Database
from engine.tracking.model import LOST, LOST_AFTER_MS, RunQuery, RunStatus
from engine.tracking.service import Runs
from tests.builders import make_access, make_runs


def ids(runs: Runs, **query: object) -> list[str]:
    return [run.run_id for run in runs.page(RunQuery(**query)).items]  # type: ignore[arg-type]


def test_a_run_is_stored_when_start_returns(runs: Runs, clock: ManualClock) -> None:
    run = runs.start("churn", "first", params={"lr": 0.1}, tags={"team": "a"}, seed=7, capture=False)
    found = runs.get(run.id)
    assert (found.row_id, found.run_id, found.experiment, found.name, found.user) == (
        1,
        run.id,
        "churn",
        "first",
        "ada",
    )
    assert (found.status, found.state, found.lifecycle) == (RunStatus.RUNNING, "running", "active")
    assert (found.start_ms, found.end_ms, found.duration_ms) == (clock.now_ms(), None, None)
    assert (found.params, found.tags) == ({"lr": "0.1"}, {"team": "a"})
    run.finish()


def test_a_run_without_a_name_is_called_by_its_id(runs: Runs) -> None:
    with runs.start(capture=False) as run:
        assert runs.get(run.id).name == f"run-{run.id[:8]}"
        assert runs.get(run.id).experiment == "Default"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, RunStatus.FINISHED),
        (ValueError("diverged"), RunStatus.FAILED),
        (KeyboardInterrupt(), RunStatus.KILLED),
        (SystemExit(0), RunStatus.FINISHED),
        (SystemExit(None), RunStatus.FINISHED),
        (SystemExit(3), RunStatus.FAILED),
    ],
)
def test_a_run_ends_as_its_block_ends(
    runs: Runs, clock: ManualClock, error: BaseException | None, status: RunStatus
) -> None:
    def train() -> None:
        with runs.start("e", capture=False):
            clock.advance(5_000)
            if error is not None:
                raise error

    if error is None:
        train()
    else:
        with pytest.raises(type(error)):
            train()
    (run,) = runs.page().items
    assert (run.status, run.state, run.duration_ms) == (status, status.value, 5_000)


def test_a_scheduled_run_waits_and_a_run_cannot_start_finished(runs: Runs) -> None:
    run = runs.start(status=RunStatus.SCHEDULED, capture=False)
    assert runs.get(run.id).state == "scheduled"
    runs.finish(run.id, RunStatus.RUNNING)
    assert (runs.get(run.id).status, runs.get(run.id).end_ms) == (RunStatus.RUNNING, None)
    with pytest.raises(InvalidInput):
        runs.start(status=RunStatus.FINISHED)


def test_nested_runs_know_each_other(runs: Runs) -> None:
    with runs.start("e", capture=False) as outer:
        children = [runs.start("e", parent=outer.id[:32], status=RunStatus.SCHEDULED, capture=False) for _ in range(2)]
    assert runs.get(outer.id).children == tuple(child.id for child in children)
    assert {runs.get(child.id).parent_run_id for child in children} == {outer.id}
    runs.delete(children[0].id)
    assert runs.get(outer.id).children == (children[1].id,)
    with pytest.raises(NotFound):
        runs.start(parent="f" * 32)


def test_a_failed_start_leaves_nothing(runs: Runs) -> None:
    with pytest.raises(InvalidInput):
        runs.start("new", params={"": "x"})
    with pytest.raises(InvalidInput):
        runs.start("new", name="")
    with pytest.raises(NotFound):
        runs.start("new", parent="abcdef")
    assert runs.count(RunQuery(lifecycle="all")) == 0
    with pytest.raises(NotFound):
        runs.page(RunQuery(experiment="new"))


def test_a_silent_run_is_lost_and_reaped_with_its_last_sign_of_life_as_end(
    runs: Runs, clock: ManualClock, audit: AuditLog
) -> None:
    run = runs.start("e", capture=False)
    begun = clock.now_ms()
    clock.advance(LOST_AFTER_MS)
    assert runs.get(run.id).state == "running"
    clock.advance(1)
    assert (runs.get(run.id).state, runs.get(run.id).status) == (LOST, RunStatus.RUNNING)
    (reaped,) = runs.reap()
    assert (reaped.run_id, reaped.status, reaped.state, reaped.end_ms) == (run.id, RunStatus.KILLED, "killed", begun)
    assert runs.reap() == ()
    entry = audit.page().items[0]
    assert (entry.verb, entry.kind, entry.key) == ("reap", "run", run.id)


def test_filters_ask_for_the_stored_status_which_stays_running_when_a_run_is_lost(
    runs: Runs, clock: ManualClock
) -> None:
    run = runs.start("e", capture=False)
    clock.advance(LOST_AFTER_MS + 1)
    assert runs.get(run.id).state == LOST
    assert [each.run_id for each in runs.page(RunQuery("status = 'running'")).items] == [run.id]
    assert runs.count(RunQuery("status = 'lost'")) == 0


def test_a_beating_run_is_not_lost(runs: Runs, clock: ManualClock) -> None:
    run = runs.start("e", capture=False)
    clock.advance(LOST_AFTER_MS + 1)
    assert runs.beat(run.id)
    assert runs.get(run.id).state == "running"
    assert runs.reap() == ()
    run.finish()
    assert not runs.beat(run.id)


def test_runs_that_nobody_watches_are_never_lost(runs: Runs, clock: ManualClock) -> None:
    run = runs.start("e", status=RunStatus.SCHEDULED, capture=False)
    runs.finish(run.id, RunStatus.RUNNING)
    clock.advance(10 * LOST_AFTER_MS)
    assert runs.get(run.id).state == "running"
    assert runs.reap() == ()


def test_reaping_takes_an_age(runs: Runs, clock: ManualClock) -> None:
    run = runs.start("e", capture=False)
    clock.advance(1_000)
    assert runs.reap(older_than_ms=1_000) == ()
    assert [each.run_id for each in runs.reap(older_than_ms=999)] == [run.id]
    with pytest.raises(InvalidInput):
        runs.reap(older_than_ms=-1)


def test_finishing_ends_the_heartbeat(runs: Runs) -> None:
    before = set(threading.enumerate())
    run = runs.start("e", capture=False)
    (heartbeat,) = set(threading.enumerate()) - before
    assert heartbeat.daemon
    run.finish()
    assert not heartbeat.is_alive()


def test_deleting_and_restoring_a_run(runs: Runs, audit: AuditLog) -> None:
    with runs.start("e", capture=False) as run:
        run.log_metric("m", 1.0)
    assert runs.delete(run.id).lifecycle == "deleted"
    assert (ids(runs), ids(runs, lifecycle="deleted"), ids(runs, lifecycle="all")) == ([], [run.id], [run.id])
    with pytest.raises(Conflict, match="already"):
        runs.delete(run.id)
    restored = runs.restore(run.id)
    assert (restored.lifecycle, restored.metrics) == ("active", {"m": 1.0})
    with pytest.raises(Conflict, match="not deleted"):
        runs.restore(run.id)
    verbs = [(entry.verb, entry.before, entry.after) for entry in audit.page().items]
    assert verbs[0] == ("restore", {"lifecycle": "deleted"}, {"lifecycle": "active"})
    assert verbs[1] == ("delete", {"lifecycle": "active"}, {"lifecycle": "deleted"})


def test_what_people_change_is_audited_and_what_programs_log_is_not(runs: Runs, audit: AuditLog) -> None:
    with runs.start("e", "old", capture=False) as run:
        run.log_metric("m", 1.0)
        run.set_tag("by", "program")
    assert [entry.kind for entry in audit.page().items] == ["experiment"]
    assert runs.rename(run.id, "new").name == "new"
    assert runs.set_tag(run.id, "by", "me").tags == {"by": "me"}
    assert runs.set_tag(run.id, "by", None).tags == {}
    assert runs.set_note(run.id, "looks good").note == "looks good"
    found = [(entry.verb, entry.before, entry.after) for entry in audit.page().items[:4]]
    assert found == [
        ("note", {"note": ""}, {"note": "looks good"}),
        ("tag", {"by": "me"}, {"by": None}),
        ("tag", {"by": "program"}, {"by": "me"}),
        ("rename", {"name": "old"}, {"name": "new"}),
    ]


def test_changing_nothing_leaves_no_trace(runs: Runs, audit: AuditLog) -> None:
    with runs.start("e", "name", tags={"k": "v"}, capture=False) as run:
        pass
    before = audit.head().size
    runs.rename(run.id, "name")
    runs.set_tag(run.id, "k", "v")
    runs.set_tag(run.id, "missing", None)
    runs.set_note(run.id, "")
    assert audit.head().size == before


@pytest.mark.parametrize(
    "change",
    [
        lambda runs, run: runs.rename(run, ""),
        lambda runs, run: runs.rename(run, "x" * 501),
        lambda runs, run: runs.set_tag(run, "", "v"),
        lambda runs, run: runs.set_tag(run, "k", "v" * 8_001),
        lambda runs, run: runs.set_note(run, "v" * 100_001),
        lambda runs, run: runs.set_note(run, "nul\0"),
    ],
)
def test_what_cannot_be_kept_is_refused(runs: Runs, change: Callable[[Runs, str], object]) -> None:
    with runs.start("e", capture=False) as run:
        pass
    with pytest.raises(InvalidInput):
        change(runs, run.id)


OPERATIONS: dict[str, Callable[[Runs, str], object]] = {
    "start": lambda runs, _run: runs.start(),
    "log": lambda runs, run: runs.log_batch(run, metrics=[("m", 1.0, 0, 0)]),
    "bytes": lambda runs, run: runs.log_bytes(run, b"x", "x"),
    "files": lambda runs, run: runs.log_files(run, []),
    "finish": lambda runs, run: runs.finish(run),
    "rename": lambda runs, run: runs.rename(run, "n"),
    "tag": lambda runs, run: runs.set_tag(run, "k", "v"),
    "note": lambda runs, run: runs.set_note(run, "n"),
    "delete": lambda runs, run: runs.delete(run),
    "restore": lambda runs, run: runs.restore(run),
    "reap": lambda runs, _run: runs.reap(),
    "import": lambda runs, _run: runs.import_runs([]),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_change_asks_for_the_role_and_for_a_session_that_may_write(
    runs: Runs, database: Database, operation: str
) -> None:
    with runs.start("e", capture=False) as run:
        pass
    before = runs.get(run.id)
    with pytest.raises(PermissionDenied, match=r"operator|writer"):
        OPERATIONS[operation](make_runs(database, access=make_access(Role.VIEWER)), run.id)
    with pytest.raises(ReadOnlyMode):
        OPERATIONS[operation](make_runs(database, access=make_access(read_only=True)), run.id)
    assert runs.get(run.id) == before


def test_a_viewer_reads_everything(runs: Runs, database: Database) -> None:
    with runs.start("e", capture=False) as run:
        run.log_metric("m", 1.0)
    viewer = make_runs(database, access=make_access(Role.VIEWER))
    assert viewer.get(run.id).metrics == {"m": 1.0}
    assert viewer.page().items[0].run_id == run.id
