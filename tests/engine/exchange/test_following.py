"""Mirroring: what changes comes, what does not costs nothing, and a source that fails is asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.api import Engine
from engine.exchange.following import SLOWEST_S, News, follow
from engine.exchange.importing import Importer
from engine.exchange.opening import open_mlflow
from engine.exchange.source import Source
from tests.engine.exchange.mlflow_files import CHILD, MlflowFile, everything


class Waits:
    """Stands in for time: runs what happens between two looks, notes the waits, stops at the end."""

    def __init__(self, *happens: Callable[[], object]) -> None:
        self._happens = iter(happens)
        self.waited: list[float] = []

    def __call__(self, seconds: float) -> bool:
        self.waited.append(seconds)
        happens = next(self._happens, None)
        if happens is None:
            return True
        happens()
        return False


def nothing() -> None:
    """Nothing happens."""


@pytest.fixture
def made(tmp_path: Path) -> MlflowFile:
    return everything(tmp_path / "mlflow.db")


@pytest.fixture
def source(made: MlflowFile) -> Iterator[Source]:
    found = open_mlflow(str(made.path))
    yield found
    found.close()


def test_what_changes_comes_and_what_does_not_is_not_looked_at(
    opened: Engine, made: MlflowFile, source: Source
) -> None:
    importer = Importer(opened, source)
    importer.step()
    size = opened.audit.head().size
    waits = Waits(nothing, nothing, lambda: made.log(CHILD, [("loss", 0.5, 0, 6_000)]), nothing)
    news = list(follow(importer, source, 2.0, waits))
    assert [each.stored for each in news] == [{"changed runs": 1, "metrics": 1}]
    assert opened.runs.get(CHILD).metrics == {"loss": 0.5}
    assert opened.audit.head().size == size + 1
    assert waits.waited[0] == 2.0
    assert waits.waited[1] < waits.waited[2]
    assert waits.waited[4] > waits.waited[3]


def test_a_quiet_source_is_asked_rarely(opened: Engine, source: Source) -> None:
    importer = Importer(opened, source)
    importer.step()
    waits = Waits(*[nothing] * 20)
    assert list(follow(importer, source, 1.0, waits)) == []
    assert waits.waited[-1] == SLOWEST_S


def test_a_source_that_fails_is_asked_again(opened: Engine, made: MlflowFile, source: Source) -> None:
    importer = Importer(opened, source)
    importer.step()

    def recover() -> None:
        made.run_sql("ALTER TABLE away RENAME TO metrics")
        made.log(CHILD, [("loss", 0.5, 0, 6_000)])

    waits = Waits(lambda: made.run_sql("ALTER TABLE metrics RENAME TO away"), recover)
    failed, came = follow(importer, source, 1.0, waits)
    assert isinstance(failed, News)
    assert "cannot be read as an MLflow database" in failed.problem
    assert came.stored == {"changed runs": 1, "metrics": 1}
