"""Rules that hold for every filter, whoever wrote it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import FilterSyntaxError
from engine.core.query import (
    AUDIT,
    EXPERIMENTS,
    MODELS,
    RUNS,
    VERSIONS,
    And,
    Comparison,
    Entity,
    Filter,
    Not,
    Operator,
    Or,
    OrderBy,
    Schema,
    evaluate,
    field_text,
    number_of,
    order,
    parse_filter,
    parse_order_by,
    parse_quick,
    parse_quick_order,
    sort_key,
    unparse,
    unparse_order_by,
)
from tests.property.query_strategies import Thing, comparisons, filters, orders, things

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = (RUNS, EXPERIMENTS, MODELS, VERSIONS, AUDIT)
schemas = st.sampled_from(SCHEMAS)

# Words of the language thrown together come much closer to parsing than random characters.
_PIECES = [
    *("metrics.", "params.a", "tags.`x y`", "status", "start_time", "dataset.name", "run.", "metrics.auc", "`", '"'),
    *("=", "!=", "<", ">=", "LIKE", "ilike", "IN", "NOT", "IS", "NULL", "AND", "or", "(", ")", ",", "~", "!", "/"),
    *("'x'", '"y"', "1", "-2.5e3", "nan", "inf", "'2h'", "'2026-11-03'", "'", "\\", "'10m'", "9" * 30, "sort:"),
]
near_filters = st.lists(st.sampled_from(_PIECES), max_size=12).map(" ".join) | st.lists(
    st.sampled_from(_PIECES), max_size=8
).map("".join)
hostile = near_filters | st.text(max_size=60) | st.text(st.characters(), max_size=20)


def problem(parse: Callable[[], object]) -> FilterSyntaxError | None:
    try:
        parse()
    except FilterSyntaxError as error:
        return error
    return None


@given(hostile, schemas)
def test_any_text_parses_or_points_at_its_own_column(text: str, schema: Schema) -> None:
    for parse in (
        lambda: parse_filter(text, schema=schema, now_ms=0),
        lambda: parse_order_by(text, schema=schema),
        lambda: parse_quick(text, schema, ["auc"], ["lr"], 0),
        lambda: parse_quick_order(text, schema, ["auc"], ["lr"]),
    ):
        error = problem(parse)
        if error is not None:
            column = error.details["column"]
            assert isinstance(column, int)
            assert 1 <= column <= len(text) + 1
            assert str(error).isprintable()


@given(st.data(), schemas)
def test_a_written_filter_reads_as_the_same_tree(data: st.DataObject, schema: Schema) -> None:
    tree = data.draw(filters(schema))
    assert parse_filter(unparse(tree), schema=schema) == tree


@given(hostile, schemas)
def test_what_parses_survives_writing_and_reading(text: str, schema: Schema) -> None:
    try:
        tree = parse_filter(text, schema=schema, now_ms=10**12)
    except FilterSyntaxError:
        return
    assert parse_filter(unparse(tree), schema=schema) == tree


@given(st.data(), schemas)
def test_a_written_order_reads_as_the_same_keys(data: st.DataObject, schema: Schema) -> None:
    by = data.draw(orders(schema))
    assert parse_order_by(unparse_order_by(by), schema=schema) == by
    assert parse_order_by([unparse_order_by([key]) for key in by], schema=schema) == by


@given(filters(), things())
def test_a_row_passes_a_filter_or_its_negation(tree: Filter, row: Thing) -> None:
    assert evaluate(Not(tree), row) is not evaluate(tree, row)


@given(filters(), filters(), things())
def test_and_or_and_not_obey_de_morgan(left: Filter, right: Filter, row: Thing) -> None:
    both, either = And((left, right)), Or((left, right))
    assert evaluate(Not(both), row) == evaluate(Or((Not(left), Not(right))), row)
    assert evaluate(Not(either), row) == evaluate(And((Not(left), Not(right))), row)


@given(comparisons())
def test_a_missing_key_matches_only_is_null(comparison: Comparison) -> None:
    assert evaluate(comparison, Thing()) is (comparison.operator is Operator.IS_NULL)


@given(comparisons(MODELS))
def test_a_missing_tag_also_differs_where_the_schema_says_so(comparison: Comparison) -> None:
    expected = comparison.operator in (Operator.IS_NULL, Operator.DIFFERS)
    assert evaluate(comparison, Thing()) is expected


@given(comparisons(), things())
def test_in_is_equal_to_one_and_not_in_to_none(comparison: Comparison, row: Thing) -> None:
    value = comparison.value
    if value is None or comparison.field.entity is Entity.DATASET:  # any one of several datasets may answer
        return
    values = value if isinstance(value, tuple) else (value,)
    equals = Or(tuple(Comparison(comparison.field, Operator.EQUAL, one) for one in values))
    listed = Comparison(comparison.field, Operator.IN, values)  # type: ignore[arg-type]  # one type, drawn so
    assert evaluate(listed, row) is evaluate(equals, row)
    unequal = And(tuple(Comparison(comparison.field, Operator.NOT_EQUAL, one) for one in values))
    none = Comparison(comparison.field, Operator.NOT_IN, values)  # type: ignore[arg-type]  # one type, drawn so
    assert evaluate(none, row) is evaluate(unequal, row)


@given(st.lists(things(), max_size=6), orders())
def test_an_order_keeps_all_rows_and_puts_values_then_nan_then_missing(
    rows: list[Thing], by: tuple[OrderBy, ...]
) -> None:
    ordered = order(rows, by, schema=RUNS)
    assert sorted(map(id, ordered)) == sorted(map(id, rows))
    for first in by[:1]:
        ranks = [sort_key(row, first.field) for row in ordered]
        assert [rank for rank, _ in ranks] == sorted(rank for rank, _ in ranks)
        values = [value for rank, value in ranks if rank == 0]
        assert values == sorted(values, reverse=first.descending)


@given(st.lists(things(), max_size=6), orders())
def test_an_order_does_not_depend_on_the_order_before(rows: list[Thing], by: tuple[OrderBy, ...]) -> None:
    distinct = [
        Thing(row.metrics, row.params, row.tags, {**row.attributes, "run_id": str(place)}, row.datasets)
        for place, row in enumerate(rows)
    ]
    once = order(distinct, by, schema=RUNS)
    assert [id(row) for row in order(distinct[::-1], by, schema=RUNS)] == [id(row) for row in once]


@given(st.text(max_size=20) | st.floats().map(repr) | st.integers().map(str))
def test_a_number_is_read_as_python_reads_it_or_not_at_all(text: str) -> None:
    number = number_of(text)
    if number is not None:
        assert number == float(text)


@given(comparisons())
def test_a_field_is_written_as_the_key_it_sorts_by(comparison: Comparison) -> None:
    text = field_text(comparison.field)
    if comparison.field.entity is Entity.DATASET:
        with pytest.raises(FilterSyntaxError):
            parse_order_by(text)
    else:
        assert parse_order_by(text) == (OrderBy(comparison.field),)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000,
        "NOT " * 4_999,
        "'" * 19_999,
        "metrics.`" + "``" * 9_000,
        '"' + '""' * 9_000,
        "metrics.a = " + "9" * 19_000,
        "metrics.a < 1 AND " * 1_000 + "x",
        "metrics.a IN (" + "1," * 9_000,
        "tags.a LIKE '" + "%" * 19_000,
        " " * 20_000 + "x",
        "a" * 20_000,
        "=" * 20_000,
        "a." * 10_000,
        "\ud800" * 20_000,
        "/" + "\\/" * 9_999,
        "a`" * 9_999,
        "a=" + "'x'," * 4_999,
    ],
)
def test_hostile_text_is_answered_at_once(text: str) -> None:
    started = time.perf_counter()
    for parse in (lambda: parse_filter(text, schema=RUNS), lambda: parse_quick(text, RUNS)):
        assert len(str(problem(parse))) < 1_000
    assert time.perf_counter() - started < 2.0


def test_a_pattern_full_of_wildcards_is_matched_in_bounded_time() -> None:
    row = Thing(tags={"x": "a" * 5_000})
    tree = parse_filter(f"tags.x LIKE '{'a%' * 60}b'", schema=RUNS)
    assert tree is not None
    started = time.perf_counter()
    assert evaluate(tree, row) is False
    assert time.perf_counter() - started < 2.0
