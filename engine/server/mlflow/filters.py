"""Searches as MLflow writes them: its filters and orders as queries of the engine.

Its grammar is a subset of ours, and means the same, but for what it keeps in tags and we keep apart, the upper case of
its statuses, and the address of a run's artifacts: those are translated here. Numbers are not taken as equal to params
and tags, which are texts; they may be more or less than numbers, which MLflow does not ask.
"""

from __future__ import annotations

from dataclasses import replace
from time import time
from typing import TYPE_CHECKING

from engine.core.errors import FilterSyntaxError, InvalidInput
from engine.core.query import (
    EXPERIMENTS,
    RUNS,
    And,
    Comparison,
    Entity,
    Field,
    Kind,
    Not,
    Operator,
    Or,
    OrderBy,
    parse_filter,
    parse_order_by,
)
from engine.server.mlflow.shapes import NAME_TAG, NOTE_TAG, PARENT_TAG, experiment_key, lifecycle_of
from engine.server.mlflow.wording import worded_filter, worded_order
from engine.tracking.model import ExperimentQuery, RunQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.core.query import Filter, Schema, Value

MAX_RUNS = 50_000
"""Most runs or experiments of a page."""

_RUNS = replace(
    RUNS,
    attributes=tuple(
        attribute._replace(kind=Kind.TEXT) if attribute.name == "status" else attribute for attribute in RUNS.attributes
    ),
)

_STATUS = Field(Entity.ATTRIBUTE, "status")
_ADDRESS = Field(Entity.ATTRIBUTE, "artifact_uri")
_PLACE = Field(Entity.ATTRIBUTE, "artifact_path")
_PARENT = Field(Entity.ATTRIBUTE, "parent_run_id")
_SCHEME = "mlflow-artifacts:"
_KEPT_APART = {
    Field(Entity.TAG, NAME_TAG): Field(Entity.ATTRIBUTE, "run_name"),
    Field(Entity.TAG, NOTE_TAG): Field(Entity.ATTRIBUTE, "note"),
}
_NONE_SUCH = " "
"""A text that no status and no address is like."""


_MOST_ORDERS = 100


def run_query(
    text: str,
    order_by: Sequence[str],
    *,
    experiment_ids: Sequence[str],
    view: str | None,
    limit: int,
    page_token: str | None,
) -> RunQuery:
    """A search over runs.

    Args:
        text: MLflow's filter.
        order_by: MLflow's sort keys.
        experiment_ids: The experiments' ids; those that are no numbers hold no runs.
        view: MLflow's view type.
        limit: Most runs of the page.
        page_token: Continues an earlier page.

    Returns:
        The query.

    Raises:
        InvalidInput: the filter, an order, the view type or the limit is not valid; worded as MLflow does.
    """
    _check_limit(limit)
    keys = (experiment_key(each) for each in experiment_ids if each.isascii() and each.isdigit())
    return RunQuery(
        filter=run_filter(text),
        order_by=tuple(replace(key, field=_KEPT_APART.get(key.field, key.field)) for key in _orders(order_by, _RUNS)),
        experiment_ids=tuple(dict.fromkeys(keys)),
        lifecycle=lifecycle_of(view),
        limit=limit,
        page_token=page_token,
    )


def experiment_query(
    text: str, order_by: Sequence[str], *, view: str | None, limit: int, page_token: str | None
) -> ExperimentQuery:
    """A search over experiments.

    Args:
        text: MLflow's filter.
        order_by: MLflow's sort keys.
        view: MLflow's view type.
        limit: Most experiments of the page.
        page_token: Continues an earlier page.

    Returns:
        The query.

    Raises:
        InvalidInput: the filter, an order, the view type or the limit is not valid; worded as MLflow does.
    """
    _check_limit(limit)
    _parsed(text, EXPERIMENTS)
    _orders(order_by, EXPERIMENTS)
    return ExperimentQuery(text, tuple(order_by), lifecycle_of(view), limit, page_token)


def run_filter(text: str) -> Filter | str:
    """MLflow's filter over runs as the engine asks it; empty for all.

    Raises:
        InvalidInput: it does not parse; worded as MLflow does.
    """
    tree = _parsed(text, _RUNS)
    return "" if tree is None else _translated(tree)


def _parsed(text: str, schema: Schema) -> Filter | None:
    try:
        return parse_filter(text, schema=schema, now_ms=int(time() * 1000))
    except FilterSyntaxError as error:
        raise worded_filter(text, error, schema) from error


def _orders(texts: Sequence[str], schema: Schema) -> tuple[OrderBy, ...]:
    try:
        if len(texts) > _MOST_ORDERS:
            raise InvalidInput(f"order_by has {len(texts)} keys; {_MOST_ORDERS} are more than anybody needs.")
        return parse_order_by(texts, schema=schema)
    except FilterSyntaxError as error:
        raise worded_order(texts, error, schema) from error


def _check_limit(limit: int) -> None:
    problem = f"Invalid value {limit} for parameter 'max_results' supplied. It must be"
    if limit < 1:
        raise InvalidInput(f"{problem} a positive integer")
    if limit > MAX_RUNS:
        raise InvalidInput(f"{problem} at most {MAX_RUNS}")


def _translated(tree: Filter) -> Filter:
    if isinstance(tree, And):
        return And(tuple(_translated(part) for part in tree.parts))
    if isinstance(tree, Or):
        return Or(tuple(_translated(part) for part in tree.parts))
    if isinstance(tree, Not):
        return Not(_translated(tree.part))
    if tree.field.entity is Entity.ATTRIBUTE:
        return _attribute(tree)
    if tree.field.entity in _TEXTS:
        _refuse_number(tree)
    if tree.field.entity is Entity.TAG and not isinstance(tree.value, (int, float)):
        return _tag(tree)
    return tree


_TEXTS = {Entity.PARAM: "parameter", Entity.TAG: "tag"}
_EXACT = (Operator.EQUAL, Operator.NOT_EQUAL)


def _refuse_number(tree: Comparison) -> None:
    if tree.operator in _EXACT and isinstance(tree.value, (int, float)):
        kind = _TEXTS[tree.field.entity]
        raise InvalidInput(f"Expected a quoted string value for {kind} (e.g. 'my-value'). Got value {tree.value:g}")


def _tag(tree: Comparison) -> Filter:
    apart = _KEPT_APART.get(tree.field)
    if apart is not None:
        return replace(tree, field=apart)
    if tree.field.key != PARENT_TAG:
        return tree
    parts = (replace(tree, field=_PARENT), tree)  # a parent that is not here stays a tag
    return And(parts) if tree.operator is Operator.IS_NULL else Or(parts)


def _attribute(tree: Comparison) -> Comparison:
    if tree.field == _STATUS:
        return replace(tree, value=_mapped(tree.value, lambda text: _status(text, tree.operator)))
    if tree.field == _ADDRESS:
        return replace(tree, field=_PLACE, value=_mapped(tree.value, lambda text: _place(text, tree.operator)))
    return tree


def _mapped(value: Value, change: Callable[[str], str]) -> Value:
    if isinstance(value, tuple):
        return tuple(change(str(each)) for each in value)
    return change(value) if isinstance(value, str) else value


def _status(text: str, operator: Operator) -> str:
    """A status or a pattern of it in our lower case; MLflow's are in upper case, and nothing else equals them."""
    return text.lower() if operator is Operator.ILIKE or text == text.upper() else _NONE_SUCH


def _place(text: str, operator: Operator) -> str:
    """An address of artifacts, or a pattern of it, without the scheme that all of them begin with."""
    given = text.lower() if operator is Operator.ILIKE else text
    if given.startswith(_SCHEME):
        return text[len(_SCHEME) :]
    return text if operator in (Operator.LIKE, Operator.ILIKE) and text.startswith("%") else _NONE_SUCH
