"""A server deletes old traces by itself, as the policy says and not otherwise."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.audit.model import AuditFilter
from engine.core.clock import ManualClock
from engine.server import retention
from engine.server.measures import Measures
from engine.server.retention import EVERY_MS, Retention
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from engine.traces import recording
from tests.builders import empty_workspace
from tests.engine.traces.spans import DEFAULT, START_MS, batch, new_span, trace_id

DAY_MS = 86_400_000
ONE_DAY = '[retention]\ntraces = "1d"\n'
OLD, NEW = 1, 2
DEADLINE_S = 30


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_MS)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "LOOK_S", 0.005)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """One trace begun two days ago, and one begun now."""
    path = empty_workspace(tmp_path / "workspace").path
    with engine.open(path) as opened:
        opened.experiments.ensure_default()
        spans = (new_span(1, trace=OLD, begin_ms=-2 * DAY_MS), new_span(1, trace=NEW))
        opened.traces.record(batch(*spans), DEFAULT)
    return path


@contextmanager
def serving(workspace: Path, clock: ManualClock) -> Iterator[Engine]:
    with engine.open(workspace, via="http", clock=clock) as opened, ThreadedServer(opened, Settings(port=0)):
        yield opened


def kept(opened: Engine) -> list[str]:
    return sorted(each.trace_id for each in opened.traces.page().items)


def prunings(opened: Engine) -> list[object]:
    entries = opened.audit.page(AuditFilter(kind="trace")).items
    return [entry.after for entry in entries if entry.verb == "prune"]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.005)


def write_policy(workspace: Path, text: str) -> None:
    (workspace / "quarterdeck.toml").write_text(text)


def test_old_traces_go_when_the_server_starts_and_that_is_audited_once(workspace: Path, clock: ManualClock) -> None:
    write_policy(workspace, ONE_DAY)
    with serving(workspace, clock) as opened:
        wait_until(lambda: kept(opened) == [trace_id(NEW)])
        assert prunings(opened) == [{"traces": 1, "begun_before_ms": START_MS - DAY_MS}]


def test_what_has_grown_old_since_goes_an_hour_later(workspace: Path, clock: ManualClock) -> None:
    write_policy(workspace, ONE_DAY)
    with serving(workspace, clock) as opened:
        wait_until(lambda: kept(opened) == [trace_id(NEW)])
        clock.advance(DAY_MS + EVERY_MS)
        wait_until(lambda: kept(opened) == [])
        assert len(prunings(opened)) == 2


def test_without_a_policy_traces_are_kept_until_one_is_written(workspace: Path, clock: ManualClock) -> None:
    with serving(workspace, clock) as opened:
        clock.advance(100 * DAY_MS)
        assert kept(opened) == [trace_id(OLD), trace_id(NEW)]
        write_policy(workspace, '[retention]\ntraces = "101d"\n')
        clock.advance(EVERY_MS)
        wait_until(lambda: kept(opened) == [trace_id(NEW)])


def test_a_clock_put_back_does_not_end_pruning(workspace: Path, clock: ManualClock) -> None:
    clock.advance(-5 * DAY_MS)
    write_policy(workspace, ONE_DAY)
    with serving(workspace, clock) as opened:
        clock.advance(-30 * DAY_MS)
        clock.advance(35 * DAY_MS)
        wait_until(lambda: kept(opened) == [trace_id(NEW)])


def test_a_server_told_to_stop_does_not_wait_for_the_last_old_trace(
    workspace: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PRUNING_S", -1.0)
    monkeypatch.setattr(recording, "PRUNING_REST_S", 600.0)
    write_policy(workspace, ONE_DAY)
    with engine.open(workspace) as opened:
        old = (new_span(1, trace=each, begin_ms=-3 * DAY_MS) for each in range(10, 210))
        opened.traces.record(batch(*old), DEFAULT)
    with serving(workspace, clock) as opened:
        wait_until(lambda: opened.traces.count() < 202)
    with engine.open(workspace) as opened:
        gone = 202 - opened.traces.count()
        assert 0 < gone < 201
        assert prunings(opened) == [{"traces": gone, "begun_before_ms": START_MS - DAY_MS}]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ('[retention]\ntraces = "soon"\n', "line 2"),
        (ONE_DAY + '[roles]\nviewer = ["*"]\n', "needs the role operator"),
    ],
)
async def test_a_failure_is_told_and_tried_again_an_hour_later(
    workspace: Path, clock: ManualClock, policy: str, said: str
) -> None:
    measures = Measures(clients=int, queue=int)
    with engine.open(workspace, clock=clock) as opened:
        write_policy(workspace, policy)
        going = asyncio.ensure_future(Retention(opened, measures).run())
        await asyncio.to_thread(wait_until, lambda: bool(measures.status(0).errors))
        assert "Old traces were not deleted" in measures.status(0).errors[0]
        assert said in measures.status(0).errors[0]
        write_policy(workspace, ONE_DAY)
        assert len(kept(opened)) == 2
        clock.advance(EVERY_MS)
        await asyncio.to_thread(wait_until, lambda: kept(opened) == [trace_id(NEW)])
        assert len(measures.status(0).errors) == 1
        await _end(going)


async def test_a_read_only_session_keeps_everything(workspace: Path, clock: ManualClock) -> None:
    write_policy(workspace, ONE_DAY)
    measures = Measures(clients=int, queue=int)
    with engine.open(workspace, clock=clock, read_only=True) as opened:
        going = asyncio.ensure_future(Retention(opened, measures).run())
        done, _ = await asyncio.wait([going], timeout=0.1)
        assert not done
        assert kept(opened) == [trace_id(OLD), trace_id(NEW)]
        assert measures.status(0).errors == ()
        await _end(going)


async def _end(going: asyncio.Future[None]) -> None:
    going.cancel()
    await asyncio.wait([going])
