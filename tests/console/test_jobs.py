"""Jobs on the screen: begun there, followed there, ended there, and alive when the console is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.jobs import Follower
from engine import api
from engine.jobs.model import JobState
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import HOSTILE, World


def _waiting(world: World, tmp_path: Path) -> tuple[str, ...]:
    """A command that goes on until it is ended: it reads from a pipe that nobody writes to."""
    with world.engine.runs.start("churn") as run:
        pass
    os.mkfifo(tmp_path / "pipe")
    return ("runs", "log", run.id, "--points", str(tmp_path / "pipe"))


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_typed_command_becomes_a_job_whose_end_is_told(world: World, size: tuple[int, int]) -> None:
    async with console(world.engine, "jobs", size=size) as deck:
        await deck.expect("No jobs yet")
        await deck.type(":start")
        await deck.press("enter")
        await deck.expect("run as a job")
        await deck.type("db check")
        await deck.press("enter")
        await deck.expect("Job 1 is done")
        await deck.expect("✓ done  db check")
        await deck.press("enter")
        await deck.expect("exit code", "sound")


@pytest.mark.parametrize("typed", ["start models list --json", "start -- models list --json", "qd start models list"])
async def test_all_behind_the_verb_is_the_jobs(world: World, typed: str) -> None:
    async with console(world.engine, "jobs") as deck:
        await deck.expect("No jobs yet")
        await deck.type(f":{typed}")
        await deck.press("enter")
        await deck.expect("Job 1 began")
    assert world.engine.jobs.get(1).words == tuple(typed.partition("start ")[2].removeprefix("-- ").split())


async def test_a_job_that_fails_says_its_last_words(world: World) -> None:
    async with console(world.engine, "jobs") as deck:
        deck.app.jobs.start("look for a run", ("runs", "show", "ffffffff"))
        await deck.expect("Job 1 failed", "There is no run")


async def test_a_job_is_ended_from_its_list_and_forgotten(world: World, tmp_path: Path) -> None:
    words = _waiting(world, tmp_path)
    async with console(world.engine, "jobs") as deck:
        deck.app.jobs.start("reads a pipe", words)
        await deck.expect("reads a pipe", "running")
        await deck.press("X")
        await deck.expect("still runs")
        await deck.press("x")
        await deck.expect("given up")
        await deck.press("X")
        await deck.expect("No jobs yet")


async def test_it_goes_on_when_the_console_is_left(world: World, tmp_path: Path) -> None:
    words = _waiting(world, tmp_path)
    async with console(world.engine, "jobs") as deck:
        deck.app.jobs.start("reads a pipe", words)
        await deck.expect("running")
    with api.open(world.workspace.path) as later:
        assert later.jobs.get(1).state is JobState.RUNNING
        later.jobs.cancel(1)


async def test_an_end_that_two_looks_bring_is_told_once(world: World) -> None:
    told: list[int] = []
    async with console(world.engine, "models") as deck:
        jobs = deck.app.jobs
        follower = Follower(failed=lambda job, _last: told.append(job.id))
        jobs.start("look for a run", ("runs", "show", "ffffffff"), follower=follower)
        await deck.expect("Job 1 began")
        looks = jobs.looking(), jobs.looking()
        await deck.until(lambda: world.engine.jobs.get(1).state.over, "its end")
        for look in looks:
            jobs.looked(look())
        await deck.rest()
        assert told == [1]
        await deck.expect_gone("Job 1 failed")


async def test_a_hostile_title_and_log_are_harmless(world: World) -> None:
    async with console(world.engine, "jobs") as deck:
        deck.app.jobs.start(HOSTILE, ("runs", "show", HOSTILE))
        await deck.expect("✗ failed")  # the row, not only the line that tells of it
        await deck.press("enter")
        await deck.expect("exit code")
        assert "\x1b" not in deck.text()


async def test_a_job_that_is_none_is_said(world: World) -> None:
    async with console(world.engine, "job 7") as deck:
        await deck.expect("There is no job 7")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("modles list", "Did you mean models?"),
        ("qd models biuld churn 3", "Did you mean build?"),
        ("models build churn", "Missing argument 'VERSION'"),
        ("up", "cannot be a job"),
    ],
)
async def test_a_typed_line_that_is_no_command_makes_no_job(world: World, line: str, said: str) -> None:
    async with console(world.engine, "jobs", LARGE) as deck:
        await deck.expect("No jobs yet")
        await deck.type(f":start --command '{line}'")
        await deck.press("enter")
        await deck.expect(said)
    assert world.engine.jobs.page().items == ()


async def test_a_command_line_that_is_none_is_said(world: World) -> None:
    async with console(world.engine, "jobs") as deck:
        deck.app.jobs.start("", ("server",))
        await deck.expect("cannot be a job")
