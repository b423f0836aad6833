"""A database that goes away, is replaced or locked while somebody looks: it is said, what was read stays, it mends."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engine import api
from tests.console.driver import LARGE, SMALL, Console, console
from tests.console.world import World

PARTS = ("control.db", "control.db-wal", "control.db-shm")


def _away(workspace: Path) -> Callable[[], None]:
    """Take the database away; gives what brings it back."""
    moved = [name for name in PARTS if (workspace / name).exists()]
    for name in moved:
        (workspace / name).rename(workspace / f"away-{name}")

    def back() -> None:
        for name in reversed(moved):
            (workspace / f"away-{name}").rename(workspace / name)

    return back


@pytest.fixture
def busy(world: World) -> World:
    busy_runs(world)
    return world


def busy_runs(world: World) -> None:
    """Log two runs."""
    for name in ("first", "second"):
        with world.engine.runs.start("churn", name=name, capture=False, system_metrics_s=0) as run:
            run.log_metric("auc", 0.9)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_database_that_is_gone_is_said_and_what_was_read_stays(busy: World, size: tuple[int, int]) -> None:
    with api.open(busy.workspace.path) as engine:
        async with console(engine, "runs", size=size) as deck:
            await deck.expect("second", "live")
            back = _away(busy.workspace.path)
            await deck.expect("stale", "The workspace database")
            await deck.expect("second")
            await _nothing_changes(deck)
            await deck.type(":models")
            await deck.press("enter")
            await deck.expect("models", "The workspace database")
            back()
            await deck.expect("live", "No registered models yet")
            await deck.press("left_square_bracket")
            await deck.expect("second")


async def _nothing_changes(deck: Console) -> None:
    await deck.press("D")
    await deck.expect("is off for now")


async def test_a_copy_in_its_place_is_read_from_then_on(busy: World) -> None:
    with api.open(busy.workspace.path) as engine:
        async with console(engine, "runs") as deck:
            await deck.expect("second", "live")
            with sqlite3.connect(busy.workspace.path / "control.db") as now:
                copy = sqlite3.connect(busy.workspace.path / "copy.db")
                now.backup(copy)
                copy.execute("UPDATE run SET name = 'restored' WHERE name = 'second'")
                copy.commit()
                copy.close()
            os.replace(busy.workspace.path / "copy.db", busy.workspace.path / "control.db")  # noqa: PTH105 over it
            for name in PARTS[1:]:
                (busy.workspace.path / name).unlink(missing_ok=True)
            await deck.expect("restored", "live")


async def test_a_change_that_waits_says_so_and_happens(busy: World) -> None:
    with api.open(busy.workspace.path) as engine:
        async with console(engine, "runs") as deck:
            await deck.expect("second", "live")
            other = sqlite3.connect(busy.workspace.path / "control.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            await deck.press("D")
            await deck.expect("Waiting for the workspace")
            other.execute("ROLLBACK")
            other.close()
            await deck.expect("Deleted")


# --- a workspace that answers, but cannot be changed


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "quarterdeck-test", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False, timeout=30)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True, timeout=30)


async def _is_off(deck: Console, why: str, size: tuple[int, int]) -> None:
    await deck.expect("second")  # what was read stays
    await deck.press("D")
    await deck.expect("is off for now")
    if size == LARGE:
        await deck.expect(why)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_full_disk_is_said_before_anything_is_tried(small_disk: Path, size: tuple[int, int]) -> None:
    world = World(small_disk)
    busy_runs(world)
    filler = small_disk / "filler"
    with api.open(world.workspace.path) as engine:
        async with console(engine, "runs", size=size) as deck:
            await deck.expect("second", "live")
            _fill(filler)
            await deck.expect("cannot write", "No space is left")
            await _is_off(deck, "No space is left", size)
            filler.unlink()
            await deck.expect("● live", "can be written again")
            await deck.press("D")
            await deck.expect("Deleted")
    world.close()


def _fill(filler: Path) -> None:
    with filler.open("ab", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            with suppress(OSError):
                while file.write(b"x" * size):
                    pass


async def test_a_read_only_file_system_is_said_and_changes_come_back_with_it(small_disk: Path) -> None:
    world = World(small_disk)
    busy_runs(world)
    world.close()
    _remount(small_disk, "ro")  # before anybody has a file of it open: nothing else is remounted
    with api.open(world.workspace.path) as engine:
        async with console(engine, "runs") as deck:
            await deck.expect("cannot write", "read-only file")
            await _is_off(deck, "read-only file", SMALL)
            _remount(small_disk, "rw")
            await deck.expect("● live", "can be written again")
            await deck.press("D")
            await deck.expect("Deleted")


def _remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True, timeout=30)


async def test_a_change_that_fails_turns_changes_off_until_one_would_be_written(busy: World) -> None:
    with api.open(busy.workspace.path) as engine:
        async with console(engine, "runs") as deck:
            await deck.expect("second", "live")
            log = busy.workspace.path / "control.db-wal"
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, before[1]))  # as a quota would
            try:
                await deck.press("D")
                await deck.expect("cannot write", "failed")
                await deck.press("escape")
                await _is_off(deck, "failed", SMALL)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            await deck.expect("● live", "can be written again")
            await deck.press("D")
            await deck.expect("Deleted")


async def test_bytes_that_break_while_somebody_looks_are_said_and_a_mended_file_is_read(busy: World) -> None:
    database = busy.workspace.path / "control.db"
    busy.close()
    sound = database.read_bytes()
    with api.open(busy.workspace.path) as engine:
        async with console(engine, "runs") as deck:
            await deck.expect("second", "live")
            with database.open("r+b") as file:
                file.seek(4_096)
                file.write(b"\xff" * (len(sound) - 4_096))
            await deck.type(":models")
            await deck.press("enter")
            await deck.expect("damaged")
            await deck.press("escape")
            await deck.press("left_square_bracket")
            await deck.expect("second")
            await _is_off(deck, "damaged", SMALL)
            with database.open("r+b") as file:
                file.write(sound)
            await deck.expect("● live", "can be read again")
            await deck.type(":models")
            await deck.press("enter")
            await deck.expect("No registered models yet")


async def test_what_could_not_be_read_may_be_gone_when_the_workspace_answers_again(busy: World) -> None:
    newest = busy.engine.runs.page().items[0].run_id
    database = busy.workspace.path / "control.db"
    with sqlite3.connect(database) as now:
        backup = sqlite3.connect(busy.workspace.path / "copy.db")
        now.backup(backup)
        backup.executescript("DELETE FROM latest_metric; DELETE FROM metric; DELETE FROM run WHERE name = 'second'")
        backup.close()
    busy.close()
    with api.open(busy.workspace.path) as engine:
        async with console(engine, "models") as deck:
            await deck.expect("No registered models yet", "live")
            with database.open("r+b") as file:
                file.seek(4_096)
                file.write(b"\xff" * (database.stat().st_size - 4_096))
            await deck.type(f":run {newest}")
            await deck.press("enter")
            await deck.expect("damaged")
            os.replace(busy.workspace.path / "copy.db", database)  # noqa: PTH105 over it, as `qd db restore` does
            for name in PARTS[1:]:
                (busy.workspace.path / name).unlink(missing_ok=True)
            await deck.expect("● live", "can be read again")
