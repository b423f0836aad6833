"""SQL of reading captured predictions."""

from __future__ import annotations

import json
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from engine.telemetry.label_store import labels_of
from engine.telemetry.model import Prediction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db.transaction import Snapshot
    from engine.telemetry.model import PredictionQuery, StoredLabel

_COLUMNS = """p.id, p.request_id, p.endpoint, o.deployment, o.generation, o.share, o.model, o.version, p.time_ms,
    p.latency_us, p.status, p.inputs, p.outputs, c.names"""
_TABLES = "prediction p JOIN origin o ON o.id = p.origin JOIN column_set c ON c.id = o.columns"

_REFUSED, _FAILED = 400, 500
"""Statuses from which an answer is none, and from which that is our fault."""

_TIME = 8
"""The place of the time among the columns."""

_Row = tuple[Any, ...]

Position = tuple[int, int]
"""time_ms and id of the last prediction of a page."""


def page(view: Snapshot, endpoint: int, query: PredictionQuery, after: Position | None) -> list[Prediction]:
    """Predictions of an endpoint, the newest first: one more than asked for, where there is one more.

    Args:
        view: Where to look.
        endpoint: The endpoint's row id.
        query: Which.
        after: Where the last page ended.
    """
    if _only_refused(query) or (query.version is None and query.share is None):
        return [_prediction(row) for row in _page_of_endpoint(view, endpoint, query, after)]
    pages = [_page_of_origin(view, origin, query, after) for origin in _origins(view, endpoint, query)]
    newest = merge(*pages, key=_place, reverse=True)
    return [_prediction(row) for row in islice(newest, query.limit + 1)]


def _only_refused(query: PredictionQuery) -> bool:
    """Whether only answers are asked for that are no answer: few, and with an index of their own."""
    return query.failed is True or (query.status is not None and query.status >= _REFUSED)


def _page_of_endpoint(view: Snapshot, endpoint: int, query: PredictionQuery, after: Position | None) -> list[_Row]:
    time_ms, last_id, least, most = _bounds(query, after)
    # The literal is the index's own condition: without it SQLite cannot know that the index holds all.
    refused = f"AND p.status >= {_REFUSED}" if _only_refused(query) else ""
    sql = f"""SELECT {_COLUMNS} FROM {_TABLES}
              WHERE p.endpoint = ? AND p.time_ms >= ? AND (p.time_ms, p.id) < (?, ?) {refused}
              AND p.status BETWEEN ? AND ? AND (? IS NULL OR o.version = ?) AND (? IS NULL OR o.share = ?)
              ORDER BY p.time_ms DESC, p.id DESC LIMIT ?"""
    asked = (query.version, query.version, query.share, query.share)
    values = (endpoint, query.since_ms, time_ms, last_id, least, most, *asked, query.limit + 1)
    return view.execute(sql, values).fetchall()


def _origins(view: Snapshot, endpoint: int, query: PredictionQuery) -> list[int]:
    """What one version or share answered is in as many places as it had generations: each is in order by itself."""
    sql = "SELECT id FROM origin WHERE endpoint = ? AND (? IS NULL OR version = ?) AND (? IS NULL OR share = ?)"
    asked = (query.version, query.version, query.share, query.share)
    return [row[0] for row in view.execute(sql, (endpoint, *asked))]


def _page_of_origin(view: Snapshot, origin: int, query: PredictionQuery, after: Position | None) -> list[_Row]:
    time_ms, last_id, least, most = _bounds(query, after)
    sql = f"""SELECT {_COLUMNS} FROM {_TABLES}
              WHERE p.origin = ? AND p.time_ms >= ? AND (p.time_ms, p.id) < (?, ?) AND p.status BETWEEN ? AND ?
              ORDER BY p.time_ms DESC, p.id DESC LIMIT ?"""
    values = (origin, query.since_ms, time_ms, last_id, least, most, query.limit + 1)
    return view.execute(sql, values).fetchall()


def _bounds(query: PredictionQuery, after: Position | None) -> tuple[int, int, int, int]:
    """Before when, before which, and the least and greatest status."""
    time_ms, last_id = after or (2**63 - 1, 2**63 - 1)
    least = _FAILED if query.failed is True else -1
    most = _FAILED - 1 if query.failed is False else 2**31
    if query.status is not None:
        least, most = max(least, query.status), min(most, query.status)
    return time_ms, last_id, least, most


def _place(row: _Row) -> Position:
    return row[_TIME], row[0]


def by_request(view: Snapshot, request_id: str) -> Prediction | None:
    """The newest prediction of a request, with its labels; `None` when there is none."""
    row = view.execute(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE p.request_id = ? ORDER BY p.id DESC LIMIT 1", (request_id,)
    ).fetchone()
    return None if row is None else _prediction(row, labels=labels_of(view, request_id))


def _prediction(row: tuple[Any, ...], labels: tuple[StoredLabel, ...] = ()) -> Prediction:
    *keys, time_ms, latency_us, status, inputs, outputs, names = row
    number, request_id, endpoint, deployment, generation, share, model, version = keys
    return Prediction(
        id=number,
        request_id=request_id,
        endpoint=endpoint,
        deployment=deployment,
        generation=generation,
        share=share,
        model=model,
        version=version,
        time_ms=time_ms,
        latency_ms=latency_us / 1000,
        status=status,
        inputs=rows_of(json.loads(names), inputs),
        outputs=values_of(outputs),
        labels=labels,
    )


def rows_of(names: list[str], text: bytes) -> tuple[Mapping[str, object], ...]:
    """Captured rows as mappings; a value that has no name gets its place, from 0, as one.

    Args:
        names: Of the values of a row, in their order.
        text: JSON text: a list of rows, each a list of values or a mapping.
    """
    found = values_of(text)
    return tuple(_named(names, row) for row in (found if isinstance(found, list) else [found]))


def _named(names: list[str], row: object) -> Mapping[str, object]:
    if isinstance(row, dict):
        return row
    values = row if isinstance(row, list) else [row]
    rest = (str(place) for place in range(len(names), len(values)))
    return dict(zip([*names, *rest], values, strict=False))


def values_of(text: bytes) -> object:
    """JSON text as values; the text itself where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text.decode(errors="replace")
