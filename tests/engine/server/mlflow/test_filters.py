"""MLflow's filters and orders as queries of the engine: what is translated, and in which words the rest is refused."""

from __future__ import annotations

import time

import pytest

from engine.core.errors import InvalidInput
from engine.core.query import unparse
from engine.core.query.tree import OrderBy
from engine.server.mlflow.filters import experiment_query, run_filter, run_query
from engine.tracking.model import RunQuery


def asked(text: str) -> str:
    """The filter as the engine asks it, in our words."""
    found = run_filter(text)
    return found if isinstance(found, str) else unparse(found)


def search(text: str = "", *order: str, limit: int = 1, view: str | None = None, ids: tuple[str, ...] = ()) -> RunQuery:
    return run_query(text, order, experiment_ids=ids, view=view, limit=limit, page_token=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("metrics.auc > 0.9", "metrics.auc > 0.9"),
        ("params.lr = '0.1' and tag.team != 'red'", "params.lr = '0.1' AND tags.team != 'red'"),
        ("params.depth > 8", "params.depth > 8.0"),
        ("tags.`mlflow.runName` LIKE 'a%'", "run_name LIKE 'a%'"),
        ("tags.mlflow.note.content IS NULL", "note IS NULL"),
        ("tags.mlflow.parentRunId = 'p'", "parent_run_id = 'p' OR tags.mlflow.parentRunId = 'p'"),
        ("tags.mlflow.parentRunId IS NULL", "parent_run_id IS NULL AND tags.mlflow.parentRunId IS NULL"),
        ("tags.mlflow.user = 'grace'", "tags.mlflow.user = 'grace'"),
        ("status = 'FINISHED'", "status = 'finished'"),
        ("status != 'FAILED'", "status != 'failed'"),
        ("status = 'finished'", "status = ' '"),
        ("status LIKE 'F%'", "status LIKE 'f%'"),
        ("status LIKE 'f%'", "status LIKE ' '"),
        ("status ILIKE 'f%'", "status ILIKE 'f%'"),
        ("status IN ('FAILED', 'killed')", "status IN ('failed', ' ')"),
        ("artifact_uri = 'mlflow-artifacts:/1/r/artifacts'", "artifact_path = '/1/r/artifacts'"),
        ("artifact_uri = 's3://b'", "artifact_path = ' '"),
        ("artifact_uri LIKE '%/r/%'", "artifact_path LIKE '%/r/%'"),
        ("artifact_uri ILIKE 'MLFLOW-ARTIFACTS:/1/%'", "artifact_path ILIKE '/1/%'"),
        ("(status = 'FAILED' OR NOT tags.mlflow.runName = 'x')", "status = 'failed' OR NOT run_name = 'x'"),
    ],
)
def test_what_mlflow_keeps_elsewhere_is_translated(text: str, expected: str) -> None:
    assert asked(text) == expected


@pytest.mark.parametrize(
    ("order", "key", "descending"),
    [
        ("metrics.auc DESC", "auc", True),
        ("tags.mlflow.runName", "run_name", False),
        ("tags.`mlflow.note.content` desc", "note", True),
        ("attributes.start_time ASC", "start_time", False),
    ],
)
def test_orders_are_translated(order: str, key: str, descending: bool) -> None:
    [found] = search("", order).order_by
    assert isinstance(found, OrderBy)
    assert (found.field.key, found.descending) == (key, descending)


@pytest.mark.parametrize(
    ("view", "lifecycle"),
    [
        (None, "active"),
        ("", "active"),
        ("ACTIVE_ONLY", "active"),
        ("DELETED_ONLY", "deleted"),
        ("ALL", "all"),
        ("3", "all"),
    ],
)
def test_view_types_are_lifecycles(view: str | None, lifecycle: str) -> None:
    assert search(view=view).lifecycle == lifecycle


def test_experiments_that_cannot_be_hold_no_runs() -> None:
    assert search(ids=("1", "abc", "2", "1", "", "-1", "٣")).experiment_ids == (1, 2)
    assert search(ids=("9" * 40,)).experiment_ids == (-1,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bogus", "Invalid clause(s) in filter string: 'bogus'"),
        ("metrics.acc > 'x'", "Expected numeric value type for metric. Found 'x'"),
        ("metrics.acc LIKE 'a%'", "Expected numeric value type for metric. Found 'a%'"),
        ("params.lr = 5", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 5"),
        ("tags.team != 5", "Expected a quoted string value for tag (e.g. 'my-value'). Got value 5"),
        ("params.p LIKE 5", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 5"),
        ("foo.x = 1", "Invalid entity type 'foo'. Valid values are"),
        ("attributes.foo = 'x'", "Invalid attribute key 'foo' specified. Valid keys are"),
        ("status > 'x'", "Invalid comparator '>' not one of"),
        ("start_time = 'x'", "Expected numeric value type for numeric attribute: start_time. Found 'x'"),
        ("metrics.a > 1 AND foo.b = 2 AND metrics.c > 1", "Invalid entity type 'foo'"),
        ("metrics.acc = ", "Invalid clause(s) in filter string"),
        ("params.lr = 'unterminated", "Invalid clause(s) in filter string"),
        ("metrics.a > 1 metrics.b > 2", "Invalid clause(s) in filter string"),
        ("dataset.foo = 'x'", "Invalid clause(s) in filter string"),
        ("(" * 200 + "metrics.a > 1" + ")" * 200, "Invalid clause(s) in filter string"),
        ("a" * 30_000, "Invalid clause(s) in filter string"),
        ("tags.x = '\0'", "Invalid clause(s) in filter string"),
        ("tags.x = '\ud800'", "Invalid clause(s) in filter string"),
    ],
)
def test_a_wrong_filter_is_refused_in_words_that_users_know(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run_filter(text)
    assert words in caught.value.message
    assert len(caught.value.message) < 1_000


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("foo.x", "Invalid entity type 'foo'"),
        ("attributes.foo", "Invalid attribute key 'foo'"),
        ("metrics.m UP", "Invalid ordering key in order_by clause 'metrics.m UP'"),
        ("dataset.name", "Invalid ordering key in order_by clause 'dataset.name'"),
        ("metrics.", "Invalid ordering key in order_by clause 'metrics.'"),
    ],
)
def test_a_wrong_order_is_refused_in_words_that_users_know(order: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        search("", order)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("limit", "words"), [(0, "a positive integer"), (-1, "a positive integer"), (50_001, "at most 50000")]
)
def test_a_page_has_a_sensible_size(limit: int, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        search(limit=limit)
    with pytest.raises(InvalidInput, match=words):
        experiment_query("", (), view=None, limit=limit, page_token=None)


def test_an_unknown_view_type_is_refused() -> None:
    with pytest.raises(InvalidInput, match="ACTIVE_ONLY"):
        search(view="BOGUS")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bogus", "Invalid clause(s) in filter string"),
        ("foo = 'x'", "Invalid attribute key 'foo'"),
        ("name > 'x'", "Invalid comparator '>'"),
        ("metrics.a > 1", "experiments have no metrics"),
    ],
)
def test_a_wrong_search_over_experiments_is_refused_too(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        experiment_query(text, (), view=None, limit=1, page_token=None)
    assert words in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "a" * 19_999,
        "a." * 9_999,
        "metrics.a>1 " * 1_600,
        "(" * 19_999,
        "'" * 19_999,
        "`" * 19_999,
        "metrics." + "`" * 3_000,
        "NOT " * 4_999,
        "a b " * 900,
        "a\n" * 1_900,
        " " * 3_990 + "x",
        "metrics.a IN (" + "1," * 9_000,
    ],
)
def test_a_long_wrong_filter_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidInput):
        run_filter(text)
    assert time.process_time() - began < 0.5
