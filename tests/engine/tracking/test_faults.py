"""The N-th storage call fails, for every N of every operation: the state is the old one or the new one."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.core.access import Access
from engine.core.clock import ManualClock
from engine.core.errors import QuarterdeckError
from engine.db.database import Database
from engine.tracking.experiments import Experiments
from engine.tracking.model import DatasetInput, RunImport, RunStatus
from engine.tracking.service import Runs
from tests.builders import make_access, make_database, make_runs
from tests.contract.contents import contents
from tests.faults import Faults

RUN, GONE, SILENT = "a" * 32, "b" * 32, f"{1:032x}"
LATER_MS = 60_000


@dataclass(frozen=True)
class Services:
    """What operations are called on."""

    runs: Runs
    experiments: Experiments


def start(at: Services) -> object:
    options = {"params": {"p": 1}, "tags": {"t": 1}, "parent": RUN}
    return at.runs.start("new", status=RunStatus.SCHEDULED, capture=False, **options)  # type: ignore[arg-type]


def log_batch(at: Services) -> None:
    metrics = [(key, float(step), step, step) for key in ("m", "new") for step in range(20)]
    at.runs.log_batch(RUN, metrics=metrics, params={"p": "1", "q": "2"}, tags={"t": "2", "u": "3"})


OPERATIONS: dict[str, Callable[[Services], object]] = {
    "start": start,
    "log_batch": log_batch,
    "log_input": lambda at: at.runs.log_input(RUN, DatasetInput("d", "1", "schema", 5, "training")),
    "log_bytes": lambda at: at.runs.log_bytes(RUN, b"bytes", "model/new"),
    "finish": lambda at: at.runs.finish(RUN),
    "rename": lambda at: at.runs.rename(RUN, "renamed"),
    "set_tag": lambda at: at.runs.set_tag(RUN, "t", "changed"),
    "remove_tag": lambda at: at.runs.set_tag(RUN, "t", None),
    "set_note": lambda at: at.runs.set_note(RUN, "note"),
    "delete": lambda at: at.runs.delete(RUN),
    "restore": lambda at: at.runs.restore(GONE),
    "reap": lambda at: at.runs.reap(older_than_ms=1),
    "beat": lambda at: at.runs.beat(SILENT),
    "environment": lambda at: at.runs.complete_environment(SILENT, {"numpy": "2"}, git_dirty=True),
    "import": lambda at: at.runs.import_runs([RunImport("i", n, 0, metrics=[("m", 1.0, 0, 0)]) for n in "ab"]),
    "create experiment": lambda at: at.experiments.create("made", {"k": "v"}),
    "rename experiment": lambda at: at.experiments.rename("e", "other"),
    "tag experiment": lambda at: at.experiments.set_tag("e", "k", "v"),
    "delete experiment": lambda at: at.experiments.delete("e"),
    "restore experiment": lambda at: at.experiments.restore("deleted"),
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with something in every state that an operation asks for."""
    path = tmp_path_factory.mktemp("original")
    database = make_database(path)
    runs = make_runs(database)
    kept = RunImport("e", "kept", 0, run_id=RUN, params={"p": "1"}, tags={"t": "1"}, metrics=[("m", 1.0, 0, 0)])
    runs.import_runs([kept, RunImport("deleted", "gone", 0, run_id=GONE)])
    runs.delete(GONE)
    experiments = Experiments(database, make_access(), ManualClock())
    experiments.delete("deleted")
    silent = runs.start("e", "silent", status=RunStatus.SCHEDULED, capture=False)  # no thread that beats
    silent.finish(RunStatus.RUNNING)
    runs.beat(silent.id)
    database.close()
    return path


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def copies(original: Path, tmp_path: Path) -> Iterator[Callable[[Faults | None], tuple[Services, Path]]]:
    """Makes a fresh copy of the workspace, behind a connection that can fail."""
    opened: list[Database] = []

    def copy(faults: Faults | None) -> tuple[Services, Path]:
        path = tmp_path / f"copy{len(opened)}"
        shutil.copytree(original, path)
        clock = ManualClock()
        clock.advance(LATER_MS)
        connect = sqlite3.connect if faults is None else faults.connect
        database = Database(path / "workspace" / "control.db", clock=clock, connect=connect)
        opened.append(database)
        access: Access = make_access()
        runs = make_runs(database, clock=clock)
        for _ in range(10):
            runs._ids.new()  # noqa: SLF001 past the ids that the original has used
        return Services(runs, Experiments(database, access, clock)), database.path

    yield copy
    for database in opened:
        database.close()


@pytest.mark.slow
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_that_fails_anywhere_has_happened_or_has_not(
    copies: Callable[[Faults | None], tuple[Services, Path]], faults: Faults, operation: str, *, for_good: bool
) -> None:
    act = OPERATIONS[operation]
    untouched, path = copies(None)
    before = contents(path)
    act(untouched)
    after = contents(path)
    assert before != after
    number = 0
    while True:
        number += 1
        services, path = copies(faults)
        faults.arm(number, for_good=for_good)
        try:
            act(services)
        except QuarterdeckError as error:
            assert error.message  # noqa: PT017 an error is one of two right outcomes; the state below decides
        faults.disarm()
        found = contents(path)
        assert found in (before, after), f"half done when call {number} fails"
        if not faults.hit:
            break
        if found == before:  # the same objects work again once the disk does
            act(services)
    assert found == after
    assert number > 3
