"""The server's screen and its word in the frame, with a real server beside the console."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.core.access import Role
from engine.db.connection import Durability
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from tests.console.driver import LARGE, SMALL, console
from tests.console.world import World
from tests.engine.server.wire import Wire


@contextmanager
def serving(world: World, durability: Durability = Durability.FULL) -> Iterator[str]:
    with ThreadedServer(world.as_("anna", Role.ADMIN), Settings(port=0, durability=durability)) as url:
        yield url


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "workspace")
    yield made
    made.close()


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_without_a_server_it_says_how_to_start_one(world: World, size: tuple[int, int]) -> None:
    async with console(world.as_("anna"), "server", size) as screen:
        await screen.expect("No server runs", "qd --workspace", "MLFLOW_TRACKING_URI")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_it_shows_where_the_server_is_and_what_it_does(world: World, size: tuple[int, int]) -> None:
    with serving(world) as url, Wire.to(url) as wire:
        for _ in range(3):
            wire.call("GET", "/health")
        wire.call("GET", "/nothing")
        async with console(world.as_("anna"), "server", size) as screen:
            await screen.expect(url, "durability", "full", "answered", "(4xx)", "commit")
            await screen.expect_line("answered", "4")
            await screen.expect_line("refused", "1")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_what_was_refused_stands_in_sight_at_once(world: World, size: tuple[int, int]) -> None:
    with serving(world) as url, Wire.to(url) as wire:
        for name in ("one", "two", "three"):
            wire.call("GET", f"/api/2.0/mlflow/runs/get?run_id={name}")
        wire.call("GET", "/nothing/[red]here")
        wire.call("GET", "/api/2.0/mlflow/logged-models/m-none/artifacts/directories")
        async with console(world.as_("anna"), "server", size) as screen:
            await screen.expect_line("404", "not_found", "3 times", "GET", "/api/2.0/mlflow/runs/get")
            await screen.expect_line("404", "1 time", " /nothing/[red]here", "no such path")
            assert screen.lines().index(screen.line("Refused or failed")) < screen.lines().index(
                screen.line("answered")
            )


async def test_stopping_it_warns_of_what_it_does_and_not_of_production(world: World) -> None:
    with serving(world) as url:
        async with console(world.as_("anna"), "server") as screen:
            await screen.expect(url)
            await screen.press("X")
            await screen.expect("PROGRAMS THAT LOG WILL FAIL")
            assert "PRODUCTION" not in screen.text()
            await screen.press("escape")
            await screen.expect(url)


async def test_the_frame_says_that_the_workspace_is_served(world: World) -> None:
    with serving(world) as url:
        async with console(world.as_("anna"), "runs") as screen:
            await screen.expect(f"serving :{url.rpartition(':')[2]}")


async def test_relaxed_durability_is_on_the_screen(world: World) -> None:
    with serving(world, Durability.RELAXED):
        async with console(world.as_("anna"), "server") as screen:
            await screen.expect("relaxed", "a power cut may lose")


async def test_it_notices_a_server_that_comes_and_goes(world: World) -> None:
    async with console(world.as_("anna"), "server") as screen:
        await screen.expect("No server runs")
        with serving(world) as url:
            await screen.expect(url)
        await screen.expect("No server runs")


async def test_a_viewer_cannot_stop_it_and_is_told_why(world: World) -> None:
    with serving(world) as url:
        async with console(world.as_("anna", Role.VIEWER), "server") as screen:
            await screen.expect(url)
            await screen.press("X")
            await screen.expect("needs the role operator")
