"""Situations a promotion may be decided in, without a database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.core.access import Actor, Role
from engine.deployment.model import Situation
from engine.gates.model import GateReport, GateResult, Status
from engine.policy.model import IntegrityGate, Policy, StagePolicy
from engine.registry.approval_model import ApprovalRequest, ApprovalState, Binding, Person, demands_digest
from engine.registry.model import Stage
from tests.engine.gates.builders import DIGEST, NOW_MS, make_version

ROLES = {Role.ADMIN: ("root", "boss"), Role.APPROVER: ("alice", "carol"), Role.OPERATOR: ("bob", "dave")}
"""The people of every test; everybody else is a viewer."""

INTEGRITY = GateResult("integrity", Status.PASS, "fine")


def make_policy(*, target: Stage = Stage.PRODUCTION, demands: StagePolicy | None = None, **changes: Any) -> Policy:
    """A policy over `ROLES` with these demands of `churn`'s target stage."""
    stages = {} if demands is None else {("churn", target.value.lower()): demands}
    return replace(Policy(roles=ROLES, stages=stages, digest="p1"), **changes)


def make_report(*failing: str, **changes: Any) -> GateReport:
    """A fresh report on version 7 for Production; the named gates fail."""
    results = (INTEGRITY, *(GateResult(gate, Status.FAIL, f"{gate} fails.") for gate in failing))
    report = GateReport(
        id=1,
        model="churn",
        version=7,
        digest=DIGEST,
        target=Stage.PRODUCTION,
        time_ms=NOW_MS,
        actor="bob",
        policy_digest="p1",
        baseline=(5,),
        passed=not failing,
        results=results,
    )
    return replace(report, **changes)


def make_request(demands: StagePolicy, *approvers: str, **changes: Any) -> ApprovalRequest:
    """Bob's request that version 7 may enter Production, approved by the named people."""
    request = ApprovalRequest(
        id=3,
        model="churn",
        version=7,
        to=Stage.PRODUCTION,
        override=False,
        bound=Binding(DIGEST, demands_digest(demands), (5,)),
        report_id=1,
        requested_by=Person("bob"),
        reason="better",
        created_ms=NOW_MS,
        expires_ms=NOW_MS + 3_600_000,
        state=ApprovalState.APPROVED if len(approvers) >= demands.approvals else ApprovalState.OPEN,
        problem="",
        need=demands.approvals,
        approvers=tuple(Person(name) for name in approvers),
        decisions=(),
        promotion_id=None,
    )
    return replace(request, **changes)


def make_situation(*, actor: str = "bob", on_behalf_of: str = "", **changes: Any) -> Situation:
    """Version 7 in Staging, version 5 in Production since promotion 4, no demands."""
    situation = Situation(
        version=make_version(7, stage=Stage.STAGING),
        production=(5,),
        generation=4,
        policy=make_policy(),
        actor=Actor(actor, on_behalf_of=on_behalf_of),
        report=make_report(),
        now_ms=NOW_MS,
    )
    return replace(situation, **changes)


def frozen_demands(approvals: int = 0) -> StagePolicy:
    """Demands with a freeze in force now."""
    from engine.policy.model import DateFreeze

    return StagePolicy(approvals=approvals, freeze=(DateFreeze(NOW_MS - 1, NOW_MS + 1, "year end"),))


def with_gates() -> StagePolicy:
    """Demands with one gate."""
    return StagePolicy(gates=(IntegrityGate(),))
