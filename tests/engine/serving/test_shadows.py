from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.endpoints.model import Share
from engine.runtimes.model import Field, Interface, Rows, RuntimeKind
from engine.runtimes.row_check import RowCheck
from engine.serving.batcher import Batcher
from engine.serving.shadows import Copy, compare
from engine.serving.table import Loaded, Target
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


def shadow() -> Target:
    model, turn = Threshold(), Lock()
    loaded = Loaded(2, "m", 2, "", model, RowCheck(model.interface), Batcher(model, turn, "t"), turn, gathers=False)
    return Target(loaded, Share.SHADOW, (), b"", Tally(Origin(1, 2, 1, "shadow", "m", 2)))


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
