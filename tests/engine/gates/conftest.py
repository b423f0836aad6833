from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.gates.bakery import Bakery


@pytest.fixture
def bakery(tmp_path: Path) -> Iterator[Bakery]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fitted on frames, asked with arrays: on purpose
        made = Bakery(tmp_path)
        yield made
        made.database.close()
