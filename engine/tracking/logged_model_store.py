"""SQL of logged models."""

from __future__ import annotations

import json
from math import isnan
from typing import TYPE_CHECKING, NamedTuple

from engine.core.query import LOGGED_MODELS, Entity, number_of, parse_order_by
from engine.db.conditions import Sql
from engine.db.listing import Subject
from engine.tracking.rules import NAN, loaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.logged_model_model import LoggedModel, LoggedModelQuery, ModelMetric, NewLoggedModel


class ModelHead(NamedTuple):
    """What a change of a logged model needs to know about it.

    Args:
        row_id: Its integer key.
        model_id: Its public id.
        status: Its status.
        deleted_ms: When it was deleted, if it is.
        run: The integer key of the run that made it, if a run did.
    """

    row_id: int
    model_id: str
    status: str
    deleted_ms: int | None
    run: int | None


def head(snapshot: Snapshot, model_id: str) -> ModelHead | None:
    """The model of exactly that id."""
    sql = "SELECT id, model_id, status, deleted_ms, run FROM logged_model WHERE model_id = ?"
    row = snapshot.execute(sql, (model_id,)).fetchone()
    return None if row is None else ModelHead(*row)


def insert(tx: Transaction, model_id: str, model: NewLoggedModel, run: int | None) -> int:
    """Add a model; its integer key.

    Raises:
        sqlite3.IntegrityError: the id is taken.
    """
    sql = """INSERT INTO logged_model (model_id, experiment, run, name, model_type, status, created_ms, updated_ms)
             VALUES (?, ?, ?, ?, ?, 'pending', ?, ?)"""
    row = (model_id, model.experiment_id, run, model.name, model.model_type, tx.now_ms, tx.now_ms)
    row_id = tx.execute(sql, row).lastrowid or 0
    put_params(tx, row_id, model.params)
    put_tags(tx, row_id, model.tags)
    return row_id


def set_status(tx: Transaction, row_id: int, status: str, message: str) -> None:
    """Say how far a model has come."""
    sql = "UPDATE logged_model SET status = ?, status_message = ?, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (status, message, tx.now_ms, row_id))


def mark_deleted(tx: Transaction, row_id: int, deleted_ms: int | None) -> None:
    """Delete a model, or bring it back with `None`."""
    sql = "UPDATE logged_model SET deleted_ms = ?, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (deleted_ms, tx.now_ms, row_id))


def current_params(snapshot: Snapshot, row_id: int, keys: Iterable[str]) -> dict[str, str]:
    """The model's parameters of these names."""
    sql = """SELECT key, value FROM logged_model_param
             WHERE model = ? AND key IN (SELECT value FROM json_each(?))"""
    return dict(snapshot.execute(sql, (row_id, json.dumps(list(keys)))))


def put_params(tx: Transaction, row_id: int, params: Mapping[str, str]) -> None:
    """Add parameters.

    Raises:
        sqlite3.IntegrityError: one is there already.
    """
    sql = "INSERT INTO logged_model_param VALUES (?, ?, ?, ?)"
    tx.executemany(sql, [(row_id, key, value, number_of(value)) for key, value in params.items()])


def put_tags(tx: Transaction, row_id: int, tags: Mapping[str, str]) -> None:
    """Add or replace tags."""
    sql = "INSERT OR REPLACE INTO logged_model_tag VALUES (?, ?, ?, ?)"
    tx.executemany(sql, [(row_id, key, value, number_of(value)) for key, value in tags.items()])


def delete_tag(tx: Transaction, row_id: int, key: str) -> bool:
    """Remove a tag; whether it was there."""
    return tx.execute("DELETE FROM logged_model_tag WHERE model = ? AND key = ?", (row_id, key)).rowcount > 0


def touch(tx: Transaction, row_id: int) -> None:
    """Note that a model has changed now."""
    tx.execute("UPDATE logged_model SET updated_ms = ? WHERE id = ?", (tx.now_ms, row_id))


def put_metrics(tx: Transaction, run: int, metrics: Sequence[tuple[int, ModelMetric]]) -> None:
    """Add what a run measured of models, each with its model's integer key; exact duplicates are dropped."""
    rows = [
        (
            row_id,
            each.key,
            each.data_name,
            each.data_digest,
            each.step,
            each.time_ms,
            NAN if isnan(each.value) else each.value,
            run,
        )
        for row_id, each in metrics
    ]
    tx.executemany("INSERT OR IGNORE INTO logged_model_metric VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def models(snapshot: Snapshot, row_ids: Sequence[int]) -> tuple[LoggedModel, ...]:
    """These models with all that belongs to them, in the order asked for; those that do not exist are left out."""
    wanted = json.dumps(list(row_ids))
    sql = """SELECT m.id, m.model_id, m.experiment, e.name, r.run_id, m.name, m.model_type, m.status,
                    m.status_message, m.deleted_ms, m.created_ms, m.updated_ms
             FROM logged_model m JOIN experiment e ON e.id = m.experiment LEFT JOIN run r ON r.id = m.run
             WHERE m.id IN (SELECT value FROM json_each(?))"""
    rows = {row[0]: row for row in snapshot.execute(sql, (wanted,))}
    params = _pairs(snapshot, "logged_model_param", wanted)
    tags = _pairs(snapshot, "logged_model_tag", wanted)
    metrics = _metrics(snapshot, wanted)
    return tuple(
        _model(rows[row_id], params.get(row_id, {}), tags.get(row_id, {}), metrics.get(row_id, []))
        for row_id in row_ids
        if row_id in rows
    )


_Row = tuple[int, str, int, str, "str | None", str, str, str, str, "int | None", int, int]


def _model(
    row: _Row, params: Mapping[str, str], tags: Mapping[str, str], metrics: Sequence[ModelMetric]
) -> LoggedModel:
    from engine.tracking.logged_model_model import LoggedModel, LoggedModelStatus

    row_id, model_id, experiment_id, experiment, run_id, name, model_type, status, message, deleted_ms, *times = row
    return LoggedModel(
        row_id=row_id,
        model_id=model_id,
        experiment_id=experiment_id,
        experiment=experiment,
        run_id=run_id,
        name=name,
        model_type=model_type,
        status=LoggedModelStatus(status),
        status_message=message,
        lifecycle="active" if deleted_ms is None else "deleted",
        created_ms=times[0],
        updated_ms=times[1],
        params=params,
        tags=tags,
        metrics=tuple(metrics),
    )


def _pairs(snapshot: Snapshot, table: str, wanted: str) -> dict[int, dict[str, str]]:
    sql = f"""SELECT model, key, value FROM {table}
              WHERE model IN (SELECT value FROM json_each(?)) ORDER BY model, key"""
    found: dict[int, dict[str, str]] = {}
    for row_id, key, value in snapshot.execute(sql, (wanted,)):
        found.setdefault(row_id, {})[key] = value
    return found


def _metrics(snapshot: Snapshot, wanted: str) -> dict[int, list[ModelMetric]]:
    from engine.tracking.logged_model_model import ModelMetric

    sql = """SELECT k.model, m.model_id, k.key, k.value, k.step, k.time_ms, k.data_name, k.data_digest, r.run_id
             FROM logged_model_metric k JOIN logged_model m ON m.id = k.model JOIN run r ON r.id = k.run
             WHERE k.model IN (SELECT value FROM json_each(?))
             ORDER BY k.model, k.key, k.data_name, k.data_digest, k.step, k.time_ms, k.value"""
    found: dict[int, list[ModelMetric]] = {}
    for row_id, model_id, key, value, *rest in snapshot.execute(sql, (wanted,)):
        found.setdefault(row_id, []).append(ModelMetric(model_id, key, loaded(value), *rest))
    return found


def of_run(snapshot: Snapshot, run: int) -> list[tuple[str, str, int, int | None]]:
    """The models of a run: public id, `output` or `input`, step, and integer key when it is here and not deleted.

    Those that the run made come first, whether or not it said so.
    """
    sql = """SELECT u.model_id, u.kind, u.step, m.id
             FROM run_model u LEFT JOIN logged_model m ON m.model_id = u.model_id AND m.deleted_ms IS NULL
             WHERE u.run = ?1
             UNION
             SELECT m.model_id, 'output', 0, m.id FROM logged_model m
             WHERE m.run = ?1 AND m.deleted_ms IS NULL AND NOT EXISTS (
                 SELECT 1 FROM run_model u WHERE u.run = ?1 AND u.kind = 'output' AND u.model_id = m.model_id)
             ORDER BY 2 DESC, 3, 1"""
    return snapshot.execute(sql, (run,)).fetchall()


def subject(query: LoggedModelQuery) -> Subject:
    """What a query searches.

    Raises:
        FilterSyntaxError: a sort key does not parse.
    """
    sorted_by = {
        parse_order_by((key.text,), schema=LOGGED_MODELS)[0].field: _on([key.data])
        for key in query.order_by
        if key.data is not None
    }
    return Subject(
        schema=LOGGED_MODELS,
        row="m.id",
        source="logged_model m LEFT JOIN run r ON r.id = m.run",
        attributes={
            "name": "m.name",
            "model_id": "m.model_id",
            "model_type": "m.model_type",
            "source_run_id": "r.run_id",
            "experiment_id": "CAST(m.experiment AS TEXT)",
            "status": "m.status",
            "lifecycle_stage": "iif(m.deleted_ms IS NULL, 'active', 'deleted')",
            "creation_timestamp": "m.created_ms",
            "last_updated_timestamp": "m.updated_ms",
        },
        nullable=frozenset({"source_run_id"}),
        tables={
            Entity.METRIC: "logged_model_metric",
            Entity.PARAM: "logged_model_param",
            Entity.TAG: "logged_model_tag",
        },
        owner="model",
        such_that=_scope(query),
        newest={Entity.METRIC: "k.time_ms DESC, k.step DESC, k.value DESC"},
        only={Entity.METRIC: _on(query.data)} if query.data else {},
        only_sorted=sorted_by,
    )


_LIFECYCLES = {"active": "m.deleted_ms IS NULL", "deleted": "m.deleted_ms IS NOT NULL", "all": "1"}


def _scope(query: LoggedModelQuery) -> Sql:
    parts = [Sql(_LIFECYCLES[query.lifecycle])]
    if query.experiment_ids is not None:
        wanted = json.dumps(list(query.experiment_ids))
        parts.append(Sql("m.experiment IN (SELECT value FROM json_each(?))", (wanted,)))
    if query.data:
        on = _on(query.data)
        parts.append(Sql(f"EXISTS (SELECT 1 FROM logged_model_metric k WHERE k.model = m.id AND {on.text})", on.values))
    return Sql(" AND ".join(part.text for part in parts), tuple(value for part in parts for value in part.values))


def _on(data: Sequence[tuple[str, str]]) -> Sql:
    """The condition that a metric was measured on one of these."""
    parts = ["(k.data_name = ?)" if not digest else "(k.data_name = ? AND k.data_digest = ?)" for _, digest in data]
    values = [text for name, digest in data for text in ((name, digest) if digest else (name,))]
    return Sql(f"({' OR '.join(parts)})", tuple(values))
