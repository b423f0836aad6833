"""Requests for approval and the decisions on them; each is decided inside the write lock, on what is true then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from engine.core.access import Access, Role
from engine.core.clock import Clock
from engine.core.errors import (
    AlreadyExists,
    Conflict,
    GateFailed,
    InvalidInput,
    NotFound,
    PermissionDenied,
)
from engine.core.paging import Page, decode_number, encode_token
from engine.db.database import Database
from engine.db.transaction import Snapshot, Transaction
from engine.policy.file import PolicyFile
from engine.policy.model import Policy
from engine.registry import approval_store as store
from engine.registry.approval_model import (
    MAX_REASON,
    ApprovalRequest,
    ApprovalState,
    Decision,
    EvidenceRef,
    Person,
    Verdict,
    check_verdict,
    check_withdrawal,
    checked_reason,
    may_approve,
)
from engine.registry.approval_reading import (
    all_requests,
    binding,
    check_policy_there,
    standing_now,
    waits_for,
    write_audit,
)
from engine.registry.approval_store import StoredRequest
from engine.registry.model import Stage, Version
from engine.registry.names import check_word
from engine.registry.stages import read_version

MAX_PAGE = 1_000
"""Most requests a page may have."""


class Evidence(Protocol):
    """Gathers what approvers are to be shown; the gates do."""

    def gather(self, model: str, version: int, *, to: Stage) -> EvidenceRef:
        """Run the gates and keep their report.

        Args:
            model: The model's name.
            version: The version's number.
            to: The stage it wants to enter.

        Returns:
            The report, as far as a request needs it.

        Raises:
            NotFound: no such model or version.
        """


class Approvals:
    """Four eyes: somebody asks, others say yes or no, and a promotion uses it up.

    Args:
        database: The control database.
        access: Who acts, with which role.
        policy_file: The policy, as it is at every moment.
        clock: Tells the time when requests are read.
        evidence: Runs the gates for a new request.
    """

    def __init__(
        self, database: Database, access: Access, policy_file: PolicyFile, clock: Clock, evidence: Evidence
    ) -> None:
        self._database = database
        self._access = access
        self._policy_file = policy_file
        self._clock = clock
        self._evidence = evidence

    def request(self, model: str, version: int, *, to: Stage, reason: str, override: bool = False) -> ApprovalRequest:
        """Ask that a version may enter a stage. The gates run first; approvers decide about what they found.

        Args:
            model: The model's name.
            version: The version's number.
            to: The stage.
            reason: Why, in the asker's words.
            override: Ask to go past failing gates, freezes or missing approvals; takes one second person.

        Returns:
            The request, bound to the version's bytes, the gate report, the stage's policy and what is in Production.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            InvalidInput: the reason is empty or too long.
            NotFound: no such model or version.
            GateFailed: a gate fails, and no override is asked for.
            AlreadyExists: there is such a request that can still be decided on or used.
            Conflict: the version is in that stage already, the stage takes no approval, or the version changed while
                the gates ran.
            PolicyInvalid: `quarterdeck.toml` is wrong, or gone though versions were judged by it.
        """
        operation = "approvals request"
        actor = self._access.require(Role.OPERATOR, operation)
        why = checked_reason(reason)
        evidence = self._evidence.gather(model, version, to=to)
        with self._database.transaction(actor) as tx:
            policy = self._policy(tx, Role.OPERATOR, operation)
            found = read_version(tx, model, version)
            _check_request(found, to, evidence, policy=policy, override=override)
            self._make_room(tx, found, to, policy=policy, override=override)
            stored = StoredRequest(
                id=0,
                version_row=found.row_id,
                model=model,
                version=version,
                to=to,
                override=override,
                bound=binding(tx, found, to, policy),
                report_id=evidence.report_id,
                requested_by=Person.of(actor),
                reason=why,
                created_ms=tx.now_ms,
                expires_ms=tx.now_ms + policy.approval_expiry_ms,
                closed=None,
                problem="",
                promotion_id=None,
            )
            request = standing_now(tx, replace(stored, id=store.insert(tx, stored)), policy, tx.now_ms)
            write_audit(tx, request, verb="request override" if override else "request", before=None, reason=why)
            tx.emit(kind="approval", change="created", key=str(request.id))
        return request

    def approve(self, request_id: int, reason: str) -> ApprovalRequest:
        """Say yes to a request.

        Args:
            request_id: Its number.
            reason: Why, in the approver's words.

        Returns:
            The request as it stands afterwards.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no approver.
            InvalidInput: the reason is empty or too long.
            NotFound: there is no request of that number.
            Conflict: it can no longer be decided on, or the actor has approved already; the details show its state.
            PolicyRefused: the actor asked for it (also under another name), or is not listed.
            PolicyInvalid: `quarterdeck.toml` is wrong, or gone though versions were judged by it.
        """
        return self._decide(request_id, Verdict.APPROVE, reason)

    def reject(self, request_id: int, reason: str) -> ApprovalRequest:
        """Say no to a request; one no closes it.

        Args:
            request_id: Its number.
            reason: Why, in the approver's words.

        Returns:
            The request as it stands afterwards.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no approver.
            InvalidInput: the reason is empty or too long.
            NotFound: there is no request of that number.
            Conflict: it can no longer be decided on; the details show its state.
            PolicyRefused: the actor asked for it (also under another name), or is not listed.
            PolicyInvalid: `quarterdeck.toml` is wrong, or gone though versions were judged by it.
        """
        return self._decide(request_id, Verdict.REJECT, reason)

    def revoke(self, request_id: int, reason: str) -> ApprovalRequest:
        """Take the actor's own approval back, as long as no promotion has used it.

        Args:
            request_id: Its number.
            reason: Why, in the approver's words.

        Returns:
            The request as it stands afterwards.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is not even an operator any more.
            InvalidInput: the reason is empty or too long.
            NotFound: there is no request of that number.
            Conflict: it can no longer be decided on, or the actor has not approved it; the details show its state.
            PolicyInvalid: `quarterdeck.toml` is wrong, or gone though versions were judged by it.
        """
        return self._decide(request_id, Verdict.REVOKE, reason)

    def withdraw(self, request_id: int, reason: str = "") -> ApprovalRequest:
        """Take a request back.

        Args:
            request_id: Its number.
            reason: Why, in the asker's words; may be empty.

        Returns:
            The request as it stands afterwards.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor neither asked for it nor is an admin.
            InvalidInput: the reason is too long.
            NotFound: there is no request of that number.
            Conflict: it is closed already; the details show its state.
            PolicyInvalid: `quarterdeck.toml` is wrong, or gone though versions were judged by it.
        """
        with self._changing(request_id, Role.OPERATOR, "approvals withdraw") as (tx, policy, before):
            why = check_word(reason.strip(), "reason", MAX_REASON)
            check_withdrawal(before, Person.of(tx.actor), policy.role_of(tx.actor.name))
            store.close(tx, request_id, ApprovalState.WITHDRAWN)
            after = self.read(tx, request_id, policy=policy, now_ms=tx.now_ms)
            write_audit(tx, after, verb="withdraw", before=before, reason=why)
        return after

    def get(self, request_id: int) -> ApprovalRequest:
        """One request, as it stands now.

        Args:
            request_id: Its number.

        Returns:
            The request with every decision.

        Raises:
            NotFound: there is none of that number.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        policy, now_ms = self._policy_file.read(), self._clock.now_ms()
        with self._database.snapshot() as view:
            return self.read(view, request_id, policy=policy, now_ms=now_ms)

    def page(
        self, state: str | None = "open", *, limit: int = 100, page_token: str | None = None
    ) -> Page[ApprovalRequest]:
        """List requests, newest first.

        Args:
            state: Only those that stand so now; `None` for all.
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The requests, with a token when there are more.

        Raises:
            InvalidInput: the limit is out of range, or the state or the token does not exist.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        wanted = None if state is None else _state_named(state)
        below = None if page_token is None else decode_number(page_token)
        policy, now_ms = self._policy_file.read(), self._clock.now_ms()
        found: list[ApprovalRequest] = []
        with self._database.snapshot() as view:
            for stored in all_requests(view, below, pending_only=wanted is not None and wanted.active):
                request = standing_now(view, stored, policy, now_ms)
                if wanted is None or request.state is wanted:
                    found.append(request)
                    if len(found) > limit:
                        return Page(tuple(found[:limit]), encode_token(found[limit - 1].id))
        return Page(tuple(found))

    def inbox(self, person: Person | None = None) -> tuple[ApprovalRequest, ...]:
        """What waits for somebody's decision: open requests they may approve and have not.

        Args:
            person: Who; the actor by default.

        Returns:
            The requests, oldest first.

        Raises:
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        who = Person.of(self._access.actor) if person is None else person
        policy, now_ms = self._policy_file.read(), self._clock.now_ms()
        with self._database.snapshot() as view:
            pending = all_requests(view, None, pending_only=True)
            requests = [standing_now(view, stored, policy, now_ms) for stored in pending]
        return tuple(request for request in reversed(requests) if waits_for(request, who, policy))

    def read(self, view: Snapshot, request_id: int, *, policy: Policy, now_ms: int) -> ApprovalRequest:
        """One request, as it stands in the caller's view.

        Args:
            view: The caller's transaction or snapshot.
            request_id: Its number.
            policy: The policy to judge by.
            now_ms: The time to judge at, in milliseconds since the epoch.

        Returns:
            The request.

        Raises:
            NotFound: there is none of that number.
        """
        stored = store.get(view, request_id) if 0 < request_id < 2**63 else None
        if stored is None:
            raise NotFound(f"There is no approval request {request_id}.", hint="`qd approvals list` shows them.")
        return standing_now(view, stored, policy, now_ms)

    def pending(
        self, view: Snapshot, version: Version, to: Stage, *, override: bool, policy: Policy, now_ms: int
    ) -> ApprovalRequest | None:
        """The request of a version for a stage that is not closed, as it stands in the caller's view.

        Args:
            view: The caller's transaction or snapshot.
            version: The version, read from the same view.
            to: The stage.
            override: Whether the request for an override is meant.
            policy: The policy to judge by.
            now_ms: The time to judge at, in milliseconds since the epoch.

        Returns:
            The request, or `None`; only `ApprovalState.APPROVED` lets the version pass.
        """
        stored = store.pending(view, version.row_id, to, override=override)
        return None if stored is None else standing_now(view, stored, policy, now_ms)

    def use(self, tx: Transaction, request: ApprovalRequest, promotion_id: int) -> None:
        """Use an approved request up; it never lets anything pass again.

        Args:
            tx: The caller's transaction, the one the promotion happens in.
            request: What `pending` gave in the same transaction.
            promotion_id: The promotion that relies on it.

        Raises:
            Conflict: it is not approved, or closed already.
        """
        approved = request.state is ApprovalState.APPROVED
        if not approved or not store.close(tx, request.id, ApprovalState.USED, promotion_id=promotion_id):
            raise Conflict(f"The approval request {request.id} cannot be used.")
        after = replace(request, state=ApprovalState.USED, promotion_id=promotion_id)
        write_audit(tx, after, verb="use", before=request, reason="")
        tx.emit(kind="approval", change="changed", key=str(request.id))

    def close_stale(self, tx: Transaction, model: str, *, policy: Policy) -> None:
        """Close a model's requests that speak of what is no longer there, for good: they do not come back with it.

        Called after every promotion. Without it an approval given before an incident would count again once a rollback
        has put Production back to what the approvers were shown.

        Args:
            tx: The caller's transaction, after the stages have changed.
            model: The model's name.
            policy: The policy of this moment.
        """
        for stored in store.pending_of_model(tx, model):
            request = standing_now(tx, stored, policy, tx.now_ms)
            if request.state is ApprovalState.STALE:
                self._close(tx, request)

    def _decide(self, request_id: int, verdict: Verdict, reason: str) -> ApprovalRequest:
        role = Role.OPERATOR if verdict is Verdict.REVOKE else Role.APPROVER
        with self._changing(request_id, role, f"approvals {verdict}") as (tx, policy, before):
            why, person = checked_reason(reason), Person.of(tx.actor)
            demands = policy.stage(before.model, before.to.value)
            check_verdict(before, verdict, person, allowed=may_approve(policy, demands, person))
            store.add_decision(tx, request_id, Decision(verdict, person, why, tx.now_ms))
            if verdict is Verdict.REJECT:
                store.close(tx, request_id, ApprovalState.REJECTED)
            after = self.read(tx, request_id, policy=policy, now_ms=tx.now_ms)
            write_audit(tx, after, verb=verdict.value, before=before, reason=why)
        return after

    @contextmanager
    def _changing(
        self, request_id: int, role: Role, operation: str
    ) -> Iterator[tuple[Transaction, Policy, ApprovalRequest]]:
        """A transaction over one request, by somebody whose role allows it now."""
        actor = self._access.require(role, operation)
        with self._database.transaction(actor) as tx:
            policy = self._policy(tx, role, operation)
            yield tx, policy, self.read(tx, request_id, policy=policy, now_ms=tx.now_ms)
            tx.emit(kind="approval", change="changed", key=str(request_id))

    def _policy(self, tx: Transaction, role: Role, operation: str) -> Policy:
        """The policy of this moment; the session may be older than the actor's role in it."""
        policy = self._policy_file.read()
        check_policy_there(tx, policy)
        now = policy.role_of(tx.actor.name)
        if now < role:
            raise PermissionDenied(
                f"{operation} needs the role {role.label}; {tx.actor.name} is {now.label}.",
                hint="Ask an admin to change [roles] in quarterdeck.toml.",
            )
        return policy

    def _make_room(self, tx: Transaction, version: Version, to: Stage, *, policy: Policy, override: bool) -> None:
        """Close an earlier request that has expired or gone stale; refuse when it still counts."""
        old = self.pending(tx, version, to, override=override, policy=policy, now_ms=tx.now_ms)
        if old is None:
            return
        if old.state.active:
            raise AlreadyExists(
                f"Request {old.id} asks for the same already and is {old.state}.",
                hint=f"See `qd approvals show {old.id}`.",
                details={"id": old.id, "state": old.state.value},
            )
        self._close(tx, old)

    def _close(self, tx: Transaction, request: ApprovalRequest) -> None:
        """Make what a request has become by itself, expired or stale, its final state."""
        store.close(tx, request.id, request.state, problem=request.problem)
        write_audit(tx, request, verb="close", before=request, reason=request.problem or request.state.value)
        tx.emit(kind="approval", change="changed", key=str(request.id))


def _check_request(version: Version, to: Stage, evidence: EvidenceRef, *, policy: Policy, override: bool) -> None:
    if version.stage is to:
        raise Conflict(f"{version.key} is in {to} already.", details={"stage": version.stage.value})
    if not override and not policy.stage(version.model, to.value).approvals:
        raise Conflict(f"{to} takes no approval for {version.model}.", hint="Promote it directly.")
    if evidence.digest != version.digest:
        raise Conflict(f"{version.key} changed while the gates ran.", hint="Try again.")
    if not evidence.passed and not override:
        raise GateFailed(
            f"{version.key} does not pass the gates of {to}: {evidence.problem}",
            hint="Fix it and register it again, or ask for an override.",
            details={"report": evidence.report_id},
        )


def _state_named(text: str) -> ApprovalState:
    try:
        return ApprovalState(text.strip().lower())
    except ValueError as error:
        words = ", ".join(state.value for state in ApprovalState)
        raise InvalidInput("There is no such state of a request.", hint=f"The states are {words}.") from error
