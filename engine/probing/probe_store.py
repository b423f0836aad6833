"""SQL of what probes found, in the telemetry database. Functions take a transaction or a snapshot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.probing.model import Probe, ProbeHour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.db.transaction import Snapshot, Transaction

HOUR_MS = 3_600_000
_COLUMNS = "time_ms, ok, status, latency_us, problem, tls_expires_ms, facts"


def insert(tx: Transaction, endpoint: int, probe: Probe) -> None:
    """Store what a probe found, and add it to its hour.

    Args:
        tx: The transaction.
        endpoint: The external endpoint's integer key.
        probe: What was found.
    """
    facts = json.dumps(dict(probe.facts))
    row = (endpoint, probe.time_ms, int(probe.ok), probe.status, probe.latency_us, probe.problem, probe.tls_expires_ms)
    tx.execute(f"INSERT INTO probe (endpoint, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, facts))
    took_us = probe.latency_us or 0
    sums = (1, int(not probe.ok), int(probe.latency_us is not None), took_us, took_us)
    tx.execute(
        """INSERT INTO probe_hour (endpoint, start_ms, probes, failures, timed, latency_us, max_latency_us)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (endpoint, start_ms) DO UPDATE SET
           probes = probes + 1, failures = failures + excluded.failures, timed = timed + excluded.timed,
           latency_us = latency_us + excluded.latency_us,
           max_latency_us = max(max_latency_us, excluded.max_latency_us)""",
        (endpoint, probe.time_ms - probe.time_ms % HOUR_MS, *sums),
    )


def newest(view: Snapshot, endpoint: int, *, below: int | None, limit: int) -> list[tuple[int, Probe]]:
    """An endpoint's probes with their integer keys, the newest first.

    Args:
        view: The caller's view.
        endpoint: The external endpoint's integer key.
        below: Only keys smaller than this; `None` for all.
        limit: At most so many.

    Returns:
        The probes.
    """
    sql = f"""SELECT id, {_COLUMNS} FROM probe WHERE endpoint = ? AND (? IS NULL OR id < ?)
        ORDER BY id DESC LIMIT ?"""
    return [(row[0], _probe(row[1:])) for row in view.execute(sql, (endpoint, below, below, limit))]


def hours(view: Snapshot, endpoint: int, since_ms: int) -> tuple[ProbeHour, ...]:
    """Sums over hours, the oldest first.

    Args:
        view: The caller's view.
        endpoint: The external endpoint's integer key.
        since_ms: Only hours that began then or later.

    Returns:
        The sums; an hour without probes is left out.
    """
    sql = """SELECT start_ms, probes, failures, timed, latency_us, max_latency_us FROM probe_hour
        WHERE endpoint = ? AND start_ms >= ? ORDER BY start_ms"""
    return tuple(
        ProbeHour(start, probes, failures, latency_us // timed if timed else None, longest_us if timed else None)
        for start, probes, failures, timed, latency_us, longest_us in view.execute(sql, (endpoint, since_ms))
    )


def forget(tx: Transaction, *, probes_before_ms: int, hours_before_ms: int, limit: int) -> int:
    """Delete what is older than it is kept for.

    Args:
        tx: The transaction.
        probes_before_ms: Probes that began before.
        hours_before_ms: Hours that began before.
        limit: At most so many probes.

    Returns:
        How many probes were deleted.
    """
    tx.execute("DELETE FROM probe_hour WHERE start_ms < ?", (hours_before_ms,))
    sql = "DELETE FROM probe WHERE id IN (SELECT id FROM probe WHERE time_ms < ? ORDER BY time_ms LIMIT ?)"
    return tx.execute(sql, (probes_before_ms, limit)).rowcount


def _probe(row: Sequence[Any]) -> Probe:
    time_ms, ok, status, latency_us, problem, tls_expires_ms, facts = row
    return Probe(time_ms, bool(ok), status, latency_us, problem, tls_expires_ms, json.loads(facts))
