"""SQL of monitors: what they are, how far they have come, what they found, and who may look."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.monitoring.model import Kind, Monitor, MonitorResult, Source, Subject, Verdict, Window
from engine.policy.monitors import MonitorSettings, checked_settings, written_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.db.transaction import Snapshot, Transaction
    from engine.monitoring.model import ResultQuery

_MONITOR = (
    "SELECT m.id, m.name, m.source, m.settings, m.paused, m.created_ms, m.created_by, m.last_ms, m.next_ms, m.verdict, "
    "m.sentence, m.problem, CASE WHEN l.expires_ms > ? THEN l.owner ELSE '' END "
    "FROM monitor m LEFT JOIN monitor_lease l ON l.monitor = m.id"
)
_RESULT = (
    "SELECT r.id, m.name, r.kind, r.window_start_ms, r.window_end_ms, r.first_id, r.last_id, r.file, r.model, "
    "r.version, r.endpoint, r.share, r.revision, r.verdict, r.sentence, r.next_step, r.value, r.rows, r.report, "
    "r.paged, r.made_ms FROM monitor_result r JOIN monitor m ON m.id = r.monitor"
)


class Row(NamedTuple):
    """A monitor as it is stored.

    Args:
        id: Its number.
        monitor: The monitor.
    """

    id: int
    monitor: Monitor


class Lease(NamedTuple):
    """Who may look.

    Args:
        owner: The process.
        fence: Grows with every new holder.
        expires_ms: Until when, in milliseconds since the epoch.
    """

    owner: str
    fence: int
    expires_ms: int


def insert(tx: Transaction, monitor: Monitor) -> int:
    """Store a new monitor; returns its number."""
    cursor = tx.execute(
        """INSERT INTO monitor (name, source, settings, paused, created_ms, created_by, verdict, sentence, problem)
           VALUES (?, ?, ?, ?, ?, ?, '', '', '')""",
        (
            monitor.name,
            monitor.source.value,
            _settings_text(monitor.settings),
            monitor.paused,
            monitor.created_ms,
            monitor.created_by,
        ),
    )
    return int(cursor.lastrowid or 0)


def update(tx: Transaction, number: int, monitor: Monitor) -> None:
    """Store what a monitor is now: how it looks at windows, who declares it, whether it looks."""
    tx.execute(
        "UPDATE monitor SET source = ?, settings = ?, paused = ? WHERE id = ?",
        (monitor.source.value, _settings_text(monitor.settings), monitor.paused, number),
    )


def delete(tx: Transaction, number: int) -> None:
    """Delete a monitor, with what it found."""
    tx.execute("DELETE FROM monitor WHERE id = ?", (number,))


def looked(tx: Transaction, number: int, *, next_ms: int, problem: str) -> None:
    """Note that a monitor has looked now.

    Args:
        tx: The transaction.
        number: The monitor's.
        next_ms: When it looks again, in milliseconds since the epoch.
        problem: Why it could not look; empty when it could.
    """
    tx.execute(
        "UPDATE monitor SET last_ms = ?, next_ms = ?, problem = ? WHERE id = ?", (tx.now_ms, next_ms, problem, number)
    )


def found(tx: Transaction, number: int, verdict: Verdict, sentence: str) -> None:
    """Note what the newest window of a monitor has shown."""
    tx.execute("UPDATE monitor SET verdict = ?, sentence = ? WHERE id = ?", (verdict.value, sentence, number))


def get(view: Snapshot, name: str, now_ms: int) -> Row | None:
    """A monitor by its name; `None` when there is none."""
    row = view.execute(f"{_MONITOR} WHERE m.name = ?", (now_ms, name)).fetchone()
    return None if row is None else _row(row)


def everything(view: Snapshot, now_ms: int) -> dict[str, Row]:
    """All monitors that are stored, by name."""
    rows = view.execute(f"{_MONITOR} ORDER BY m.name", (now_ms,))
    return {row[1]: _row(row) for row in rows}


def memory(view: Snapshot, number: int) -> dict[str, bytes]:
    """What a monitor remembers, by part."""
    rows = view.execute("SELECT part, content FROM monitor_memory WHERE monitor = ?", (number,))
    return {part: bytes(content) for part, content in rows}


def remember(tx: Transaction, number: int, parts: Mapping[str, bytes | None]) -> None:
    """Keep parts of what a monitor remembers, and drop those that are `None`; others stay."""
    gone = [(number, part) for part, content in parts.items() if content is None]
    tx.executemany("DELETE FROM monitor_memory WHERE monitor = ? AND part = ?", gone)
    tx.executemany(
        """INSERT INTO monitor_memory (monitor, part, content) VALUES (?, ?, ?)
           ON CONFLICT (monitor, part) DO UPDATE SET content = excluded.content""",
        [(number, part, content) for part, content in parts.items() if content is not None],
    )


def forget(tx: Transaction, number: int) -> None:
    """Drop all that a monitor remembers."""
    tx.execute("DELETE FROM monitor_memory WHERE monitor = ?", (number,))


def lease(view: Snapshot, number: int) -> Lease | None:
    """Who may look; `None` when nobody ever did."""
    row = view.execute("SELECT owner, fence, expires_ms FROM monitor_lease WHERE monitor = ?", (number,)).fetchone()
    return None if row is None else Lease(*row)


def put_lease(tx: Transaction, number: int, held: Lease) -> None:
    """Store who may look."""
    tx.execute(
        """INSERT INTO monitor_lease (monitor, owner, fence, expires_ms) VALUES (?, ?, ?, ?)
           ON CONFLICT (monitor) DO UPDATE SET owner = excluded.owner, fence = excluded.fence,
           expires_ms = excluded.expires_ms""",
        (number, *held),
    )


def revision(view: Snapshot, number: int, result: MonitorResult) -> int:
    """Which look at its window a result is: 0 for the first."""
    row = view.execute(
        f"SELECT ifnull(max(revision) + 1, 0) FROM monitor_result WHERE {_SAME_WINDOW}", _window_of(number, result)
    ).fetchone()
    return int(row[0])


_SAME_WINDOW = (
    "monitor = ? AND kind = ? AND window_start_ms = ? AND window_end_ms = ? AND file = ? AND model = ? "
    "AND ifnull(version, 0) = ? AND endpoint = ? AND share = ?"
)


def _window_of(number: int, result: MonitorResult) -> tuple[object, ...]:
    window, subject = result.window, result.subject
    return (
        number,
        result.kind.value,
        window.start_ms,
        window.end_ms,
        window.file,
        subject.model,
        subject.version or 0,
        subject.endpoint,
        subject.share,
    )


def insert_result(tx: Transaction, number: int, result: MonitorResult, *, fence: int) -> int:
    """Store what was found in a window; it is the newest of that window from now on.

    Args:
        tx: The transaction.
        number: The monitor's number.
        result: What was found; its `id` and `made_ms` are not looked at.
        fence: Of the lease under which it was found.

    Returns:
        Its number.

    Raises:
        sqlite3.IntegrityError: there is that revision already.
    """
    tx.execute(f"UPDATE monitor_result SET newest = 0 WHERE {_SAME_WINDOW}", _window_of(number, result))
    window, subject = result.window, result.subject
    cursor = tx.execute(
        """INSERT INTO monitor_result (monitor, kind, window_start_ms, window_end_ms, first_id, last_id, file, model,
           version, endpoint, share, revision, verdict, sentence, next_step, value, rows, report, paged, fence, made_ms,
           newest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)""",
        (
            number,
            result.kind.value,
            window.start_ms,
            window.end_ms,
            window.first,
            window.last,
            window.file,
            subject.model,
            subject.version,
            subject.endpoint,
            subject.share,
            result.revision,
            result.verdict.value,
            result.sentence,
            result.next_step,
            result.value,
            result.rows,
            json.dumps(result.report, ensure_ascii=False, allow_nan=False, separators=(",", ":")),
            " ".join(result.paged),
            fence,
            tx.now_ms,
        ),
    )
    return int(cursor.lastrowid or 0)


def result(view: Snapshot, number: int) -> MonitorResult | None:
    """One result by its number; `None` when there is none."""
    row = view.execute(f"{_RESULT} WHERE r.id = ?", (number,)).fetchone()
    return None if row is None else _result(row)


def results(view: Snapshot, query: ResultQuery, before: int | None, limit: int) -> list[MonitorResult]:
    """Results, the newest first.

    Args:
        view: Where to look.
        query: Which.
        before: The number of the last one of the page before, or `None`.
        limit: At most so many.
    """
    asked = _RESULT if query.reports else _RESULT.replace("r.report,", "'{}',")
    rows = view.execute(
        f"""{asked} WHERE (? = '' OR m.name = ?) AND (? = '' OR r.kind = ?) AND (? = '' OR r.verdict = ?)
            AND (? = '' OR r.model = ?) AND (? = '' OR r.endpoint = ?) AND r.newest >= ? AND r.window_end_ms >= ?
            AND (? IS NULL OR r.id < ?) ORDER BY r.id DESC LIMIT ?""",
        (
            *(query.monitor, query.monitor),
            *(query.kind, query.kind),
            *(query.verdict, query.verdict),
            *(query.model, query.model),
            *(query.endpoint, query.endpoint),
            int(query.latest),
            query.since_ms,
            *(before, before),
            limit,
        ),
    )
    return [_result(row) for row in rows]


def insert_points(tx: Transaction, result_id: int, points: Iterator[tuple[Any, ...]]) -> None:
    """Store performance: tuples of basis, metric, value, error and rows."""
    tx.executemany(
        "INSERT INTO performance_point (result, basis, metric, value, error, rows) VALUES (?, ?, ?, ?, ?, ?)",
        ((result_id, *point) for point in points),
    )


def points(view: Snapshot, monitor: str, metric: str, since_ms: int, limit: int) -> list[tuple[Any, ...]]:
    """Performance in all revisions of the newest windows of a monitor: tuples in the order of `PerformancePoint`.

    Args:
        view: Where to look.
        monitor: The monitor's name.
        metric: What was measured; empty for all.
        since_ms: Of windows that end then or later, in milliseconds since the epoch.
        limit: At most so many.
    """
    rows = view.execute(
        """SELECT * FROM (
               SELECT r.window_start_ms, r.window_end_ms, p.basis, p.metric, p.value, p.error, p.rows, r.revision,
                      r.made_ms, r.model, r.version
               FROM performance_point p JOIN monitor_result r ON r.id = p.result JOIN monitor m ON m.id = r.monitor
               WHERE m.name = ? AND (? = '' OR p.metric = ?) AND r.window_end_ms >= ?
               ORDER BY r.window_end_ms DESC, r.revision DESC, p.basis LIMIT ?)
           ORDER BY window_end_ms, model, version, basis, metric, revision""",
        (monitor, metric, metric, since_ms, limit),
    )
    return list(rows)


def forget_results(tx: Transaction, number: int, before_ms: int, limit: int) -> int:
    """Delete some of a monitor's results of windows that ended before a time; returns how many."""
    return tx.execute(
        """DELETE FROM monitor_result WHERE id IN (SELECT id FROM monitor_result
           WHERE monitor = ? AND window_end_ms < ? ORDER BY window_end_ms, id LIMIT ?)""",
        (number, before_ms, limit),
    ).rowcount


@lru_cache(maxsize=512)
def _settings(text: str) -> MonitorSettings:
    """Read once: whoever waits for the next monitor's time looks at all of them twice a second."""
    return checked_settings(json.loads(text))


def _settings_text(settings: MonitorSettings) -> str:
    return json.dumps(written_settings(settings), ensure_ascii=False, separators=(",", ":"))


def _row(row: tuple[Any, ...]) -> Row:
    number, name, source, settings, paused, created_ms, created_by, *rest = row
    last_ms, next_ms, verdict, sentence, problem, runner = rest
    return Row(
        number,
        Monitor(
            name=name,
            settings=_settings(settings),
            source=Source(source),
            paused=paused,
            created_ms=created_ms,
            created_by=created_by,
            last_ms=last_ms,
            next_ms=None if paused else next_ms,
            verdict=Verdict(verdict) if verdict else None,
            sentence=sentence,
            problem=problem,
            runner=runner,
        ),
    )


def _result(row: tuple[Any, ...]) -> MonitorResult:
    number, monitor, kind, start_ms, end_ms, first, last, file, model, version, endpoint, share, *rest = row
    revision_, verdict, sentence, next_step, value, rows, report, paged, made_ms = rest
    return MonitorResult(
        id=number,
        monitor=monitor,
        kind=Kind(kind),
        window=Window(start_ms, end_ms, first, last, file),
        subject=Subject(model, version, endpoint, share),
        revision=revision_,
        verdict=Verdict(verdict),
        sentence=sentence,
        next_step=next_step,
        value=value,
        rows=rows,
        report=json.loads(report),
        paged=tuple(paged.split()),
        made_ms=made_ms,
    )
