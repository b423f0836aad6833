from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console import driver
from tests.console.driver import LARGE, SMALL
from tests.console.world import GUARDED, World

_SAID = frozenset({"size", "SMALL", "LARGE"})
"""Names by which a flow says itself at which sizes it is looked at."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every flow of the console at both sizes, but for those that say at which."""
    code = inspect.unwrap(metafunc.function).__code__
    drives = getattr(metafunc.module, "console", None) is driver.console and inspect.iscoroutinefunction(
        metafunc.function
    )
    if drives and not _SAID & {*metafunc.fixturenames, *code.co_names}:
        metafunc.fixturenames.append("usual_size")
        metafunc.parametrize("usual_size", [SMALL, LARGE], ids=["80x24", "160x45"], indirect=True)


@pytest.fixture
def usual_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of every console of one test that gives it none."""
    monkeypatch.setattr(driver, "USUAL", request.param)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, GUARDED)
    yield made
    made.close()
