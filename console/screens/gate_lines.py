"""Gate reports as lines: verdict, value against threshold, margin, and how old the evidence is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.formats import NONE, VERDICTS, age, duration, number, pill, size
from console.text import Part, table, wrap
from console.widgets.document import Line, heading
from engine.core.timetext import format_latency
from engine.gates.model import GateReport, GateResult, Status, Unit

if TYPE_CHECKING:
    from collections.abc import Callable

_WRITE: dict[Unit, Callable[[float], str]] = {
    Unit.NUMBER: number,
    Unit.BYTES: lambda value: size(int(value)),
    Unit.MILLISECONDS: lambda value: duration(int(value)),
    Unit.MICROSECONDS: format_latency,
}


def quantity(value: float | None, unit: Unit) -> str:
    """A gate's number in its unit; a dash when there is none."""
    if value is None:
        return NONE
    if value < 0:
        return f"-{quantity(-value, unit)}"
    return _WRITE[unit](value)


def _row(result: GateResult) -> list[Part]:
    margin = quantity(result.margin, result.unit)
    sign = "+" if result.margin is not None and result.margin > 0 else ""
    return [
        ("  ", ""),
        pill(VERDICTS, result.status.value),
        (result.label, "strong"),
        (quantity(result.value, result.unit), ""),
        (quantity(result.threshold, result.unit), "dim"),
        (sign + margin, "bad" if result.margin is not None and result.margin < 0 else "dim"),
    ]


def report_lines(report: GateReport, now_ms: int, width: int) -> list[Line]:
    """A report.

    Args:
        report: The gates' answers.
        now_ms: The present, in milliseconds since the epoch.
        width: Cells there are.

    Returns:
        A heading, the table of gates, and why each failing one fails.
    """
    passed = sum(result.passed for result in report.results)
    note = f"{passed} of {len(report.results)} pass, {age(report.time_ms, now_ms)} ago by {report.actor}"
    lines = [heading(f"Gates for {report.target.value}", note)]
    if not report.results:
        return [*lines, Line([("  The policy asks for none.", "dim")])]
    head: list[Part] = [("", ""), ("", ""), ("gate", "dim"), ("value", "dim"), ("limit", "dim"), ("margin", "dim")]
    rows = table([head, *(_row(result) for result in report.results)], right=frozenset({3, 4, 5}))
    lines.append(Line(rows[0]))
    for row, result in zip(rows[1:], report.results, strict=True):
        lines.append(Line(row, f"gate.{result.label}", result))
        if not result.passed:
            style = "dim" if result.status is Status.SKIPPED else "bad"
            lines += [Line([(f"      {part}", style)]) for part in wrap(result.message, max(width - 8, 20))]
    return lines
