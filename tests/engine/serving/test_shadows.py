from __future__ import annotations

from queue import Queue
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.endpoints.model import Share
from engine.runtimes.model import Field, Interface, Rows, RuntimeKind
from engine.runtimes.row_check import RowCheck
from engine.serving.batcher import Batcher
from engine.serving.shadows import Compared, Copy, Shadows, compare
from engine.serving.table import Loaded, Served, Target
from engine.serving.tally import Tally
from engine.telemetry.model import Origin

if TYPE_CHECKING:
    from engine.runtimes.model import Outputs


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


def shadow(runtime: Threshold | None = None) -> Target:
    model, turn = runtime or Threshold(), Lock()
    loaded = Loaded(2, "m", 2, "", model, RowCheck(model.interface), Batcher(model, turn, "t"), turn, gathers=False)
    origin = Origin(1, 2, 1, "shadow", "m", 2)
    return Target(loaded, Share.SHADOW, (), b"", Tally(origin), Tally(origin))


def served(shadows: tuple[Target, ...]) -> Served:
    return Served(
        1,
        "m",
        "m",
        1,
        killed=False,
        problem="",
        key_kind="client",
        key_name="",
        salt=b"",
        capture=0.0,
        live=None,
        targets={},
        shadows=shadows,
    )


def copy(target: Target, value: float, label: int, score: float) -> Copy:
    outputs = {"predict": np.array([label]), "predict_proba": np.array([[1 - score, score]])}
    return Copy(target, Rows(1, np.array([[value]])), outputs)


def test_labels_and_scores_are_compared_with_the_answers_that_were_given() -> None:
    target = shadow()
    found = compare([copy(target, 0.9, 1, 0.7), copy(target, 0.2, 1, 0.6)])
    assert (len(found.latencies_us), found.failed, found.rows, found.agreed) == (2, 0, 2, 1)
    assert found.delta == pytest.approx(0.2 + 0.4)
    assert found.delta_squares == pytest.approx(0.04 + 0.16)


def test_a_request_that_a_shadow_cannot_bear_is_its_failure_alone() -> None:
    target = shadow()
    found = compare([copy(target, 0.9, 1, 0.9), copy(target, -1.0, 0, 0.1), copy(target, 0.1, 0, 0.1)])
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
    target = shadow(Saying(ours))
    found = compare([Copy(target, Rows(1, np.ones((1, 1))), theirs) for _ in range(2)])
    assert (found.failed, found.rows, found.agreed, found.delta) == (0, rows, agreed, delta)
    assert np.isfinite(found.delta_squares)


def test_a_shadow_whose_answers_cannot_be_compared_fails_and_the_next_copies_are_compared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = shadow(Saying({"predict": np.ones(1)}))
    told: Queue[Compared] = Queue()
    shadows = Shadows(told.put)
    table = served((target,))
    rows = Rows(3, np.ones((3, 1)))
    other = {"predict": np.ones(3), "predict_proba": np.ones((5, 2))}  # of more rows than were asked about
    try:
        for _ in range(2):
            shadows.offer(table, target, rows, other)
            found = told.get(timeout=10)
            assert (found.target, len(found.latencies_us), found.failed, found.rows) == (target, 1, 1, 0)
        shadows.offer(table, target, rows, {"predict": np.ones(3)})
        found = told.get(timeout=10)
        assert (found.failed, found.rows, found.agreed) == (0, 3, 3)
    finally:
        shadows.close()
    assert capsys.readouterr().err.count("the shadow m/2") == 1
