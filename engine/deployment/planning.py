"""What a promotion or a rollback would do, in words; for screens and dry runs. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.core.access import Access, Role
from engine.core.errors import PermissionDenied, Refused
from engine.core.timetext import format_time
from engine.deployment.model import Blocker, Expectation, Kind, Move, PromotionPlan, Situation, Wish
from engine.deployment.rules import (
    basic_blockers,
    override_blockers,
    policy_blockers,
    promotion_moves,
    rollback_blockers,
    rollback_moves,
)
from engine.deployment.succession import WayBack
from engine.registry.approval_model import ApprovalRequest, approvals_needed
from engine.registry.model import Stage, Version


def promotion_plan(wish: Wish, found: Situation, serving: Sequence[Version], access: Access) -> PromotionPlan:
    """Plan a promotion or an override.

    Args:
        wish: What is asked for.
        found: What was read, the gates' dry run included.
        serving: The versions in Production.
        access: Who asks.

    Returns:
        The plan.
    """
    kind = Kind.OVERRIDE if wish.override else Kind.PROMOTE
    passable = list(policy_blockers(wish.to, found))
    blockers = [
        *_session(access, Role.ADMIN if wish.override else Role.OPERATOR),
        *basic_blockers(wish, found),
        *(override_blockers(found, passable) if wish.override else passable),
    ]
    request = found.override_request if wish.override else found.request
    need = approvals_needed(found.demands(wish.to), override=wish.override)
    moves = promotion_moves(wish, found) if found.version.stage is not wish.to else ()
    changes = _changes(found, moves, serving)
    skipped = [result.label for result in found.report.skipped]
    if skipped:
        changes.insert(0, f"first these gates run, which takes a while: {', '.join(skipped)}")
    if request is not None and need:
        changes.append(f"approval request {request.id} is used up")
    if wish.override:
        changes += [f"goes past: {blocker.message}" for blocker in passable]
    return _plan(kind, found, moves, (request, need), blockers=blockers, changes=changes, serving=serving)


def rollback_plan(
    way: WayBack, found: Situation, serving: Sequence[Version], access: Access, demote_to: Stage
) -> PromotionPlan:
    """Plan a rollback.

    Args:
        way: Which version is given up, and which serves again.
        found: What was read, the gates' dry run included.
        serving: The versions in Production.
        access: Who asks.
        demote_to: Where the version goes that is given up.

    Returns:
        The plan.
    """
    blockers = [*_session(access, Role.OPERATOR), *rollback_blockers(found, way, Expectation(), demote_to)]
    moves = rollback_moves(found, way, demote_to)
    changes = _changes(found, moves, serving)
    return _plan(Kind.ROLLBACK, found, moves, (None, 0), blockers=blockers, changes=changes, serving=serving)


def danger(kind: Kind, moves: Iterable[Move], production: Iterable[int]) -> int:
    """How dangerous moves are: 1 beside Production, 2 in Production, 3 past the policy or leaving nothing serving.

    Args:
        kind: By which right.
        moves: What would move.
        production: The versions in Production before.
    """
    moves = tuple(moves)
    if not any(Stage.PRODUCTION in (move.from_stage, move.to_stage) for move in moves):
        return 3 if kind is Kind.OVERRIDE else 1
    return 3 if kind is Kind.OVERRIDE or not _afterwards(moves, production) else 2


def _afterwards(moves: Iterable[Move], production: Iterable[int]) -> set[int]:
    """The versions in Production after the moves."""
    serving = set(production)
    for move in moves:
        if move.to_stage is Stage.PRODUCTION:
            serving.add(move.version)
        else:
            serving.discard(move.version)
    return serving


def _session(access: Access, role: Role) -> Iterable[Blocker]:
    """What the session itself holds against it: read-only mode, or a role it was opened with."""
    try:
        access.require(role, "This")
    except Refused as refused:
        yield Blocker(type(refused), refused.message, refused.hint)


def _each_kind_of_role_once(blockers: Iterable[Blocker]) -> Iterable[Blocker]:
    """The session and the policy of this moment may both say that the role is too low; one sentence is enough."""
    told = False
    for blocker in blockers:
        if blocker.error is PermissionDenied and told:
            continue
        told = told or blocker.error is PermissionDenied
        yield blocker


def _changes(found: Situation, moves: Sequence[Move], serving: Sequence[Version]) -> list[str]:
    changes = [move.words for move in moves]
    after = _afterwards(moves, found.production)
    leaving = [version for version in serving if version.version not in after]
    entering = next((move.version for move in moves if move.to_stage is Stage.PRODUCTION), None)
    heir = entering if entering is not None else max(after, default=None)
    for version in leaving:
        for alias in version.aliases:
            if found.policy.protects(alias):
                goes = "is removed" if heir is None else f"moves to version {heir}"
                changes.append(f"alias {alias}: {goes}")
    if found.production and not after:
        changes.append("nothing is in Production afterwards")
    return changes


def _plan(  # noqa: PLR0913 the parts of one value
    kind: Kind,
    found: Situation,
    moves: Sequence[Move],
    approval: tuple[ApprovalRequest | None, int],
    *,
    blockers: Iterable[Blocker],
    changes: Iterable[str],
    serving: Sequence[Version],
) -> PromotionPlan:
    request, need = approval
    leaving = {move.version for move in moves if move.version != found.version.version}
    return PromotionPlan(
        kind=kind,
        version=found.version,
        to=found.report.target,
        report=found.report,
        request=request,
        need=need,
        have=len(request.approvers) if request is not None and request.state.active else 0,
        freeze=_freeze(found),
        blockers=tuple(blocker.words for blocker in _each_kind_of_role_once(blockers)),
        replaces=tuple(version for version in serving if version.version in leaving),
        changes=tuple(changes),
        danger=danger(kind, moves, found.production),
        expect=Expectation(found.version.stage, found.production, found.generation),
    )


def _freeze(found: Situation) -> str:
    frozen = found.demands(found.report.target).frozen(found.now_ms)
    if frozen is None:
        return ""
    window, end_ms = frozen
    why = f": {window.reason}" if window.reason else ""
    return f"{found.report.target} is frozen until {format_time(end_ms)}{why}."
