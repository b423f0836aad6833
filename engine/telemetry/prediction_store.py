"""SQL of reading captured predictions."""

from __future__ import annotations

import json
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
    time_ms, last_id = after or (2**63 - 1, 2**63 - 1)
    least = -1 if query.failed is not True else 500
    most = 499 if query.failed is False else 2**31
    rows = view.execute(
        f"""SELECT {_COLUMNS} FROM {_TABLES}
            WHERE p.endpoint = ? AND p.time_ms >= ? AND (p.time_ms, p.id) < (?, ?)
            AND (? IS NULL OR o.version = ?) AND (? IS NULL OR p.status = ?) AND p.status BETWEEN ? AND ?
            AND (? IS NULL OR o.share = ?)
            ORDER BY p.time_ms DESC, p.id DESC LIMIT ?""",
        (
            endpoint,
            query.since_ms,
            time_ms,
            last_id,
            *(query.version, query.version, query.status, query.status, least, most, query.share, query.share),
            query.limit + 1,
        ),
    )
    return [_prediction(row) for row in rows]


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
