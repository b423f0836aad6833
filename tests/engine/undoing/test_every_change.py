"""Every sort of change that can be undone: do, undo, do again; and who may, what came between, two at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest

from engine.api import Engine
from engine.audit.model import AuditFilter
from engine.core.errors import Conflict, InvalidInput, PermissionDenied, QuarterdeckError, ReadOnlyMode
from engine.core.moment import Moment
from engine.registry.model import Stage
from engine.undoing.inverse import Inverse, Part
from engine.undoing.model import KIND
from engine.undoing.registry import REGISTRY
from tests.engine.undoing.changes import CHANGES, Doing
from tests.engine.undoing.workshop import Workshop

MakeDesk = Callable[[str], Workshop]
ALWAYS_PARTS = {("endpoint", "promote")}
"""Sorts with an inverse whose records always belong to a promotion or a rollout."""


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[MakeDesk]:
    made: list[Workshop] = []

    def make(policy: str) -> Workshop:
        made.append(Workshop(tmp_path / str(len(made)), policy))
        return made[-1]

    yield make
    for desk in made:
        desk.database.close()


def _done(desk: Workshop, sort: tuple[str, str], doing: Doing) -> tuple[Engine, int, object, object]:
    """The change done by `root`: the engine, the record's number, what was told before and after."""
    root = desk.engine("root")
    doing.prepare(desk, root)
    desk.clock.advance(1_000)
    before = doing.look(root)
    doing.do(root)
    after = doing.look(root)
    assert after != before
    desk.clock.advance(1_000)
    seq = root.audit.page(AuditFilter(kind=sort[0], verb=sort[1])).items[0].seq
    return root, seq, before, after


def test_every_sort_that_can_be_undone_is_tried() -> None:
    found = {
        sort
        for sort, how in REGISTRY.items()
        if isinstance(how, Inverse) or (isinstance(how, Part) and isinstance(how.alone, Inverse))
    }
    assert set(CHANGES) == found - ALWAYS_PARTS


@pytest.mark.parametrize("sort", CHANGES, ids=" ".join)
def test_undone_it_is_as_before_and_done_again_as_after(make_desk: MakeDesk, sort: tuple[str, str]) -> None:
    doing = CHANGES[sort]
    desk = make_desk(doing.policy)
    root, seq, before, after = _done(desk, sort, doing)
    plan = root.undoing.plan(seq)
    assert plan.blockers == ()
    assert plan.changes
    done = root.undoing.undo(seq, reason="wrong", expected=plan.expect)
    assert doing.look(root) == before
    _is_recorded(root, plan.record.seq, done.seq, done.records)
    again = root.undoing.plan(seq)
    assert "undone already" in again.blockers[0]
    with pytest.raises(Conflict, match="undone already"):
        root.undoing.undo(seq)
    desk.clock.advance(1_000)
    redo = root.undoing.redoable()
    assert redo is not None
    assert redo.redo
    assert bool(redo.blockers) is doing.final, redo.blockers
    if doing.final:
        return
    root.undoing.undo(redo.asked, expected=redo.expect)
    assert doing.look(root) == after
    desk.clock.advance(1_000)
    root.undoing.undo(seq)  # by the redo it stands again
    assert doing.look(root) == before


def _is_recorded(engine: Engine, target: int, seq: int, records: tuple[int, ...]) -> None:
    entry = engine.audit.entry(seq)
    assert (entry.verb, entry.kind, entry.key, entry.reason) == ("undo", KIND, str(target), "wrong")
    assert entry.after is not None
    assert entry.after["undoes"] == target
    assert entry.after["records"] == list(records)
    assert all(engine.audit.entry(each).actor == "root" for each in records)
    assert engine.audit.verify().ok


@pytest.mark.parametrize("sort", CHANGES, ids=" ".join)
def test_a_viewer_and_a_read_only_session_undo_nothing(make_desk: MakeDesk, sort: tuple[str, str]) -> None:
    doing = CHANGES[sort]
    desk = make_desk(doing.policy)
    _, seq, _, after = _done(desk, sort, doing)
    viewer, reader = desk.engine("nobody"), desk.engine("root", read_only=True)
    assert any("needs the role" in each for each in viewer.undoing.plan(seq).blockers)
    with pytest.raises(PermissionDenied):
        viewer.undoing.undo(seq)
    assert any("read-only" in each for each in reader.undoing.plan(seq).blockers)
    with pytest.raises(ReadOnlyMode):
        reader.undoing.undo(seq)
    assert doing.look(desk.engine("root")) == after


@pytest.mark.parametrize("sort", CHANGES, ids=" ".join)
def test_of_two_operators_at_once_one_undoes_it(make_desk: MakeDesk, sort: tuple[str, str]) -> None:
    doing = CHANGES[sort]
    desk = make_desk(doing.policy)
    root, seq, before, _ = _done(desk, sort, doing)
    both, errors, done = Barrier(2), [], []

    def undo(name: str) -> None:
        undoing = desk.engine(name).undoing
        expected = undoing.plan(seq).expect
        both.wait(10)
        try:
            done.append(undoing.undo(seq, expected=expected))
        except QuarterdeckError as error:
            errors.append(error)

    # an alert's owner takes it on again, and who asked for an approval withdraws it
    threads = [Thread(target=undo, args=(name,)) for name in ("root", "root")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(done), len(errors)) == (1, 1)
    assert doing.look(root) == before


def test_what_was_changed_since_is_refused_with_the_later_record(make_desk: MakeDesk) -> None:
    desk = make_desk("")
    root = desk.engine("root")
    desk.versions(1)
    root.models.update("churn", owner="ada", description="one")
    first = root.audit.head().size
    desk.clock.advance(1_000)
    desk.engine("bob").models.update("churn", owner="bob")
    plan = root.undoing.plan(first)
    assert plan.later == first + 1
    assert f"in record {first + 1}" in plan.blockers[0]
    with pytest.raises(Conflict) as refused:
        root.undoing.undo(first)
    assert refused.value.details["later"] == first + 1
    assert root.models.get("churn").owner == "bob"


def test_what_was_changed_since_in_other_fields_is_undone(make_desk: MakeDesk) -> None:
    desk = make_desk("")
    root = desk.engine("root")
    desk.versions(1)
    root.models.update("churn", owner="ada")
    first = root.audit.head().size
    desk.clock.advance(1_000)
    desk.engine("bob").models.update("churn", description="new")
    root.undoing.undo(first)
    assert (root.models.get("churn").owner, root.models.get("churn").description) == ("", "new")


def test_what_is_gone_is_said_to_be_gone(make_desk: MakeDesk) -> None:
    root = make_desk("").engine("root")
    root.models.create("churn")
    root.models.update("churn", owner="ada")
    root.models.delete("churn")
    assert "is gone" in root.undoing.plan(2).blockers[0]
    with pytest.raises(Conflict, match="is gone"):
        root.undoing.undo(2)


GONE: dict[str, Callable[[Engine], object]] = {
    "model": lambda engine: engine.models.delete(engine.models.page().items[0].name),
    "version": lambda engine: engine.models.delete("churn"),
    "prompt": lambda engine: engine.prompts.delete("greeting"),
    "prompt version": lambda engine: engine.prompts.delete("greeting"),
    "monitor": lambda engine: engine.monitors.delete("loans"),
    "external endpoint": lambda engine: engine.probing.delete("theirs"),
    "webhook": lambda engine: engine.webhooks.delete(engine.webhooks.page().items[0].id),
    "token": lambda engine: engine.tokens.revoke(engine.tokens.page().items[0].id, reason="lost"),
}
"""What takes away what a change was about; deleted runs and experiments can still be named and tagged."""


@pytest.mark.parametrize(
    "sort",
    [each for each in CHANGES if each[0] in GONE and each[1] not in ("delete", "unregister")],
    ids=" ".join,
)
def test_of_what_is_gone_the_plan_says_so_and_nothing_happens(make_desk: MakeDesk, sort: tuple[str, str]) -> None:
    desk = make_desk(CHANGES[sort].policy)
    root, seq, _, _ = _done(desk, sort, CHANGES[sort])
    GONE[sort[0]](root)
    desk.clock.advance(1_000)
    size = root.audit.head().size
    assert root.undoing.plan(seq).blockers
    with pytest.raises(QuarterdeckError) as refused:
        root.undoing.undo(seq)
    assert refused.value.message
    assert {each.verb for each in root.audit.page(limit=50).items if each.seq > size} <= {"refuse"}


@pytest.mark.parametrize("sort", CHANGES, ids=" ".join)
def test_somebody_else_is_told_beforehand_what_an_undo_does(make_desk: MakeDesk, sort: tuple[str, str]) -> None:
    doing = CHANGES[sort]
    desk = make_desk(doing.policy)
    root, seq, before, after = _done(desk, sort, doing)
    assert _looked_at(root, doing, seq) == before
    other = desk.engine("boss")
    plan = other.undoing.plan(seq)
    if plan.blockers:
        with pytest.raises(QuarterdeckError):
            other.undoing.undo(seq, reason="not right", expected=plan.expect)
        assert doing.look(root) == after
        return
    other.undoing.undo(seq, reason="not right", expected=plan.expect)
    assert doing.look(root) == before
    assert root.audit.page(AuditFilter(kind=KIND)).items[0].actor == "boss"


def _looked_at(engine: Engine, doing: Doing, seq: int) -> object:
    """What was told before a change, as the past tells it now."""
    time_ms = engine.audit.entry(seq).time_ms
    first = min(each.seq for each in engine.audit.page(limit=50).items if each.time_ms == time_ms)
    if first == 1:
        return doing.look(engine.at(Moment(time_ms - 1)))
    return doing.look(engine.at(Moment(change=first - 1)))


def test_a_plan_that_is_no_longer_what_was_shown_is_refused(make_desk: MakeDesk) -> None:
    root = make_desk("").engine("root")
    root.models.create("churn")
    root.models.update("churn", owner="ada")
    with pytest.raises(Conflict, match="not as it was shown"):
        root.undoing.undo(2, expected="0" * 16)
    assert root.models.get("churn").owner == "ada"


def test_somebody_elses_change_is_undone_under_its_later_name(make_desk: MakeDesk) -> None:
    desk = make_desk("")
    bob = desk.engine("bob")
    bob.experiments.create("one")
    bob.experiments.set_tag("one", "team", "risk")
    desk.clock.advance(1_000)
    bob.experiments.rename("one", "two")
    root = desk.engine("root")
    root.undoing.undo(2)
    assert root.experiments.get("two").tags == {}


def test_the_newest_change_that_can_be_undone_is_found_and_what_is_passed_over_is_told(make_desk: MakeDesk) -> None:
    desk = make_desk("")
    root = desk.engine("root")
    root.models.create("churn")
    root.models.update("churn", owner="ada")
    root.models.ask_retraining("churn", reason="old")
    desk.engine("bob").models.set_tag("churn", "team", "risk")
    plan = root.undoing.latest()
    assert plan is not None
    assert plan.record.seq == 2
    assert "ask retraining" in plan.passed[0]
    bobs = root.undoing.latest("bob")
    assert bobs is not None
    assert bobs.record.actor == "bob"
    root.undoing.undo(2)
    earlier = root.undoing.latest()
    assert earlier is not None
    assert earlier.record.seq == 1  # neither the undo nor what it changed is offered


def test_a_part_of_a_promotion_stands_for_all_of_it(make_desk: MakeDesk) -> None:
    desk = make_desk("")
    desk.endpoint(2)
    root = desk.engine("root")
    for number in (1, 2):
        desk.clock.advance(1_000)
        root.promotions.promote("churn", number, to=Stage.PRODUCTION, reason="good")
    (promotion,) = root.audit.page(AuditFilter(kind="promotion"), limit=1).items
    parts = [each.seq for each in root.audit.page(limit=50).items if each.time_ms == promotion.time_ms]
    assert len(parts) >= 4
    assert {root.undoing.plan(seq).record.seq for seq in parts} == {promotion.seq}
    desk.clock.advance(1_000)
    root.undoing.undo(min(parts), reason="worse")
    assert desk.production() == (1,)
    assert desk.shares()[1] == ("live", 1000)


def test_undoing_a_rollback_asks_for_what_the_promotion_asks_for(make_desk: MakeDesk) -> None:
    desk = make_desk("[models.churn.production]\napprovals = 1\n")
    desk.versions(2)
    desk.approved(1)
    desk.clock.advance(1_000)
    desk.approved(2)
    desk.clock.advance(1_000)
    bob = desk.engine("bob")
    bob.promotions.roll_back("churn", reason="worse")
    desk.clock.advance(1_000)
    plan = bob.undoing.latest()
    assert plan is not None
    assert "needs 1 approval" in plan.blockers[0]
    with pytest.raises(QuarterdeckError, match="approval"):
        bob.undoing.undo(plan.asked)
    assert bob.audit.page(limit=1).items[0].verb == "refuse"
    assert desk.production() == (1,)


def test_a_reason_too_long_to_be_kept_is_refused(make_desk: MakeDesk) -> None:
    root = make_desk("").engine("root")
    root.models.create("churn")
    with pytest.raises(InvalidInput, match="900"):
        root.undoing.undo(1, reason="x" * 901)


def test_changes_of_an_endpoint_go_back_one_after_the_other(make_desk: MakeDesk) -> None:
    desk = make_desk("")
    desk.endpoint(2)
    root = desk.engine("root")
    for change in (root.endpoints.kill, root.endpoints.revive, root.endpoints.kill):
        desk.clock.advance(1_000)
        change("churn", reason="so")
    desk.clock.advance(1_000)
    root.endpoints.deploy("churn", 2, reason="better")
    killed = []
    for _ in range(4):
        desk.clock.advance(1_000)
        plan = root.undoing.latest()
        assert plan is not None
        assert plan.blockers == ()
        root.undoing.undo(plan.asked, expected=plan.expect)
        desired = root.endpoints.get("churn").desired
        assert desired is not None
        killed.append(desired.killed)
        assert desk.shares() == {1: ("live", 1000)}
    assert killed == [True, False, True, False]
