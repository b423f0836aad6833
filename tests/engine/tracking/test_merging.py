"""Merging runs from elsewhere: known runs are brought up, nothing is taken away, all of a call or nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.audit.service import AuditLog
from engine.core.access import Role
from engine.core.errors import InvalidInput, PermissionDenied
from engine.db.database import Database
from engine.tracking.experiments import Experiments
from engine.tracking.model import DatasetInput, ExperimentImport, RunImport, RunQuery, RunStatus
from engine.tracking.service import Runs
from tests.builders import make_access, make_runs

RUN = RunImport(
    "churn",
    "old",
    1_000,
    run_id="ab" * 16,
    status=RunStatus.RUNNING,
    user="grace",
    params={"lr": "0.1"},
    metrics=[("loss", 2.0, 1, 5)],
    tags={"team": "a"},
    inputs=[DatasetInput("cars", "d1", context="training")],
)
CHILD = RunImport("churn", "child", 2_000, run_id="cd" * 16)


def test_a_known_run_is_brought_up_and_loses_nothing(runs: Runs) -> None:
    assert runs.merge_runs([RUN]) == 1
    runs.set_tag(RUN.run_id or "", "mine", "1")
    later = replace(
        RUN,
        name="new",
        status=RunStatus.FINISHED,
        end_ms=9_000,
        note="done",
        params={"lr": "0.2", "depth": "3"},
        metrics=[("loss", 2.0, 1, 5), ("loss", math.nan, 2, 6)],
        tags={"team": "b"},
        inputs=[DatasetInput("cars", "d2", context="test")],
    )
    assert runs.merge_runs([later]) == 0
    found = runs.get(RUN.run_id or "")
    assert (found.name, found.status, found.end_ms, found.note) == ("new", RunStatus.FINISHED, 9_000, "done")
    assert found.params == {"lr": "0.1", "depth": "3"}
    assert found.tags == {"team": "b", "mine": "1"}
    assert runs.history(found.run_id, "loss").total == 2
    assert [each.digest for each in found.inputs] == ["d1", "d2"]


def test_a_long_history_may_come_in_parts_of_one_call(runs: Runs) -> None:
    parts = [replace(RUN, metrics=[("loss", float(step), step, 0)]) for step in range(3)]
    assert runs.merge_runs(parts) == 1
    assert runs.history(RUN.run_id or "", "loss").total == 3


def test_one_bad_run_keeps_the_whole_call_out(runs: Runs, audit: AuditLog) -> None:
    before = audit.head().size
    for bad in (replace(CHILD, run_id=None), replace(CHILD, run_id="../x"), replace(CHILD, params={"": "1"})):
        with pytest.raises(InvalidInput):
            runs.merge_runs([RUN, bad])
    assert runs.count(RunQuery(lifecycle="all")) == 0
    assert audit.head().size == before


def test_a_call_is_one_audit_record(runs: Runs, audit: AuditLog) -> None:
    runs.import_experiments([ExperimentImport("churn", 1, 2)])
    before = audit.head().size
    runs.merge_runs([RUN, CHILD])
    assert audit.head().size == before + 1
    assert runs.merge_runs([]) == 0
    assert audit.head().size == before + 1


def test_runs_of_a_deleted_experiment_are_kept(runs: Runs, experiments: Experiments) -> None:
    runs.import_experiments([ExperimentImport("churn", 1, 2, {"a": "b"}, deleted_ms=3)])
    assert runs.merge_runs([replace(RUN, deleted_ms=3)]) == 1
    found = experiments.get("churn")
    assert (found.lifecycle, found.tags, found.created_ms, found.updated_ms) == ("deleted", {"a": "b"}, 1, 2)
    assert runs.get(RUN.run_id or "").lifecycle == "deleted"


def test_an_experiment_that_is_as_it_is_said_to_be_is_left_alone(runs: Runs, audit: AuditLog) -> None:
    given = ExperimentImport("churn", 1, 2, {"a": "b"})
    assert runs.import_experiments([given]) == 1
    size = audit.head().size
    assert runs.import_experiments([given]) == 0
    assert audit.head().size == size
    assert runs.import_experiments([replace(given, tags={"a": "c"}, deleted_ms=9)]) == 1


def test_parents_are_found_in_any_order(runs: Runs) -> None:
    pair = (CHILD.run_id or "", RUN.run_id or "")
    runs.merge_runs([replace(CHILD, parent_run_id=RUN.run_id)])
    assert runs.get(pair[0]).parent_run_id is None
    runs.merge_runs([RUN])
    assert runs.link_runs([pair, (pair[0], "e" * 32)]) == 1
    assert runs.link_runs([pair]) == 0
    assert runs.get(pair[1]).children == (pair[0],)
    with pytest.raises(InvalidInput):
        runs.link_runs([(pair[0], pair[0])])


def test_what_is_given_out_is_what_was_taken_in(runs: Runs) -> None:
    full = replace(RUN, end_ms=4_000, note="n", deleted_ms=7, metrics=[("loss", math.inf, 1, 5), ("auc", 0.5, 0, 0)])
    runs.merge_runs([full, replace(CHILD, parent_run_id=RUN.run_id)])
    given = {run.run_id: run for run in runs.export_runs([RUN.run_id or "", CHILD.run_id or "", "no such run"])}
    assert len(given) == 2
    assert sorted(given[RUN.run_id].metrics) == sorted(full.metrics)
    assert replace(given[RUN.run_id], metrics=full.metrics, inputs=full.inputs, files=()) == full
    assert given[CHILD.run_id].parent_run_id == RUN.run_id
    assert runs.latest_values([RUN.run_id or ""]) == {RUN.run_id: {"loss": math.inf, "auc": 0.5}}


def test_a_viewer_may_not_import(database: Database) -> None:
    viewer = make_runs(database, access=make_access(Role.VIEWER))
    with pytest.raises(PermissionDenied):
        viewer.merge_runs([RUN])
    with pytest.raises(PermissionDenied):
        viewer.link_runs([("a", "b")])
    with pytest.raises(PermissionDenied):
        viewer.import_experiments([ExperimentImport("e", 1, 2)])
