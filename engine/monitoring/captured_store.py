"""SQL of what monitors read: captured predictions with their labels, as they were known at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from engine.monitoring.windows import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.db.transaction import Snapshot

_LABEL = """(SELECT l.value FROM label l WHERE l.request_id = p.request_id AND l.id <= ?
    ORDER BY CASE WHEN l.stated_ms > 0 THEN l.stated_ms ELSE l.received_ms END DESC, l.id DESC LIMIT 1)"""


class OriginRow(NamedTuple):
    """Who answered.

    Args:
        id: Its number.
        endpoint: The endpoint's row id.
        share: What the deployment got.
        model: The model's name.
        version: The version's number.
        names: Names of the values of a row.
    """

    id: int
    endpoint: int
    share: str
    model: str
    version: int
    names: tuple[str, ...]


class RequestRow(NamedTuple):
    """A captured request.

    Args:
        id: Its number.
        origin: The number of who answered.
        request_id: Its id in the answer's header.
        time_ms: When it arrived, in milliseconds since the epoch.
        latency_us: How long the answer took, in microseconds.
        status: HTTP status of the answer.
        inputs: JSON text.
        outputs: JSON text.
        label: The label that holds, as JSON text; `None` when there is none yet.
    """

    id: int
    origin: int
    request_id: str
    time_ms: int
    latency_us: int
    status: int
    inputs: bytes
    outputs: bytes
    label: str | None


class Range(NamedTuple):
    """Which requests.

    Args:
        endpoints: Row ids of endpoints.
        origins: Numbers of who answered.
        upto: The greatest number of a request that is known.
        labels: The greatest number of a label that is known.
    """

    endpoints: tuple[int, ...]
    origins: tuple[int, ...]
    upto: int
    labels: int

    @property
    def bound(self) -> tuple[str, str]:
        """Endpoints and origins as SQL takes them."""
        return json.dumps(self.endpoints), json.dumps(self.origins)


_IN = """p.endpoint IN (SELECT value FROM json_each(?)) AND p.origin IN (SELECT value FROM json_each(?))
    AND p.status < 400"""

_STORED = _IN.replace("p.endpoint", "+p.endpoint").replace("p.origin", "+p.origin")
"""The same where numbers bound the search: the plus keeps SQLite from indexes by time, which hold all of the past."""

_SPREAD = "(p.id * 2654435761 % 4294967296) % ? = 0"  # Knuth's multiplicative hash: neighbours fall apart


def origins(view: Snapshot, shares: Sequence[str]) -> tuple[OriginRow, ...]:
    """Who answered with one of these shares."""
    rows = view.execute(
        """SELECT o.id, o.endpoint, o.share, o.model, o.version, c.names FROM origin o JOIN column_set c
           ON c.id = o.columns WHERE o.share IN (SELECT value FROM json_each(?)) ORDER BY o.id""",
        (json.dumps(shares),),
    )
    return tuple(
        OriginRow(number, endpoint, share, model, version, tuple(json.loads(names)))
        for number, endpoint, share, model, version, names in rows
    )


def newest(view: Snapshot) -> tuple[int, int]:
    """The greatest numbers of a prediction and of a label; 0 where there is none."""
    row = view.execute("SELECT (SELECT ifnull(max(id), 0) FROM prediction), (SELECT ifnull(max(id), 0) FROM label)")
    prediction, label = row.fetchone()
    return int(prediction), int(label)


def labels_at(view: Snapshot, time_ms: int) -> int:
    """The greatest number of a label that had come by a time in milliseconds since the epoch; 0 for none."""
    row = view.execute("SELECT ifnull(max(id), 0) FROM label WHERE received_ms <= ?", (time_ms,)).fetchone()
    return int(row[0])


def earliest_ms(view: Snapshot, where: Range) -> int | None:
    """When the first of some requests arrived, in milliseconds since the epoch; `None` when there is none."""
    row = view.execute(
        f"SELECT min(p.time_ms) FROM prediction p WHERE {_IN} AND p.id <= ?", (*where.bound, where.upto)
    ).fetchone()
    return None if row[0] is None else int(row[0])


def between(view: Snapshot, where: Range, start_ms: int, end_ms: int, *, every: int = 1) -> Iterator[RequestRow]:
    """Requests that arrived within a time, as they were stored.

    Args:
        view: Where to look.
        where: Of these.
        start_ms: From when, in milliseconds since the epoch.
        end_ms: The first moment that is too late.
        every: One in so many, spread evenly and always the same ones.
    """
    rows = view.execute(
        f"""SELECT p.id, p.origin, p.request_id, p.time_ms, p.latency_us, p.status, p.inputs, p.outputs, {_LABEL}
            FROM prediction p WHERE {_IN} AND p.time_ms >= ? AND p.time_ms < ? AND p.id <= ?
            AND {_SPREAD} ORDER BY p.id""",
        (where.labels, *where.bound, start_ms, end_ms, where.upto, every),
    )
    return (RequestRow(*row) for row in rows)


def numbered(view: Snapshot, where: Range, first: int, last: int, *, every: int = 1) -> Iterator[RequestRow]:
    """Requests with numbers from `first` to `last`, in that order: one in `every`."""
    rows = view.execute(
        f"""SELECT p.id, p.origin, p.request_id, p.time_ms, p.latency_us, p.status, p.inputs, p.outputs, {_LABEL}
            FROM prediction p WHERE {_STORED} AND p.id BETWEEN ? AND ? AND {_SPREAD}
            ORDER BY p.id""",
        (where.labels, *where.bound, first, min(last, where.upto), every),
    )
    return (RequestRow(*row) for row in rows)


def after(view: Snapshot, where: Range, number: int, limit: int) -> Iterator[RequestRow]:
    """Requests stored after one of a number, in that order: at most `limit`."""
    rows = view.execute(
        f"""SELECT p.id, p.origin, p.request_id, p.time_ms, p.latency_us, p.status, p.inputs, p.outputs, NULL
            FROM prediction p WHERE {_STORED} AND p.id > ? AND p.id <= ? ORDER BY p.id LIMIT ?""",
        (*where.bound, number, where.upto, limit),
    )
    return (RequestRow(*row) for row in rows)


def newest_of(view: Snapshot, where: Range) -> int:
    """The number of the newest request; 0 when there is none."""
    row = view.execute(
        f"SELECT p.id FROM prediction p WHERE {_STORED} AND p.id <= ? ORDER BY p.id DESC LIMIT 1",
        (*where.bound, where.upto),
    ).fetchone()
    return 0 if row is None else int(row[0])


def chosen(view: Snapshot, where: Range, numbers: Sequence[int]) -> list[RequestRow]:
    """Requests by their numbers, in the order of these."""
    rows = view.execute(
        f"""SELECT p.id, p.origin, p.request_id, p.time_ms, p.latency_us, p.status, p.inputs, p.outputs, {_LABEL}
            FROM prediction p WHERE {_STORED} AND p.id IN (SELECT value FROM json_each(?))""",
        (where.labels, *where.bound, json.dumps(numbers)),
    )
    found = {row[0]: RequestRow(*row) for row in rows}
    return [found[number] for number in numbers if number in found]


def how_many(view: Snapshot, where: Range, start_ms: int, end_ms: int) -> int:
    """How many requests arrived within a time."""
    row = view.execute(
        f"SELECT count(*) FROM prediction p WHERE {_IN} AND p.time_ms >= ? AND p.time_ms < ? AND p.id <= ?",
        (*where.bound, start_ms, end_ms, where.upto),
    ).fetchone()
    return int(row[0])


def how_many_numbered(view: Snapshot, where: Range, first: int, last: int) -> int:
    """How many requests have numbers from `first` to `last`."""
    row = view.execute(
        f"SELECT count(*) FROM prediction p WHERE {_STORED} AND p.id BETWEEN ? AND ?",
        (*where.bound, first, min(last, where.upto)),
    ).fetchone()
    return int(row[0])


def counted(view: Snapshot, where: Range, first: int, limit: int) -> Iterator[Counted]:
    """How many rows requests have, from a number on in the order they were stored: at most `limit` requests."""
    rows = view.execute(
        f"""SELECT p.id, p.time_ms, max(1, ifnull(json_array_length(CAST(p.inputs AS TEXT)), 1)) FROM prediction p
            WHERE {_STORED} AND p.id >= ? AND p.id <= ? ORDER BY p.id LIMIT ?""",
        (*where.bound, first, where.upto, limit),
    )
    return (Counted(*row) for row in rows)


def last_rows(view: Snapshot, where: Range, rows: int, before_ms: int) -> int:
    """The number of the request with which the last so many rows before a time begin; 1 when there are fewer."""
    found, first = 0, 1
    for number, count in view.execute(
        f"""SELECT p.id, max(1, ifnull(json_array_length(CAST(p.inputs AS TEXT)), 1)) FROM prediction p
            WHERE {_STORED} AND p.id <= ? AND +p.time_ms < ? ORDER BY p.id DESC LIMIT ?""",
        (*where.bound, where.upto, before_ms, rows),
    ):
        found, first = found + count, number
        if found >= rows:
            return int(first)
    return 1


def late(view: Snapshot, where: Range, after: int, before_ms: int, limit: int) -> list[tuple[int, int]]:
    """Numbers and times of requests stored since that arrived before a time: too late for their windows."""
    rows = view.execute(
        f"""SELECT p.id, p.time_ms FROM prediction p
            WHERE {_STORED} AND p.id > ? AND p.id <= ? AND +p.time_ms < ? LIMIT ?""",
        (*where.bound, after, where.upto, before_ms, limit),
    )
    return [(int(number), int(time_ms)) for number, time_ms in rows]


def newly_labelled(view: Snapshot, where: Range, after: int, limit: int) -> list[tuple[int, int, int]]:
    """Numbers and times of requests whose labels came since, with the labels' numbers, in the order labels came."""
    rows = view.execute(
        f"""SELECT p.id, p.time_ms, l.id FROM label l CROSS JOIN prediction p ON p.request_id = l.request_id
            WHERE {_STORED} AND l.id > ? AND l.id <= ? AND p.id <= ? ORDER BY l.id, p.id LIMIT ?""",
        (*where.bound, after, where.labels, where.upto, limit),
    )
    return [(int(number), int(time_ms), int(label)) for number, time_ms, label in rows]
