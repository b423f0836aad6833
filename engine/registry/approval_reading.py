"""Requests for approval as they stand in one view: by the decisions, the policy and the time of that moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.audit.service import record
from engine.core.errors import PolicyInvalid
from engine.db.transaction import Snapshot, Transaction
from engine.policy.model import Policy
from engine.registry import approval_store as store
from engine.registry.approval_model import (
    POLICY_GONE,
    POLICY_GONE_HINT,
    ApprovalRequest,
    ApprovalState,
    Binding,
    Person,
    approvals_needed,
    counted,
    demands_digest,
    may_approve,
    standing,
    state_of,
)
from engine.registry.approval_store import StoredRequest
from engine.registry.model import Stage, Version
from engine.registry.stages import production_versions, read_version


def binding(view: Snapshot, version: Version, to: Stage, policy: Policy) -> Binding:
    """What approvers of a version and stage are shown, as it is in this view.

    Args:
        view: The caller's transaction or snapshot.
        version: The version, read from the same view.
        to: The stage it wants to enter.
        policy: The policy of this moment.

    Returns:
        The facts a request is bound to.
    """
    serving = production_versions(view, version.model) if to is Stage.PRODUCTION else ()
    return Binding(
        digest=version.digest,
        demands=demands_digest(policy.stage(version.model, to.value)),
        production=tuple(sorted(each.version for each in serving)),
    )


def standing_now(view: Snapshot, stored: StoredRequest, policy: Policy, now_ms: int) -> ApprovalRequest:
    """A stored request as it stands.

    Args:
        view: The caller's transaction or snapshot.
        stored: The request, read from the same view.
        policy: The policy to judge by.
        now_ms: The time to judge at, in milliseconds since the epoch.

    Returns:
        The request with its state; expired once the audit log knows of a time after its end. Who
            approved a closed one is told as it was, whatever the policy says now.
    """
    demands = policy.stage(stored.model, stored.to.value)
    decisions = store.decisions(view, stored.id)
    closed = stored.closed is not None
    approvers = (
        standing(decisions)
        if closed
        else counted(decisions, stored.requested_by, lambda person: may_approve(policy, demands, person))
    )
    request = ApprovalRequest(
        id=stored.id,
        model=stored.model,
        version=stored.version,
        to=stored.to,
        override=stored.override,
        bound=stored.bound,
        report_id=stored.report_id,
        requested_by=stored.requested_by,
        reason=stored.reason,
        created_ms=stored.created_ms,
        expires_ms=stored.expires_ms,
        state=stored.closed or ApprovalState.OPEN,
        problem=stored.problem,
        need=approvals_needed(demands, override=stored.override),
        approvers=approvers,
        decisions=decisions,
        promotion_id=stored.promotion_id,
    )
    if closed:
        return request
    version = read_version(view, stored.model, stored.version)
    now = binding(view, version, stored.to, policy)
    if store.outlived(view, stored):
        now_ms = max(now_ms, stored.expires_ms)  # a clock that was set back revives nothing
    state, problem = state_of(request, now, arrived=version.stage is stored.to, now_ms=now_ms)
    return replace(request, state=state, problem=problem)


def policy_gone(view: Snapshot, policy: Policy) -> bool:
    """Whether the policy file is missing although this workspace was judged by one.

    Args:
        view: The caller's transaction or snapshot.
        policy: The policy of this moment.

    Returns:
        True when the defaults in force are nobody's decision.
    """
    return policy.missing and store.judged_by_file(view)


def protecting(view: Snapshot, policy: Policy) -> Policy:
    """The policy with the aliases that are protected now.

    Args:
        view: The caller's transaction or snapshot.
        policy: The policy of this moment.

    Returns:
        The policy; with the usual aliases protected where its file is gone, since nobody has said that they are free.
    """
    return replace(policy, protected_aliases=Policy().protected_aliases) if policy_gone(view, policy) else policy


def check_policy_there(view: Snapshot, policy: Policy) -> None:
    """Refuse to go on when nobody can tell what the policy demands.

    Args:
        view: The caller's transaction or snapshot.
        policy: The policy of this moment.

    Raises:
        PolicyInvalid: the policy file is missing although this workspace was judged by one.
    """
    if policy_gone(view, policy):
        raise PolicyInvalid(POLICY_GONE, hint=POLICY_GONE_HINT)


def waits_for(request: ApprovalRequest, who: Person, policy: Policy) -> bool:
    """Whether a request waits for somebody's decision.

    Args:
        request: The request as it stands.
        who: The person asked about.
        policy: The policy of this moment.

    Returns:
        True when it is open, they may approve it, did not ask for it, and have not approved it.
    """
    demands = policy.stage(request.model, request.to.value)
    involved = (request.requested_by, *standing(request.decisions))
    return (
        request.state is ApprovalState.OPEN
        and may_approve(policy, demands, who)
        and not any(who.overlaps(person) for person in involved)
    )


def all_requests(view: Snapshot, below: int | None, *, pending_only: bool) -> Iterator[StoredRequest]:
    """Every request, newest first, read in chunks.

    Args:
        view: The caller's snapshot.
        below: Only numbers smaller than this.
        pending_only: Only those that are not closed.

    Yields:
        The requests.
    """
    while chunk := store.newest(view, below=below, limit=200, pending_only=pending_only):
        yield from chunk
        below = chunk[-1].id


def write_audit(
    tx: Transaction, request: ApprovalRequest, *, verb: str, before: ApprovalRequest | None, reason: str
) -> None:
    """Put what happened to a request into the audit log: enough to judge a promotion by, years later.

    Args:
        tx: The caller's transaction.
        request: The request as it stands afterwards.
        verb: What was done.
        before: The request as it stood; `None` for a new one.
        reason: Why, in the actor's words.
    """
    record(
        tx,
        verb=verb,
        kind="approval",
        key=str(request.id),
        before=None if before is None else _facts(before),
        after=_facts(request),
        reason=reason,
    )


def _facts(request: ApprovalRequest) -> dict[str, object]:
    return {
        "version": request.ref,
        "to": request.to.value,
        "override": request.override,
        "state": request.state.value,
        "digest": request.bound.digest,
        "report": request.report_id,
        "requested_by": [request.requested_by.name, request.requested_by.on_behalf_of],
        "approvers": [[person.name, person.on_behalf_of] for person in request.approvers],
        "need": request.need,
        "expires_ms": request.expires_ms,
        "promotion": request.promotion_id,
    }
