"""SQL of endpoints, deployments, generations and acknowledgements. Functions take a transaction or a snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.query import ENDPOINTS, Entity, number_of
from engine.db.listing import Subject
from engine.db.transaction import Snapshot, Transaction
from engine.endpoints.model import Acknowledgement, Cause, Endpoint, Generation, Route, Share
from engine.runtimes.model import RuntimeKind

ENDPOINT_LIST = Subject(
    schema=ENDPOINTS,
    row="e.id",
    source="endpoint e JOIN model m ON m.id = e.model",
    attributes={
        "name": "e.name",
        "model": "m.name",
        "owner": "e.owner",
        "description": "e.description",
        "user_id": "e.created_by",
        "generation": "(SELECT ifnull(max(g.number), 0) FROM generation g WHERE g.endpoint = e.id)",
        "capture": "e.capture",
        "creation_timestamp": "e.created_ms",
        "last_updated_timestamp": "e.updated_ms",
    },
    nullable=frozenset(),
    tables={Entity.TAG: "endpoint_tag"},
    owner="endpoint",
)
"""Endpoints."""

_ENDPOINT = """e.id, e.name, m.name, e.description, e.owner, e.key, e.salt, e.capture, e.created_ms, e.updated_ms,
    e.created_by"""
_FROM = "FROM endpoint e JOIN model m ON m.id = e.model"
_GENERATION = "e.name, g.number, g.routes, g.killed, g.cause, g.reason, g.actor, g.request, g.time_ms"
_OF_ENDPOINT = "FROM generation g JOIN endpoint e ON e.id = g.endpoint"
ALL = 100_000
"""How many generations back anything looks."""

_CHUNK = 500  # parameters a statement; far below SQLite's limit


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """A deployment as it is stored.

    Args:
        id: Its number.
        endpoint: The endpoint's integer key.
        version_id: The version's integer key; `None` when the version is gone.
        number: The version's number.
        digest: The digest of the version's bytes.
        kind: The runtime that answers.
        ended: How it ended; empty when it has not.
        paused: Why its rollout waits; empty otherwise.
        created_ms: When it was deployed, in milliseconds since the epoch.
        created_by: Who deployed it.
    """

    id: int
    endpoint: int
    version_id: int | None
    number: int
    digest: str
    kind: RuntimeKind
    ended: str
    paused: str
    created_ms: int
    created_by: str


_DEPLOYMENT = """d.id, d.endpoint, d.version, d.number, d.digest, b.kind, d.ended, d.paused, d.created_ms, d.created_by
    FROM deployment d JOIN build b ON b.digest = d.digest"""


def insert_endpoint(  # noqa: PLR0913 one argument a column
    tx: Transaction, name: str, model_id: int, *, description: str, owner: str, key: str, salt: str, capture: float
) -> int:
    """Store a new endpoint; its integer key."""
    sql = """INSERT INTO endpoint (name, model, description, owner, key, salt, capture, created_ms, updated_ms,
        created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
    row = (name, model_id, description, owner, key, salt, capture, tx.now_ms, tx.now_ms, tx.actor.name)
    return int(tx.execute(sql, row).lastrowid or 0)


def update(tx: Transaction, endpoint: Endpoint) -> None:
    """Store what is said of an endpoint now, and how it treats requests."""
    sql = "UPDATE endpoint SET description = ?, owner = ?, key = ?, capture = ?, updated_ms = ? WHERE id = ?"
    said = (endpoint.description, endpoint.owner, endpoint.key, endpoint.capture)
    tx.execute(sql, (*said, tx.now_ms, endpoint.row_id))


def set_tag(tx: Transaction, row_id: int, key: str, value: str | None) -> None:
    """Set an endpoint's tag, or remove it when `value` is `None`."""
    if value is None:
        tx.execute("DELETE FROM endpoint_tag WHERE endpoint = ? AND key = ?", (row_id, key))
    else:
        sql = """INSERT INTO endpoint_tag VALUES (?, ?, ?, ?)
            ON CONFLICT (endpoint, key) DO UPDATE SET value = excluded.value, number = excluded.number"""
        tx.execute(sql, (row_id, key, value, number_of(value)))
    touch(tx, row_id)


def touch(tx: Transaction, row_id: int) -> None:
    """Note that something of an endpoint changed."""
    tx.execute("UPDATE endpoint SET updated_ms = ? WHERE id = ?", (tx.now_ms, row_id))


def delete(tx: Transaction, row_id: int) -> None:
    """Remove an endpoint and all it owns."""
    tx.execute("DELETE FROM endpoint WHERE id = ?", (row_id,))


def row_id(view: Snapshot, name: str) -> int | None:
    """The integer key of the endpoint of that name, or `None`."""
    row = view.execute("SELECT id FROM endpoint WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def names(view: Snapshot) -> tuple[str, ...]:
    """The names of all endpoints."""
    return tuple(name for (name,) in view.execute("SELECT name FROM endpoint ORDER BY name"))


def is_model(view: Snapshot, name: str) -> bool:
    """Whether a model has the name."""
    return view.execute("SELECT 1 FROM model WHERE name = ?", (name,)).fetchone() is not None


def is_external(view: Snapshot, name: str) -> bool:
    """Whether an endpoint that somebody else serves has the name."""
    return view.execute("SELECT 1 FROM external_endpoint WHERE name = ?", (name,)).fetchone() is not None


def names_of_model(view: Snapshot, model: str) -> tuple[str, ...]:
    """The names of a model's endpoints."""
    sql = "SELECT e.name FROM endpoint e JOIN model m ON m.id = e.model WHERE m.name = ? ORDER BY e.name"
    return tuple(name for (name,) in view.execute(sql, (model,)))


def endpoints(view: Snapshot, row_ids: Sequence[int]) -> tuple[Endpoint, ...]:
    """The endpoints of these integer keys, in their order, without deployments; nobody is said to live."""
    found: dict[int, Endpoint] = {}
    for chunk in _chunks(row_ids):
        marks = _marks(chunk)
        tags: dict[int, dict[str, str]] = {}
        sql = f"SELECT endpoint, key, value FROM endpoint_tag WHERE endpoint IN ({marks}) ORDER BY key"
        for endpoint, key, value in view.execute(sql, chunk):
            tags.setdefault(endpoint, {})[key] = value
        newest = _newest(view, chunk)
        said = _acknowledged(view, chunk)
        for row in view.execute(f"SELECT {_ENDPOINT} {_FROM} WHERE e.id IN ({marks})", chunk).fetchall():
            own = row[0]
            stood = (newest.get(own), (), said.get(own, ()))
            found[own] = Endpoint(*(*row[:8], *stood, *row[8:], tags.get(own, {})))
    return tuple(found[each] for each in row_ids if each in found)


def _newest(view: Snapshot, ids: Sequence[int]) -> dict[int, Generation]:
    sql = f"""SELECT g.endpoint, {_GENERATION} {_OF_ENDPOINT} WHERE g.id IN
        (SELECT max(id) FROM generation WHERE endpoint IN ({_marks(ids)}) GROUP BY endpoint)"""
    return {row[0]: _generation(row[1:]) for row in view.execute(sql, ids)}


def _acknowledged(view: Snapshot, ids: Sequence[int]) -> dict[int, tuple[Acknowledgement, ...]]:
    found: dict[int, tuple[Acknowledgement, ...]] = {}
    sql = f"""SELECT endpoint, plane, generation, problem, time_ms FROM acknowledgement
        WHERE endpoint IN ({_marks(ids)}) ORDER BY plane"""
    for endpoint, plane, generation, problem, time_ms in view.execute(sql, ids):
        said = Acknowledgement(plane, generation, problem, time_ms, alive=False)
        found[endpoint] = (*found.get(endpoint, ()), said)
    return found


def newest(view: Snapshot, row_id: int) -> Generation | None:
    """An endpoint's newest generation, or `None` before the first."""
    return _newest(view, (row_id,)).get(row_id)


def generation(view: Snapshot, row_id: int, number: int) -> Generation | None:
    """An endpoint's generation of that number, or `None`."""
    sql = f"SELECT {_GENERATION} {_OF_ENDPOINT} WHERE g.endpoint = ? AND g.number = ?"
    row = view.execute(sql, (row_id, number)).fetchone()
    return None if row is None else _generation(row)


def generations(view: Snapshot, row_id: int, *, below: int | None, limit: int) -> tuple[Generation, ...]:
    """An endpoint's generations, the newest first.

    Args:
        view: The caller's view.
        row_id: The endpoint's integer key.
        below: Only numbers smaller than this; `None` for all.
        limit: At most so many.

    Returns:
        The generations.
    """
    sql = f"""SELECT {_GENERATION} {_OF_ENDPOINT} WHERE g.endpoint = ? AND (? IS NULL OR g.number < ?)
        ORDER BY g.number DESC LIMIT ?"""
    return tuple(map(_generation, view.execute(sql, (row_id, below, below, limit)).fetchall()))


def at(view: Snapshot, time_ms: int) -> tuple[Generation, ...]:
    """The generation of every endpoint that held at a moment, by the endpoint's name."""
    sql = f"""SELECT {_GENERATION} {_OF_ENDPOINT} WHERE g.id IN
        (SELECT max(id) FROM generation WHERE time_ms <= ? GROUP BY endpoint) ORDER BY e.name"""
    return tuple(map(_generation, view.execute(sql, (time_ms,)).fetchall()))


def insert_generation(tx: Transaction, row_id: int, generation: Generation) -> None:
    """Store an endpoint's next generation; its time is the transaction's."""
    sql = """INSERT INTO generation (endpoint, number, routes, killed, cause, reason, actor, on_behalf_of, request,
        time_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
    routes = json.dumps([[each.deployment, each.share.value, each.weight] for each in generation.routes])
    why = (generation.cause.value, generation.reason, tx.actor.name, tx.actor.on_behalf_of, generation.request)
    tx.execute(sql, (row_id, generation.number, routes, int(generation.killed), *why, tx.now_ms))
    touch(tx, row_id)


def insert_deployment(tx: Transaction, row_id: int, *, version_id: int, number: int, digest: str) -> int:
    """Store a new deployment; its number."""
    sql = """INSERT INTO deployment (endpoint, version, number, digest, created_ms, updated_ms, created_by)
        VALUES (?, ?, ?, ?, ?, ?, ?)"""
    row = (row_id, version_id, number, digest, tx.now_ms, tx.now_ms, tx.actor.name)
    return int(tx.execute(sql, row).lastrowid or 0)


def end(tx: Transaction, deployments: Mapping[int, str]) -> None:
    """Say of deployments how they ended, or that they have not: empty."""
    tx.executemany(
        "UPDATE deployment SET ended = ?, updated_ms = ? WHERE id = ? AND ended <> ?",
        [(ended, tx.now_ms, deployment, ended) for deployment, ended in deployments.items()],
    )


def pause(tx: Transaction, deployment: int, why: str) -> None:
    """Say of a deployment why its rollout waits; empty when it goes on."""
    sql = "UPDATE deployment SET paused = ?, updated_ms = ? WHERE id = ?"
    tx.execute(sql, (why, tx.now_ms, deployment))


def deployments(view: Snapshot, row_id: int) -> tuple[DeploymentRow, ...]:
    """All that was ever deployed to an endpoint, the newest first."""
    sql = f"SELECT {_DEPLOYMENT} WHERE d.endpoint = ? ORDER BY d.id DESC"
    return tuple(map(_deployment, view.execute(sql, (row_id,))))


def lately(view: Snapshot, row_ids: Sequence[int], routed: Iterable[int], ended: int) -> tuple[DeploymentRow, ...]:
    """The deployments of several endpoints that are routed, and those that ended last, the newest first.

    Args:
        view: The caller's view.
        row_ids: The endpoints' integer keys.
        routed: The deployments that are routed.
        ended: How many others of each endpoint.

    Returns:
        The deployments.
    """
    sql = """SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY endpoint ORDER BY updated_ms DESC, id DESC) AS n
        FROM deployment WHERE endpoint IN ({marks}) AND ended <> '') WHERE n <= ?"""
    wanted = set(routed)
    for chunk in _chunks(row_ids):
        wanted |= {found for (found,) in view.execute(sql.format(marks=_marks(chunk)), (*chunk, ended))}
    rows: list[DeploymentRow] = []
    for part in _chunks(sorted(wanted, reverse=True)):
        found = view.execute(f"SELECT {_DEPLOYMENT} WHERE d.id IN ({_marks(part)}) ORDER BY d.id DESC", part)
        rows += map(_deployment, found)
    return tuple(rows)


def routed(view: Snapshot, model: str, number: int | None = None) -> tuple[tuple[str, int], ...]:
    """Which endpoints have a model's versions loaded.

    Args:
        view: The caller's view.
        model: The model's name.
        number: Only this version; `None` for all.

    Returns:
        The endpoint's name and the deployment's number, for each deployment in a newest generation.
    """
    sql = """SELECT e.name, d.id FROM deployment d JOIN endpoint e ON e.id = d.endpoint JOIN model m ON m.id = e.model
        JOIN generation g ON g.id = (SELECT max(id) FROM generation WHERE endpoint = e.id)
        JOIN json_each(g.routes) r ON json_extract(r.value, '$[0]') = d.id
        WHERE m.name = ? AND (? IS NULL OR d.number = ?) ORDER BY e.name, d.id"""
    return tuple((name, deployment) for name, deployment in view.execute(sql, (model, number, number)))


def acknowledge(tx: Transaction, row_id: int, plane: str, generation: int, problem: str) -> None:
    """Store what a data plane says of an endpoint, in place of what it said before."""
    sql = """INSERT INTO acknowledgement VALUES (?, ?, ?, ?, ?) ON CONFLICT (endpoint, plane)
        DO UPDATE SET generation = excluded.generation, problem = excluded.problem, time_ms = excluded.time_ms"""
    tx.execute(sql, (row_id, plane, generation, problem, tx.now_ms))


def forget(tx: Transaction, before_ms: int, living: Iterable[str]) -> None:
    """Delete what data planes said before a moment that no longer live."""
    alive = json.dumps(sorted(living))
    sql = "DELETE FROM acknowledgement WHERE time_ms < ? AND plane NOT IN (SELECT value FROM json_each(?))"
    tx.execute(sql, (before_ms, alive))


def version_tags(view: Snapshot, version_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """The tags of versions, by their integer keys."""
    tags: dict[int, dict[str, str]] = {}
    for chunk in _chunks(version_ids):
        sql = f"SELECT version, key, value FROM version_tag WHERE version IN ({_marks(chunk)}) ORDER BY key"
        for version, key, value in view.execute(sql, chunk):
            tags.setdefault(version, {})[key] = value
    return tags


def _generation(row: Sequence[Any]) -> Generation:
    endpoint, number, routes, killed, cause, reason, by, request, time_ms = row
    parts = tuple(Route(deployment, Share(share), weight) for deployment, share, weight in json.loads(routes))
    return Generation(endpoint, number, parts, bool(killed), Cause(cause), reason, by, request, time_ms)


def _deployment(row: Sequence[Any]) -> DeploymentRow:
    own, endpoint, version_id, number, digest, kind, *rest = row
    return DeploymentRow(own, endpoint, version_id, number, digest, RuntimeKind(kind), *rest)


def _chunks(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK)]


def _marks(ids: Sequence[object]) -> str:
    return ",".join("?" * len(ids))
