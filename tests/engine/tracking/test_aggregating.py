"""What the numbers of many runs come to, against adding them up one by one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from engine.core.aggregates import Aggregate, aggregate
from engine.core.errors import FilterSyntaxError, InvalidInput, NotFound
from engine.db.database import Database
from engine.tracking.model import RunImport, RunQuery, RunReport, RunStart
from engine.tracking.search_store import USUAL, Lifecycle
from engine.tracking.service import Runs
from tests.builders import make_database, make_runs

numbers = some.floats(-1e6, 1e6).map(lambda value: round(value, 3)) | some.sampled_from([math.inf, math.nan, 0.0])
things = some.fixed_dictionaries(
    {
        "auc": some.none() | numbers,
        "lr": some.none() | some.sampled_from(["0.1", "1e-3", "-7", "tree", "", "nan"]),
        "took": some.none() | some.integers(0, 10_000),
        "experiment": some.sampled_from(["one", "two"]),
        "deleted": some.booleans(),
    }
)
QUERIES = {
    "all": RunQuery(),
    "with deleted": RunQuery(lifecycle="all"),
    "deleted": RunQuery(lifecycle="deleted"),
    "few along an index": RunQuery(filter="metrics.auc > 0"),
    "asked of each": RunQuery(filter="run_name LIKE '%1%'"),
    "of an experiment": RunQuery(experiment="one"),
}


def number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def close(found: Aggregate, expected: Aggregate) -> bool:
    same = (found.column, found.count, found.missing) == (expected.column, expected.count, expected.missing)
    pairs = [(found.least, expected.least), (found.mean, expected.mean), (found.greatest, expected.greatest)]
    return same and all(
        one == other or (one is not None and other is not None and math.isclose(one, other, abs_tol=1e-6))
        for one, other in pairs
    )


def logged(runs: Runs, things_: list[dict[str, object]]) -> None:
    for place, each in enumerate(things_):
        params = {} if each["lr"] is None else {"lr": str(each["lr"])}
        made = runs.create(RunStart(str(each["experiment"]), name=f"run-{place}", start_ms=1_000))
        run_id = made.run.run_id
        points = [] if each["auc"] is None else [("auc", each["auc"], 0, 0)]
        ended = {} if each["took"] is None else {"end_ms": 1_000 + int(str(each["took"]))}
        runs.report(run_id, RunReport(metrics=points, params=params, **ended))  # type: ignore[arg-type] # made above
        if each["deleted"]:
            runs.delete(run_id)


@pytest.mark.parametrize("name", QUERIES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=some.lists(things, max_size=12))
def test_aggregates_are_what_adding_up_one_by_one_gives(
    tmp_path: Path, name: str, many: list[dict[str, object]]
) -> None:
    database: Database = make_database(tmp_path / str(len(list(tmp_path.iterdir()))))
    try:
        runs = make_runs(database)
        runs.create(RunStart("one", name="0", start_ms=5))  # so that the experiment is there
        logged(runs, many)
        query = QUERIES[name]
        found = runs.aggregates(query, ["metrics.auc", "params.lr", "duration", "metrics.never", "tags.never"])
        items = list(runs.rows(runs.keys(query)).values())
        assert found.things == len(items) == runs.count(query)
        expected = [
            aggregate("metrics.auc", [run.metrics.get("auc") for run in items]),
            aggregate("params.lr", [number(run.params.get("lr")) for run in items]),
            aggregate("duration", [run.duration_ms for run in items]),
            aggregate("metrics.never", [None] * len(items)),
            aggregate("tags.never", [None] * len(items)),
        ]
        for one, other in zip(found.columns, expected, strict=True):
            assert close(one, other), (one, other)
    finally:
        database.close()


@pytest.mark.parametrize("column", ["status", "run_name", "start_time", "params.config$.lr", "tags.`a$[0]`"])
def test_what_holds_no_numbers_is_refused(runs: Runs, column: str) -> None:
    with pytest.raises(InvalidInput, match="no numbers"):
        runs.aggregates(columns=[column])


def test_what_cannot_be_asked_says_why(runs: Runs) -> None:
    with pytest.raises(FilterSyntaxError):
        runs.aggregates(columns=["metrics.'"])
    with pytest.raises(NotFound):
        runs.aggregates(RunQuery(experiment="nothing"))
    with pytest.raises(InvalidInput):
        runs.aggregates(columns=[])
    with pytest.raises(InvalidInput):
        runs.aggregates(columns=["metrics.auc"] * 201)


def test_hostile_keys_are_only_keys(runs: Runs) -> None:
    key = "a') OR 1=1 --"
    run = runs.create(RunStart("e")).run.run_id
    runs.report(run, RunReport(metrics=[(key, 2.0, 0, 0)]))
    [found] = runs.aggregates(columns=[f"metrics.`{key}`"]).columns
    assert (found.count, found.mean) == (1, 2.0)


def test_more_runs_than_are_read_one_by_one_are_added_up_too(runs: Runs) -> None:
    points = {float(number): [("auc", float(number), 0, 0)] for number in range(USUAL.few + 1)}
    runs.import_runs(
        RunImport("one", name="x", start_ms=0, end_ms=int(number), metrics=metrics, params={"lr": "2"})
        for number, metrics in points.items()
    )
    added_up_as_one_by_one(runs, "active")
    runs.delete(runs.page(RunQuery(filter="metrics.auc = 7")).items[0].run_id)
    for lifecycle in get_args(Lifecycle):
        added_up_as_one_by_one(runs, lifecycle)


def added_up_as_one_by_one(runs: Runs, lifecycle: Lifecycle) -> None:
    query = RunQuery(filter="metrics.auc >= 0", lifecycle=lifecycle)
    values = [run.metrics["auc"] for run in runs.rows(runs.keys(query)).values()]
    found = runs.aggregates(query, ["metrics.auc", "params.lr", "duration"])
    assert found.things == len(values) == runs.count(query)
    assert [each.count for each in found.columns] == [len(values)] * 3
    for numbers in (found.columns[0], found.columns[2]):
        assert (numbers.least, numbers.greatest) == (min(values), max(values))
        assert numbers.mean == pytest.approx(sum(values) / len(values))
