from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.serving.shop import Served, Shop, trained

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop") / "ws")
    for seed in (0, 1):
        made.register(trained(seed))
    made.engine.endpoints.create("churn", "churn", capture=1.0)
    made.engine.endpoints.deploy("churn", 1, reason="first")
    yield made
    made.engine.close()


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with shop.serve() as running:
        yield running
