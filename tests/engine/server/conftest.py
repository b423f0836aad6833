"""A real server in a thread of its own, and a plain HTTP client to speak to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from tests.engine.server.wire import Wire


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """A server on a fresh workspace."""
    workspace = engine.create(tmp_path / "workspace").path
    with (
        engine.open(workspace, via="http") as opened,
        ThreadedServer(opened, Settings(port=0)) as url,
        Wire(url, opened) as found,
    ):
        yield found
