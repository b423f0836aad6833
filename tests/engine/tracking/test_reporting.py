"""What programs say of their runs by whole ids: start, report, link; all of a report or nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.audit.service import AuditLog
from engine.core.access import Role
from engine.core.clock import ManualClock
from engine.core.errors import Conflict, InvalidInput, NotFound, PermissionDenied, QuarterdeckError
from engine.db.database import Database
from engine.tracking.experiments import Experiments
from engine.tracking.model import (
    DatasetInput,
    Environment,
    ModelUse,
    RunLinks,
    RunRecord,
    RunReport,
    RunStart,
    RunStatus,
)
from engine.tracking.service import Runs
from tests.builders import make_access, make_runs

WINE = DatasetInput(
    "wine", "d1", schema="{}", rows=3, context="train", source_type="local", source="{}", profile="p", tags={"k": "v"}
)


@pytest.fixture
def run(runs: Runs) -> str:
    return runs.create(RunStart("churn", name="first")).run.run_id


def events(database: Database) -> list[tuple[str, str]]:
    with database.snapshot() as view:
        return view.execute("SELECT change, key FROM event WHERE kind = 'run' ORDER BY id").fetchall()


# --- starting


def test_a_start_says_all_that_is_known(runs: Runs, experiments: Experiments) -> None:
    key = experiments.create("churn").id
    parent = runs.create(RunStart(key)).run.run_id
    where = Environment(
        "c0ffee", git_dirty=True, python="", packages={}, seed=None, host="", command_line="t.py", pid=0
    )
    start = RunStart(
        key,
        name="told",
        params={"lr": "1"},
        tags={"team": "a"},
        note="why",
        parent_run_id=parent,
        user="grace",
        start_ms=1234,
        status=RunStatus.SCHEDULED,
        environment=where,
    )
    found = runs.create(start).run
    assert (found.experiment, found.name, found.user, found.start_ms) == ("churn", "told", "grace", 1234)
    assert (found.status, found.note, found.parent_run_id) == (RunStatus.SCHEDULED, "why", parent)
    assert (found.params, found.tags) == ({"lr": "1"}, {"team": "a"})
    assert runs.get(found.run_id).environment == where


def test_what_is_not_said_is_filled_in(runs: Runs, clock: ManualClock) -> None:
    found = runs.create(RunStart("churn")).run
    assert (found.name, found.user, found.start_ms) == (f"run-{found.run_id[:8]}", "ada", clock.now_ms())
    assert (found.state, found.heartbeat_ms, found.end_ms) == ("running", None, None)


def test_a_run_that_reports_by_its_id_is_never_called_lost(runs: Runs, clock: ManualClock, run: str) -> None:
    clock.advance(10_000_000)
    assert runs.record(run).run.state == "running"


@pytest.mark.parametrize(
    ("start", "error"),
    [
        (RunStart(99), NotFound),
        (RunStart(-1), NotFound),
        (RunStart(2**70), InvalidInput),
        (RunStart("gone"), Conflict),
        (RunStart(""), InvalidInput),
        (RunStart("e", parent_run_id="f" * 32), NotFound),
        (RunStart("e", name="x" * 501), InvalidInput),
        (RunStart("e", note="x" * 100_001), InvalidInput),
        (RunStart("e", user="x" * 501), InvalidInput),
        (RunStart("e", user="a\0"), InvalidInput),
        (RunStart("e", params={"": "1"}), InvalidInput),
        (RunStart("e", tags={"t": "x" * 8001}), InvalidInput),
        (RunStart("e", start_ms=2**63), InvalidInput),
        (RunStart("e", status=RunStatus.FINISHED), InvalidInput),
    ],
)
def test_a_start_that_cannot_be_kept_leaves_nothing(
    runs: Runs, experiments: Experiments, start: RunStart, error: type[QuarterdeckError]
) -> None:
    experiments.create("gone")
    experiments.delete("gone")
    with pytest.raises(error):
        runs.create(start)
    assert runs.count() == 0


def test_a_deleted_experiment_takes_no_run_by_its_key(runs: Runs, experiments: Experiments) -> None:
    key = experiments.create("gone").id
    experiments.delete("gone")
    with pytest.raises(Conflict, match="must be in the 'active' state"):
        runs.create(RunStart(key))


# --- reporting


def test_a_report_says_many_things_at_once(runs: Runs, run: str, clock: ManualClock) -> None:
    parent = runs.create(RunStart("churn")).run.run_id
    report = RunReport(
        metrics=[("auc", 0.5, 1, 10), ("auc", 0.7, 2, 20), ("loss", math.inf, 0, 5)],
        params={"lr": "0.1"},
        tags={"team": "a"},
        name="second",
        note="better",
        parent_run_id=parent,
        status=RunStatus.FINISHED,
        end_ms=clock.now_ms() + 7,
    )
    runs.report(run, report)
    found = runs.record(run)
    assert found.latest == (("auc", 0.7, 2, 20), ("loss", math.inf, 0, 5))
    assert (found.run.metrics, found.run.params, found.run.tags) == (
        {"auc": 0.7, "loss": math.inf},
        {"lr": "0.1"},
        {"team": "a"},
    )
    assert (found.run.name, found.run.note, found.run.parent_run_id) == ("second", "better", parent)
    assert (found.run.status, found.run.end_ms) == (RunStatus.FINISHED, clock.now_ms() + 7)


def test_the_same_report_twice_is_stored_once(runs: Runs, run: str) -> None:
    report = RunReport(metrics=[("auc", 0.5, 1, 10), ("auc", math.nan, 1, 10)], params={"lr": "1"}, tags={"t": "1"})
    runs.report(run, report)
    before = runs.record(run)
    runs.report(run, report)
    assert len(runs.series(run, "auc").items) == 2
    assert repr(runs.record(run)) == repr(before)


@pytest.mark.parametrize(
    ("report", "error"),
    [
        (RunReport(params={"lr": "2"}), Conflict),
        (RunReport(tags={"none": None}), NotFound),
        (RunReport(parent_run_id="f" * 32), NotFound),
        (RunReport(name=""), InvalidInput),
        (RunReport(name="x" * 501), InvalidInput),
        (RunReport(note="x" * 100_001), InvalidInput),
        (RunReport(end_ms=2**63), InvalidInput),
        (RunReport(metrics=[("auc", 1.0, 2**63, 0)]), InvalidInput),
        (RunReport(metrics=[("auc", "1", 0, 0)]), InvalidInput),  # type: ignore[list-item]
        (RunReport(metrics=[("", 1.0, 0, 0)]), InvalidInput),
        (RunReport(metrics=[(1.0, 0, 0)]), InvalidInput),  # type: ignore[list-item]
        (RunReport(tags={"x" * 251: "1"}), InvalidInput),
        (RunReport(tags={"x" * 251: None}), InvalidInput),
    ],
)
def test_a_report_is_taken_whole_or_not_at_all(
    runs: Runs, run: str, report: RunReport, error: type[QuarterdeckError]
) -> None:
    runs.report(run, RunReport(params={"lr": "1"}))
    before = runs.record(run)
    good = {"metrics": report.metrics or [("new", 1.0, 0, 0)], "tags": {"new": "1", **report.tags}}
    with pytest.raises(error):
        runs.report(run, replace(report, **good))  # type: ignore[arg-type]
    assert runs.record(run) == before


def test_changed_params_are_all_told(runs: Runs, run: str) -> None:
    runs.report(run, RunReport(params={"a": "1", "b": "2", "c": "3"}))
    with pytest.raises(Conflict, match="Changing param values is not allowed") as caught:
        runs.report(run, RunReport(params={"a": "1", "b": "x", "c": "y", "d": "4"}))
    assert caught.value.details["params"] == [
        {"key": "b", "old": "2", "new": "x"},
        {"key": "c", "old": "3", "new": "y"},
    ]


def test_a_tag_is_set_replaced_and_removed(runs: Runs, run: str) -> None:
    runs.report(run, RunReport(tags={"a": "1", "b": "2"}))
    runs.report(run, RunReport(tags={"a": "3", "b": None}))
    assert runs.record(run).run.tags == {"a": "3"}
    with pytest.raises(NotFound, match=f"No tag with name: b in run with id {run}"):
        runs.report(run, RunReport(tags={"b": None}))


@pytest.mark.parametrize("status", list(RunStatus))
def test_a_status_sets_or_opens_the_end(runs: Runs, run: str, clock: ManualClock, status: RunStatus) -> None:
    runs.report(run, RunReport(status=RunStatus.FAILED, end_ms=5))
    clock.advance(100)
    runs.report(run, RunReport(status=status))
    assert runs.record(run).run.status is status
    assert runs.record(run).run.end_ms == (clock.now_ms() if status.is_over else None)


def test_an_end_alone_keeps_the_status(runs: Runs, run: str) -> None:
    runs.report(run, RunReport(end_ms=77))
    assert (runs.record(run).run.status, runs.record(run).run.end_ms) == (RunStatus.RUNNING, 77)


def test_a_run_is_put_below_another_and_taken_out(runs: Runs, run: str) -> None:
    parent = runs.create(RunStart("churn")).run.run_id
    runs.report(run, RunReport(parent_run_id=parent))
    assert runs.get(parent).children == (run,)
    runs.report(run, RunReport(parent_run_id=""))
    assert runs.record(run).run.parent_run_id is None
    with pytest.raises(InvalidInput, match="its own parent"):
        runs.report(run, RunReport(parent_run_id=run))


SAYS: dict[str, Callable[[Runs, str], object]] = {
    "metrics": lambda runs, run: runs.report(run, RunReport(metrics=[("a", 1.0, 0, 0)])),
    "nothing": lambda runs, run: runs.report(run, RunReport()),
    "name": lambda runs, run: runs.report(run, RunReport(name="x")),
    "link": lambda runs, run: runs.link(run, RunLinks(inputs=[WINE])),
}


@pytest.mark.parametrize("says", SAYS)
def test_a_deleted_run_takes_nothing(runs: Runs, run: str, says: str) -> None:
    runs.delete(run)
    before = runs.record(run)
    with pytest.raises(Conflict, match=f"The run {run} must be in the 'active' state. Current state is deleted."):
        SAYS[says](runs, run)
    assert runs.record(run) == before


@pytest.mark.parametrize("says", SAYS)
@pytest.mark.parametrize("end", [4, 8, 31])
def test_a_run_is_named_by_its_whole_id(runs: Runs, run: str, says: str, end: int) -> None:
    with pytest.raises(NotFound, match=f"Run with id={run[:end]} not found"):
        SAYS[says](runs, run[:end])
    with pytest.raises(NotFound):
        runs.record(run[:end])
    with pytest.raises(NotFound):
        runs.series(run[:end], "m")


def test_names_and_notes_are_audited_and_measurements_are_not(runs: Runs, run: str, audit: AuditLog) -> None:
    before = audit.page().items
    runs.report(run, RunReport(metrics=[("a", 1.0, 0, 0)], params={"p": "1"}, tags={"t": "1"}))
    runs.report(run, RunReport(status=RunStatus.FINISHED))
    assert audit.page().items == before
    runs.report(run, RunReport(name="second", note="why"))
    runs.report(run, RunReport(name="second", note="why"))
    assert [entry.verb for entry in audit.page().items[:2]] == ["note", "rename"]
    assert len(audit.page().items) == len(before) + 2


def test_a_writer_reports_but_does_not_rename(database: Database, clock: ManualClock, run: str) -> None:
    writer = make_runs(database, access=make_access(Role.WRITER), clock=clock)
    writer.report(run, RunReport(metrics=[("a", 1.0, 0, 0)], note="told", name="first", status=RunStatus.FINISHED))
    with pytest.raises(PermissionDenied, match="runs rename"):
        writer.report(run, RunReport(metrics=[("b", 1.0, 0, 0)], name="second"))
    assert writer.record(run).run.metrics == {"a": 1.0}
    viewer = make_runs(database, access=make_access(Role.VIEWER), clock=clock)
    for says in SAYS.values():
        with pytest.raises(PermissionDenied):
            says(viewer, run)
    with pytest.raises(PermissionDenied):
        viewer.create(RunStart("churn"))


def test_live_screens_are_told_once_a_report(runs: Runs, run: str, database: Database) -> None:
    runs.report(run, RunReport(metrics=[("a", float(step), step, step) for step in range(50)]))
    runs.report(run, RunReport(note="x"))
    assert events(database) == [("created", run), ("logged", run), ("changed", run)]


def test_keys_learned_in_a_batch_that_was_undone_are_made_again(runs: Runs, run: str, database: Database) -> None:
    runs.report(run, RunReport(params={"p": "1"}))
    with database.group():
        with pytest.raises(Conflict):
            runs.report(run, RunReport(metrics=[("fresh", 1.0, 0, 0)], params={"p": "2"}))
        runs.report(run, RunReport(metrics=[("other", 2.0, 0, 0)]))
        runs.report(run, RunReport(metrics=[("fresh", 3.0, 0, 0)]))
    assert runs.record(run).run.metrics == {"other": 2.0, "fresh": 3.0}
    assert [point[1] for point in runs.series(run, "fresh").items] == [3.0]


# --- linking


def test_what_a_run_read_and_made_is_kept_once(runs: Runs, run: str) -> None:
    links = RunLinks(
        inputs=[WINE, DatasetInput("bikes", "d2", context="eval")],
        models_read=[ModelUse("m-in")],
        models_made=[ModelUse("m-out", 3), ModelUse("m-first", 1)],
    )
    runs.link(run, links)
    runs.link(run, links)
    found = runs.record(run)
    assert found.inputs == (WINE, DatasetInput("bikes", "d2", context="eval"))
    assert found.models_read == (ModelUse("m-in"),)
    assert found.models_made == (ModelUse("m-first", 1), ModelUse("m-out", 3))
    detail = runs.get(run)
    assert (detail.inputs, detail.models_read, detail.models_made) == (
        found.inputs,
        found.models_read,
        found.models_made,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        RunLinks(inputs=[WINE, replace(WINE, name="")]),
        RunLinks(inputs=[WINE, replace(WINE, digest="")]),
        RunLinks(inputs=[WINE, replace(WINE, source="x" * 70_000)]),
        RunLinks(inputs=[WINE, replace(WINE, schema="x" * 1_000_001)]),
        RunLinks(inputs=[WINE, replace(WINE, tags={"": "x"})]),
        RunLinks(inputs=[WINE, replace(WINE, source_type="\ud800")]),
        RunLinks(inputs=[WINE], models_made=[ModelUse("")]),
        RunLinks(inputs=[WINE], models_made=[ModelUse("m", 2**63)]),
        RunLinks(inputs=[WINE], models_read=[ModelUse("m" * 501)]),
    ],
)
def test_links_that_cannot_be_kept_leave_nothing(runs: Runs, run: str, wrong: RunLinks) -> None:
    with pytest.raises(InvalidInput):
        runs.link(run, wrong)
    assert runs.record(run).inputs == ()


def test_the_same_data_may_come_from_two_places(runs: Runs, run: str) -> None:
    other = runs.create(RunStart("elsewhere")).run.run_id
    nowhere = replace(WINE, context="eval", source_type="", source="")
    runs.link(run, RunLinks(inputs=[WINE, nowhere]))
    runs.link(other, RunLinks(inputs=[replace(WINE, source="second")]))
    assert {each.context: each.source for each in runs.record(run).inputs} == {"train": "{}", "eval": ""}
    assert [each.source for each in runs.record(other).inputs] == ["second"]


def test_one_dataset_may_be_read_in_two_ways(runs: Runs, run: str) -> None:
    other = replace(WINE, context="eval", tags={})
    runs.link(run, RunLinks(inputs=[WINE, other]))
    assert {each.context: dict(each.tags) for each in runs.record(run).inputs} == {"train": {"k": "v"}, "eval": {}}


def test_a_page_of_records_has_everything_of_each_run(runs: Runs) -> None:
    made = [runs.create(RunStart("churn", name=str(number), start_ms=number)).run.run_id for number in range(3)]
    for number, run_id in enumerate(made):
        runs.report(run_id, RunReport(metrics=[("m", float(number), number, number)], params={"p": str(number)}))
    runs.link(made[1], RunLinks(inputs=[WINE], models_made=[ModelUse("m-1")]))

    def told(record: RunRecord) -> tuple[str, float, str, int, int]:
        run = record.run
        return run.name, record.latest[0][1], run.params["p"], len(record.inputs), len(record.models_made)

    assert [told(record) for record in runs.records().items] == [
        ("2", 2.0, "2", 0, 0),
        ("1", 1.0, "1", 1, 1),
        ("0", 0.0, "0", 0, 0),
    ]
    assert [runs.record(run_id) for run_id in reversed(made)] == list(runs.records().items)
