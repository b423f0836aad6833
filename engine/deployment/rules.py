"""May this version move? Pure rules over what one transaction has read; nothing enters a stage except through here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.core.access import Role
from engine.core.errors import (
    ApprovalMissing,
    Conflict,
    GateFailed,
    PermissionDenied,
    PolicyInvalid,
    PolicyRefused,
    QuarterdeckError,
)
from engine.core.timetext import format_age, format_time
from engine.deployment.model import Blocker, Decision, Expectation, Kind, Move, Occupants, Situation, Wish
from engine.deployment.succession import WayBack
from engine.gates.model import GateReport
from engine.policy.model import NO_DEMANDS, IntegrityGate
from engine.registry.approval_model import POLICY_GONE, POLICY_GONE_HINT, ApprovalRequest, ApprovalState, Person
from engine.registry.model import Stage

CLOCK_SKEW_MS = 60_000
"""How far into the future evidence may be dated before it is refused, in milliseconds."""


def decide(wish: Wish, found: Situation) -> Decision:
    """Decide about a promotion.

    Args:
        wish: What the operator asks for.
        found: What the transaction has read.

    Returns:
        What to do.

    Raises:
        PermissionDenied: the role of this moment is too low.
        Conflict: things are not as the operator saw them, the version is there already, or an override has nothing to
            go past; the details show how things are now.
        GateFailed: a gate failed, or the evidence is for other bytes, another policy, or too old.
        PolicyRefused: the stage is frozen.
        ApprovalMissing: the stage, or the override, asks for approvals that are not there.
        PolicyInvalid: the policy file is gone though versions were judged by it, and it is not the archive.
    """
    passable = list(policy_blockers(wish.to, found))
    hard = [*basic_blockers(wish, found), *(override_blockers(found, passable) if wish.override else passable)]
    if hard:
        raise refusal(hard, found)
    if wish.override:
        request = found.override_request
        overridden = tuple(blocker.message for blocker in passable)
    else:
        request = found.request if found.demands(wish.to).approvals else None
        overridden = ()
    return Decision(
        Kind.OVERRIDE if wish.override else Kind.PROMOTE,
        promotion_moves(wish, found),
        request.id if request is not None else None,
        overridden,
    )


def decide_rollback(found: Situation, way: WayBack, *, expect: Expectation, demote_to: Stage) -> Decision:
    """Decide about going back to a version that was in Production before.

    It takes no approval and no gate but the bytes: the version was approved when it was promoted, and an emergency does
    not wait. A freeze does not stop it either.

    Args:
        found: What the transaction has read; its version is the one to go back to.
        way: Which version is given up, and what the bytes of the other were when it was approved.
        expect: What the operator saw.
        demote_to: Where the version goes that is given up.

    Returns:
        What to do.

    Raises:
        PermissionDenied: the role of this moment is too low.
        Conflict: things are not as the operator saw them; the details show how they are now.
        GateFailed: the stored bytes are no longer the ones that were approved.
    """
    hard = list(rollback_blockers(found, way, expect, demote_to))
    if hard:
        raise refusal(hard, found)
    return Decision(Kind.ROLLBACK, rollback_moves(found, way, demote_to))


def refusal(blockers: list[Blocker], found: Situation) -> QuarterdeckError:
    """The error for blockers: the first one's, with all of them and how things are now in the details."""
    first = blockers[0]
    details: dict[str, object] = {
        "version": found.version.key,
        "stage": found.version.stage.value,
        "production": list(found.production),
        "generation": found.generation,
        "blockers": [blocker.words for blocker in blockers],
    }
    return first.error(first.message, hint=first.hint, details=details)


def promotion_moves(wish: Wish, found: Situation) -> tuple[Move, ...]:
    """The moves of a promotion: the version's own first, then those of the versions that make room for it."""
    own = Move(found.version.version, found.version.stage, wish.to)
    away = Stage.ARCHIVED if wish.occupants is Occupants.ARCHIVE else wish.demote_to
    return (own, *(Move(number, wish.to, away) for number in found.leaving(wish)))


def rollback_moves(found: Situation, way: WayBack, demote_to: Stage) -> tuple[Move, ...]:
    """The moves of a rollback: the version that serves again first, unless it never stopped; then those that leave."""
    single = found.policy.single_production
    leave = tuple(
        Move(number, Stage.PRODUCTION, demote_to) for number in found.others if single or number == way.leaving
    )
    if found.version.stage is Stage.PRODUCTION:
        return leave
    return (Move(found.version.version, found.version.stage, Stage.PRODUCTION), *leave)


def basic_blockers(wish: Wish, found: Situation) -> Iterator[Blocker]:
    """What no override goes past: the policy itself, role, what the operator saw, whose evidence it is, the bytes."""
    if found.policy_gone and wish.to is not Stage.ARCHIVED:
        yield Blocker(PolicyInvalid, POLICY_GONE, POLICY_GONE_HINT)
    yield from _role(found, Role.ADMIN if wish.override else Role.OPERATOR)
    yield from _seen(wish.expect, found)
    if found.version.stage is wish.to:
        yield Blocker(Conflict, f"{found.version.key} is in {wish.to} already.")
        return
    yield from _evidence(found, wish.to)
    yield from _bytes(found.report, wish.to)
    yield from _room(found, promotion_moves(wish, found))


def policy_blockers(to: Stage, found: Situation) -> Iterator[Blocker]:
    """What the policy of the stage holds against the move; an override goes past these."""
    for result in found.report.failures:
        if result.gate != IntegrityGate.gate:
            hint = f"See `qd models check {_words(found, to)}`."
            yield Blocker(GateFailed, f"The gate {result.label} does not pass: {result.message}", hint)
    demands = found.demands(to)
    frozen = demands.frozen(found.now_ms)
    if frozen is not None:
        window, end_ms = frozen
        why = f" ({window.reason})" if window.reason else ""
        yield Blocker(
            PolicyRefused, f"{to} is frozen until {format_time(end_ms)}{why}.", "Wait, or ask for an override."
        )
    if demands.approvals:
        yield from _approvals(found, to, demands.approvals)


def override_blockers(found: Situation, passable: list[Blocker]) -> Iterator[Blocker]:
    """What an override itself takes: something to go past, and a second person who was shown all of it."""
    if not passable:
        yield Blocker(Conflict, "There is nothing to override.", "Promote without an override.")
        return
    request = found.override_request
    ask = f"Request one: `qd approvals request {_words(found, found.report.target)} --override`."
    if request is None or not _is_for(request, found, found.report.target):
        yield Blocker(ApprovalMissing, "An override needs an approved request for it.", ask)
        return
    if request.state is not ApprovalState.APPROVED:
        yield Blocker(ApprovalMissing, f"The override request {request.id} is {_state(request)}.", _next(request, ask))
        return
    me = Person.of(found.actor)
    if all(person.overlaps(me) for person in request.approvers):
        yield Blocker(
            ApprovalMissing,
            "An override takes two people: whoever approved it cannot carry it out alone.",
            "Have another approver approve it, or another admin promote.",
        )
    shown = {result.label for result in found.shown.failures} if found.shown is not None else set()
    for result in found.report.failures:
        if result.label not in shown and result.gate != IntegrityGate.gate:
            message = f"The gate {result.label} passed when the override was approved, and does not any more."
            yield Blocker(GateFailed, message, "Withdraw the request and ask again.")
    demands = found.demands(found.report.target)
    if demands.frozen(found.now_ms) and not demands.frozen(request.created_ms):
        message = f"{found.report.target} was not frozen when the override was asked for, and is now."
        yield Blocker(PolicyRefused, message, "Withdraw the request and ask again, or wait.")


def rollback_blockers(found: Situation, way: WayBack, expect: Expectation, demote_to: Stage) -> Iterator[Blocker]:
    """What stands in the way of a rollback: role, what the operator saw, and the bytes."""
    yield from _role(found, Role.OPERATOR)
    yield from _seen(expect, found)
    yield from _evidence(found, Stage.PRODUCTION)
    yield from _room(found, rollback_moves(found, way, demote_to))
    if found.version.digest != way.digest:
        yield Blocker(GateFailed, f"The bytes of {found.version.key} are not the ones that were in Production before.")
    yield from _bytes(found.report, Stage.PRODUCTION)


def _role(found: Situation, needed: Role) -> Iterator[Blocker]:
    role = found.policy.role_of(found.actor.name)
    if role < needed:
        yield Blocker(
            PermissionDenied,
            f"This needs the role {needed.label}; {found.actor.name} is {role.label}.",
            "Ask an admin to change [roles] in quarterdeck.toml.",
        )


def _seen(expect: Expectation, found: Situation) -> Iterator[Blocker]:
    """Compare-and-set: what the operator decided about must still be so."""
    changed = []
    if expect.stage is not None and expect.stage is not found.version.stage:
        changed.append(f"{found.version.key} is in {found.version.stage} now")
    if expect.production is not None and expect.production != found.production:
        numbers = ", ".join(f"version {number}" for number in found.production) or "nothing"
        changed.append(f"{numbers} is in Production now")
    if expect.generation is not None and expect.generation != found.generation and not changed:
        changed.append(f"promotion {found.generation} has changed Production since")
    if changed:
        yield Blocker(
            Conflict, f"Somebody else was faster: {' and '.join(changed)}.", "Look at the new state and decide again."
        )


def _evidence(found: Situation, to: Stage) -> Iterator[Blocker]:
    """Evidence counts only for these bytes, this stage, this policy, these competitors, and while it is young."""
    report, version = found.report, found.version
    again = "Try again; the gates run anew."
    if (report.model, report.version, report.digest, report.target) != (
        version.model,
        version.version,
        version.digest,
        to,
    ):
        yield Blocker(GateFailed, f"The evidence is not for {version.key} and {to}.", again)
    if report.policy_digest != found.policy.digest:
        yield Blocker(GateFailed, "The policy has changed since the gates ran.", again)
    if Counter(spec.gate for spec in found.demands(to).gates) - Counter(result.gate for result in report.results):
        yield Blocker(GateFailed, "Not every gate of the policy was run.", again)
    age_ms = found.now_ms - report.time_ms
    if not -CLOCK_SKEW_MS <= age_ms <= found.policy.evidence_max_age_ms:
        when = f"{format_age(age_ms)} old" if age_ms > 0 else "from the future"
        yield Blocker(GateFailed, f"The evidence is {when}.", again)
    if report.baseline != found.others:
        yield Blocker(
            Conflict, "Production has changed while the gates ran.", "Look at the new state and decide again."
        )


def _bytes(report: GateReport, to: Stage) -> Iterator[Blocker]:
    """Bytes that are damaged never move; bytes that were not read never enter Production."""
    damage = [result.message for result in report.failures if result.gate == IntegrityGate.gate]
    if damage:
        yield Blocker(GateFailed, damage[0], "Run `qd db check`; register the model again from sound files.")
    elif to is Stage.PRODUCTION and not report.sound:
        yield Blocker(GateFailed, "The stored bytes were not read.", "Try again; the gates run anew.")


def _room(found: Situation, moves: tuple[Move, ...]) -> Iterator[Blocker]:
    """Making room is no way into a stage that asks for something; only the archive takes everything."""
    for move in moves:
        closed = move.to_stage is not Stage.ARCHIVED and found.demands(move.to_stage) != NO_DEMANDS
        if move.version != found.version.version and closed:
            message = f"{move.to_stage} has demands of its own, so version {move.version} cannot simply go there."
            yield Blocker(PolicyRefused, message, "Archive it, and promote it to that stage afterwards.")


def _approvals(found: Situation, to: Stage, need: int) -> Iterator[Blocker]:
    request = found.request
    people = "approval" if need == 1 else "approvals"
    ask = f"Request it: `qd approvals request {_words(found, to)}`."
    if request is None or not _is_for(request, found, to):
        yield Blocker(ApprovalMissing, f"It needs {need} {people}, and nobody has asked for them.", ask)
    elif request.state is not ApprovalState.APPROVED:
        yield Blocker(ApprovalMissing, f"The approval request {request.id} is {_state(request)}.", _next(request, ask))


def _is_for(request: ApprovalRequest, found: Situation, to: Stage) -> bool:
    version = found.version
    asked = (request.model, request.version, request.to, request.bound.digest)
    return asked == (version.model, version.version, to, version.digest)


def _state(request: ApprovalRequest) -> str:
    if request.state is ApprovalState.OPEN:
        more = "approval" if request.missing == 1 else "approvals"
        return f"open and needs {request.missing} more {more}"
    return f"{request.state}: {request.problem}" if request.problem else request.state.value


def _next(request: ApprovalRequest, ask: str) -> str:
    if request.state is ApprovalState.OPEN:
        return f"An approver decides with `qd approvals approve {request.id}`."
    return ask


def _words(found: Situation, to: Stage) -> str:
    """The arguments of a command about this move; hints are pasted into shells, so the model's name is quoted."""
    from shlex import quote  # only a refusal needs it

    return f"{quote(found.version.model)} {found.version.version} --to {to.value.lower()}"
