"""How gate reports and plans read: value against threshold, with the margin, and what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.cli.approvals import encode as encode_request
from engine.cli.cells import duration, number, size
from engine.cli.output import Column, Format, show_json, show_lines, show_rows
from engine.cli.versions import encode as encode_version
from engine.core.plain import plain
from engine.core.timetext import format_latency

if TYPE_CHECKING:
    from engine.deployment.model import PromotionPlan
    from engine.gates.model import GateReport, GateResult


def _measured(cell: tuple[float | None, str]) -> str:
    value, unit = cell
    if value is None:
        return "-"
    sign = "-" if value < 0 else ""
    if unit == "bytes":
        return sign + size(abs(round(value)))
    if unit == "us":
        return sign + format_latency(abs(value))
    return sign + duration(abs(round(value))) if unit == "ms" else number(value)


GATES = (
    Column("gate", lambda result: result.label),
    Column("status", lambda result: result.status.value),
    Column("value", lambda result: (result.value, result.unit.value), _measured, right=True),
    Column("threshold", lambda result: (result.threshold, result.unit.value), _measured, right=True),
    Column("margin", lambda result: (result.margin, result.unit.value), _measured, right=True),
    Column("message", lambda result: result.message),
)
_CSV_GATES = (
    *GATES[:2],
    Column("value", lambda result: result.value),
    Column("threshold", lambda result: result.threshold),
    Column("margin", lambda result: result.margin),
    Column("unit", lambda result: result.unit.value),
    GATES[-1],
)


def show_report(report: GateReport, fmt: Format) -> None:
    """Print what the gates answered.

    Args:
        report: The report.
        fmt: How to answer.
    """
    if fmt is Format.JSON:
        show_json(report)
    else:
        _show_results(report.results, fmt)


def show_plan(plan: PromotionPlan, fmt: Format) -> None:
    """Print what a promotion or rollback would do, and what stands in its way.

    Args:
        plan: The plan.
        fmt: How to answer. JSON has every field; CSV has the gates.
    """
    if fmt is Format.JSON:
        show_json(encode_plan(plan))
        return
    if fmt is Format.CSV:
        _show_results(plan.report.results, fmt)
        return
    show_lines([f"{plan.kind}: {plan.version.key}  {plan.version.stage} → {plan.to}", ""])
    if plan.report.results:
        _show_results(plan.report.results, fmt)
        show_lines([""])
    request = f" (request {plan.request.id}, {plan.request.state})" if plan.request is not None else ""
    show_lines([f"approvals  {plan.have} of {plan.need}{request}"] if plan.need else ["approvals  none needed"])
    show_lines([plan.freeze] if plan.freeze else [])
    show_lines(["", "what changes", *(f"  {change}" for change in plan.changes)])
    if plan.blockers:
        show_lines(["", "what stands in the way", *(f"  {blocker}" for blocker in plan.blockers)])


def encode_plan(plan: PromotionPlan) -> dict[str, Any]:
    """A plan's JSON: its fields, and whether nothing stands in the way.

    Args:
        plan: The plan.
    """
    return {
        **plain(plan),
        "version": encode_version(plan.version),
        "request": None if plan.request is None else encode_request(plan.request),
        "replaces": [encode_version(version) for version in plan.replaces],
        "allowed": plan.allowed,
    }


def _show_results(results: tuple[GateResult, ...], fmt: Format) -> None:
    show_rows(results, _CSV_GATES if fmt is Format.CSV else GATES, fmt)
