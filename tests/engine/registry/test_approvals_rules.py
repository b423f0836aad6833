from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, PermissionDenied, PolicyRefused
from engine.policy.model import Policy, StagePolicy
from engine.registry.approval_model import (
    ApprovalRequest,
    ApprovalState,
    Binding,
    Decision,
    Person,
    Verdict,
    approvals_needed,
    check_verdict,
    check_withdrawal,
    checked_reason,
    counted,
    demands_digest,
    may_approve,
    standing,
    state_of,
)
from engine.registry.model import Stage

BOUND = Binding("d7", "p1", (5,))
REQUEST = ApprovalRequest(
    id=1,
    model="churn",
    version=7,
    to=Stage.PRODUCTION,
    override=False,
    bound=BOUND,
    report_id=1,
    requested_by=Person("bob"),
    reason="better",
    created_ms=1_000,
    expires_ms=2_000,
    state=ApprovalState.OPEN,
    problem="",
    need=1,
    approvers=(),
    decisions=(),
    promotion_id=None,
)

names = st.sampled_from(("alice", "bob", "carol", "ci"))
people = st.builds(Person, names, st.sampled_from(("", "ci", "bob")))
verdicts = st.sampled_from((Verdict.APPROVE, Verdict.APPROVE, Verdict.REVOKE))
words = st.lists(st.builds(Decision, verdicts, people, st.just("why"), st.just(1_500)), max_size=8)


def said(verdict: Verdict, name: str, on_behalf_of: str = "") -> Decision:
    return Decision(verdict, Person(name, on_behalf_of), "why", 1_500)


@given(people, people)
def test_two_people_who_share_any_name_are_one(left: Person, right: Person) -> None:
    shared = {left.name, left.on_behalf_of} & {right.name, right.on_behalf_of} - {""}
    assert left.overlaps(right) == right.overlaps(left) == bool(shared)
    assert left.overlaps(left)


@given(words, people)
def test_counted_approvals_are_of_different_people_none_of_them_the_requester(
    decisions: list[Decision], requester: Person
) -> None:
    found = counted(decisions, requester, lambda person: person.name != "carol")
    everybody = [requester, *found]
    assert not any(a.overlaps(b) for at, a in enumerate(everybody) for b in everybody[at + 1 :])
    assert all(person.name != "carol" for person in found)
    assert set(found) <= set(standing(decisions))


@given(words, names)
def test_a_revoked_approval_does_not_stand(decisions: list[Decision], name: str) -> None:
    assert all(person.name != name for person in standing([*decisions, said(Verdict.REVOKE, name)]))


def test_one_bot_cannot_be_two_approvers() -> None:
    decisions = [said(Verdict.APPROVE, "alice", "ci"), said(Verdict.APPROVE, "carol", "ci")]
    assert counted(decisions, Person("bob"), lambda _: True) == (Person("alice", "ci"),)


def test_a_bot_cannot_approve_what_it_asked_for() -> None:
    decisions = [said(Verdict.APPROVE, "alice", "ci")]
    assert counted(decisions, Person("bob", "ci"), lambda _: True) == ()
    assert counted(decisions, Person("ci"), lambda _: True) == ()


@pytest.mark.parametrize(
    ("name", "listed", "allowed"),
    [
        ("alice", ("alice",), True),
        ("alice", (), True),
        ("alice", ("*",), True),
        ("alice", ("carol",), False),
        ("oscar", (), False),  # only an operator
        ("oscar", ("oscar",), False),
        ("root", ("alice",), False),  # an admin who is not listed
    ],
)
def test_an_approver_needs_the_role_and_the_list(name: str, listed: tuple[str, ...], allowed: bool) -> None:
    policy = Policy(roles={Role.ADMIN: ("root",), Role.APPROVER: ("alice", "carol"), Role.OPERATOR: ("*",)})
    assert may_approve(policy, StagePolicy(approvals=1, approvers=listed), Person(name)) is allowed


def test_an_override_takes_one_second_person_whatever_the_stage_demands() -> None:
    for approvals in (0, 1, 3):
        assert approvals_needed(StagePolicy(approvals=approvals), override=True) == 1
        assert approvals_needed(StagePolicy(approvals=approvals), override=False) == approvals


def test_what_a_stage_demands_has_its_own_digest() -> None:
    one, same, other = StagePolicy(approvals=1), StagePolicy(approvals=1), StagePolicy(approvals=2)
    assert demands_digest(one) == demands_digest(same) != demands_digest(other)


@pytest.mark.parametrize(
    ("now", "arrived", "now_ms", "state"),
    [
        (BOUND, False, 1_999, ApprovalState.OPEN),
        (BOUND, False, 2_000, ApprovalState.EXPIRED),
        (replace(BOUND, digest="other"), False, 1_999, ApprovalState.STALE),
        (replace(BOUND, demands="other"), False, 1_999, ApprovalState.STALE),
        (replace(BOUND, production=(5, 6)), False, 1_999, ApprovalState.STALE),
        (BOUND, True, 1_999, ApprovalState.STALE),
    ],
)
def test_a_request_is_bound_to_what_was_shown(now: Binding, arrived: bool, now_ms: int, state: ApprovalState) -> None:
    found, problem = state_of(REQUEST, now, arrived=arrived, now_ms=now_ms)
    assert found is state
    assert bool(problem) == (state is ApprovalState.STALE)


def test_enough_approvals_make_it_approved() -> None:
    two = replace(REQUEST, need=2, approvers=(Person("alice"),))
    assert state_of(two, BOUND, arrived=False, now_ms=1_500)[0] is ApprovalState.OPEN
    assert two.missing == 1
    both = replace(two, approvers=(Person("alice"), Person("carol")))
    assert state_of(both, BOUND, arrived=False, now_ms=1_500)[0] is ApprovalState.APPROVED


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
@pytest.mark.parametrize("by", [Person("bob"), Person("bob", "ci"), Person("alice", "bob")])
def test_the_requester_cannot_decide_under_any_name(verdict: Verdict, by: Person) -> None:
    with pytest.raises(PolicyRefused, match="second person"):
        check_verdict(REQUEST, verdict, by, allowed=True)


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
def test_who_is_not_listed_cannot_decide(verdict: Verdict) -> None:
    with pytest.raises(PolicyRefused, match="does not let mallory"):
        check_verdict(REQUEST, verdict, Person("mallory"), allowed=False)


@pytest.mark.parametrize("state", [state for state in ApprovalState if not state.active])
@pytest.mark.parametrize("verdict", list(Verdict))
def test_nothing_is_decided_about_a_request_that_is_over(state: ApprovalState, verdict: Verdict) -> None:
    over = replace(REQUEST, state=state, decisions=(said(Verdict.APPROVE, "alice"),))
    with pytest.raises(Conflict) as refused:
        check_verdict(over, verdict, Person("alice"), allowed=True)
    assert refused.value.details["state"] == state.value


def test_an_approver_approves_once() -> None:
    once = replace(REQUEST, decisions=(said(Verdict.APPROVE, "alice"),))
    with pytest.raises(Conflict, match="already"):
        check_verdict(once, Verdict.APPROVE, Person("alice", "ci"), allowed=True)
    revoked = replace(once, decisions=(*once.decisions, said(Verdict.REVOKE, "alice")))
    check_verdict(revoked, Verdict.APPROVE, Person("alice"), allowed=True)


def test_only_a_given_approval_can_be_taken_back() -> None:
    with pytest.raises(Conflict, match="no approval"):
        check_verdict(REQUEST, Verdict.REVOKE, Person("alice"), allowed=True)
    given = replace(REQUEST, state=ApprovalState.APPROVED, decisions=(said(Verdict.APPROVE, "alice"),))
    check_verdict(given, Verdict.REVOKE, Person("alice"), allowed=False)  # also when no longer listed


def test_a_request_is_withdrawn_by_who_asked_or_an_admin() -> None:
    check_withdrawal(REQUEST, Person("bob"), Role.OPERATOR)
    check_withdrawal(REQUEST, Person("root"), Role.ADMIN)
    with pytest.raises(PermissionDenied):
        check_withdrawal(REQUEST, Person("alice"), Role.APPROVER)
    with pytest.raises(Conflict):
        check_withdrawal(replace(REQUEST, state=ApprovalState.USED), Person("bob"), Role.ADMIN)


@pytest.mark.parametrize("reason", ["", "  \n\t ", "\u200b", "\u2060 \u200e", "x" * 2_001])
def test_a_reason_must_say_something_and_fit(reason: str) -> None:
    with pytest.raises(InvalidInput):
        checked_reason(reason)


def test_a_reason_loses_the_blanks_around_it() -> None:
    assert checked_reason("  because \n") == "because"
