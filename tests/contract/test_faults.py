"""The N-th storage call fails, for every N of every writing operation: the state is the old one or the new one."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from engine.api import Engine
from engine.core.errors import QuarterdeckError, WorkspaceFull
from engine.db.database import Database
from engine.webhooks.sending import Sender
from tests.contract.copies import Copy, State, copied
from tests.contract.disk_faults import BROKEN, FULL, DiskFaults
from tests.contract.operations import OPERATIONS, prepare
from tests.faults import Faults

READING = {
    "experiments": "find get get_by_id page search",
    "runs": "aggregates artifact_manifest artifacts by_status columns compare count curves encoded export_runs get"
    " group_rows grouped groups history keys knows latest_values metric_points now_ms open_artifact page read_artifact"
    " record records redacted rows sample series",
    "runs.files": "file level manifest may_keep open",
    "logged_models": "artifacts get manifest now_ms of_run open_artifact page",
    "logged_models.files": "file level manifest may_keep open",
    "traces": "assessment assessments complete count get get_all keys measure page rows summaries summary",
    "uploads": "check_part join",
    "processes": "server stop_server stop_up up",
    "jobs": "cancel forget get log page start",
    "storage": "obstacle try_writing",
    "lineages": "fan thing tree",
    "past": "after before change_at close control telemetry",
    "undoing": "latest plan redoable undo",
    "analyst": "settle",
    "builds": "export get load path pickle_allowed",
    "endpoints": "at deployments desired get history of_version page plan planes prepare wait",
    "rollouts": "open_of page verdicts",
    "telemetry": "changed counts get labels live predictions rows series stats totals",
    "scoring": "get page",
    "probing": "get health history hours page",
    "alerts": "changes counts get of_version page silences",
    "drift": "baselines check reference skew",
    "monitors": "backtest due get page performance result results",
    "models": "at check_files files get lineage newest numbers page resolve version versions",
    "prompts": "diff get has page resolve version versions",
    "gates": "get latest measure read",
    "approvals": "get inbox page pending read",
    "promotions": "at history plan plan_roll_back",
    "maintenance": "check stats",
    "tokens": "page",
    "webhooks": "by deliveries events get page test",
    "outbox": "",
    "audit": "consistency entries_for entry head inclusion page verify",
}
"""Operations that write nothing, or nothing that anybody finds: the whole of an upload is a spare object at first.

An undo writes by the operations of the others, each of which is tried itself.
"""

WITHIN = {
    "approvals": "use close_stale",
    "endpoints": "follow of_model",
    "runs.files": "keep_bytes keep_files",
    "drift": "at_registration baseline_from_production baseline_from_training make_missing",
    "monitors": "look",
}
"""What another operation calls inside its own transaction, or as all that it does."""

ELSEWHERE = {"scoring": "run", "monitors": "run"}
"""Operations that are resumed after a failure, and may say what failed: tried where their files and windows are."""

MOST = 400


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "prepared"
    folder.mkdir()
    prepare(folder)
    return folder


@pytest.fixture
def connect_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Has every connection of the process made by a stand-in, also those of operations that open their own."""

    def replace(connect: Any) -> None:
        monkeypatch.setattr(sqlite3, "connect", connect)
        monkeypatch.setitem(Database.__init__.__kwdefaults__ or {}, "connect", connect)

    return replace


def after(copy: Copy, name: str) -> State | None:
    """What another process finds after the operation; `None` beside it when it says that it failed."""
    try:
        OPERATIONS[name].act(copy)
    except QuarterdeckError:
        return None
    return copy.state()


def stations(prepared: Path, folder: Path, name: str, connect_with: Callable[[Any], None]) -> list[State]:
    """The states that an operation passes through when nothing fails: the old one, and one after each commit."""
    copy = copied(prepared, folder)
    found = [copy.state()]

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            cursor = super().execute(sql, *parameters)
            if sql == "COMMIT" and copy.state() != found[-1]:
                found.append(copy.state())
            return cursor

    original = sqlite3.connect

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = original(*args, **{"factory": Watched, **options})
        return made

    copy = copied(prepared, folder, connect)
    OPERATIONS[name].act(copy)
    copy.close()
    if copy.state() != found[-1]:
        found.append(copy.state())
    return found


def test_every_operation_that_writes_is_tried(prepared: Path) -> None:
    engine = Copy(prepared, sqlite3.connect).engine()
    for service, reading in READING.items():
        found = engine.outbox(Sender()) if service == "outbox" else attrgetter(service)(engine)
        public = {name for name, _ in inspect.getmembers(found, callable) if name[0] != "_"}
        tried = {name.rpartition(".")[2] for name in OPERATIONS if name.rpartition(".")[0] == service}
        assert public == {
            *reading.split(),
            *WITHIN.get(service, "").split(),
            *ELSEWHERE.get(service, "").split(),
            *tried,
        }
    services = {name for name, value in vars(Engine).items() if isinstance(value, cached_property) and name[0] != "_"}
    assert services - {"artifacts", "run_reading"} | {"outbox"} == {service.partition(".")[0] for service in READING}


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_whichever_statement_fails_the_state_is_the_old_or_the_new_one(
    prepared: Path, tmp_path: Path, name: str, for_good: bool, connect_with: Callable[[Any], None]
) -> None:
    passed = stations(prepared, tmp_path / "copy", name, connect_with)
    assert len(passed) == 1 + max(OPERATIONS[name].commits, 1)
    faults, tried = Faults(), set[str]()
    connect_with(faults.connect)
    for number in range(1, MOST, 3 if for_good else 1):
        copy = copied(prepared, tmp_path / "copy", faults.connect)
        faults.arm(number, for_good=for_good)
        outcome = after(copy, name)
        faults.disarm()
        found = copy.state() if outcome is None else outcome
        assert found in passed, f"call {number} left something in between"
        assert outcome is None or found == passed[-1], f"call {number} was swallowed"
        # Doing it again is most of the work here: once for each statement there is, however often it is asked.
        if found == passed[0] and not for_good and faults.failed not in tried:
            tried.add(faults.failed)
            assert after(copy, name) == passed[-1], f"call {number} broke the connection for good"
        copy.close()
        if not faults.hit:
            break
    assert not faults.hit
    assert number > 3


@pytest.mark.parametrize("code", [FULL, BROKEN], ids=["full", "broken"])
@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if operation.files])
def test_whichever_file_call_fails_the_state_is_the_old_or_the_new_one(
    prepared: Path, tmp_path: Path, name: str, code: int, connect_with: Callable[[Any], None]
) -> None:
    passed = stations(prepared, tmp_path / "copy", name, connect_with)
    for number in range(1, MOST):
        copy = copied(prepared, tmp_path / "copy")
        with pytest.MonkeyPatch.context() as patch:
            faults = DiskFaults(patch, tmp_path / "copy", number, code)
            error = _attempt(copy, name)
        found = copy.state()
        assert found in passed, f"call {number} left something in between"
        assert error is not None or found == passed[-1]
        assert error is None or code != FULL or isinstance(error, WorkspaceFull), repr(error)
        copy.close()
        if not faults.hit:
            break
    assert not faults.hit
    assert number > 3


def _attempt(copy: Copy, name: str) -> QuarterdeckError | None:
    try:
        OPERATIONS[name].act(copy)
    except QuarterdeckError as error:
        return error
    return None
