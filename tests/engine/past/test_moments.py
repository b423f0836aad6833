"""Moments of the past: times, changes, clocks that were set, and that nothing moves in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.api import Engine
from engine.core.access import Access, Actor, Role
from engine.core.clock import ManualClock
from engine.core.errors import InvalidInput, NotFound, ReadOnlyMode
from engine.core.ids import CountingIds
from engine.core.moment import Moment, parse_moment
from engine.db.database import Database
from engine.past.model import Subject
from engine.policy.file import PolicyFile
from tests.builders import empty_workspace

START_MS = 1_760_000_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_MS)


@pytest.fixture
def engine(tmp_path: Path, clock: ManualClock) -> Iterator[Engine]:
    workspace = empty_workspace(tmp_path / "workspace")
    database = Database(workspace.control_db, clock=clock)
    access = Access(Actor("ada", via="api"), Role.ADMIN, read_only=False)
    policy = PolicyFile(workspace.policy_file)
    with Engine(workspace, database, policy_file=policy, access=access, clock=clock, ids=CountingIds()) as opened:
        opened.database.migrate()
        yield opened


@pytest.mark.parametrize("text", ["2026-11-03T09:00:00Z", "#1182", "2026-11-03T09:00:14.123Z"])
def test_a_moment_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_moment(text, None)) == text


@pytest.mark.parametrize("text", ["#", "#0", "#-1", "# 5", "#1e3", "yesterday noon", ""])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_moment(text, 0)


def test_changes_of_one_millisecond_are_told_apart_by_their_numbers(engine: Engine) -> None:
    engine.models.create("churn")
    engine.models.set_tag("churn", "team", "a")
    engine.models.set_tag("churn", "team", "b")
    tags = [engine.at(Moment(change=number)).models.get("churn").tags for number in (1, 2, 3)]
    assert tags == [{}, {"team": "a"}, {"team": "b"}]


def test_a_change_that_never_was_is_no_moment(engine: Engine) -> None:
    with pytest.raises(NotFound, match="no change 7"):
        engine.at(Moment(change=7)).models.page()


def test_before_everything_there_is_nothing(engine: Engine, clock: ManualClock) -> None:
    clock.advance(10)
    engine.models.create("churn")
    then = engine.at(Moment(START_MS))
    assert then.models.page().items == ()
    assert then.audit.page().items == ()
    assert engine.past.change_at(Moment(START_MS)) is None


def test_the_past_of_a_file_that_was_replaced_is_not_told_of_the_one_that_is_there(engine: Engine) -> None:
    engine.models.create("churn")
    assert engine.at(Moment(change=1)).models.get("churn").name == "churn"
    database = engine.workspace.control_db
    other = database.with_name("other.db")
    with closing(sqlite3.connect(database)) as now, closing(sqlite3.connect(other)) as copy:
        now.backup(copy)
        copy.execute("UPDATE model SET name = 'restored'")
        copy.commit()
    other.replace(database)
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    assert [model.name for model in engine.at(Moment(change=1)).models.page().items] == ["restored"]


def test_the_past_cannot_be_changed(engine: Engine, clock: ManualClock) -> None:
    engine.models.create("churn")
    then = engine.at(Moment(clock.now_ms()))
    with pytest.raises(ReadOnlyMode):
        then.models.create("fraud")
    with pytest.raises(ReadOnlyMode, match="past cannot be changed"):
        then.database.transaction(Actor("ada", via="api"))


def test_the_clock_of_the_past_stands_still(engine: Engine, clock: ManualClock) -> None:
    engine.models.create("churn")
    then = engine.at(Moment(change=1))
    clock.advance(5_000)
    assert then.clock.now_ms() == START_MS


def test_a_clock_that_was_set_back_does_not_tear_the_past_apart(engine: Engine, clock: ManualClock) -> None:
    engine.models.create("a")
    clock.advance(1_000)
    engine.models.create("b")
    clock.advance(-900)  # for one change only
    engine.models.create("c")
    clock.advance(2_000)
    engine.models.create("d")
    then = engine.at(Moment(START_MS + 1_500))
    assert [model.name for model in then.models.page().items] == ["a", "b", "c"]


def test_metrics_are_those_logged_by_then_and_the_run_still_runs(engine: Engine, clock: ManualClock) -> None:
    run = engine.runs.start("exp", "tree", capture=False, system_metrics_s=0)
    for step in range(4):
        clock.advance(10)
        run.log_metrics({"auc": step / 10}, step=step)
    clock.advance(10)
    run.finish()
    then = engine.at(Moment(START_MS + 25)).runs.get(run.id)
    assert (then.state, then.end_ms, then.metrics) == ("running", None, {"auc": 0.1})
    assert engine.at(Moment(START_MS + 5)).runs.get(run.id).metrics == {}


def test_what_happens_while_the_past_is_looked_at_does_not_show_in_it(engine: Engine, clock: ManualClock) -> None:
    run = engine.runs.start("exp", "tree", capture=False, system_metrics_s=0)
    engine.models.create("churn", "first")
    clock.advance(10)
    then = engine.at(Moment(clock.now_ms()))
    first = then.models.get("churn"), then.runs.get(run.id).name
    clock.advance(10)
    engine.models.update("churn", description="second")
    engine.runs.rename(run.id, "forest")
    engine.runs.delete(run.id)
    assert (then.models.get("churn"), then.runs.get(run.id).name) == first
    assert then.runs.get(run.id).lifecycle == "active"


def test_steps_lead_through_the_changes_of_one_thing_and_what_is_under_it(engine: Engine) -> None:
    engine.models.create("churn")
    engine.models.create("churn-2")
    engine.experiments.create("exp")
    engine.models.set_tag("churn", "k", "v")
    churn, every = Subject(("model", "version"), "churn"), Subject(())
    newest = engine.past.before(churn)
    assert newest is not None
    assert newest.seq == 4
    first = engine.past.before(churn, newest.seq)
    assert first is not None
    assert (first.seq, first.verb) == (1, "create")
    assert engine.past.before(churn, 1) is None
    following = engine.past.after(churn, 1)
    assert following is not None
    assert following.seq == 4
    assert engine.past.after(churn, 4) is None
    assert getattr(engine.past.before(every, 4), "seq", None) == 3
