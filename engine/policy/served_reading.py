"""Reading the options of the gates that look at a version as it would serve."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.core.timetext import exact_duration, parse_duration
from engine.policy.served import (
    COMPILED,
    MOST_LOAD_ROWS,
    MOST_REPLAYED,
    RUNTIMES,
    LatencyGate,
    ParityGate,
    ReplayGate,
    ResourcesGate,
    ScanGate,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.policy.reader import Table
    from engine.policy.served import ServedSpec

LEAST_LOAD_MS, MOST_LOAD_MS = 100, 60_000
"""How long the latency gate may be told to call each version, in milliseconds."""

_SHORT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(us|\N{MICRO SIGN}s|ms)", re.IGNORECASE)
_LARGEST_RATIO = 1_000.0


def _latency(table: Table) -> LatencyGate:
    _one_of(table, ("p95", "memory", "not_slower"), 'Write p95 = "5ms".')
    usual = LatencyGate()
    return LatencyGate(
        p95_us=table.read("p95", None, _short),
        memory_bytes=table.size("memory", None),
        not_slower=table.read("not_slower", None, _ratio),
        rows=_from_one(table, "rows", usual.rows, most=MOST_LOAD_ROWS),
        duration_ms=table.read("duration", usual.duration_ms, _load_time),
    )


def _parity(table: Table) -> ParityGate:
    allowed = table.words("runtimes", COMPILED, choices=RUNTIMES)
    if not allowed:
        table.refuse("runtimes", "is empty, so nothing could pass.", f"Known runtimes: {', '.join(RUNTIMES)}.")
    return ParityGate(allowed, table.number("max_difference", None, least=0))


def _scan(table: Table) -> ScanGate:
    return ScanGate(table.flag("allow_pickle", fallback=False), table.size("max", ScanGate().max_bytes))


def _replay(table: Table) -> ReplayGate:
    usual = ReplayGate()
    rows = _from_one(table, "rows", usual.rows, most=MOST_REPLAYED)
    needed = table.whole("needed", min(usual.needed, rows), most=MOST_REPLAYED)
    if needed > rows:
        table.refuse("needed", f"is more than the {rows} rows that are replayed, so nothing could pass.")
    return ReplayGate(
        rows,
        needed,
        table.whole("max_refused", usual.max_refused, most=MOST_REPLAYED),
        table.number("max_disagreement", None, least=0, most=1),
    )


def _resources(table: Table) -> ResourcesGate:
    _one_of(table, ("file", "memory", "load_time"), 'Write memory = "200MB".')
    load_ms = table.duration("load_time", None)
    return ResourcesGate(table.size("file", None), table.size("memory", None), load_ms)


READERS: Mapping[str, Callable[[Table], ServedSpec]] = {
    LatencyGate.gate: _latency,
    ParityGate.gate: _parity,
    ScanGate.gate: _scan,
    ReplayGate.gate: _replay,
    ResourcesGate.gate: _resources,
}
"""What reads each of these gates, by its name."""


def _one_of(table: Table, keys: tuple[str, ...], hint: str) -> None:
    if not any(key in table for key in keys):
        table.refuse(None, f"needs {', '.join(keys[:-1])} or {keys[-1]}.", hint)


def _from_one(table: Table, key: str, fallback: int, *, most: int) -> int:
    def read(value: Any) -> int:
        if type(value) is not int or not 1 <= value <= most:
            raise InvalidInput(f"must be a whole number from 1 to {most}.")
        return value

    return table.read(key, fallback, read)


def _short(value: Any) -> float:
    """A latency in microseconds; whole milliseconds would be too coarse for a model that answers in 50 us."""
    found = _SHORT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is not None:
        time_us = float(found[1]) * (1_000 if found[2].lower() == "ms" else 1)
    else:
        time_us = 1_000.0 * _milliseconds(value, '"5ms" or "250us"')
    if time_us <= 0:
        raise InvalidInput("must be longer than nothing.")
    return time_us


def _load_time(value: Any) -> int:
    found = _milliseconds(value, '"2s"')
    if not LEAST_LOAD_MS <= found <= MOST_LOAD_MS:
        raise InvalidInput(f"must be from {exact_duration(LEAST_LOAD_MS)} to {exact_duration(MOST_LOAD_MS)}.")
    return found


def _milliseconds(value: Any, example: str) -> int:
    if not isinstance(value, str):
        raise InvalidInput("must be a text with a unit.", hint=f"Write {example}.")
    return parse_duration(value)


def _ratio(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LARGEST_RATIO:
        raise InvalidInput("must be a number above 0, at most 1000.", hint="1.2 lets it take 20 % longer.")
    return float(value)
