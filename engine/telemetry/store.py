"""SQL of what the capture writer stores: windows, predictions, counts, and how far each spool file is."""

from __future__ import annotations

import json
from struct import Struct
from typing import TYPE_CHECKING, TypeAlias

from engine.telemetry.model import STEPS_S, WindowDelta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from engine.db.transaction import Snapshot, Transaction
    from engine.telemetry.frames import Frame, SentCount
    from engine.telemetry.model import Origin, Source

_COUNT = Struct("<HQ")

_SUMS = "requests, errors, refused, latency, latency_us, unmirrored, compared, agreed, delta, delta_squares"

Addition: TypeAlias = "Callable[[WindowDelta, WindowDelta], WindowDelta]"
"""What makes one report of two."""

WindowKey = tuple[int, int, int, int, int, str]
"""endpoint, step_s, start_s, deployment, generation, share"""


def pack_latency(counts: Mapping[int, int]) -> bytes:
    """Requests by bucket as a blob."""
    return b"".join(_COUNT.pack(bucket, counts[bucket]) for bucket in sorted(counts))


def unpack_latency(blob: bytes) -> dict[int, int]:
    """What `pack_latency` packed."""
    return dict(_COUNT.iter_unpack(blob))


def stored_frames(view: Snapshot, file: bytes) -> int:
    """How many frames of a spool file have been stored.

    Args:
        view: Where to look.
        file: The file's identity, 16 bytes.
    """
    row = view.execute("SELECT frames FROM spool_offset WHERE file = ?", (file,)).fetchone()
    return int(row[0]) if row else 0


def set_stored_frames(tx: Transaction, file: bytes, frames: int) -> None:
    """Write down how many frames of a spool file have been stored."""
    tx.execute("INSERT OR REPLACE INTO spool_offset (file, frames) VALUES (?, ?)", (file, frames))


def forget_files(tx: Transaction, files: Iterable[bytes]) -> None:
    """Forget spool files that are no more."""
    tx.executemany("DELETE FROM spool_offset WHERE file = ?", [(file,) for file in files])


def known_files(view: Snapshot) -> set[bytes]:
    """The spool files that are remembered."""
    return {bytes(row[0]) for row in view.execute("SELECT file FROM spool_offset")}


def add_windows(tx: Transaction, deltas: Iterable[WindowDelta], add: Addition) -> None:
    """Add reports to the windows of all lengths.

    Args:
        tx: The transaction.
        deltas: The reports.
        add: Makes one report of two.
    """
    sums: dict[WindowKey, WindowDelta] = {}
    for delta in deltas:
        for step_s in STEPS_S:
            start_s = delta.second - delta.second % step_s
            key = (delta.endpoint, step_s, start_s, delta.deployment, delta.generation, delta.share)
            sums[key] = delta if key not in sums else add(sums[key], delta)
    rows = [_row(key, _with_stored(tx, key, delta, add)) for key, delta in sums.items()]
    tx.executemany(
        f"""INSERT OR REPLACE INTO traffic (endpoint, step_s, start_s, deployment, generation, share, {_SUMS})
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        rows,
    )


def _with_stored(tx: Transaction, key: WindowKey, delta: WindowDelta, add: Addition) -> WindowDelta:
    row = tx.execute(
        f"""SELECT {_SUMS} FROM traffic
            WHERE endpoint = ? AND step_s = ? AND start_s = ? AND deployment = ? AND generation = ? AND share = ?""",
        key,
    ).fetchone()
    if row is None:
        return delta
    requests, errors, refused, latency, latency_us, *rest = row
    stored = WindowDelta(*delta[:5], requests, errors, unpack_latency(latency), latency_us, refused, *rest)
    return add(delta, stored)


def _row(key: WindowKey, delta: WindowDelta) -> tuple[object, ...]:
    return (
        *key,
        delta.requests,
        delta.errors,
        delta.refused,
        pack_latency(delta.latency),
        delta.latency_us,
        delta.unmirrored,
        delta.compared,
        delta.agreed,
        delta.delta,
        delta.delta_squares,
    )


def insert_predictions(tx: Transaction, frame: Frame) -> None:
    """Insert the predictions of a frame."""
    ids = [_origin_id(tx, origin) for origin in frame.origins]
    endpoints = [origin.endpoint for origin in frame.origins]
    tx.executemany(
        """INSERT INTO prediction (origin, endpoint, request_id, time_ms, latency_us, status, inputs, outputs)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        [(ids[each.origin], endpoints[each.origin], *each[1:]) for each in frame.predictions],
    )


def _origin_id(tx: Transaction, origin: Origin) -> int:
    known = tx.memory.setdefault("telemetry.origin", {})
    names = json.dumps(origin.columns, ensure_ascii=False, separators=(",", ":"))
    values = (*origin[:6], names)
    key = json.dumps(values)
    if key not in known:
        tx.execute("INSERT OR IGNORE INTO column_set (names) VALUES (?)", (names,))
        tx.execute(
            """INSERT OR IGNORE INTO origin (endpoint, deployment, generation, share, model, version, columns)
               SELECT ?, ?, ?, ?, ?, ?, id FROM column_set WHERE names = ?""",
            values,
        )
        known[key] = tx.execute(
            """SELECT o.id FROM origin o JOIN column_set c ON c.id = o.columns
               WHERE o.endpoint = ? AND o.deployment = ? AND o.generation = ? AND o.share = ? AND o.model = ?
               AND o.version = ? AND c.names = ?""",
            values,
        ).fetchone()[0]
    return int(known[key])


def add_counts(tx: Transaction, counts: Iterable[SentCount], stored: Mapping[Source, int]) -> None:
    """Add to what became of the sampled requests.

    Args:
        tx: The transaction.
        counts: What was sent and dropped.
        stored: How many are stored now, by deployment.

    Raises:
        sqlite3.IntegrityError: sent is not stored and dropped together.
    """
    tx.executemany(
        """INSERT INTO capture_count (endpoint, deployment, sent, stored, dropped) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (endpoint, deployment) DO UPDATE SET
           sent = sent + excluded.sent, stored = stored + excluded.stored, dropped = dropped + excluded.dropped""",
        [
            (each.endpoint, each.deployment, each.sent, stored.get((each.endpoint, each.deployment), 0), each.dropped)
            for each in counts
        ],
    )
