"""Run queries mean what a plain reading of their words says, in memory and in SQL."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import FilterSyntaxError, InvalidInput
from engine.core.query import RUNS, evaluate, number_of, parse_quick
from engine.core.query.finding import parse_runs
from engine.tracking.model import RunImport, RunQuery
from tests.builders import make_database, make_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.tracking.model import RunDetail
    from engine.tracking.service import Runs

PARAMS = ("lr", "odd:key", "model")
METRICS = ("auc", "system/cpu_utilization_percentage")
LOGGED = ("0.001", "1e-3", "0.1", " 7 ", "auto", "A debug run", "1..2", "-3", "inf")
NUMBERS = (0.0, 1e-3, 0.1, 7.0, float("inf"), float("nan"))
BOUNDS = ("0", "1e-3", "0.05", "7", "-4", "inf")
PIECES = ("debug", "A", "1", "..", "auto", "e-")
NAMES = ("debug run", "Loan", "churn-debug", "a:b")


@dataclass(frozen=True)
class Term:
    """A term as it is typed, and what it plainly says of a run."""

    text: str
    key: str
    how: str
    value: tuple[str, ...]
    negated: bool

    def holds(self, run: Mapping[str, object]) -> bool:
        return self._there(run.get(self.key)) is not self.negated

    def _there(self, stored: object) -> bool:
        if stored is None:
            return False
        if self.how == ":" and isinstance(stored, str):
            return any(value.lower() in stored.lower() for value in self.value)
        number = number_of(stored) if isinstance(stored, str) else float(str(stored))
        if number is None or math.isnan(number):
            return False
        low, high = (number_of(value) for value in self.value)
        return (low is None or low <= number) and (high is None or number <= high)


@st.composite
def terms(draw: st.DrawFn) -> Term:
    """A bound, a range or a text within, of a parameter, a metric or the name."""
    sign = draw(st.sampled_from(["", "-", "!"]))
    how = draw(st.sampled_from([">=", "<=", "..", ":"]))
    if how == ":":
        key, name = draw(st.sampled_from([*((f"params.{key}", key) for key in PARAMS), ("name", "name")]))
        values = tuple(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=2, unique=True)))
        written = ",".join(f'"{value}"' for value in values)
    else:
        kind = draw(st.sampled_from(["params", "cfg", "config", "metrics", "summary"]))
        name = draw(st.sampled_from(PARAMS if kind in ("params", "cfg", "config") else METRICS))
        key = f"{kind}.{name}"
        low, high = draw(st.sampled_from(BOUNDS)), draw(st.sampled_from(BOUNDS))
        values = {">=": (low, ""), "<=": ("", high), "..": (low, high)}[how]
        written = "..".join(values) if how == ".." else low if how == ">=" else high
    prefix, dot, rest = key.partition(".")
    quoted = f"{prefix}.`{rest}`" if dot and ":" in rest else key
    operator = draw(st.sampled_from(["=", ":"])) if how == ".." and not key.startswith(("params", "c")) else how
    operator = "=" if operator == ".." else operator
    stored = (
        f"metrics.{name}" if key.startswith(("metrics", "summary")) else name if key == "name" else f"params.{name}"
    )
    return Term(f"{sign}{quoted}{operator}{written}", stored, how, values, bool(sign))


def plain(run: RunDetail) -> dict[str, object]:
    """A run as a plain reading sees it."""
    return {
        "name": run.name,
        **{f"params.{key}": value for key, value in run.params.items()},
        **{f"metrics.{key}": value for key, value in run.metrics.items()},
    }


@dataclass(frozen=True)
class Seen:
    """A run as the evaluator sees it."""

    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    attributes: Mapping[str, str]
    datasets: tuple[Mapping[str, str], ...] = ()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    database = make_database(tmp_path_factory.mktemp("queries"))
    runs = make_runs(database)
    runs.import_runs(
        RunImport(
            experiment="a",
            name=NAMES[place % len(NAMES)],
            start_ms=place,
            params={
                key: LOGGED[(place * step) % len(LOGGED)] for step, key in enumerate(PARAMS, 1) if place % 4 != step
            },
            metrics=[
                (key, NUMBERS[(place + step) % len(NUMBERS)], 0, 0)
                for step, key in enumerate(METRICS)
                if place % 3 != step
            ],
        )
        for place in range(60)
    )
    yield runs
    database.close()


@pytest.fixture(scope="module")
def details(runs: Runs) -> list[RunDetail]:
    return [runs.get(run.run_id) for run in runs.page(RunQuery(limit=100)).items]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asked=st.lists(terms(), min_size=1, max_size=4))
def test_a_query_finds_the_runs_that_a_plain_reading_finds(
    runs: Runs, details: list[RunDetail], asked: list[Term]
) -> None:
    text = " ".join(term.text for term in asked)
    expected = {run.run_id for run in details if all(term.holds(plain(run)) for term in asked)}
    known = runs.columns()
    tree = parse_runs(text, known, 0).predicate
    assert tree is not None
    seen = {run.run_id: Seen(run.metrics, run.params, run.tags, {"run_name": run.name}) for run in details}
    assert {run_id for run_id, row in seen.items() if evaluate(tree, row)} == expected
    query = RunQuery(find=text, limit=100)
    assert {run.run_id for run in runs.page(query).items} == expected
    assert runs.count(query) == len(expected)


def test_free_words_stand_in_any_of_the_texts_and_join_a_filter(runs: Runs) -> None:
    query = RunQuery("params.model = 'auto' OR params.lr = 'auto'", find="debug -churn", limit=100)
    found = runs.page(query).items
    assert found
    assert {run.name for run in found} == {"debug run"}
    assert all("auto" in (run.params.get("model"), run.params.get("lr")) for run in found)
    assert runs.count(RunQuery("params.lr = 'auto'")) == runs.count(RunQuery("params.lr = 'auto'", find=" "))


def test_pages_of_a_query_about_ages_are_of_one_query(runs: Runs) -> None:
    first = runs.page(RunQuery(find="start_time<0s -churn", limit=7))
    assert first.next_page_token is not None
    rest = runs.page(RunQuery(find="start_time<0s -churn", limit=100, page_token=first.next_page_token))
    assert len(first.items) + len(rest.items) == runs.count(RunQuery(find="-churn"))
    with pytest.raises(InvalidInput, match="not of this query"):
        runs.page(RunQuery(find="start_time<1s -churn", page_token=first.next_page_token))


def test_a_regular_expression_is_no_query(runs: Runs) -> None:
    with pytest.raises(InvalidInput, match="regular expression"):
        runs.page(RunQuery(find="/churn/"))


_TYPED = ["note:", "-", "!", ":", "..", "auc", "auc:", "cfg.", "lr=", "1..", "..2", "'", '"', "`", "--", "x:y", "//"]


def problem(text: str) -> FilterSyntaxError | None:
    try:
        parse_quick(text, RUNS, ["auc"], ["lr"], 0)
    except FilterSyntaxError as error:
        return error
    return None


@given(st.lists(st.sampled_from(_TYPED) | st.text(max_size=3), max_size=8).map("".join))
def test_whatever_is_typed_parses_or_points_at_its_own_column(text: str) -> None:
    error = problem(text)
    if error is not None:
        column = error.details["column"]
        assert isinstance(column, int)
        assert 1 <= column <= len(text) + 1
        assert str(error).isprintable()
