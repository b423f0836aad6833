"""Searching by what stands in a run's own row, and among several experiments."""

from __future__ import annotations

import pytest

from engine.core.query import RUNS, parse_filter, parse_order_by
from engine.tracking.model import RunQuery, RunReport, RunStart
from engine.tracking.service import Runs


@pytest.fixture
def family(runs: Runs) -> dict[str, str]:
    """Ids by name: a parent, two children of it, and one apart with a note, over three experiments."""
    parent = runs.create(RunStart("one", name="parent", start_ms=1)).run.run_id
    made = {"parent": parent}
    for number, (name, experiment) in enumerate((("first", "one"), ("second", "two"), ("apart", "three")), start=2):
        start = RunStart(experiment, name=name, start_ms=number, parent_run_id=None if name == "apart" else parent)
        made[name] = runs.create(start).run.run_id
    runs.report(made["apart"], RunReport(note="look here"))
    return made


def names(runs: Runs, query: RunQuery) -> list[str]:
    found = [run.name for run in runs.page(query).items]
    assert found == [name.decode() for name in runs.encoded(query, lambda record: record.run.name.encode()).items]
    assert len(found) == runs.count(query)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parent_run_id = '{parent}'", "second first"),
        ("parent = '{parent}'", "second first"),
        ("parent_run_id IN ('{parent}', 'x')", "second first"),
        ("parent_run_id != 'x'", "second first"),
        ("parent_run_id = 'x'", ""),
        ("parent_run_id IS NULL", "apart parent"),
        ("parent_run_id IS NOT NULL", "second first"),
        ("NOT parent_run_id = '{parent}'", "apart parent"),
        ("note LIKE 'look%'", "apart"),
        ("note = ''", ""),
        ("note IS NULL", "second first parent"),
        ("artifact_path LIKE '%/{first}/artifacts'", "first"),
        ("parent_run_id = '{parent}' AND run_name = 'first'", "first"),
    ],
)
def test_runs_are_found_by_their_parent_note_and_place(
    runs: Runs, family: dict[str, str], text: str, expected: str
) -> None:
    for name, run_id in family.items():
        text = text.replace(f"{{{name}}}", run_id)
    assert names(runs, RunQuery(text)) == expected.split()


def test_runs_are_sorted_by_parent_and_note_with_what_is_missing_last(runs: Runs, family: dict[str, str]) -> None:
    assert set(family)
    assert names(runs, RunQuery(order_by=("note", "start_time"))) == ["apart", "parent", "first", "second"]
    assert names(runs, RunQuery(order_by=("parent DESC", "start_time"))) == ["first", "second", "parent", "apart"]


@pytest.mark.parametrize("order", [(), ("start_time",), ("run_name",), ("metrics.none",)])
@pytest.mark.parametrize(
    ("experiments", "expected"),
    [
        (("one",), {"parent", "first"}),
        (("one", "three"), {"parent", "first", "apart"}),
        (("two", "two"), {"second"}),
        (("one", "two", "three"), {"parent", "first", "second", "apart"}),
        ((), set()),
    ],
)
def test_several_experiments_are_one_list(
    runs: Runs, family: dict[str, str], experiments: tuple[str, ...], expected: set[str], order: tuple[str, ...]
) -> None:
    keys = {run.experiment: run.experiment_id for run in runs.page().items}
    query = RunQuery(experiment_ids=tuple(keys[name] for name in experiments), order_by=order)
    found = names(runs, query)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert len(runs.keys(query)) == len(expected)
    assert len(family) == 4


def test_an_experiment_by_name_and_others_by_key_have_nothing_in_common(runs: Runs, family: dict[str, str]) -> None:
    keys = {run.experiment: run.experiment_id for run in runs.page().items}
    assert names(runs, RunQuery(experiment="one", experiment_ids=(keys["two"],))) == []
    assert len(names(runs, RunQuery(experiment="one", experiment_ids=(keys["one"], 99)))) == 2
    assert len(family) == 4


def test_a_parsed_search_is_the_same_as_its_text(runs: Runs, family: dict[str, str]) -> None:
    text, order = "run_name LIKE '%t' OR run_name = 'second'", ("run_name DESC",)
    tree = parse_filter(text, schema=RUNS)
    assert tree is not None
    parsed = RunQuery(tree, parse_order_by(order, schema=RUNS), limit=1)
    written = RunQuery(text, order, limit=1)
    first = runs.page(parsed)
    assert [run.name for run in first.items] == [run.name for run in runs.page(written).items] == ["second"]
    rest = runs.page(RunQuery(tree, parsed.order_by, page_token=first.next_page_token))
    assert [run.name for run in rest.items] == ["parent", "first", "apart"]
    assert len(family) == 4
