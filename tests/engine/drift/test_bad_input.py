"""Whatever a column holds, something true is said of it, and nothing happens to the others."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from engine.drift.document import document, report_from
from engine.drift.domain import classify
from engine.drift.html import MAX_BYTES, page
from engine.drift.matrix import Matrix
from engine.drift.model import Decision, DriftReport
from engine.drift.pca import reconstruct
from tests.engine.drift.tables import WORST, compared, honest, result

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFERENCE, CURRENT = 2_000, 500
METHODS = [
    *((name, False) for name in ("ks", "psi>0.2", "chi2", "wasserstein>0.1", "js>0.1", "hellinger", "kl>0.1", "linf")),
    *((name, True) for name in ("margin", "ks", "wasserstein", "ad", "cvm")),
]


def worst(rows: int, side: int) -> dict[str, NDArray[Any]]:
    return {name: made[side](rows) for name, made in WORST.items()}  # type: ignore[operator]


@pytest.fixture(scope="module")
def report() -> DriftReport:
    return compared(worst(REFERENCE, 0), worst(CURRENT, 1))


@pytest.mark.parametrize("name", WORST)
def test_what_is_said_of_the_worst_columns_is_true(report: DriftReport, name: str) -> None:
    found = result(report, name)
    assert (found.decision.value, bool(found.reason)) == (WORST[name][2], True), found


def test_every_drift_says_what_changed_and_nothing_else_does(report: DriftReport) -> None:
    assert [each.name for each in report.features if bool(each.changed) is not each.drift] == []


@pytest.mark.parametrize(("method", "exact"), METHODS)
def test_the_worst_columns_do_not_change_what_is_said_of_honest_ones(method: str, *, exact: bool) -> None:
    alone = compared(honest(300), honest(200, 1, shift=1), method, exact=exact)
    beside = compared(worst(300, 0) | honest(300), worst(200, 1) | honest(200, 1, shift=1), method, exact=exact)
    for name in honest(1):
        one, other = result(alone, name), result(beside, name)
        assert (one.effect, one.bins, one.drift) == (other.effect, other.bins, other.drift)
    assert len(beside.features) == len(WORST) + 4
    assert result(beside, "income").drift


@pytest.mark.parametrize(("rows", "other"), [(2_000, 1), (2_000, 0), (0, 500), (1, 500), (1, 1), (0, 0), (40, 30)])
def test_few_rows_are_enough_for_an_answer_and_never_for_a_false_one(rows: int, other: int) -> None:
    found = compared(honest(rows), honest(other, 1))
    assert {each.decision for each in found.features} <= {Decision.NOT_ENOUGH, Decision.LEFT_OUT, Decision.STABLE}
    assert len(found.features) == 4
    assert all(each.reason for each in found.features)
    if other <= 1 and rows > 1:
        assert found.counted(Decision.NOT_ENOUGH) == 4


def test_a_report_of_the_worst_columns_is_json_that_reads_back_and_html_that_fits(report: DriftReport) -> None:
    told = json.loads(json.dumps(document(report), allow_nan=False))
    assert document(report_from(told)) == document(report)
    assert len(page(report).encode()) <= MAX_BYTES


def test_a_column_that_is_gone_is_drift_and_one_that_is_new_is_left_out() -> None:
    current = honest(CURRENT, 1)
    del current["income"]
    found = compared(honest(REFERENCE), current | {"bonus": current["age"]})
    assert (found.features[0].name, found.features[0].drift, found.features[0].method) == ("income", True, "schema")
    assert result(found, "bonus").decision is Decision.LEFT_OUT
    assert result(found, "age").decision is Decision.STABLE


def test_labels_that_are_not_known_yet_are_no_drift() -> None:
    current = honest(CURRENT, 1)
    del current["region"]
    found = compared(honest(REFERENCE), current, rules={"labels": ("region",)})
    assert (result(found, "region").decision, found.drift) == (Decision.LEFT_OUT, False)


def test_the_same_table_never_differs_from_itself() -> None:
    both = worst(REFERENCE, 0) | honest(REFERENCE)
    assert compared(both, both).drifted == ()


def test_nothing_is_said_by_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compared(worst(REFERENCE, 0), worst(CURRENT, 1), exact=True)


def test_values_of_another_type_are_called_that() -> None:
    found = compared({"a": honest(REFERENCE)["income"]}, {"a": np.array(["x", "y"] * 250, object)})
    assert found.features[0].changed == "Values are stored as text, and were as number."


def test_columns_without_any_number_and_with_the_greatest_are_looked_at_together() -> None:
    rows = 300
    source = np.random.default_rng(3)
    ends = np.where(source.random(rows) < 0.5, -1.79e308, 1.79e308)
    empty = np.full(rows, np.nan)
    side = np.column_stack((empty, ends, source.normal(size=rows), source.normal(size=rows)))
    matrix = Matrix(("empty", "ends", "x", "y"), (True,) * 4, side, side[::-1].copy())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for look in (classify, reconstruct):
            assert look(matrix, 0.05).decision is Decision.STABLE
