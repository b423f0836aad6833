"""Approvals as values and pure rules: who may say yes, whose yes counts, and when a request no longer does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from engine.core.access import Actor, Role
from engine.core.errors import Conflict, InvalidInput, PermissionDenied, PolicyRefused
from engine.core.frozen import frozen
from engine.policy.model import Policy, StagePolicy
from engine.registry.model import Stage
from engine.registry.names import check_word

MAX_REASON = 2_000
"""Longest reason, in characters."""

POLICY_GONE = "quarterdeck.toml is gone: this workspace has judged versions by one, and nobody can tell what it asked."
"""Why nothing is approved or enters a stage while the file is missing."""

POLICY_GONE_HINT = "Put the file back; if nothing shall be asked for any more, write an empty one."
"""What to do about it: an empty file is somebody's visible act, a deleted one may be an accident."""


class ApprovalState(StrEnum):
    """Where a request stands. Only an approved request lets a version pass; the states from `rejected` on are final."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    USED = "used"
    STALE = "stale"

    @property
    def active(self) -> bool:
        """Whether the request can still be decided on, or be used."""
        return self in (ApprovalState.OPEN, ApprovalState.APPROVED)


class Verdict(StrEnum):
    """What an approver said."""

    APPROVE = "approve"
    REJECT = "reject"
    REVOKE = "revoke"


@frozen
class Person:
    """Who stands behind an act: the name used and, under `--as`, the real user too.

    Args:
        name: The name acted under.
        on_behalf_of: The real user when `--as` was used, else empty.
    """

    name: str
    on_behalf_of: str = ""

    @classmethod
    def of(cls, actor: Actor) -> Person:
        """The person behind an actor."""
        return cls(actor.name, actor.on_behalf_of)

    def overlaps(self, other: Person) -> bool:
        """Whether one human may be behind both: they share any name, so that `--as` makes nobody two people."""
        return bool({self.name, self.on_behalf_of} - {""} & {other.name, other.on_behalf_of})


@frozen
class Decision:
    """One approver's word on a request.

    Args:
        verdict: What was said.
        by: Who said it.
        reason: Why, in their words.
        time_ms: When, in milliseconds since the epoch.
    """

    verdict: Verdict
    by: Person
    reason: str
    time_ms: int


@frozen
class EvidenceRef:
    """The gate report a request is bound to, as far as this module needs to know it.

    Args:
        report_id: The stored report.
        digest: Digest of the bytes it judged, 64 hex digits.
        passed: Whether every gate passed.
        problem: The failures in words; empty when all passed.
    """

    report_id: int
    digest: str
    passed: bool
    problem: str


@frozen
class Binding:
    """What the approvers were shown; when any of it changes, their yes was to something else.

    Args:
        digest: Digest of the version's bytes, 64 hex digits.
        demands: Digest of what the policy demands of the stage (`demands_digest`), 64 hex digits.
        production: Versions in Production, ascending; empty when the target is another stage.
    """

    digest: str
    demands: str
    production: tuple[int, ...]


@frozen
class ApprovalRequest:
    """Somebody asks that a version may enter a stage.

    Args:
        id: Its number.
        model: The model's name.
        version: The version's number.
        to: The stage asked for.
        override: Whether it asks to go past failing gates, freezes or missing approvals.
        bound: What the approvers were shown.
        report_id: The gate report they were shown.
        requested_by: Who asks.
        reason: Why, in their words.
        created_ms: When it was made, in milliseconds since the epoch.
        expires_ms: The first moment it is no longer usable, in milliseconds since the epoch.
        state: Where it stands at the time it was read.
        problem: Why it is stale; empty otherwise.
        need: How many approvals it takes now.
        approvers: Whose approvals count now, in the order given.
        decisions: Everything that was said, oldest first.
        promotion_id: The promotion that used it, if any.
    """

    id: int
    model: str
    version: int
    to: Stage
    override: bool
    bound: Binding
    report_id: int
    requested_by: Person
    reason: str
    created_ms: int
    expires_ms: int
    state: ApprovalState
    problem: str
    need: int
    approvers: tuple[Person, ...]
    decisions: tuple[Decision, ...]
    promotion_id: int | None

    @property
    def missing(self) -> int:
        """How many more approvals it takes."""
        return max(self.need - len(self.approvers), 0)

    @property
    def ref(self) -> str:
        """The version asked for, such as `churn/7`."""
        return f"{self.model}/{self.version}"


def demands_digest(demands: StagePolicy) -> str:
    """SHA-256 over what the policy demands of a stage; edits elsewhere in the policy do not change it."""
    from hashlib import sha256  # loads a crypto library; lists of approvals start without

    return sha256(repr(demands).encode()).hexdigest()


def approvals_needed(demands: StagePolicy, *, override: bool) -> int:
    """How many different people must say yes; an override takes one second person whatever the stage demands."""
    return 1 if override else demands.approvals


def standing(decisions: Iterable[Decision]) -> tuple[Person, ...]:
    """Whose approval has not been taken back, in the order given.

    Args:
        decisions: Oldest first.
    """
    people: list[Person] = []
    for decision in decisions:
        if decision.verdict is Verdict.APPROVE:
            people.append(decision.by)
        elif decision.verdict is Verdict.REVOKE:
            people = [person for person in people if person.name != decision.by.name]
    return tuple(people)


def counted(decisions: Iterable[Decision], requester: Person, allowed: Callable[[Person], bool]) -> tuple[Person, ...]:
    """Whose approvals count: standing, allowed today, not the requester's, and all of different people.

    Args:
        decisions: Oldest first.
        requester: Who asked.
        allowed: Whether the policy lets a person approve now.

    Returns:
        The people, in the order they approved.
    """
    people: list[Person] = []
    for person in standing(decisions):
        known = (requester, *people)
        if allowed(person) and not any(person.overlaps(other) for other in known):
            people.append(person)
    return tuple(people)


def may_approve(policy: Policy, demands: StagePolicy, person: Person) -> bool:
    """Whether the policy lets a person approve entry into a stage: by role, and by the stage's list if it has one."""
    return policy.role_of(person.name) >= Role.APPROVER and demands.may_approve(person.name)


def staleness(bound: Binding, now: Binding) -> str:
    """Why a request no longer speaks of what is there; empty when it does.

    Args:
        bound: What the approvers were shown.
        now: The same facts today.
    """
    if bound.digest != now.digest:
        return "the version's bytes are not the ones that were shown"
    if bound.demands != now.demands:
        return "the policy of the stage has changed since"
    if bound.production != now.production:
        return "Production has changed since"
    return ""


def state_of(request: ApprovalRequest, now: Binding, *, arrived: bool, now_ms: int) -> tuple[ApprovalState, str]:
    """Where a request stands that is not closed.

    Args:
        request: The request, with the approvals that count now.
        now: The bound facts as they are today.
        arrived: Whether the version is in the stage already.
        now_ms: The present, in milliseconds since the epoch.

    Returns:
        The state, and why it is stale (empty otherwise).
    """
    if now_ms >= request.expires_ms:
        return ApprovalState.EXPIRED, ""
    problem = staleness(request.bound, now) or (f"the version is in {request.to} already" if arrived else "")
    if problem:
        return ApprovalState.STALE, problem
    return (ApprovalState.OPEN if request.missing else ApprovalState.APPROVED), ""


def check_verdict(request: ApprovalRequest, verdict: Verdict, by: Person, *, allowed: bool) -> None:
    """Let a decision on a request pass, or refuse it.

    Args:
        request: The request as it stands.
        verdict: What is said.
        by: Who says it.
        allowed: Whether the policy lets them approve now.

    Raises:
        Conflict: the request is not active any more, they have approved already, or have nothing to take back.
        PolicyRefused: they asked for it themselves, or the policy does not list them.
    """
    if not request.state.active:
        why = f"{request.state}: {request.problem}" if request.problem else request.state.value
        raise Conflict(
            f"The approval request {request.id} is {why}.",
            hint="Ask again with `qd approvals request`." if request.state is not ApprovalState.USED else "",
            details={"id": request.id, "state": request.state.value},
        )
    said = standing(request.decisions)
    if verdict is Verdict.REVOKE:
        if all(person.name != by.name for person in said):
            raise Conflict(f"{by.name} has no approval of request {request.id} to take back.")
        return
    if by.overlaps(request.requested_by):
        hint = "Withdraw it instead." if verdict is Verdict.REJECT else "Ask somebody else to approve it."
        raise PolicyRefused(f"{by.name} asked for this; a second person must decide.", hint=hint)
    if not allowed:
        raise PolicyRefused(
            f"The policy does not let {by.name} decide about {request.model} and {request.to}.",
            hint="`qd policy show` lists the approvers.",
        )
    if verdict is Verdict.APPROVE and any(by.overlaps(person) for person in said):
        raise Conflict(f"{by.name} has approved request {request.id} already.")


def check_withdrawal(request: ApprovalRequest, by: Person, role: Role) -> None:
    """Let a request be withdrawn, or refuse it.

    Args:
        request: The request as it stands.
        by: Who withdraws it.
        role: Their role now.

    Raises:
        Conflict: it is closed already.
        PermissionDenied: they did not ask for it and are no admin.
    """
    if request.state in (ApprovalState.REJECTED, ApprovalState.WITHDRAWN, ApprovalState.USED):
        raise Conflict(
            f"The approval request {request.id} is {request.state} already.",
            details={"id": request.id, "state": request.state.value},
        )
    if role < Role.ADMIN and not by.overlaps(request.requested_by):
        raise PermissionDenied(
            f"Only {request.requested_by.name} or an admin may withdraw request {request.id}.",
            hint="An approver may reject it.",
        )


def checked_reason(reason: str) -> str:
    """Let a reason pass, or refuse it.

    Args:
        reason: Why, in somebody's words.

    Returns:
        The reason without blanks around it.

    Raises:
        InvalidInput: it is empty, says nothing that can be seen, or is too long.
    """
    stripped = reason.strip()
    if not any(character.isprintable() and character != " " for character in stripped):
        raise InvalidInput("A reason is needed.", hint='Say why with --reason "…"; it goes into the audit log.')
    return check_word(stripped, "reason", MAX_REASON)
