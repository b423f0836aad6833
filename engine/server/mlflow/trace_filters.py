"""Searches over traces as MLflow writes them: what it keeps in tags and metadata is kept apart here."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from engine.core.query import (
    TRACES,
    And,
    Comparison,
    Entity,
    Field,
    Not,
    Or,
    OrderBy,
    parse_filter,
    parse_order_by,
)
from engine.server.mlflow import trace_names as names
from engine.server.mlflow.shapes import experiment_key
from engine.traces.model import TraceQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.core.query import Filter

_KEPT_APART = {
    Field(Entity.TAG, names.NAME): Field(Entity.ATTRIBUTE, "name"),
    Field(Entity.METADATA, names.SOURCE_RUN): Field(Entity.ATTRIBUTE, "run_id"),
    Field(Entity.METADATA, names.SESSION): Field(Entity.ATTRIBUTE, "session"),
    Field(Entity.METADATA, names.USER): Field(Entity.ATTRIBUTE, "user"),
}


def trace_query(
    text: str,
    order_by: Sequence[str],
    *,
    experiment_ids: Sequence[str],
    limit: int,
    page_token: str | None,
) -> TraceQuery:
    """A search over traces.

    Args:
        text: MLflow's filter.
        order_by: MLflow's sort keys.
        experiment_ids: The experiments' ids.
        limit: Most traces of the page.
        page_token: Continues an earlier page.

    Raises:
        FilterSyntaxError: the filter or an order does not parse.
        InvalidInput: an experiment id is no number.
    """
    tree = parse_filter(text, schema=TRACES, now_ms=int(time() * 1000))
    order = parse_order_by([each for each in order_by if each], schema=TRACES)
    return TraceQuery(
        filter="" if tree is None else translated(tree),
        order_by=tuple(OrderBy(_KEPT_APART.get(key.field, key.field), key.descending) for key in order),
        experiment_ids=tuple(experiment_key(each) for each in experiment_ids),
        limit=limit,
        page_token=page_token,
    )


def translated(tree: Filter) -> Filter:
    """A filter with the fields that are kept apart here in place of tags and metadata."""
    if isinstance(tree, (And, Or)):
        return type(tree)(tuple(translated(part) for part in tree.parts))
    if isinstance(tree, Not):
        return Not(translated(tree.part))
    return Comparison(_KEPT_APART.get(tree.field, tree.field), tree.operator, tree.value)
