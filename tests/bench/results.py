"""What a measure yields, the statistics used, and the table that is printed."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Args:
        measure: What was measured.
        value: The result, in `unit`.
        unit: `ms`, `B`, `x` (a ratio), ...
        limit: What `value` must not exceed (or reach, with `at_least`); `None` for context only.
        at_least: Whether `limit` is the least instead of the most.
        detail: The parts of a ratio, and how often it was measured.
        samples: The raw numbers behind it, by name.
    """

    measure: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    detail: str = ""
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def ok(self) -> bool | None:
        """Whether the limit is kept; `None` without one."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def must(self) -> str:
        """The limit in words."""
        if self.limit is None:
            return ""
        return f"{'≥' if self.at_least else '≤'} {shown(self.limit, self.unit)}"

    def as_json(self) -> dict[str, Any]:
        """The row with its raw numbers."""
        return {**asdict(self), "ok": self.ok}


def shown(value: float, unit: str) -> str:
    """A number with its unit, to three digits."""
    digits = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{digits} {unit}"


def p50(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """The 95th percentile; the largest of fewer than 20."""
    if len(values) < 20:
        return max(values)
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


VERDICTS = {True: "yes", False: "NO", None: ""}


def lines(rows: Sequence[Row], *, head: bool = True) -> Iterator[str]:
    """The table as aligned text."""
    yield from _aligned([*[("measure", "must", "measured", "ok", "")][: int(head)], *(_cells(row) for row in rows)])


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """The table as markdown, for the README."""
    yield "| measure | must | measured | ok | |"
    yield "|---|---|---|---|---|"
    for row in rows:
        yield f"| {' | '.join(_cells(row))} |"


def _cells(row: Row) -> tuple[str, ...]:
    return row.measure, row.must, shown(row.value, row.unit), VERDICTS[row.ok], row.detail


def _aligned(table: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(cells[column]) for cells in table) for column in range(len(table[0]))]
    for cells in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
