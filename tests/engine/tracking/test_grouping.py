"""Groups of runs, against sorting them by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from engine.core.aggregates import aggregate
from engine.core.errors import FilterSyntaxError, InvalidInput, NotFound
from engine.core.grouping import WITHOUT, Group, Partition
from engine.tracking import grouping_store
from engine.tracking.model import Run, RunQuery, RunReport, RunStart
from engine.tracking.service import Runs
from tests.builders import make_database, make_runs

HOSTILE = (
    "",
    " ",
    "0.1",
    "0.10",
    "a') OR 1=1 --",
    "漢字",
    "-7",
    '{"lr": 0.1}',
    '{"lr": "0.1"}',
    '{"lr": true}',
    "x" * 1_200,
)
things = some.fixed_dictionaries(
    {
        "lr": some.none() | some.sampled_from(HOSTILE),
        "auc": some.none() | some.sampled_from([0.1, 0.2, -1.0, math.inf, math.nan]),
        "experiment": some.sampled_from(["one", "two"]),
        "deleted": some.booleans(),
    }
)
QUERIES = {
    "all": RunQuery(),
    "with deleted": RunQuery(lifecycle="all"),
    "sorted by a number": RunQuery(order_by=("metrics.auc DESC",)),
    "few of an experiment": RunQuery(experiment="one", filter="run_name LIKE '%1%'"),
}
BY = ("params.lr", "params.`lr$.lr`", "metrics.auc", "experiment", "status", "run_name", "tags.never")


def logged(runs: Runs, many: Sequence[Mapping[str, object]]) -> None:
    for place, each in enumerate(many):
        made = runs.create(RunStart(str(each["experiment"]), name=f"run-{place % 3}", start_ms=1_000 + place))
        params = {} if each["lr"] is None else {"lr": str(each["lr"])}
        points = [] if each["auc"] is None else [("auc", each["auc"], 0, 0)]
        runs.report(made.run.run_id, RunReport(metrics=points, params=params))  # type: ignore[arg-type] # made above
        if each["deleted"]:
            runs.delete(made.run.run_id)


def value(run: Run, by: str) -> object:
    """What a run is grouped by, said as plainly as can be."""
    if by == "params.lr":
        return run.params.get("lr")
    if by == "params.`lr$.lr`":
        text = run.params.get("lr", "")
        found = json.loads(text).get("lr") if text.startswith("{") else None
        return "true" if found is True else found
    if by == "metrics.auc":
        found = run.metrics.get("auc")
        return "NaN" if found is not None and math.isnan(found) else found
    if by == "tags.never":
        return None
    return {"experiment": run.experiment, "status": run.status.value.lower(), "run_name": run.name}[by]


def by_hand(items: Sequence[Run], by: str) -> list[tuple[object, list[Run]]]:
    """The groups in the order of their first runs, those without a value last."""
    found: dict[object, list[Run]] = {}
    for run in items:
        found.setdefault(value(run, by), []).append(run)
    without = found.pop(None, None)
    return [*found.items(), *([(None, without)] if without else [])]


def alike(group: Group, wanted: object) -> bool:
    found = group.value
    if isinstance(found, float) and math.isnan(found):
        return wanted == "NaN"
    return found == wanted or (isinstance(found, str) and found.lower() == str(wanted).lower())


@pytest.mark.parametrize("looked_up", [True, False])
@pytest.mark.parametrize("name", QUERIES)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=some.lists(things, max_size=12))
def test_groups_are_what_sorting_by_hand_gives(
    tmp_path: Path, name: str, *, looked_up: bool, many: list[dict[str, object]]
) -> None:
    database = make_database(tmp_path / str(len(list(tmp_path.iterdir()))))
    patch = pytest.MonkeyPatch()
    patch.setattr(grouping_store, "FEW", 5_000 if looked_up else 0)  # a limit, not a rule
    try:
        runs = make_runs(database)
        runs.create(RunStart("one", name="run-1", start_ms=5))  # so that the experiment is there
        logged(runs, many)
        query = QUERIES[name]
        rows = runs.rows(runs.keys(query))
        items = [rows[key] for key in runs.keys(query)]
        for by in BY:
            found = runs.groups(query, by=by, columns=["metrics.auc", "params.lr"])
            wanted = by_hand(items, by)
            assert (found.things, found.amount, found.next_page_token) == (len(items), len(wanted), None)
            assert [group.count for group in found.items] == [len(members) for _, members in wanted], by
            for group, (known, members) in zip(found.items, wanted, strict=True):
                assert alike(group, known), (by, group.value, known)
                expected = aggregate("metrics.auc", [run.metrics.get("auc") for run in members])
                auc = group.columns[0]
                assert (auc.count, auc.missing) == (expected.count, expected.missing)
                assert (auc.least, auc.greatest) == (expected.least, expected.greatest)
                assert auc.mean == expected.mean or math.isclose(auc.mean or 0, expected.mean or 0, abs_tol=1e-9)
            divided = runs.grouped(runs.keys(query), by=by)
            members_ = [list(divided.members(place)) for place in range(len(divided))]
            assert members_ == [[run.row_id for run in members] for _, members in wanted], by
    finally:
        patch.undo()
        database.close()


def test_the_filter_of_a_group_finds_just_its_runs(runs: Runs) -> None:
    logged(runs, [{"lr": text, "auc": 0.1, "experiment": "e", "deleted": False} for text in (*HOSTILE, None, "0.1")])
    for by in ("params.lr", "params.`lr$.lr`", "metrics.auc", "experiment", "run_name", "user_id", "status"):
        for group in runs.groups(by=by).items:
            if group.filter:
                assert runs.count(RunQuery(filter=group.filter)) == group.count, (by, group)
            else:
                assert isinstance(group.value, str)
                assert len(group.value) > 1_000


def test_pages_follow_each_other_and_belong_to_their_query(runs: Runs) -> None:
    logged(runs, [{"lr": str(n), "auc": None, "experiment": "e", "deleted": False} for n in range(7)])
    first = runs.groups(RunQuery(limit=3), by="params.lr")
    second = runs.groups(RunQuery(limit=3, page_token=first.next_page_token), by="params.lr")
    last = runs.groups(RunQuery(limit=3, page_token=second.next_page_token), by="params.lr")
    assert [group.value for page in (first, second, last) for group in page.items] == list("6543210")
    assert last.next_page_token is None
    for by, token in (("status", first.next_page_token), ("params.lr", "bm9uc2Vuc2U"), ("params.lr", "%%")):
        with pytest.raises(InvalidInput, match="token"):
            runs.groups(RunQuery(page_token=token), by=by)


@pytest.mark.parametrize("by", ["start_time", "end_time", "duration", "run_id", "artifact_uri", "datasets.name"])
def test_what_hardly_two_runs_share_is_refused(runs: Runs, by: str) -> None:
    with pytest.raises((InvalidInput, FilterSyntaxError)):
        runs.groups(by=by)


def test_what_cannot_be_asked_says_why(runs: Runs) -> None:
    with pytest.raises(FilterSyntaxError):
        runs.groups(by="params.'")
    with pytest.raises(NotFound):
        runs.groups(RunQuery(experiment="nothing"), by="status")
    with pytest.raises(InvalidInput, match="no numbers"):
        runs.groups(by="status", columns=["run_name"])
    with pytest.raises(InvalidInput, match="limit"):
        runs.groups(RunQuery(limit=0), by="status")


def test_a_group_keeps_its_mark_whatever_the_filter(runs: Runs) -> None:
    logged(runs, [{"lr": "a", "auc": float(n), "experiment": "e", "deleted": False} for n in range(4)])
    every = runs.grouped(runs.keys(), by="params.lr")
    some_ = runs.grouped(runs.keys(RunQuery(filter="metrics.auc > 1")), by="params.lr")
    assert (list(every.marks), every.size(0)) == (list(some_.marks), 4)
    assert some_.size(0) == 2
    assert runs.group_rows(some_, [*some_.marks, 999], by="params.lr").keys() == set(some_.marks)


@given(some.lists(some.integers(0, 6), max_size=40))
def test_a_partition_holds_every_thing_once_in_order(marks: list[int]) -> None:
    keys = [10 * place for place in range(len(marks))]
    found = Partition(keys, marks)
    assert sorted(found.things) == keys
    assert len(found) == len(set(marks)) == len(found.starts) - 1
    assert list(found.marks) == sorted(set(marks), key=lambda mark: (mark == WITHOUT, marks.index(mark)))
    for place, mark in enumerate(found.marks):
        members = list(found.members(place))
        assert members == [key for key, own in zip(keys, marks, strict=True) if own == mark]
        assert (found.place(mark), found.size(place)) == (place, len(members))
        assert all(found.group_at(found.starts[place] + each) == place for each in range(len(members)))
    assert all(one <= other for one, other in pairwise(found.starts))
    assert found.place(77) is None
