from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.audit.model import AuditFilter
from engine.core.errors import (
    AlreadyExists,
    ApprovalMissing,
    Conflict,
    GateFailed,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PolicyRefused,
    ReadOnlyMode,
)
from engine.registry.approval_model import ApprovalState, Person
from engine.registry.model import Stage
from tests.engine.deployment.world import HOUR_MS, ONE_APPROVAL, PEOPLE, TWO_APPROVALS, World

MakeWorld = Callable[[str], World]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    made: list[World] = []

    def make(policy: str) -> World:
        made.append(World(tmp_path / str(len(made)), policy))
        return made[-1]

    yield make
    for world in made:
        world.database.close()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(ONE_APPROVAL)
    world.register()
    return world


def test_a_request_is_bound_to_the_bytes_the_evidence_and_what_serves(world: World) -> None:
    request = world.request(1)
    version = world.engine("bob").models.version("churn", 1)
    report = world.engine("bob").gates.get(request.report_id)
    assert (request.state, request.need, request.missing) == (ApprovalState.OPEN, 1, 1)
    assert (request.bound.digest, request.bound.production) == (version.digest, ())
    assert (report.passed, report.digest, report.target) == (True, version.digest, Stage.PRODUCTION)
    assert request.expires_ms == world.clock.now_ms() + 24 * HOUR_MS


def test_a_version_that_fails_its_gates_is_not_asked_for_except_as_an_override(world: World) -> None:
    world.register(auc=0.1)
    with pytest.raises(GateFailed, match="metric auc"):
        world.request(2)
    assert world.request(2, override=True).override


def test_one_request_at_a_time(world: World) -> None:
    first = world.request(1)
    with pytest.raises(AlreadyExists) as taken:
        world.request(1, by="dave")
    assert taken.value.details == {"id": first.id, "state": "open"}


@pytest.mark.parametrize("end", ["withdrawn", "rejected", "expired", "stale"])
def test_after_a_request_is_over_one_may_ask_again(world: World, end: str) -> None:
    first = world.request(1)
    if end == "withdrawn":
        world.engine("bob").approvals.withdraw(first.id)
    elif end == "rejected":
        world.engine("alice").approvals.reject(first.id, "no")
    elif end == "expired":
        world.clock.advance(24 * HOUR_MS)
    else:
        world.set_policy(ONE_APPROVAL.replace("0.8", "0.7"))
    approvals = world.engine("bob").approvals
    assert approvals.get(first.id).state.value == end
    second = world.request(1)
    assert second.state is ApprovalState.OPEN
    assert approvals.get(first.id).state.value == end  # for good


def test_an_old_yes_does_not_count_for_a_new_request(world: World) -> None:
    first = world.request(1)
    world.approve(first, "alice")
    world.engine("bob").approvals.withdraw(first.id)
    assert world.request(1).approvers == ()


@pytest.mark.parametrize("to", [Stage.STAGING, Stage.ARCHIVED])
def test_a_stage_without_approvals_is_not_asked_for(world: World, to: Stage) -> None:
    with pytest.raises(Conflict, match="takes no approval"):
        world.engine("bob").approvals.request("churn", 1, to=to, reason="x")


def test_where_it_is_already_is_not_asked_for(world: World) -> None:
    world.approved(1)
    with pytest.raises(Conflict, match="already"):
        world.request(1)


@pytest.mark.parametrize(("name", "error"), [("victor", PermissionDenied), ("mallory", PermissionDenied)])
def test_a_viewer_asks_for_nothing(world: World, name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        world.request(1, by=name)


def test_only_approvers_decide_and_never_about_their_own_request(world: World) -> None:
    request = world.request(1, by="alice")
    for name in ("bob", "victor"):
        with pytest.raises(PermissionDenied):
            world.engine(name).approvals.approve(request.id, "yes")
    with pytest.raises(PolicyRefused):
        world.engine("alice").approvals.approve(request.id, "yes")
    with pytest.raises(PolicyRefused, match="Withdraw it"):
        world.engine("alice").approvals.reject(request.id, "no")
    assert world.engine("root").approvals.approve(request.id, "yes").state is ApprovalState.APPROVED


def test_an_unlisted_approver_is_refused_even_an_admin(make_world: MakeWorld) -> None:
    world = make_world(ONE_APPROVAL + 'approvers = ["alice"]\n')
    world.register()
    request = world.request(1)
    for name in ("carol", "root"):
        with pytest.raises(PolicyRefused, match="does not let"):
            world.engine(name).approvals.approve(request.id, "yes")
    world.approve(request, "alice")


def test_two_approvals_are_two_people(make_world: MakeWorld) -> None:
    world = make_world(TWO_APPROVALS)
    world.register()
    request = world.request(1)
    alice = world.engine("alice").approvals
    assert alice.approve(request.id, "yes").missing == 1
    with pytest.raises(Conflict, match="already"):
        alice.approve(request.id, "yes, yes")
    assert world.engine("carol").approvals.approve(request.id, "yes").state is ApprovalState.APPROVED


def test_an_approval_taken_back_does_not_count_and_may_be_given_again(world: World) -> None:
    request = world.request(1)
    alice = world.engine("alice").approvals
    alice.approve(request.id, "yes")
    assert alice.revoke(request.id, "wait").state is ApprovalState.OPEN
    with pytest.raises(Conflict):
        alice.revoke(request.id, "wait")
    assert alice.approve(request.id, "yes after all").state is ApprovalState.APPROVED
    verdicts = [decision.verdict.value for decision in alice.get(request.id).decisions]
    assert verdicts == ["approve", "revoke", "approve"]


def test_an_approval_that_was_used_cannot_be_taken_back(world: World) -> None:
    promotion = world.approved(1)
    assert promotion.request_id is not None
    for act in (world.engine("alice").approvals.revoke, world.engine("bob").approvals.withdraw):
        with pytest.raises(Conflict) as used:
            act(promotion.request_id, "too late")
        assert used.value.details["state"] == "used"


def test_an_approver_who_loses_the_role_no_longer_counts(world: World) -> None:
    request = world.request(1)
    world.approve(request, "alice")
    session = world.engine("carol")
    world.set_policy(ONE_APPROVAL, people=PEOPLE.replace('"alice", "carol", ', ""))
    assert session.approvals.get(request.id).state is ApprovalState.OPEN
    with pytest.raises(PermissionDenied):
        session.approvals.approve(request.id, "my session is older than the policy")


def test_a_clock_that_is_set_back_does_not_revive_an_expired_approval(world: World) -> None:
    request = world.request(1)
    world.approve(request, "alice")
    world.clock.advance(25 * HOUR_MS)
    world.register()  # the log has seen a time after the end
    world.clock.advance(-25 * HOUR_MS)
    world.register()
    assert world.engine("bob").approvals.get(request.id).state is ApprovalState.EXPIRED
    with pytest.raises(ApprovalMissing, match="expired"):
        world.promote(1)
    world.approved(2)
    assert world.production() == (2,)


def test_a_clock_that_was_wrong_before_a_request_was_made_does_not_expire_it(world: World) -> None:
    world.clock.advance(1_000 * HOUR_MS)
    world.register()
    world.clock.advance(-1_000 * HOUR_MS)
    world.approved(1)
    assert world.production() == (1,)


def test_an_expired_request_takes_no_decision(world: World) -> None:
    request = world.request(1)
    world.clock.advance(24 * HOUR_MS - 1)
    world.engine("alice").approvals.approve(request.id, "just in time")
    world.clock.advance(1)
    with pytest.raises(Conflict) as late:
        world.engine("carol").approvals.approve(request.id, "too late")
    assert late.value.details["state"] == "expired"


def test_only_the_asker_or_an_admin_withdraws(world: World) -> None:
    request = world.request(1)
    for name in ("alice", "dave"):
        with pytest.raises(PermissionDenied):
            world.engine(name).approvals.withdraw(request.id)
    assert world.engine("root").approvals.withdraw(request.id).state is ApprovalState.WITHDRAWN


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2_001])
def test_a_decision_needs_a_reason_that_fits(world: World, reason: str) -> None:
    request = world.request(1)
    for act in (world.engine("alice").approvals.approve, world.engine("alice").approvals.reject):
        with pytest.raises(InvalidInput):
            act(request.id, reason)
    with pytest.raises(InvalidInput):
        world.engine("bob").approvals.request("churn", 1, to=Stage.PRODUCTION, reason=reason, override=True)


@pytest.mark.parametrize("number", [0, -1, 99, 2**70])
def test_there_is_no_such_request(world: World, number: int) -> None:
    with pytest.raises(NotFound):
        world.engine("bob").approvals.get(number)
    with pytest.raises(NotFound):
        world.engine("alice").approvals.approve(number, "yes")


def test_a_read_only_session_decides_nothing(world: World) -> None:
    request = world.request(1)
    session = world.engine("alice", read_only=True).approvals
    with pytest.raises(ReadOnlyMode):
        session.approve(request.id, "yes")
    assert session.get(request.id).state is ApprovalState.OPEN


def test_the_inbox_holds_what_waits_for_this_person(make_world: MakeWorld) -> None:
    world = make_world(TWO_APPROVALS)
    for _ in range(3):
        world.register()
    first, second = world.request(1), world.request(2, by="alice")
    world.approve(first, "carol")
    inbox = {name: [r.id for r in world.engine(name).approvals.inbox()] for name in ("alice", "carol", "erin", "bob")}
    assert inbox == {"alice": [first.id], "carol": [second.id], "erin": [first.id, second.id], "bob": []}
    assert world.engine("bob").approvals.inbox(Person("alice")) == world.engine("alice").approvals.inbox()


def test_requests_are_listed_by_state_newest_first_page_by_page(world: World) -> None:
    for _ in range(4):
        world.register()
    requests = [world.request(number) for number in range(1, 6)]
    world.approve(requests[0], "alice")
    world.engine("alice").approvals.reject(requests[1].id, "no")
    approvals = world.engine("victor").approvals
    states = {state: [r.id for r in approvals.page(state).items] for state in ("open", "approved", "rejected", "used")}
    ids = [request.id for request in requests]
    assert states == {"open": [ids[4], ids[3], ids[2]], "approved": [ids[0]], "rejected": [ids[1]], "used": []}
    first = approvals.page(None, limit=3)
    second = approvals.page(None, limit=3, page_token=first.next_page_token)
    assert [r.id for r in (*first.items, *second.items)] == ids[::-1]
    assert second.next_page_token is None


@pytest.mark.parametrize(
    ("state", "limit", "token"), [("opne", 10, None), ("open", 0, None), ("open", 10_000, None), ("open", 10, "xx")]
)
def test_a_wrong_list_is_refused(world: World, state: str, limit: int, token: str | None) -> None:
    with pytest.raises(InvalidInput):
        world.engine("bob").approvals.page(state, limit=limit, page_token=token)


def test_every_word_is_audited_and_told(world: World) -> None:
    engine = world.engine("root")
    with closing(engine.feed()) as feed:
        request = world.request(1)
        world.approve(request, "alice")
        world.engine("alice").approvals.revoke(request.id, "wait")
        world.engine("alice").approvals.reject(request.id, "no")
        changes = feed.poll()
    assert changes is not None
    told = {(each.change, each.key) for each in changes.events if each.kind == "approval"}
    assert told == {("created", str(request.id)), ("changed", str(request.id))}
    entries = engine.audit.page(AuditFilter(kind="approval", key=str(request.id))).items
    assert [(entry.verb, entry.actor) for entry in reversed(entries)] == [
        ("request", "bob"),
        ("approve", "alice"),
        ("revoke", "alice"),
        ("reject", "alice"),
    ]
    states = [entry.after["state"] for entry in reversed(entries) if entry.after is not None]
    assert states == ["open", "approved", "open", "rejected"]


def test_requests_go_with_their_version(world: World) -> None:
    request = world.request(1)
    world.engine("root").models.delete_version("churn", 1)
    with pytest.raises(NotFound):
        world.engine("bob").approvals.get(request.id)


def test_a_deleted_model_leaves_no_approval_for_its_successor(world: World) -> None:
    world.approve(world.request(1), "alice")
    world.engine("root").models.delete("churn")
    version = world.register()
    approvals = world.engine("bob").approvals
    assert approvals.page(None).items == ()
    assert version.version > 1
