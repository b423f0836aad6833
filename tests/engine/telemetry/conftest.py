"""A workspace whose clock stands still, with what its data planes reported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.clock import ManualClock
from tests.builders import empty_workspace
from tests.engine.telemetry.desk import Desk
from tests.engine.telemetry.traffic import NOW_S


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_S * 1000 + 500)


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock) -> Iterator[Engine]:
    path = empty_workspace(tmp_path / "workspace").path
    with engine.open(path, clock=clock) as made:
        yield made


@pytest.fixture
def desk(opened: Engine) -> Desk:
    return Desk(opened)
