from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.scoring.bench import Bench


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("scoring") / "workspace")
    yield made
    made.engine.close()
