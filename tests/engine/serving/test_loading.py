from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.core.errors import NotServable, Overloaded, WorkspaceMissing
from engine.endpoints.model import Build, DesiredDeployment, DesiredEndpoint, Route, Share
from engine.runtimes.model import Field, Interface, Rows, RuntimeKind
from engine.serving.loading import Plane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.runtimes.model import Outputs, Runtime

INTERFACE = Interface((Field("x", "float64"),), (Field("predict", "float64"),))


class Constant:
    """Always says the same."""

    kind = RuntimeKind.LINEAR
    interface = INTERFACE
    gathers = False

    def __init__(self, value: float) -> None:
        self._value = value
        self.closed = threading.Event()

    def predict(self, rows: Rows) -> Outputs:
        return {"predict": np.full(rows.size, self._value)}

    def close(self) -> None:
        self.closed.set()


class Told:
    """A control plane that wants what it is told to want."""

    def __init__(self) -> None:
        self.wants: tuple[DesiredEndpoint, ...] = ()
        self.gone = False
        self.wrong: set[str] = set()
        self.slow: dict[int, threading.Event] = {}
        self.broken: set[int] = set()
        self.loaded: dict[int, Constant] = {}
        self.said: list[tuple[str, int, str]] = []
        self.asked: list[int] = []

    def changed(self) -> bool:
        if self.gone:
            raise WorkspaceMissing("gone")
        return True

    def desired(self) -> tuple[DesiredEndpoint, ...]:
        if "desired" in self.wrong:
            raise KeyError("a column that nobody made")
        return self.wants

    def load(self, wanted: DesiredDeployment) -> Runtime:
        self.asked.append(wanted.id)
        if wanted.id in self.slow:
            self.slow[wanted.id].wait(10)
        if wanted.id in self.broken:
            raise NotServable("The bytes of a built model have changed.")
        self.loaded[wanted.id] = found = Constant(float(wanted.id))
        return found

    def acknowledge(self, endpoint: str, generation: int, problem: str) -> None:
        if endpoint in self.wrong:
            raise KeyError("a column that nobody made")
        self.said.append((endpoint, generation, problem))


def deployment(number: int, share: Share = Share.LIVE) -> DesiredDeployment:
    build = Build(f"{number:064x}", RuntimeKind.LINEAR, INTERFACE, f"{number:064x}", "folded", (), 0, 0)
    return DesiredDeployment(number, "churn", number, Route(number, share), build)


def endpoint(
    generation: int, *deployments: DesiredDeployment, name: str = "churn", killed: bool = False
) -> DesiredEndpoint:
    return DesiredEndpoint(len(name), name, "churn", generation, killed, "client", "salt", 0.0, deployments)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture
def control() -> Told:
    return Told()


@pytest.fixture
def plane(control: Told) -> Iterator[Plane]:
    made = Plane(control, lambda call: call())
    made.start()
    yield made
    made.close()


def live(plane: Plane, name: str = "churn") -> int:
    return plane.table.find(name).answering().loaded.deployment


def test_a_generation_is_acknowledged_once_it_is_served(control: Told, plane: Plane) -> None:
    control.wants = (endpoint(1, deployment(1)),)
    until(lambda: ("churn", 1, "") in control.said)
    assert live(plane) == 1


@pytest.mark.parametrize("name", ["churn", None], ids=["by name", "the only one"])
def test_what_is_still_being_loaded_is_not_said_to_be_missing(control: Told, plane: Plane, name: str | None) -> None:
    with pytest.raises(Overloaded, match="still being loaded"):  # nobody knows yet what there is
        Plane(control, lambda call: call()).table.find(name)
    control.slow[1] = threading.Event()
    control.wants = (endpoint(1, deployment(1)), endpoint(1, deployment(5), name="other"))
    until(lambda: 1 in control.asked)
    with pytest.raises(Overloaded, match="still being loaded"):
        plane.table.find(name)
    control.slow[1].set()
    until(lambda: ("churn", 1, "") in control.said)
    assert live(plane) == 1


def test_the_last_generation_stays_until_the_next_is_loaded(control: Told, plane: Plane) -> None:
    control.wants = (endpoint(1, deployment(1)),)
    until(lambda: ("churn", 1, "") in control.said)
    control.slow[2] = threading.Event()
    control.wants = (endpoint(2, deployment(2), deployment(1, Share.STANDBY)),)
    until(lambda: 2 in control.asked)
    assert (live(plane), ("churn", 2, "") in control.said) == (1, False)
    control.slow[2].set()
    until(lambda: ("churn", 2, "") in control.said)
    assert live(plane) == 2


def test_a_kill_does_not_wait_for_what_loads_slowly(control: Told, plane: Plane) -> None:
    control.wants = (endpoint(1, deployment(1)), endpoint(1, deployment(5), name="other"))
    until(lambda: len(control.said) == 2)
    control.slow[2] = threading.Event()
    control.wants = (endpoint(2, deployment(2)), endpoint(2, deployment(5), name="other", killed=True))
    until(lambda: ("other", 2, "") in control.said)
    with pytest.raises(Overloaded, match="switched off"):
        live(plane, "other")
    assert live(plane) == 1
    control.slow[2].set()


def test_what_cannot_be_loaded_is_said_and_changes_nothing(control: Told, plane: Plane) -> None:
    control.wants = (endpoint(1, deployment(1)),)
    until(lambda: ("churn", 1, "") in control.said)
    control.broken.add(2)
    control.wants = (endpoint(2, deployment(2)),)
    until(lambda: any(generation == 1 and "have changed" in problem for _, generation, problem in control.said))
    assert live(plane) == 1


def test_a_request_under_way_holds_the_acknowledgement_back(control: Told, plane: Plane) -> None:
    control.wants = (endpoint(1, deployment(1)),)
    until(lambda: ("churn", 1, "") in control.said)
    old = plane.table
    old.flights.began()
    control.wants = (endpoint(2, deployment(2)),)
    until(lambda: plane.table is not old)
    assert ("churn", 2, "") not in control.said
    assert not control.loaded[1].closed.is_set()
    old.flights.ended()
    until(lambda: ("churn", 2, "") in control.said)
    assert control.loaded[1].closed.wait(5)


def test_what_was_said_is_said_again_after_the_database_was_away(control: Told, plane: Plane) -> None:
    control.wants = (endpoint(1, deployment(1)),)
    until(lambda: ("churn", 1, "") in control.said)
    control.gone = True
    until(lambda: plane.stale_since > 0)
    assert live(plane) == 1
    control.said.clear()
    control.gone = False
    until(lambda: ("churn", 1, "") in control.said)
    assert plane.stale_since == 0


def test_a_number_that_stands_for_other_bytes_is_loaded_anew(control: Told, plane: Plane) -> None:
    first = deployment(1)
    control.wants = (endpoint(1, first),)
    until(lambda: ("churn", 1, "") in control.said)
    before = control.loaded[1]
    control.wants = (endpoint(2, replace(first, build=replace(first.build, file_digest="e" * 64))),)
    until(lambda: ("churn", 2, "") in control.said)
    assert control.loaded[1] is not before
    assert before.closed.wait(5)


def test_what_nobody_expects_of_the_control_plane_is_said_once_and_followed_by_the_rest(
    control: Told, plane: Plane, capsys: pytest.CaptureFixture[str]
) -> None:
    control.wants = (endpoint(1, deployment(1)),)
    until(lambda: ("churn", 1, "") in control.said)
    control.wrong.add("desired")
    until(lambda: plane.stale_since > 0)
    assert live(plane) == 1
    control.wants = (endpoint(2, deployment(2)),)
    control.wrong.clear()
    until(lambda: ("churn", 2, "") in control.said)
    assert (live(plane), plane.stale_since) == (2, 0)
    assert capsys.readouterr().err.count("Following the workspace goes on after KeyError") == 1


def test_an_endpoint_whose_word_cannot_be_said_keeps_back_no_other(
    control: Told, plane: Plane, capsys: pytest.CaptureFixture[str]
) -> None:
    control.wrong.add("churn")
    control.wants = (endpoint(1, deployment(1)), endpoint(1, deployment(5), name="other"))
    until(lambda: ("other", 1, "") in control.said)
    assert live(plane) == 1
    control.wrong.clear()
    until(lambda: ("churn", 1, "") in control.said)
    assert capsys.readouterr().err.count("Saying what is served goes on after KeyError") == 1


def test_an_endpoint_that_cannot_be_put_together_is_served_once_it_can(
    control: Told, plane: Plane, capsys: pytest.CaptureFixture[str]
) -> None:
    good = endpoint(1, deployment(1))
    control.wants = (replace(good, salt=None),)  # type: ignore[arg-type] # as a mistake of ours would have it
    said = ""

    def complained() -> bool:
        nonlocal said
        said += capsys.readouterr().err
        return "Serving what is wanted goes on after AttributeError" in said

    until(complained)
    control.wants = (good,)
    until(lambda: ("churn", 1, "") in control.said)
    assert live(plane) == 1
