"""Importing: runs from elsewhere as they were, many in one transaction, each group whole or not at all."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.audit.service import AuditLog
from engine.core.errors import AlreadyExists, Conflict, InvalidInput
from engine.tracking.experiments import Experiments
from engine.tracking.importing import RUNS_PER_TRANSACTION
from engine.tracking.model import RunImport, RunQuery, RunStatus
from engine.tracking.service import Runs

RUN = RunImport(
    "churn",
    "old",
    1_000,
    run_id="ab" * 16,
    status=RunStatus.FAILED,
    end_ms=4_000,
    user="grace",
    params={"lr": "0.1"},
    metrics=[("loss", 2.0, 1, 5), ("loss", 1.0, 0, 9), ("loss", math.nan, 1, 5), ("auc", 0.5, 0, 0)],
    tags={"team": "a"},
    note="from the old server",
)


def test_a_run_is_stored_as_it_was(runs: Runs) -> None:
    assert runs.import_runs([RUN]) == 1
    found = runs.get("abab")
    assert (found.run_id, found.experiment, found.name, found.user) == (RUN.run_id, "churn", "old", "grace")
    assert (found.status, found.start_ms, found.end_ms, found.duration_ms) == (RunStatus.FAILED, 1_000, 4_000, 3_000)
    assert (found.params, found.tags, found.note) == (RUN.params, RUN.tags, RUN.note)
    assert (found.heartbeat_ms, found.environment) == (None, None)
    assert repr(found.metrics) == repr({"auc": 0.5, "loss": math.nan})
    assert len(runs.metric_points("abab", "loss").items) == 3


def test_what_is_left_out_is_filled_in(runs: Runs) -> None:
    runs.import_runs(RunImport("e", name, 0) for name in ("a", "b"))
    found = runs.page().items
    assert len({run.run_id for run in found}) == 2
    assert {run.user for run in found} == {"ada"}


def test_runs_are_stored_in_groups_with_one_audit_record_each(runs: Runs, audit: AuditLog) -> None:
    count = RUNS_PER_TRANSACTION + 1
    assert runs.import_runs(RunImport("e", str(number), number) for number in range(count)) == count
    assert runs.count() == count
    imports = [entry.after for entry in audit.page().items if entry.verb == "import"]
    assert imports == [{"runs": 1, "experiments": ["e"]}, {"runs": RUNS_PER_TRANSACTION, "experiments": ["e"]}]
    assert runs.import_runs([]) == 0


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (replace(RUN, name="twin"), AlreadyExists),
        (replace(RUN, run_id="../x"), InvalidInput),
        (replace(RUN, run_id=None, name=""), InvalidInput),
        (replace(RUN, run_id=None, params={"": "x"}), InvalidInput),
        (replace(RUN, run_id=None, metrics=[("", 1.0, 0, 0)]), InvalidInput),
        (replace(RUN, run_id=None, experiment="deleted"), Conflict),
        (replace(RUN, run_id=None, experiment=""), InvalidInput),
    ],
)
def test_one_bad_run_keeps_its_group_out(
    runs: Runs, experiments: Experiments, bad: RunImport, error: type[Exception]
) -> None:
    experiments.create("deleted")
    experiments.delete("deleted")
    with pytest.raises(error):
        runs.import_runs([RUN, RunImport("fresh", "b", 0), bad])
    assert runs.count(RunQuery(lifecycle="all")) == 0
    assert [each.name for each in experiments.page(include_deleted=True).items] == ["deleted"]


def test_groups_before_a_bad_run_stay(runs: Runs) -> None:
    good = [RunImport("e", str(number), number) for number in range(RUNS_PER_TRANSACTION)]
    with pytest.raises(InvalidInput):
        runs.import_runs([*good, RunImport("e", "", 0)])
    assert runs.count() == RUNS_PER_TRANSACTION
