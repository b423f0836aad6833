"""Who lives, what they say, and what a change waits for; with real processes and real locks."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from engine.core.errors import Busy, InvalidInput, NotAcknowledged, NotFound
from engine.endpoints.model import Endpoint, State
from engine.endpoints.planes import PlaneLock, living, plane_id, sweep
from tests.engine.endpoints.desk import Desk

PLANE = """
    import sys
    from pathlib import Path
    from engine.db.workspace import Workspace
    from engine.endpoints.model import Plane
    from engine.endpoints.planes import PlaneLock

    told = Plane("far:1", 1, "far", "http://127.0.0.1:1", 1, "bob", 0, "0.0", tuple(sys.argv[2:]))
    with PlaneLock(Workspace(Path(sys.argv[1])), told).take():
        print("ready", flush=True)
        sys.stdin.read()
"""


def start(desk: Desk, *endpoints: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", textwrap.dedent(PLANE), str(desk.workspace.path), *endpoints]
    started = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def test_a_plane_that_is_killed_no_longer_lives(desk: Desk) -> None:
    desk.endpoint()
    plane = start(desk)
    assert [each.id for each in desk.endpoints.planes()] == ["far:1"]
    desk.endpoints.acknowledge("churn", "far:1", 1)
    assert desk.endpoints.get("churn").settled
    plane.send_signal(signal.SIGKILL)
    plane.communicate(timeout=30)
    found = desk.endpoints.get("churn")
    assert (found.observed, [(each.plane, each.alive) for each in found.acknowledgements]) == (None, [("far:1", False)])
    assert list(desk.workspace.planes.iterdir()) != []
    sweep(desk.workspace)
    assert list(desk.workspace.planes.iterdir()) == []


def test_a_plane_that_ends_leaves_nothing(desk: Desk) -> None:
    plane = start(desk)
    plane.communicate("", timeout=30)
    assert desk.endpoints.planes() == ()
    assert list(desk.workspace.planes.iterdir()) == []


def test_sweeping_leaves_the_living(desk: Desk) -> None:
    with desk.plane("here:1"):
        sweep(desk.workspace)
        assert [each.id for each in living(desk.workspace)] == ["here:1"]


def test_one_name_is_held_once(desk: Desk) -> None:
    with desk.plane("here:1"), pytest.raises(Busy, match="runs already"):
        desk.plane("here:1")


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"id": "other:1"}', b"[" * 10_000])
def test_a_file_that_says_nothing_is_no_plane(desk: Desk, content: bytes) -> None:
    with desk.plane("here:1"):
        (desk.workspace.planes / "here:1.lock").write_bytes(content)
        assert living(desk.workspace) == ()
    (desk.workspace.planes / "left.lock").mkdir()
    assert living(desk.workspace) == ()


@pytest.mark.parametrize("host", ["gate-1", "", "../../etc", "a/b", "\x1b[31m", "x" * 500, "é"])
def test_whatever_a_machine_is_called_its_plane_has_a_file(host: str) -> None:
    name = plane_id(host, 7)
    assert name.endswith(":7")
    assert Path(name).name == name
    assert len(name) < 80


def test_a_plane_that_serves_other_endpoints_is_not_waited_for(desk: Desk) -> None:
    desk.endpoint()
    with desk.plane("here:1", "risk"):
        assert desk.endpoints.get("churn").observed is None
    with desk.plane("here:1", "churn"):
        assert desk.endpoints.get("churn").observed == 0


def test_the_slowest_plane_is_what_is_observed(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.deploy("churn", 2, reason="r")
    with desk.plane("a:1"), desk.plane("b:2"):
        desk.endpoints.acknowledge("churn", "a:1", 2)
        desk.endpoints.acknowledge("churn", "b:2", 1)
        found = desk.endpoints.get("churn")
        states = {each.version: each.state for each in found.deployments}
        assert (found.observed, found.settled) == (1, False)
        assert states == {2: State.WARMING, 1: State.DRAINING}
        desk.endpoints.acknowledge("churn", "b:2", 2)
        assert {each.version: each.state for each in desk.endpoints.get("churn").deployments} == {
            2: State.LIVE,
            1: State.STANDBY,
        }


def test_what_the_dead_said_is_forgotten_after_a_day(desk: Desk) -> None:
    desk.endpoint()
    with desk.plane("here:1"):
        for plane in ("here:1", "dead:1"):
            desk.endpoints.acknowledge("churn", plane, 1)
        desk.clock.advance(86_400_001)
        desk.endpoints.acknowledge("churn", "new:1", 1)
        said = [(each.plane, each.alive) for each in desk.endpoints.get("churn").acknowledgements]
        assert said == [("here:1", True), ("new:1", False)]


@pytest.mark.parametrize(("generation", "plane"), [(-1, "p:1"), (2**63, "p:1"), (1, "p\0"), (1, "x" * 501)])
def test_what_no_plane_can_say_is_refused(desk: Desk, generation: int, plane: str) -> None:
    desk.endpoint()
    with pytest.raises(InvalidInput):
        desk.endpoints.acknowledge("churn", plane, generation)


def test_a_plane_of_an_endpoint_that_is_gone_is_told_so(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.endpoints.acknowledge("churn", "p:1", 1)


def test_waiting_ends_when_every_plane_has_acknowledged(desk: Desk) -> None:
    desk.endpoint()
    seen: list[int | None] = []
    told = threading.Event()

    def progress(endpoint: Endpoint) -> None:
        seen.append(endpoint.observed)
        told.set()

    def acknowledge() -> None:
        assert told.wait(timeout=30)
        desk.endpoints.acknowledge("churn", "here:1", 1)

    with desk.plane("here:1"):
        helper = threading.Thread(target=acknowledge)
        helper.start()
        found = desk.endpoints.wait("churn", 1, timeout_s=30, progress=progress)
        helper.join()
    assert (found.observed, seen) == (1, [0])


def test_waiting_without_a_plane_ends_at_once(desk: Desk) -> None:
    desk.endpoint()
    assert desk.endpoints.wait("churn", 1, timeout_s=30).observed is None


def test_waiting_in_vain_says_who_is_behind(desk: Desk) -> None:
    desk.endpoint()
    with desk.plane("here:1"), pytest.raises(NotAcknowledged, match="recorded, but not every") as caught:
        desk.endpoints.wait("churn", 1, timeout_s=0.05)
    assert caught.value.details == {"desired": 1, "observed": 0, "planes": {"here:1": 0}}
    assert (caught.value.exit_code, caught.value.http_status) == (5, 504)


def test_a_plane_that_cannot_is_told_at_once_and_its_version_has_failed(desk: Desk) -> None:
    desk.endpoint()
    with desk.plane("here:1"):
        desk.endpoints.acknowledge("churn", "here:1", 0, problem="\x1b[31mno memory" + "x" * 900)
        with pytest.raises(NotAcknowledged, match="cannot take it over") as caught:
            desk.endpoints.wait("churn", 1, timeout_s=30)
        assert "\x1b" not in str(caught.value)
        assert [each.state for each in desk.endpoints.get("churn").deployments] == [State.FAILED]
        desk.clock.advance(1)
        desk.endpoints.deploy("churn", 2, reason="another")
        with pytest.raises(NotAcknowledged, match="not every"):
            desk.endpoints.wait("churn", 2, timeout_s=0.05)


def test_a_lock_can_be_taken_again_after_it_was_left(desk: Desk) -> None:
    for _ in range(3):
        lock = desk.plane("here:1")
        assert isinstance(lock, PlaneLock)
        with lock:
            assert len(desk.endpoints.planes()) == 1
