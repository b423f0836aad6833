"""Traces of a workspace whose clock stands still and whose ids count up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.clock import ManualClock
from engine.core.ids import CountingIds
from engine.traces.service import Traces
from tests.builders import empty_workspace


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock) -> Iterator[Engine]:
    path = empty_workspace(tmp_path / "workspace").path
    with engine.open(path, clock=clock, ids=CountingIds()) as found:
        found.experiments.ensure_default()
        yield found


@pytest.fixture
def traces(opened: Engine) -> Traces:
    return opened.traces
