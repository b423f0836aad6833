"""Requests at once: they share commits, wait in bounded queues, and each gets its own answer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.errors import Busy, InvalidInput, NotFound, Overloaded, WorkspaceMissing
from engine.server.measures import Measures
from engine.server.work import MAX_GROUP, READERS, Work
from tests.builders import empty_workspace
from tests.engine.server.wire import Wire


@pytest.fixture
def measures() -> Measures:
    return Measures(clients=int, queue=int)


@pytest.fixture
async def work(tmp_path: Path, measures: Measures) -> AsyncIterator[Work]:
    with engine.open(empty_workspace(tmp_path / "workspace").path) as opened:
        found = Work(opened.database, asyncio.get_running_loop(), measures=measures, max_waiting=4)
        yield found
        await asyncio.to_thread(found.close)


async def test_answers_go_to_those_who_asked(work: Work) -> None:
    answers = await asyncio.gather(*(work.write(number.__index__) for number in range(4)))
    assert answers == [0, 1, 2, 3]


async def test_an_error_is_told_to_its_own_request_alone(work: Work) -> None:
    def fail() -> None:
        raise InvalidInput("no")

    answers = await asyncio.gather(
        work.write(lambda: 1), work.write(fail), work.write(lambda: 3), return_exceptions=True
    )
    assert [answers[0], answers[2]] == [1, 3]
    assert isinstance(answers[1], InvalidInput)


@pytest.mark.parametrize("way", ["read", "write", "act"])
async def test_more_than_may_wait_are_told_to_come_again(work: Work, way: str) -> None:
    begun, gate = threading.Event(), threading.Event()

    def wait() -> bool:
        begun.set()
        return gate.wait()

    run = getattr(work, way)
    waiting = [asyncio.ensure_future(run(wait))]
    await asyncio.to_thread(begun.wait)
    # The write that has begun has left the queue for its group; the other ways count it.
    waiting += [asyncio.ensure_future(run(wait)) for _ in range(4 if way == "write" else 3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refused:
        await run(gate.wait)
    assert refused.value.details["retry_after_s"] == 1
    gate.set()
    assert all(await asyncio.gather(*waiting))


async def test_a_group_that_cannot_be_kept_is_told_to_all_of_it(work: Work, tmp_path: Path) -> None:
    (tmp_path / "workspace" / "control.db").unlink()
    answers = await asyncio.gather(work.write(lambda: 1), work.write(lambda: 2), return_exceptions=True)
    assert all(isinstance(answer, Exception) for answer in answers)


@pytest.mark.parametrize("quick", [True, False])
async def test_nobody_waits_again_for_a_workspace_that_cannot_be_written(
    work: Work, tmp_path: Path, measures: Measures, *, quick: bool
) -> None:
    (tmp_path / "workspace" / "control.db").unlink()
    asked = [work.write(int, quick=quick) for _ in range(4)]
    answers = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 30)
    assert [type(answer) for answer in answers] == [WorkspaceMissing] * 4
    assert sum(measures.groups.counts) == 1


async def test_more_quick_writes_than_a_group_takes_are_all_answered(tmp_path: Path, measures: Measures) -> None:
    count = MAX_GROUP + 100
    with engine.open(empty_workspace(tmp_path / "workspace").path) as opened:
        work = Work(opened.database, asyncio.get_running_loop(), measures=measures, max_waiting=count)
        asked = [work.write(number.__index__, quick=True) for number in range(count)]
        assert await asyncio.wait_for(asyncio.gather(*asked), 30) == list(range(count))
        assert sum(measures.groups.counts) == 2
        await asyncio.to_thread(work.close)


async def test_quick_writes_wait_for_another_process_without_holding_up_the_loop(work: Work, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "workspace" / "control.db", isolation_level=None)
    with closing(other):
        other.execute("BEGIN IMMEDIATE")
        asked = [asyncio.ensure_future(work.write(number.__index__, quick=True)) for number in range(3)]
        assert await work.read(lambda: "read") == "read"
        assert not any(each.done() for each in asked)
        other.execute("COMMIT")
        assert await asyncio.wait_for(asyncio.gather(*asked), 30) == [0, 1, 2]


@pytest.mark.parametrize("way", ["write", "act"])
async def test_closing_does_not_wait_for_another_process(tmp_path: Path, measures: Measures, way: str) -> None:
    with engine.open(empty_workspace(tmp_path / "workspace").path) as opened:
        work = Work(opened.database, asyncio.get_running_loop(), measures=measures)
        other = sqlite3.connect(tmp_path / "workspace" / "control.db", isolation_level=None)
        with closing(other):
            other.execute("BEGIN IMMEDIATE")
            asked = asyncio.ensure_future(getattr(work, way)(lambda: opened.experiments.create("late")))
            await asyncio.sleep(0)
            await asyncio.wait_for(asyncio.to_thread(work.close), 30)
            with pytest.raises(Busy):
                await asked
            other.execute("COMMIT")
        assert opened.experiments.create("in time").name == "in time"


async def test_writes_that_wait_share_a_commit(work: Work, measures: Measures) -> None:
    gate = threading.Event()
    first = asyncio.ensure_future(work.write(gate.wait))
    await asyncio.sleep(0)
    rest = [asyncio.ensure_future(work.write(int)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *rest)
    assert (measures.writes, sum(measures.groups.counts)) == (4, 1)


async def test_after_closing_nothing_is_taken(tmp_path: Path, measures: Measures) -> None:
    with engine.open(empty_workspace(tmp_path / "workspace").path) as opened:
        work = Work(opened.database, asyncio.get_running_loop(), measures=measures)
        await asyncio.to_thread(work.close)
        with pytest.raises(Overloaded):
            await work.write(int)


def _start_run(opened: Engine) -> str:
    with opened.runs.start("load", capture=False) as run:
        return run.id


def test_clients_at_once_lose_nothing_and_are_answered_after_the_commit(wire: Wire) -> None:
    run = _start_run(wire.engine)

    def client(key: str) -> None:
        with Wire(wire.url, wire.engine) as own:
            for step in range(25):
                body = {"run_id": run, "key": key, "value": step, "timestamp": step, "step": step}
                assert own.mlflow("POST", "runs/log-metric", body).status == 200
                assert wire.engine.runs.get(run).metrics[key] == step

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(client, [f"m{number}" for number in range(8)]))
    for number in range(8):
        points = wire.engine.runs.metric_points(run, f"m{number}").items
        assert [step for _, _, step, _ in points] == list(range(25))


def test_the_same_batch_sent_twice_is_stored_once(wire: Wire) -> None:
    run = _start_run(wire.engine)
    body = {"run_id": run, "key": "auc", "value": 0.5, "timestamp": 7, "step": 1}
    assert [wire.mlflow("POST", "runs/log-metric", body).status for _ in range(3)] == [200] * 3
    assert len(wire.engine.runs.metric_points(run, "auc").items) == 1


def test_a_stranger_is_refused_in_the_words_of_the_dialect(wire: Wire) -> None:
    answer = wire.mlflow("POST", "runs/log-metric", {"run_id": "0" * 32, "key": "a", "value": 1, "timestamp": 1})
    assert (answer.status, answer.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    with pytest.raises(NotFound):
        wire.engine.runs.get("0" * 32)


ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
async def hasty(tmp_path: Path, measures: Measures) -> AsyncIterator[tuple[Work, Engine]]:
    """Work that gives a reading a tenth of a second."""
    with engine.open(empty_workspace(tmp_path / "workspace").path) as opened:
        found = Work(opened.database, asyncio.get_running_loop(), measures=measures, longest_read_s=0.1)
        yield found, opened
        await asyncio.to_thread(found.close)


def _one_without_end(opened: Engine) -> None:
    with opened.database.snapshot() as view:
        view.execute(ENDLESS).fetchone()


def _ever_another(opened: Engine) -> None:
    while True:
        opened.runs.page()


def _ever_another_in_one_view(opened: Engine) -> None:
    with opened.database.snapshot() as view:
        while True:
            view.execute(ENDLESS.replace("FROM n)", "FROM n LIMIT 300000)")).fetchone()


@pytest.mark.parametrize("reading", [_one_without_end, _ever_another, _ever_another_in_one_view])
async def test_a_reading_that_takes_too_long_is_ended_and_others_go_on(
    hasty: tuple[Work, Engine], reading: Callable[[Engine], None]
) -> None:
    work, opened = hasty
    ended = [work.read(lambda: reading(opened)) for _ in range(READERS + 1)]
    answers = await asyncio.wait_for(asyncio.gather(*ended, return_exceptions=True), 20)
    assert {type(each) for each in answers} == {InvalidInput}, answers
    assert (await work.read(opened.runs.page)).items == ()


async def test_a_reading_waits_for_its_thread_as_long_as_it_takes(hasty: tuple[Work, Engine]) -> None:
    work, opened = hasty
    gate = threading.Event()
    before = [asyncio.ensure_future(work.read(gate.wait)) for _ in range(READERS)]
    last = asyncio.ensure_future(work.read(opened.runs.page))
    await asyncio.sleep(0.3)  # longer than a reading may take: what is tried is that this does not count
    gate.set()
    assert (await last).items == ()
    assert await asyncio.gather(*before) == [True] * READERS
