from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.deployment.world import World


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[str], World]]:
    made: list[World] = []

    def make(policy: str = "") -> World:
        made.append(World(tmp_path / str(len(made)), policy))
        return made[-1]

    yield make
    for world in made:
        world.database.close()


@pytest.fixture
def world(make_world: Callable[[str], World]) -> World:
    return make_world("")
