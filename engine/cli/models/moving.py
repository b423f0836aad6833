"""`qd models check`, `promote` and `rollback`: what moves versions between stages, and what may stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engine.cli.cells import count
from engine.cli.diagnostics import FAILED, REFUSED, narrate
from engine.cli.gate_tables import show_plan, show_report
from engine.cli.live_names import MODEL, VERSION
from engine.cli.models.reading import encode_promotion
from engine.cli.options import gathered
from engine.cli.output import Format, format_options, show_lines, show_record
from engine.cli.progress import ProgressLine
from engine.cli.served import until_served
from engine.cli.words import STAGE
from engine.core.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.cli.session import Session
    from engine.deployment.model import Expectation, Promotion, PromotionPlan
    from engine.gates.model import GateReport
    from engine.registry.model import Stage


@click.command()
@click.argument("model", type=MODEL)
@click.argument("version", type=VERSION)
@click.option("--to", "stage", type=STAGE, default="Production", show_default=True, help="The stage it would enter.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Keep no report, and run no gate that builds or calls the model; anybody may do that.",
)
@format_options
@click.pass_obj
def check(session: Session, /, model: str, version: int, stage: Stage, fmt: Format, *, dry_run: bool) -> int:
    """Run the gates that the policy sets for a stage; exit 4 when one fails."""
    progress = ProgressLine("gates")
    try:
        report = session.engine().gates.check(model, version, to=stage, store=not dry_run, progress=progress.tell)
    finally:
        progress.close()
    show_report(report, fmt)
    if report.failures:
        return _say_failures(report)
    passed = sum(result.passed for result in report.results)
    narrate(f"{count(passed, 'gate')} passed." if report.results else f"{stage} has no gates.")
    if report.skipped:
        left_out = ", ".join(result.label for result in report.skipped)
        narrate(f"Not run in a dry run, since they build, load or call the model: {left_out}.")
    return 0


def _say_failures(report: GateReport) -> int:
    failed = ", ".join(result.label for result in report.failures)
    narrate(f"qd: {report.model}/{report.version} may not enter {report.target}: {failed} did not pass.")
    for result in report.failures:
        narrate(f"    {result.label}: {result.message}")
    return REFUSED


@click.command()
@click.argument("model", type=MODEL, required=False)
@click.argument("version", type=VERSION, required=False)
@click.option("--to", "stage", type=STAGE, default="Production", show_default=True, help="The stage it was to enter.")
@click.option("--id", "number", type=click.IntRange(1), help="The report of this number, as a request names it.")
@format_options
@click.pass_obj
def report(session: Session, /, model: str | None, version: int | None, fmt: Format, **which: Any) -> None:
    """Show the evidence that was kept: the newest for a version and a stage, or the one of a number."""
    gates = session.engine().gates
    if which["number"] is not None:
        show_report(gates.get(which["number"]), fmt)
        return
    if model is None or version is None:
        raise InvalidInput("Name a model and a version, or a report with --id.")
    kept = gates.latest(model, version, which["stage"])
    if kept is None:
        raise NotFound(f"The gates were never run for {model}/{version}.", hint="`qd models check` runs them.")
    show_report(kept, fmt)


class _Move(NamedTuple):
    reason: str | None
    demote_to: Stage
    expect_version: int | None
    expect_generation: int | None
    dry_run: bool


def _move_options(function: Callable[..., int]) -> Callable[..., int]:
    """The options that promotion and rollback share; the verb receives one `how`."""
    decorated = gathered("how", _Move)(function)
    for option in (
        click.option("--dry-run", is_flag=True, help="Only say what would happen; exit 4 if it would be refused."),
        click.option(
            "--expect-version",
            type=click.IntRange(0),
            metavar="N",
            help="Refuse unless version N is the one in Production now (0: none is).",
        ),
        click.option(
            "--expect-generation",
            type=click.IntRange(0),
            metavar="N",
            help="Refuse unless promotion N was the last to change what is in Production (0: none has).",
        ),
        click.option(
            "--demote-to",
            type=STAGE,
            default="Archived",
            show_default=True,
            help="Where a version goes that makes room in Production.",
        ),
        click.option("--reason", help="Why; kept in the audit log."),
    ):
        decorated = option(decorated)
    return decorated


@click.command()
@click.argument("model", type=MODEL)
@click.argument("version", type=VERSION)
@click.option("--to", "stage", type=STAGE, required=True, help="The stage it is to enter.")
@click.option("--expect-stage", type=STAGE, help="Refuse unless the version is in this stage now.")
@_move_options
@click.option("--override", is_flag=True, help="Go past gates, freezes and missing approvals, on an approved request.")
@format_options
@click.pass_obj
def promote(session: Session, /, model: str, version: int, how: _Move, fmt: Format, **what: Any) -> int:
    """Move a version to another stage; exit 4 when a gate or the policy refuses.

    The gates run first. What is in Production makes room in the same transaction.
    """
    promotions, to, override = session.engine().promotions, what["stage"], what["override"]
    expect = _expectation(how, what["expect_stage"])
    if how.dry_run:
        plan = promotions.plan(model, version, to=to, override=override, demote_to=how.demote_to)
        return _show_plan(plan, expect, fmt)
    reason, progress = _reason(how), ProgressLine("gates")
    try:
        done = promotions.promote(
            model,
            version,
            to=to,
            reason=reason,
            expect=expect,
            override=override,
            demote_to=how.demote_to,
            progress=progress.tell,
        )
    finally:
        progress.close()
    return _show_done(session, done, fmt)


@click.command()
@click.argument("model", type=MODEL)
@_move_options
@format_options
@click.pass_obj
def rollback(session: Session, model: str, how: _Move, fmt: Format) -> int:
    """Go back to the version that was in Production before, whoever promoted the one that is there now."""
    promotions = session.engine().promotions
    if how.dry_run:
        return _show_plan(promotions.plan_roll_back(model, demote_to=how.demote_to), _expectation(how), fmt)
    done = promotions.roll_back(model, reason=_reason(how), expect=_expectation(how), demote_to=how.demote_to)
    return _show_done(session, done, fmt)


def _reason(how: _Move) -> str:
    if not (how.reason or "").strip():
        raise InvalidInput("This needs a reason.", hint="Add --reason, or look first with --dry-run.")
    return str(how.reason)


def _expectation(how: _Move, stage: Stage | None = None) -> Expectation | None:
    from engine.deployment.model import Expectation

    if how.expect_version is None and how.expect_generation is None and stage is None:
        return None
    version = how.expect_version
    production = None if version is None else (version,) if version else ()
    return Expectation(stage=stage, production=production, generation=how.expect_generation)


def _show_plan(plan: PromotionPlan, expected: Expectation | None, fmt: Format) -> int:
    show_plan(plan, fmt)
    if expected is not None and expected.stage not in (None, plan.version.stage):
        narrate(f"qd: {plan.version.key} is in {plan.version.stage.value} now; nothing was changed.")
        return FAILED
    if expected is not None and expected.production not in (None, plan.expect.production):
        narrate(f"qd: {list(plan.expect.production or ())} is in Production now; nothing was changed.")
        return FAILED
    if expected is not None and expected.generation not in (None, plan.expect.generation):
        narrate(f"qd: promotion {plan.expect.generation} was the last, not {expected.generation}; nothing was changed.")
        return FAILED
    if plan.allowed:
        narrate("This would happen; nothing was changed.")
        return 0
    narrate("qd: this would be refused; nothing was changed.")
    return REFUSED


def _show_done(session: Session, done: Promotion, fmt: Format) -> int:
    if done.to_stage.value == "Production":
        _await_served(session, done)
    if fmt is not Format.HUMAN:
        show_record(encode_promotion(done), fmt)
        return 0
    if done.kind.value == "rollout":
        narrate(f"{done.model}/{done.version} is being rolled out; it enters Production when that has ended well.")
        return 0
    show_lines([f"{done.model}/{done.version}  {done.from_stage} → {done.to_stage}"])
    show_lines(f"{done.model}/{move.version}  {move.from_stage} → {move.to_stage}" for move in done.replaced)
    if done.override:
        narrate(f"qd: OVERRIDE: this went past: {'; '.join(done.overridden)}")
    if done.to_stage.value == "Production":
        narrate(f"Undo with `qd models rollback {done.model} --reason …`.")
    return 0


def _await_served(session: Session, done: Promotion) -> None:
    """Wait until the endpoints that follow the promotion answer by it."""
    endpoints = session.engine().endpoints
    for name in sorted({each.endpoint for each in endpoints.of_version(done.model, done.version)}):
        desired = endpoints.get(name).desired
        if desired is not None:
            until_served(session, name, desired.number)
