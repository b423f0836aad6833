"""`qd endpoints promote`, `pause`, `resume`, `abort` and `rollouts`: a version on its way to all of the traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import moment
from engine.cli.diagnostics import narrate
from engine.cli.endpoints.routing import version_number
from engine.cli.live_names import ENDPOINT
from engine.cli.output import Column, Format, format_options, show_json, show_page, show_record, show_rows
from engine.cli.served import until_served
from engine.core.plain import plain

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.deployment.analysis import Comparison, Evidence
    from engine.deployment.rollout_model import Rollout

_REASON = click.option("--reason", required=True, help="Why; kept in the audit log.")
_EXPECT = click.option(
    "--expect", type=click.IntRange(0), metavar="N", help="Refuse unless N is the newest generation now."
)


def encode_rollout(rollout: Rollout) -> dict[str, Any]:
    """A rollout's JSON: its fields, with the plan in words and each measure as shares.

    Args:
        rollout: The rollout.
    """
    document: dict[str, Any] = plain(rollout)
    tolerances = document.pop("policy")
    del tolerances["steps"]
    return {
        **document,
        "plan": [step.words for step in rollout.policy.steps],
        "step": rollout.step,
        "tolerances": tolerances,
        "evidence": encode_evidence(rollout.evidence),
    }


def encode_evidence(evidence: Evidence) -> dict[str, Any]:
    """What was seen: requests of the step, and each measure as shares, with the evidence for either end.

    Args:
        evidence: Of a rollout or a verdict.
    """
    return {
        "step_requests": evidence.step_requests,
        "comparisons": [_encode(each) for each in evidence.comparisons],
    }


def _encode(comparison: Comparison) -> dict[str, Any]:
    return {
        "measure": comparison.measure.value,
        "tolerance": comparison.tolerance,
        "candidate": _share(comparison.candidate),
        "live": _share(comparison.live),
        "difference": comparison.difference,
        "log_evidence_worse": comparison.harm.log_wealth,
        "log_evidence_tolerable": comparison.safety.log_wealth,
    }


def _share(counts: tuple[int, float]) -> dict[str, Any]:
    requests, bad = counts
    return {"requests": requests, "bad": bad, "share": bad / requests if requests else None}


_COLUMNS = (
    Column("id", lambda rollout: rollout.id, right=True),
    Column("endpoint", lambda rollout: rollout.endpoint),
    Column("version", lambda rollout: rollout.version, right=True),
    Column("live_version", lambda rollout: rollout.live_version, title="from", right=True),
    Column("state", lambda rollout: rollout.state.value),
    Column("step", lambda rollout: rollout.current.words),
    Column("plan", lambda rollout: rollout.policy.plan),
    Column("created_ms", lambda rollout: rollout.created_ms, moment, "begun", right=True),
    Column("by", lambda rollout: rollout.by.name),
    Column("note", lambda rollout: rollout.note),
)

_MEASURES = (
    Column("measure", lambda each: each["measure"]),
    Column("candidate", lambda each: _words(each["candidate"]), right=True),
    Column("live", lambda each: _words(each["live"]), right=True),
    Column("tolerance", lambda each: f"{each['tolerance']:+.1%}", right=True),
    Column("difference", lambda each: "-" if each["difference"] is None else f"{each['difference']:+.2%}", right=True),
)


def _words(share: dict[str, Any]) -> str:
    return "-" if share["share"] is None else f"{share['share']:.2%} of {share['requests']}"


def show_rollout(rollout: Rollout, fmt: Format) -> None:
    """Print a rollout: its fields, and for people its measures as a table.

    Args:
        rollout: The rollout.
        fmt: How.
    """
    document = encode_rollout(rollout)
    if fmt is not Format.HUMAN:
        show_record(document, fmt)
        return
    measures = document.pop("evidence")["comparisons"]
    del document["tolerances"]
    show_record({**document, "plan": rollout.policy.plan, "step": rollout.current.words}, fmt)
    if measures:
        show_rows(measures, _MEASURES, fmt)


@click.command()
@click.argument("name", type=ENDPOINT)
@click.argument("version")
@click.option("--plan", default="", help='Steps such as "shadow 10m -> 5% 10m -> 100%"; the policy\'s without.')
@click.option("--to-production", is_flag=True, help="At its end, promote the version to Production as well.")
@_REASON
@_EXPECT
@format_options
@click.pass_obj
def promote(session: Session, /, name: str, version: str, plan: str, reason: str, fmt: Format, **how: Any) -> None:
    """Begin to give a version all of the traffic step by step; what it shows decides each step."""
    number = version_number(session, name, version)
    started = session.engine().rollouts.start(
        name, number, plan=plan, reason=reason, promotes=how["to_production"], expect=how["expect"]
    )
    narrate(f"Rollout {started.id} has begun: {started.policy.plan}.")
    until_served(session, name, started.generation)
    show_rollout(started, fmt)


@click.command()
@click.argument("name", type=ENDPOINT)
@_REASON
@_EXPECT
@format_options
@click.pass_obj
def pause(session: Session, name: str, reason: str, expect: int | None, fmt: Format) -> None:
    """Stop the clock of an endpoint's rollout; the traffic stays as it is."""
    show_rollout(session.engine().rollouts.pause(name, reason=reason, expect=expect), fmt)


@click.command()
@click.argument("name", type=ENDPOINT)
@click.option("--skip", is_flag=True, help="Take the step as passed, on your word.")
@_REASON
@_EXPECT
@format_options
@click.pass_obj
def resume(session: Session, name: str, reason: str, expect: int | None, fmt: Format, *, skip: bool) -> None:
    """Go on with an endpoint's rollout; the step begins anew."""
    going = session.engine().rollouts.resume(name, reason=reason, skip=skip, expect=expect)
    until_served(session, name, going.generation)
    show_rollout(going, fmt)


@click.command()
@click.argument("name", type=ENDPOINT)
@_REASON
@_EXPECT
@format_options
@click.pass_obj
def abort(session: Session, name: str, reason: str, expect: int | None, fmt: Format) -> None:
    """Give up an endpoint's rollout: its version gets no traffic any more, but stays loaded."""
    ended = session.engine().rollouts.abort(name, reason=reason, expect=expect)
    until_served(session, name, ended.generation)
    show_rollout(ended, fmt)


@click.command()
@click.argument("name", type=ENDPOINT, required=False)
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, help="At most so many.")
@click.option("--page-token", help="Continues an earlier page.")
@format_options
@click.pass_obj
def rollouts(session: Session, name: str | None, limit: int, page_token: str | None, fmt: Format) -> None:
    """List rollouts, the newest first."""
    page = session.engine().rollouts.page(name, limit=limit, page_token=page_token)
    show_page(page, _COLUMNS, fmt, encode=encode_rollout)


@click.command()
@click.argument("rollout", type=click.IntRange(1))
@format_options
@click.pass_obj
def verdicts(session: Session, rollout: int, fmt: Format) -> None:
    """List what was decided about the steps of a rollout, and on which numbers."""
    found = session.engine().rollouts.verdicts(rollout)
    columns = (
        Column("step", lambda each: each.step, right=True),
        Column("time_ms", lambda each: each.time_ms, moment, "time", right=True),
        Column("verdict", lambda each: each.verdict.value),
        Column("sentence", lambda each: each.sentence),
    )
    if fmt is Format.JSON:
        show_json([{**plain(each), "evidence": encode_evidence(each.evidence)} for each in found])
    else:
        show_rows(found, columns, fmt)
