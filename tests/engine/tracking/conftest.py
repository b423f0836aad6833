"""A workspace whose clock stands still and whose run ids count up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.audit.service import AuditLog
from engine.core.clock import ManualClock
from engine.db.database import Database
from engine.tracking.experiments import Experiments
from engine.tracking.service import Runs
from tests.builders import make_access, make_database, make_runs


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock) -> Iterator[Database]:
    made = make_database(tmp_path, clock=clock)
    yield made
    made.close()


@pytest.fixture
def runs(database: Database, clock: ManualClock) -> Runs:
    return make_runs(database, clock=clock)


@pytest.fixture
def experiments(database: Database, clock: ManualClock) -> Experiments:
    return Experiments(database, make_access(), clock)


@pytest.fixture
def audit(database: Database, clock: ManualClock) -> AuditLog:
    return AuditLog(database, clock)
