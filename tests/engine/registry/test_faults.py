"""The N-th statement of every operation fails, for every N: what is left is the old state or the new one."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import WorkspaceError
from engine.registry.model import Stage
from engine.registry.service import Models
from tests.engine.registry.desk import Desk

TABLES = (
    "model", "version_counter", "model_tag", "model_version", "version_file", "version_metric", "version_param",
    "version_tag", "model_alias", "audit", "event",
)  # fmt: skip


class Faults:
    """Lets the N-th statement of every connection fail once it is armed."""

    def __init__(self) -> None:
        self.left: int | None = None

    def strike(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left == 0:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

    @contextmanager
    def at(self, number: int) -> Iterator[None]:
        self.left = number
        try:
            yield
        finally:
            self.left = None

    def connect(self, *args: Any, **options: Any) -> sqlite3.Connection:
        faults = self

        class Connection(sqlite3.Connection):
            """A connection whose statements may fail."""

            def execute(self, *arguments: Any) -> sqlite3.Cursor:
                if arguments[0] != "ROLLBACK":
                    faults.strike()
                return super().execute(*arguments)

            def executemany(self, *arguments: Any) -> sqlite3.Cursor:
                faults.strike()
                return super().executemany(*arguments)

        return sqlite3.connect(*args, factory=Connection, **options)


def contents(desk: Desk) -> dict[str, list[tuple[object, ...]]]:
    with desk.database.snapshot() as view:
        return {table: sorted(view.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES}


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[tuple[Desk, Faults, str]]:
    faults = Faults()
    desk = Desk(tmp_path, connect=faults.connect)
    run_id = desk.run(metrics={"auc": 0.9}, params={"depth": "8"})
    desk.models.register("churn", run_id=run_id, tags={"k": "v"})
    desk.models.register("churn", run_id=run_id)
    desk.models.set_alias("churn", "candidate", 2)
    yield desk, faults, run_id
    desk.database.close()


def serving(desk: Desk) -> None:
    """Version 1 is in Production and is the champion."""
    desk.move(1, Stage.PRODUCTION)
    desk.models.set_alias("churn", "champion", 1)


def replace_production(desk: Desk, _run_id: str) -> None:
    desk.replace_production(2, old=1)


def on_models(step: Callable[[Models], object]) -> Callable[[Desk, str], object]:
    return lambda desk, _run_id: step(desk.models)


OPERATIONS: dict[str, Callable[[Desk, str], object]] = {
    "register": lambda desk, run_id: desk.models.register("churn", run_id=run_id, tags={"a": "b"}),
    "register first": lambda desk, run_id: desk.models.register("loan", run_id=run_id),
    "create": on_models(lambda models: models.create("loan", tags={"a": "b", "c": "d"})),
    "update": on_models(lambda models: models.update("churn", owner="bob")),
    "tag": on_models(lambda models: models.set_tag("churn", "k", "v")),
    "rename": on_models(lambda models: models.rename("churn", "loan")),
    "delete": on_models(lambda models: models.delete("churn")),
    "delete version": on_models(lambda models: models.delete_version("churn", 2)),
    "set alias": on_models(lambda models: models.set_alias("churn", "candidate", 1)),
    "remove alias": on_models(lambda models: models.remove_alias("churn", "candidate")),
    "update version": on_models(lambda models: models.update_version("churn", 1, owner="bob")),
    "tag version": on_models(lambda models: models.set_version_tag("churn", 1, "k", None)),
    "replace production": replace_production,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_whichever_statement_fails_nothing_is_half_written(faulty: tuple[Desk, Faults, str], name: str) -> None:
    desk, faults, run_id = faulty
    if name == "replace production":
        serving(desk)
    before = contents(desk)
    number = 1
    while not _gets_through(lambda: OPERATIONS[name](desk, run_id), faults, number):
        assert contents(desk) == before, f"after a fault at statement {number}"
        number += 1
    assert number > 3
    assert contents(desk) != before


def _gets_through(step: Callable[[], object], faults: Faults, number: int) -> bool:
    try:
        with faults.at(number):
            step()
    except WorkspaceError:
        return False
    return True


def test_two_processes_registering_at_once_never_share_a_number(desk: Desk) -> None:
    run_id = desk.run()
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.engine.registry.desk import Desk\n"
        "desk = Desk(Path(sys.argv[1]))\n"
        "for _ in range(10): print(desk.models.register('churn', run_id=sys.argv[2]).version)\n"
    )
    command = [sys.executable, "-c", script, str(desk.workspace.path.parent), run_id]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    numbers: list[int] = []
    for process in started:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        numbers += [int(line) for line in out.split()]
    assert sorted(numbers) == list(range(1, 31))
    assert desk.models.get("churn").versions == 30


def test_importing_the_registry_stays_light() -> None:
    heavy = ("tomllib", "difflib", "numpy", "pandas", "sklearn", "skops", "sqlite_utils", "rich", "asyncio", "logging")
    for module in ("engine.registry.service", "engine.policy.file", "engine.policy.identity", "engine.policy.model"):
        script = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.strip() == "[]", module
