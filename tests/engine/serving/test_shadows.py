"""Shadows: how their answers are compared, and the process that is asked for them, whatever becomes of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.endpoints.model import Share
from engine.runtimes.model import Field, Interface, Rows, RuntimeKind
from engine.serving.assembling import loaded, served
from engine.serving.comparing import Copy, compare
from engine.serving.control import Workspace
from engine.serving.shadows import MAX_WAITING, Compared, Shadows
from engine.serving.table import Table
from tests.serving.shop import Shop, child_of, trained, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.runtimes.model import Outputs
    from engine.serving.table import Served, Target


class Threshold:
    """Says 1 above a half; breaks below 0."""

    kind = RuntimeKind.LINEAR
    interface = Interface((Field("x", "float64"),), (Field("predict", "int64"), Field("predict_proba", "float64")))
    gathers = False

    def predict(self, rows: Rows) -> Outputs:
        assert rows.matrix is not None
        values = rows.matrix[:, 0]
        if (values < 0).any():
            raise ValueError("below nothing")
        return {"predict": (values > 0.5).astype(np.int64), "predict_proba": np.column_stack([1 - values, values])}

    def close(self) -> None:
        """Nothing to let go of."""


def copy(value: float, label: int, score: float) -> Copy:
    outputs = {"predict": np.array([label]), "predict_proba": np.array([[1 - score, score]])}
    return Copy(Rows(1, np.array([[value]])), outputs)


def test_labels_and_scores_are_compared_with_the_answers_that_were_given() -> None:
    found = compare(Threshold(), [copy(0.9, 1, 0.7), copy(0.2, 1, 0.6)])
    assert (found.requests, found.failed, found.rows, found.agreed) == (2, 0, 2, 1)
    assert found.delta == pytest.approx(0.2 + 0.4)
    assert found.delta_squares == pytest.approx(0.04 + 0.16)


def test_a_request_that_a_shadow_cannot_bear_is_its_failure_alone() -> None:
    found = compare(Threshold(), [copy(0.9, 1, 0.9), copy(-1.0, 0, 0.1), copy(0.1, 0, 0.1)])
    assert (found.failed, found.rows, found.agreed) == (1, 2, 2)


class Saying(Threshold):
    """Says of each row what it is told to say."""

    def __init__(self, answer: Outputs) -> None:
        self._answer = answer

    def predict(self, rows: Rows) -> Outputs:
        return {name: np.concatenate([values] * rows.size) for name, values in self._answer.items()}


NAN = np.array([[np.nan, np.nan]])


@pytest.mark.parametrize(
    ("ours", "theirs", "rows", "agreed", "delta"),
    [
        ({"predict": np.ones((1, 3))}, {"predict": np.ones(1)}, 0, 0, 0.0),
        ({"predict": np.ones((1, 3))}, {"predict": np.array([[1.0, 1.0, 0.5]])}, 2, 0, 1.0),
        ({"predict": np.ones((1, 3))}, {"predict": np.ones((1, 3))}, 2, 2, 0.0),
        ({"predict": np.ones(1), "predict_proba": np.ones((1, 0))}, {"predict": np.ones(1)}, 2, 2, 2.0),
        ({"predict": np.ones(1), "predict_proba": np.full(1, 0.5)}, {"predict": np.ones(1)}, 2, 2, 1.0),
        ({"predict": np.ones(1), "predict_proba": NAN}, {"predict": np.ones(1)}, 2, 2, 0.0),
        ({"predict": np.full(1, np.inf)}, {"predict": np.zeros(1)}, 2, 0, 0.0),
        ({"predict": np.full(1, 1e300)}, {"predict": np.zeros(1)}, 2, 0, 2e100),
        ({"predict": np.array(["yes"], dtype=object)}, {"predict": np.ones(1)}, 2, 0, 2.0),
        ({"graph_output": np.ones(1)}, {"predict": np.ones(1)}, 0, 0, 0.0),
    ],
)
def test_answers_of_any_shape_are_compared_as_far_as_they_can_be(
    ours: Outputs, theirs: Outputs, rows: int, agreed: int, delta: float
) -> None:
    found = compare(Saying(ours), [Copy(Rows(1, np.ones((1, 1))), theirs) for _ in range(2)])
    assert (found.failed, found.rows, found.agreed, found.delta) == (0, rows, agreed, delta)
    assert np.isfinite(found.delta_squares)


WORKER = "engine.serving.shadow_worker"


def pid() -> int:
    """Of the process that scores; 0 while there is none."""
    return child_of(os.getpid(), WORKER)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shadows") / "ws")
    for seed in (0, 1):
        made.register(trained(seed))
    made.engine.endpoints.create("churn", "churn")
    made.engine.endpoints.deploy("churn", 1, reason="first")
    made.engine.endpoints.deploy("churn", 2, share=Share.SHADOW, reason="watch")
    yield made
    made.engine.close()


class Mirror:
    """An endpoint with a shadow, as a data plane has it, and what is told of the copies.

    Args:
        shop: The workspace.
        path_of: Finds the file of a digest.
    """

    def __init__(self, shop: Shop, path_of: Callable[[str], Path]) -> None:
        (desired,) = shop.engine.endpoints.desired()
        control = Workspace(shop.engine, (), "plane")
        self.served: Served = served(
            desired, {each.id: loaded(each, control.load(each)) for each in desired.deployments}
        )
        (self.shadow,) = self.served.shadows
        assert self.served.live is not None
        self.live: Target = self.served.live
        self.told: Queue[Compared] = Queue()
        self.shadows = Shadows(path_of, self.told.put)
        self.offered = self.requests = self.dropped = 0

    def begin(self) -> None:
        self.shadows.renew(Table({"churn": self.served}))

    def offer(self, count: int, *, rows: int = 1, outputs: Outputs | None = None) -> None:
        values = np.linspace(-2, 2, rows * 4).reshape(rows, 4)
        asked = Rows(1, numbers=values[0].tolist()) if rows == 1 else Rows(rows, values)
        answer = self.live.loaded.runtime.predict(asked) if outputs is None else outputs
        for _ in range(count):
            self.shadows.offer(self.served, self.live, asked, answer)
        self.offered += count

    def take(self, wait_s: float = 30.0) -> Compared:
        """What is told next, counted."""
        found = self.told.get(timeout=wait_s)
        self.requests += found.found.requests
        self.dropped += found.dropped
        return found

    @property
    def counted(self) -> int:
        """Copies of which it is known what became of them."""
        return self.requests + self.dropped + self.shadow.tally.unmirrored

    def settle(self) -> None:
        """Wait until that is known of all."""
        while self.counted < self.offered:
            self.take()
        assert self.counted == self.offered
        with pytest.raises(Empty):
            self.told.get_nowait()

    def close(self) -> None:
        self.shadows.close()
        while not self.told.empty():
            self.take()
        assert self.counted == self.offered
        assert pid() == 0
        for each in self.served.targets.values():
            each.loaded.batcher.close()


@pytest.fixture
def mirror(shop: Shop) -> Iterator[Mirror]:
    made = Mirror(shop, shop.engine.artifacts.path_of)
    made.begin()
    yield made
    made.close()


def test_copies_are_scored_in_another_process_as_they_would_be_here(mirror: Mirror) -> None:
    mirror.offer(30)
    mirror.offer(3, rows=40)
    found = []
    while mirror.counted < mirror.offered:
        found.append(mirror.take().found)
    one, many = Rows(1, np.linspace(-2, 2, 4).reshape(1, 4)), Rows(40, np.linspace(-2, 2, 160).reshape(40, 4))
    live = mirror.live.loaded.runtime
    right = compare(mirror.shadow.loaded.runtime, [Copy(each, live.predict(each)) for each in [one] * 30 + [many] * 3])
    assert (mirror.requests, sum(each.rows for each in found), right.rows) == (33, 150, 150)
    assert sum(each.agreed for each in found) == right.agreed
    assert sum(each.delta for each in found) == pytest.approx(right.delta)
    assert sum(each.delta_squares for each in found) == pytest.approx(right.delta_squares)
    assert all(each.latency_us > 0 and not each.failed for each in found)


def test_what_is_too_much_is_dropped_and_counted_exactly(mirror: Mirror) -> None:
    mirror.offer(1)
    mirror.settle()
    os.kill(pid(), signal.SIGSTOP)
    mirror.offer(4 * MAX_WAITING)  # which waits for nobody
    assert mirror.shadow.tally.unmirrored >= 2 * MAX_WAITING
    os.kill(pid(), signal.SIGCONT)
    mirror.settle()
    assert mirror.requests >= MAX_WAITING
    mirror.offer(5)
    mirror.settle()


def test_large_copies_are_bounded_by_their_bytes(mirror: Mirror) -> None:
    mirror.offer(1)
    mirror.settle()
    os.kill(pid(), signal.SIGSTOP)
    outputs = {"predict": np.ones(1, np.int64)}
    mirror.offer(9, rows=500_000, outputs=outputs)
    assert mirror.shadow.tally.unmirrored >= 5
    os.kill(pid(), signal.SIGKILL)


@pytest.mark.parametrize("stopped", [False, True], ids=["idle", "with copies"])
def test_one_that_is_killed_is_started_again_and_every_copy_is_counted(mirror: Mirror, *, stopped: bool) -> None:
    mirror.offer(3)
    mirror.settle()
    before = pid()
    if stopped:
        os.kill(before, signal.SIGSTOP)
        mirror.offer(700)
    os.kill(before, signal.SIGKILL)
    until(lambda: pid() not in {0, before}, within_s=30)
    mirror.settle()
    dropped = mirror.dropped
    mirror.offer(50)
    mirror.settle()
    assert mirror.dropped == dropped


def test_one_that_keeps_ending_is_started_ever_more_seldom(mirror: Mirror) -> None:
    seen: set[int] = set()
    for _ in range(3):
        until(lambda: pid() not in {0, *seen}, within_s=30)
        seen.add(pid())
        os.kill(pid(), signal.SIGKILL)
    assert mirror.shadows.rest_s >= 0.4
    mirror.offer(10)
    mirror.settle()


def test_nobody_keeps_a_process_for_no_shadow(mirror: Mirror) -> None:
    mirror.offer(1)
    mirror.settle()
    os.kill(pid(), signal.SIGSTOP)
    mirror.offer(20)
    os.kill(pid(), signal.SIGCONT)
    mirror.shadows.renew(Table({}))
    until(lambda: pid() == 0, within_s=30)
    mirror.settle()
    mirror.begin()
    until(lambda: pid() != 0, within_s=30)
    mirror.offer(4)
    mirror.settle()


def test_a_file_that_does_not_load_drops_its_copies_and_says_so_once(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"no model")
    made = Mirror(shop, lambda _: bad)
    made.begin()
    for _ in range(2):
        made.offer(4)
        made.settle()
    assert (made.requests, made.dropped) == (0, 8)
    made.close()
    assert capsys.readouterr().err.count("the shadow churn/2") == 1


def test_answers_that_cannot_be_compared_are_failures_and_the_next_copies_are_compared(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    mirror = Mirror(shop, shop.engine.artifacts.path_of)
    mirror.begin()  # here, and not before the test, lest the process write elsewhere than where this reads
    other = {"predict": np.ones(3, np.int64), "predict_proba": np.ones((5, 2))}  # of more rows than were asked about
    for _ in range(2):
        mirror.offer(1, rows=3, outputs=other)
        found = mirror.take()
        assert (found.target, found.found.requests, found.found.failed, found.found.rows) == (mirror.shadow, 1, 1, 0)
    mirror.offer(1, rows=3)
    found = mirror.take()
    assert (found.found.failed, found.found.rows) == (0, 3)
    mirror.close()
    assert capfd.readouterr().err.count("the shadow churn/2") == 1
