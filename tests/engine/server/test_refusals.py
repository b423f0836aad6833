"""Who asks for more than a token allows stands in the audit log; nobody can make the log grow by asking."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.audit.model import AuditEntry, AuditFilter
from engine.core.access import Actor, Role
from engine.core.errors import PermissionDenied
from engine.server import refusals
from engine.server.refusals import EVERY_S, MOST_RECORDS, OTHERS, RouteRefusals
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from tests.builders import empty_workspace
from tests.engine.server.wire import Wire

ANNA = Actor("anna", origin="http:192.0.2.1", via="http")
NO = PermissionDenied("POST /x needs the role writer; this caller has viewer.")


class Hand:
    """A clock in seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def opened(tmp_path: Path) -> Engine:
    return engine.open(empty_workspace(tmp_path / "workspace").path, via="http")


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def noted(opened: Engine, clock: Hand) -> RouteRefusals:
    return RouteRefusals(opened.database, clock)


def written(opened: Engine) -> tuple[AuditEntry, ...]:
    return opened.audit.page(AuditFilter(verb="refuse")).items


def test_a_refusal_by_scope_is_in_the_log_when_the_server_has_ended(opened: Engine) -> None:
    made = opened.tokens.create("ci", user="anna", scope=Role.VIEWER)
    told = {"authorization": f"Bearer {made.secret}", "content-type": "application/json"}
    with ThreadedServer(opened, Settings(port=0, require_tokens=True)) as url, Wire(url, opened) as wire:
        for _ in range(5):
            assert wire.send("POST", "/api/2.0/mlflow/runs/delete", b'{"run_id": "x"}', told).status == 403
    found = written(opened)
    assert {(each.actor, each.origin, each.via) for each in found} == {("anna", "http:127.0.0.1", "http")}
    assert {(each.kind, each.key) for each in found} == {("route", "POST /api/2.0/mlflow/runs/delete")}
    states = [each.after or {} for each in found]
    assert sum(state["count"] for state in states) == 5
    assert states[0]["code"] == "permission_denied"
    assert states[0]["attempt"]["token"] == made.token.id
    assert opened.audit.verify().ok


def test_it_is_there_at_once_and_tells_no_secret(opened: Engine) -> None:
    made = opened.tokens.create("ci", user="anna", scope=Role.VIEWER)
    told = {"authorization": f"Bearer {made.secret}", "content-type": "application/json"}
    with ThreadedServer(opened, Settings(port=0)) as url, Wire(url, opened) as wire:
        assert wire.send("POST", "/api/2.0/mlflow/runs/delete?run_id=hidden", b"{}", told).status == 403
        until = time.monotonic() + 20
        while not written(opened):
            assert time.monotonic() < until
            time.sleep(0.01)  # the core is for what is waited for
    assert "hidden" not in repr(written(opened))
    assert made.secret not in repr(written(opened))


def test_one_record_a_minute_tells_how_often(noted: RouteRefusals, clock: Hand) -> None:
    for _ in range(3):
        noted.note(ANNA, 1, "POST /x", NO)
    assert [each.count for each in noted.due()] == [3]
    for _ in range(1_000):
        noted.note(ANNA, 1, "POST /x", NO)
    clock.now_s += EVERY_S - 1
    assert noted.due() == ()
    clock.now_s += 1
    assert [each.count for each in noted.due()] == [1_000]


def test_tokens_and_operations_are_told_apart(noted: RouteRefusals) -> None:
    for token_id, operation in ((1, "POST /x"), (2, "POST /x"), (1, "POST /y"), (None, "POST /y")):
        noted.note(ANNA, token_id, operation, NO)
    assert [(each.token_id, each.operation) for each in noted.due()] == [
        (1, "POST /x"),
        (2, "POST /x"),
        (1, "POST /y"),
        (None, "POST /y"),
    ]


def test_what_is_quiet_is_forgotten(noted: RouteRefusals, clock: Hand) -> None:
    noted.note(ANNA, 1, "POST /x", NO)
    assert len(noted.due()) == 1
    clock.now_s += EVERY_S
    assert noted.due() == ()
    noted.note(ANNA, 1, "POST /x", NO)
    assert len(noted.due()) == 1, "the window is over, and nothing is left of it"


def test_many_operations_at_once_do_not_make_the_log_grow(noted: RouteRefusals, clock: Hand) -> None:
    for _ in range(3):
        for number in range(MOST_RECORDS + 40):
            noted.note(ANNA, number, "POST /x", NO)
    first = noted.due()
    assert (len(first), {each.count for each in first}) == (MOST_RECORDS, {3})
    assert noted.due() == ()
    clock.now_s += EVERY_S
    assert sum(each.count for each in noted.due()) == 40 * 3, "told later, and none is lost"


def test_memory_is_bounded(noted: RouteRefusals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_KEPT", 3)
    for number in range(10):
        noted.note(ANNA, 1, f"POST /{number}", NO)
    told = noted.due()
    assert [each.operation for each in told] == ["POST /0", "POST /1", "POST /2", OTHERS]
    assert sum(each.count for each in told) == 10


def test_a_database_that_cannot_be_written_stops_nobody(opened: Engine) -> None:
    with engine.open(opened.workspace.path, read_only=True) as reading:
        noted = RouteRefusals(reading.database)
        noted.note(ANNA, 1, "POST /x", NO)
        noted.write(noted.due())
    assert written(opened) == ()
