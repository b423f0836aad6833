from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.deployment.rollouts.rolling import Rolling


@pytest.fixture
def rolling(tmp_path: Path) -> Iterator[Rolling]:
    made = Rolling(tmp_path)
    yield made
    made.close()
