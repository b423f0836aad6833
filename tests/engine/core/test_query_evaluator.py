from __future__ import annotations

import math

import pytest

from engine.core.query import RUNS, evaluate, order, parse_filter, parse_order_by
from tests.property.query_strategies import Thing

NAN = math.nan

ROW = Thing(
    metrics={"auc": 0.91, "loss": NAN, "big": math.inf},
    params={"lr": "1e-3", "model": "Tree", "depth": "7", "blank": "", "spaced": " 2 "},
    tags={"team": "risk", "Ünï": "Ärger"},
    attributes={"run_id": "r1", "run_name": "churn_7", "status": "failed", "start_time": 1_000, "end_time": None},
    datasets=[{"name": "train", "digest": "d1", "context": "training"}, {"name": "test", "digest": "d2"}],
)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("metrics.auc = 0.91", True),
        ("metrics.auc != 0.91", False),
        ("metrics.auc >= 0.91 AND metrics.auc <= 0.91", True),
        ("metrics.auc < 0.91 OR metrics.auc > 0.91", False),
        ("metrics.auc IN (0.9, 0.91)", True),
        ("metrics.auc NOT IN (0.9, 0.91)", False),
        ("metrics.big > 1e308", True),
        ("metrics.big = inf", True),
        ("params.model = 'Tree'", True),
        ("params.model = 'tree'", False),
        ("params.model != 'tree'", True),
        ("params.model IN ('tree', 'Tree')", True),
        ("tags.team IS NOT NULL", True),
        ("tags.team IS NULL", False),
        ("run_name = 'churn_7'", True),
        ("start_time > 999", True),
        ("start_time > 1000", False),
        ("status = 'FAILED'", True),
    ],
)
def test_each_operator_compares(text: str, passes: bool) -> None:
    tree = parse_filter(text, schema=RUNS)
    assert tree is not None
    assert evaluate(tree, ROW) is passes


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("params.lr = 0.001", True),
        ("params.lr = '0.001'", False),
        ("params.lr = '1e-3'", True),
        ("params.lr < 0.01", True),
        ("params.depth > 10", False),
        ("params.depth IN (7, 8)", True),
        ("params.spaced = 2", True),
        ("params.model < 1", False),
        ("params.model != 1", False),
        ("params.model NOT IN (1)", False),
        ("params.blank = 0", False),
        ("params.blank = ''", True),
    ],
)
def test_a_parameter_is_a_number_only_against_a_number(text: str, passes: bool) -> None:
    tree = parse_filter(text, schema=RUNS)
    assert tree is not None
    assert evaluate(tree, ROW) is passes


@pytest.mark.parametrize(
    "text",
    [
        "params.gone = 'x'",
        "params.gone != 'x'",
        "params.gone LIKE '%'",
        "params.gone IN ('x')",
        "params.gone NOT IN ('x')",
        "params.gone < 1",
        "params.gone IS NOT NULL",
        "metrics.gone != 1",
        "end_time != 5",
        "end_time < 5",
        "user_id != 'x'",
    ],
)
def test_what_is_missing_matches_no_comparison(text: str) -> None:
    tree = parse_filter(text, schema=RUNS)
    negated = parse_filter(f"NOT {text}", schema=RUNS)
    assert tree is not None
    assert negated is not None
    assert evaluate(tree, ROW) is False
    assert evaluate(negated, ROW) is True


@pytest.mark.parametrize("field", ["params.gone", "metrics.gone", "tags.gone", "end_time", "user_id"])
def test_what_is_missing_is_null(field: str) -> None:
    tree = parse_filter(f"{field} IS NULL", schema=RUNS)
    assert tree is not None
    assert evaluate(tree, ROW) is True


@pytest.mark.parametrize(
    ("operator", "passes"),
    [
        *((operator, False) for operator in ("= 1", "< 1", "> 1", "<= 1", ">= 1", "IN (1)", "IS NULL")),
        *((operator, True) for operator in ("!= 1", "NOT IN (1)", "IS NOT NULL")),
    ],
)
def test_nan_is_there_but_only_unequal(operator: str, passes: bool) -> None:
    tree = parse_filter(f"metrics.loss {operator}", schema=RUNS)
    assert tree is not None
    assert evaluate(tree, ROW) is passes


@pytest.mark.parametrize(
    ("pattern", "text", "like", "ilike"),
    [
        ("churn%", "churn_7", True, True),
        ("CHURN%", "churn_7", False, True),
        ("%n_7", "churn_7", True, True),
        ("churn__", "churn_7", True, True),
        ("churn_", "churn_7", False, False),
        ("churn", "churn_7", False, False),
        ("%", "", True, True),
        ("_", "", False, False),
        ("", "", True, True),
        ("%%u%", "churn_7", True, True),
        ("%a%b%", "xaxbx", True, True),
        ("%a%b%", "xbxax", False, False),
        ("a%a", "a", False, False),
        ("a.c", "abc", False, False),
        ("[a]", "[a]", True, True),
        ("a\\%", "a%", False, False),
        ("a%z", "a\nz", True, True),
        ("Ä%", "ärger", False, False),
        ("k", "\N{KELVIN SIGN}", False, False),
        ("%ab", "aab", True, True),
    ],
)
def test_like_knows_two_wildcards_and_ilike_folds_only_ascii(pattern: str, text: str, like: bool, ilike: bool) -> None:
    row = Thing(tags={"t": text})
    for operator, passes in (("LIKE", like), ("ILIKE", ilike)):
        tree = parse_filter(f"tags.t {operator} '{pattern}'", schema=RUNS)
        assert tree is not None
        assert evaluate(tree, row) is passes


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("dataset.name = 'test'", True),
        ("dataset.name != 'test'", True),
        ("dataset.name NOT IN ('train', 'test')", False),
        ("dataset.name = 'test' AND dataset.context = 'training'", True),
        ("dataset.context != 'training'", False),
        ("dataset.digest LIKE 'd_'", True),
        ("NOT dataset.name = 'other'", True),
    ],
)
def test_any_one_dataset_may_answer(text: str, passes: bool) -> None:
    tree = parse_filter(text, schema=RUNS)
    assert tree is not None
    assert evaluate(tree, ROW) is passes


def run(run_id: str, start_time: int | None = 0, auc: float | None = None, model: str | None = None) -> Thing:
    return Thing(
        metrics={} if auc is None else {"auc": auc},
        params={} if model is None else {"model": model},
        attributes={"run_id": run_id, "start_time": start_time},
    )


def ids(rows: list[Thing], by: str) -> list[object]:
    return [row.attributes["run_id"] for row in order(rows, parse_order_by(by), schema=RUNS)]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("metrics.auc ASC", ["low", "high", "huge", "nan", "none"]),
        ("metrics.auc DESC", ["huge", "high", "low", "nan", "none"]),
    ],
)
def test_metrics_sort_numbers_then_nan_then_missing_both_ways(by: str, expected: list[str]) -> None:
    rows = [run("none"), run("nan", auc=NAN), run("huge", auc=math.inf), run("low", auc=-1.0), run("high", auc=2.0)]
    assert ids(rows, by) == expected
    assert ids(rows[::-1], by) == expected


@pytest.mark.parametrize(("by", "expected"), [("params.model", "BabNone"), ("params.model DESC", "baBNone")])
def test_texts_sort_by_code_point_and_missing_last(by: str, expected: str) -> None:
    rows = [run("None"), run("b", model="b"), run("a", model="a"), run("B", model="B")]
    assert "".join(map(str, ids(rows, by))) == expected


@pytest.mark.parametrize("by", ["", "metrics.auc", "metrics.auc DESC"])
def test_ties_end_with_the_newest_and_then_the_id(by: str) -> None:
    rows = [run("b", 5), run("never", None), run("a", 5), run("new", 9), run("old", 1)]
    assert ids(rows, by) == ["new", "a", "b", "old", "never"]


def test_the_first_key_decides_and_the_next_ones_split_its_ties() -> None:
    rows = [run("x", auc=1.0, model="b"), run("y", auc=2.0, model="a"), run("z", auc=1.0, model="a")]
    assert ids(rows, "metrics.auc DESC, params.model") == ["y", "z", "x"]
    assert ids(rows, "params.model DESC, metrics.auc") == ["x", "z", "y"]
