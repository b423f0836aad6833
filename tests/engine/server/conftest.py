"""A real server in a thread of its own, and a plain HTTP client to speak to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.server.wire import Wire, served


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """A server on a fresh workspace."""
    with served(tmp_path / "workspace") as found:
        yield found


@pytest.fixture(scope="module")
def shared_wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server that the tests of a file share; each makes what it needs under a name of its own."""
    with served(tmp_path_factory.mktemp("shared") / "workspace") as found:
        yield found
