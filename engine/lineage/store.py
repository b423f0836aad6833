"""SQL of lineages: one question a kind of edge, counted and paged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.lineage.model import Direction, Key, Kind, Thing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from a thing to others.

    Args:
        kind: What the others are.
        how: How they came of it, or led to it.
        sql: `FROM …` that finds them, with `?1` for the thing's name.
        row: Name, label and detail of each, as SQL.
        order: Their order, as SQL.
    """

    kind: Kind
    how: str
    sql: str
    row: str
    order: str


_VERSION = "m.name || '/' || v.number, m.name || '/' || v.number, v.stage"
_RUN = "r.run_id, r.name, r.status"
_ALERT = "CAST(a.id AS TEXT), a.sentence, a.state"
_SCORING = "CAST(s.id AS TEXT), s.output, s.state || ', ' || s.rows || ' rows'"
_TRACE = "t.trace_id, t.name, t.state"
_DATASET = "d.digest, d.name, substr(d.digest, 1, 12)"

_FILE = """json_extract(f.value, '$.digest'), json_extract(f.value, '$.path'),
    substr(json_extract(f.value, '$.digest'), 1, 12)"""
_OF_VERSION = "FROM model_version v JOIN model m ON m.id = v.model"
_NAMED = """m.name = rtrim(rtrim(?1, '0123456789'), '/')
    AND v.number = CAST(replace(?1, rtrim(?1, '0123456789'), '') AS INT)"""
_LOADED = """FROM endpoint e JOIN generation g ON g.id = (SELECT max(id) FROM generation WHERE endpoint = e.id)
    JOIN json_each(g.routes) x JOIN deployment p ON p.id = json_extract(x.value, '$[0]')
    JOIN model m ON m.id = e.model JOIN model_version v ON v.model = m.id AND v.number = p.number"""

_DOWN: dict[Kind, tuple[Edge, ...]] = {
    Kind.DATASET: (
        Edge(
            Kind.RUN,
            "read by",
            """FROM run r WHERE r.id IN (SELECT i.run FROM run_dataset i JOIN dataset d ON d.id = i.dataset
                WHERE d.digest = ?1)""",
            _RUN,
            "r.start_ms DESC, r.id",
        ),
        Edge(
            Kind.VERSION,
            "trained",
            f"""{_OF_VERSION} WHERE v.data_digest = ?1 AND NOT EXISTS (SELECT 1 FROM run r
                JOIN run_dataset i ON i.run = r.id JOIN dataset d ON d.id = i.dataset
                WHERE r.run_id = v.run_id AND d.digest = ?1)""",
            _VERSION,
            "m.name, v.number DESC",
        ),
        Edge(
            Kind.SCORING,
            "scored in",
            """FROM scoring s WHERE EXISTS (SELECT 1 FROM json_each(s.inputs)
                WHERE json_extract(value, '$.digest') = ?1)""",
            _SCORING,
            "s.id DESC",
        ),
    ),
    Kind.RUN: (
        Edge(Kind.VERSION, "registered as", f"{_OF_VERSION} WHERE v.run_id = ?1", _VERSION, "m.name, v.number DESC"),
        Edge(
            Kind.RUN,
            "parent of",
            "FROM run r WHERE r.parent = (SELECT id FROM run WHERE run_id = ?1)",
            _RUN,
            "r.start_ms DESC, r.id",
        ),
        Edge(
            Kind.TRACE,
            "traced in",
            "FROM trace t JOIN trace_link k ON k.trace = t.id WHERE k.kind = 'run' AND k.target = ?1",
            _TRACE,
            "t.start_ms DESC, t.id",
        ),
    ),
    Kind.MODEL: (Edge(Kind.VERSION, "has", f"{_OF_VERSION} WHERE m.name = ?1", _VERSION, "v.number DESC"),),
    Kind.VERSION: (
        Edge(
            Kind.ENDPOINT,
            "served by",
            f"{_LOADED} WHERE {_NAMED}",
            "e.name, e.name, json_extract(x.value, '$[1]')",
            "e.name",
        ),
        Edge(
            Kind.SCORING,
            "predicted",
            """FROM scoring s WHERE s.model || '/' || s.number = ?1""",
            _SCORING,
            "s.id DESC",
        ),
        Edge(
            Kind.ALERT,
            "alerted",
            "FROM alert a WHERE a.endpoint = '' AND a.version IS NOT NULL AND a.model || '/' || a.version = ?1",
            _ALERT,
            "a.id DESC",
        ),
    ),
    Kind.ENDPOINT: (Edge(Kind.ALERT, "alerted", "FROM alert a WHERE a.endpoint = ?1", _ALERT, "a.id DESC"),),
    Kind.PROMPT: (
        Edge(
            Kind.TRACE,
            "used in",
            "FROM trace t JOIN trace_link k ON k.trace = t.id WHERE k.kind = 'prompt' AND k.target = ?1",
            _TRACE,
            "t.start_ms DESC, t.id",
        ),
    ),
}

_UP: dict[Kind, tuple[Edge, ...]] = {
    Kind.RUN: (
        Edge(
            Kind.DATASET,
            "read",
            """FROM dataset d WHERE d.id IN (SELECT i.dataset FROM run_dataset i JOIN run r ON r.id = i.run
                WHERE r.run_id = ?1)""",
            _DATASET,
            "d.name, d.digest",
        ),
        Edge(
            Kind.RUN,
            "child of",
            "FROM run r WHERE r.id = (SELECT parent FROM run WHERE run_id = ?1)",
            _RUN,
            "r.id",
        ),
    ),
    Kind.VERSION: (
        Edge(
            Kind.RUN,
            "registered from",
            f"FROM run r WHERE r.run_id = (SELECT v.run_id {_OF_VERSION} WHERE {_NAMED})",
            _RUN,
            "r.id",
        ),
        Edge(
            Kind.DATASET,
            "trained on",
            f"""{_OF_VERSION} WHERE {_NAMED} AND v.data_digest <> '' AND NOT EXISTS (SELECT 1 FROM run r
                JOIN run_dataset i ON i.run = r.id JOIN dataset d ON d.id = i.dataset
                WHERE r.run_id = v.run_id AND d.digest = v.data_digest)""",
            "v.data_digest, iif(v.data_name = '', v.data_digest, v.data_name), substr(v.data_digest, 1, 12)",
            "v.id",
        ),
    ),
    Kind.ENDPOINT: (
        Edge(
            Kind.VERSION,
            "serves",
            f"{_LOADED} WHERE e.name = ?1",
            "m.name || '/' || v.number, m.name || '/' || v.number, v.stage || ', ' || json_extract(x.value, '$[1]')",
            "p.id DESC",
        ),
    ),
    Kind.ALERT: (
        Edge(
            Kind.ENDPOINT,
            "of endpoint",
            "FROM endpoint e JOIN alert a ON a.endpoint = e.name WHERE a.id = CAST(?1 AS INT)",
            "e.name, e.name, ''",
            "e.id",
        ),
        Edge(
            Kind.VERSION,
            "of version",
            f"""{_OF_VERSION} JOIN alert a ON a.model = m.name AND a.version = v.number
                WHERE a.id = CAST(?1 AS INT) AND NOT EXISTS (SELECT 1 FROM endpoint e WHERE e.name = a.endpoint)""",
            _VERSION,
            "v.id",
        ),
    ),
    Kind.SCORING: (
        Edge(
            Kind.VERSION,
            "by",
            f"{_OF_VERSION} JOIN scoring s ON s.model = m.name AND s.number = v.number WHERE s.id = CAST(?1 AS INT)",
            _VERSION,
            "v.id",
        ),
        Edge(
            Kind.DATASET,
            "read",
            "FROM scoring s JOIN json_each(s.inputs) f WHERE s.id = CAST(?1 AS INT)",
            _FILE,
            "f.key",
        ),
    ),
    Kind.TRACE: (
        Edge(
            Kind.RUN,
            "of run",
            """FROM run r WHERE r.run_id IN (SELECT k.target FROM trace_link k JOIN trace t ON t.id = k.trace
                WHERE k.kind = 'run' AND t.trace_id = ?1)""",
            _RUN,
            "r.id",
        ),
        Edge(
            Kind.PROMPT,
            "used",
            "FROM trace_link k JOIN trace t ON t.id = k.trace WHERE k.kind = 'prompt' AND t.trace_id = ?1",
            "k.target, k.target, ''",
            "k.target",
        ),
    ),
}

_SELVES: dict[Kind, str] = {
    Kind.DATASET: f"SELECT {_DATASET} FROM dataset d WHERE d.digest = ?1",
    Kind.RUN: f"SELECT {_RUN} FROM run r WHERE r.run_id = ?1",
    Kind.MODEL: "SELECT m.name, m.name, '' FROM model m WHERE m.name = ?1",
    Kind.VERSION: f"SELECT {_VERSION} {_OF_VERSION} WHERE {_NAMED}",
    Kind.ENDPOINT: "SELECT e.name, e.name, '' FROM endpoint e WHERE e.name = ?1",
    Kind.ALERT: f"SELECT {_ALERT} FROM alert a WHERE a.id = CAST(?1 AS INT)",
    Kind.SCORING: f"SELECT {_SCORING} FROM scoring s WHERE s.id = CAST(?1 AS INT)",
    Kind.PROMPT: """SELECT p.name || '/' || v.number, p.name || '/' || v.number, '' FROM prompt_version v
        JOIN prompt p ON p.id = v.prompt WHERE p.name || '/' || v.number = ?1""",
    Kind.TRACE: f"SELECT {_TRACE} FROM trace t WHERE t.trace_id = ?1",
}

_LOOSELY: dict[Kind, str] = {
    Kind.RUN: f"SELECT {_RUN} FROM run r WHERE r.run_id >= ?1 AND r.run_id < ?1 || 'g' LIMIT ?2",
    Kind.DATASET: f"""SELECT {_DATASET} FROM dataset d WHERE d.name = ?1 OR d.name || '@' || d.digest = ?1
        OR (length(?1) >= 6 AND d.digest >= ?1 AND d.digest < ?1 || 'g') LIMIT ?2""",
}
"""How a thing may be named less than exactly: by a beginning, or by a name that several have."""

_DATA_OF_VERSION = f"""SELECT v.data_digest, iif(v.data_name = '', v.data_digest, v.data_name),
    substr(v.data_digest, 1, 12) {_OF_VERSION} WHERE v.data_digest = ?1 AND ?1 <> '' LIMIT 1"""
_DATA_OF_SCORING = f"""SELECT {_FILE} FROM scoring s JOIN json_each(s.inputs) f
    WHERE json_extract(f.value, '$.digest') = ?1 LIMIT 1"""


def edges(kind: Kind, direction: Direction) -> tuple[Edge, ...]:
    """The ways that lead from a kind of thing in one direction."""
    return (_UP if direction is Direction.UP else _DOWN).get(kind, ())


def count(view: Snapshot, edge: Edge, name: str) -> int:
    """How many things an edge leads to."""
    return int(view.execute(f"SELECT count(*) {edge.sql}", (name,)).fetchone()[0])


def things(view: Snapshot, edge: Edge, name: str, *, skip: int, limit: int) -> tuple[Thing, ...]:
    """A page of the things an edge leads to."""
    sql = f"SELECT {edge.row} {edge.sql} ORDER BY {edge.order} LIMIT ?2 OFFSET ?3"
    return tuple(_thing(edge.kind, row, edge.how) for row in view.execute(sql, (name, limit, skip)))


def named(view: Snapshot, key: Key, *, most: int) -> tuple[Thing, ...]:
    """The things that a key may mean: the one that has it, else those that it names less than exactly.

    Args:
        view: Where to look.
        key: The key.
        most: At most so many.
    """
    asked = [(_SELVES[key.kind], (key.name,))]
    if key.kind is Kind.DATASET:
        asked += [(_DATA_OF_VERSION, (key.name,)), (_DATA_OF_SCORING, (key.name,))]
    for sql, values in asked:
        row = view.execute(sql, values).fetchone()
        if row is not None:
            return (_thing(key.kind, row),)
    loosely = _LOOSELY.get(key.kind)
    return () if loosely is None else tuple(_thing(key.kind, row) for row in view.execute(loosely, (key.name, most)))


def _thing(kind: Kind, row: Sequence[object], how: str = "") -> Thing:
    name, label, detail = (str(each or "") for each in row)
    return Thing(Key(kind, name), label or name, detail, how)
