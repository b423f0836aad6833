"""Pickled models in a process of their own: answered alike, held to limits, killed and started again."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from engine.core.errors import ModelEnded, NotServable, PredictionFailed, RowRefused
from engine.runtimes.building import build
from engine.runtimes.isolated import IsolatedRuntime
from engine.runtimes.model import Field, Interface, Rows, RuntimeKind
from engine.serving.batcher import joined, predicted
from tests.engine.runtimes.trained import assert_same, some_rows, with_classes

ONE = Interface((Field("x0", "float64"),), (Field("predict", "float64"),), missing=True)


def pickled(model: Any) -> bytes:
    return pickle.dumps(model)


def acting(action: str) -> bytes:
    """A pickled model whose `predict` runs Python that the reader of the test sees."""
    source = f"type('M', (), {{'n_features_in_': 1, 'predict': lambda self, rows: {action}}})()"
    return pickle.dumps(_Evaluated(source))


class _Evaluated:
    def __init__(self, source: str) -> None:
        self.source = source

    def __reduce__(self) -> Any:
        return eval, (self.source,)


def rows(*values: float) -> Rows:
    return Rows(len(values), np.array(values).reshape(-1, 1))


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Any:
    def started(data: bytes, interface: Interface = ONE, call_s: float = 10.0) -> IsolatedRuntime:
        runtime = IsolatedRuntime(interface, data, call_s=call_s)
        request.addfinalizer(runtime.close)
        return runtime

    return started


def test_a_pickled_forest_answers_alike_from_its_own_process(start: Any) -> None:
    x = some_rows(80, 3)
    model = RandomForestClassifier(4, random_state=0).fit(x, with_classes(x, ["no", "yes"]))
    data = pickled(model)
    made = build({"model.pkl": lambda: data}, allow_pickle=True)
    assert (made.kind, made.file_format) == (RuntimeKind.ISOLATED, "pickle")
    assert made.interface.classes == ("no", "yes")
    found = start(made.data, made.interface).predict(Rows(len(x), x))
    assert_same(model, found, x)


def test_a_prediction_that_takes_too_long_is_killed_and_the_next_one_is_answered(start: Any, tmp_path: Path) -> None:
    mark = tmp_path / "slow"
    mark.touch()
    action = f"__import__('time').sleep(60) if __import__('os').path.exists({str(mark)!r}) else rows[:, 0]"
    runtime = start(acting(action), call_s=1.0)
    began = time.monotonic()
    with pytest.raises(PredictionFailed, match="longer than 1 s"):
        runtime.predict(rows(1.0))
    assert time.monotonic() - began < 5
    mark.unlink()
    assert IsolatedRuntime.predict(runtime, rows(3.0))["predict"].tolist() == [3.0]


def test_a_model_that_ends_its_process_fails_alone(start: Any) -> None:
    runtime = start(acting("__import__('os')._exit(3)"))
    for _ in range(4):
        with pytest.raises(PredictionFailed, match="process of the pickled model"):
            runtime.predict(rows(1.0))


def test_a_process_that_keeps_ending_is_not_started_at_once_again(start: Any) -> None:
    runtime = start(acting("__import__('os')._exit(3)"))
    for _ in range(3):
        with pytest.raises(PredictionFailed):
            runtime.predict(rows(1.0))
    began = time.monotonic()
    with pytest.raises(PredictionFailed, match="not started again at once"):
        runtime.predict(rows(1.0))
    assert time.monotonic() - began < 0.2


def poisonous(mark: Path | None = None) -> bytes:
    """Doubles numbers; ends its process over one below 0, and over any once there is a mark."""
    ends = "(rows < 0).any()" + (f" or __import__('os').path.exists({str(mark)!r})" if mark else "")
    return acting(f"__import__('os')._exit(3) if {ends} else rows[:, 0] * 2")


@pytest.mark.parametrize("bad", [{0}, {9}, {3, 4, 5, 6, 7}, {0, 1, 2, 3, 14, 15}], ids=str)
def test_requests_that_end_the_process_harm_nobody_beside_them(start: Any, bad: set[int]) -> None:
    runtime = start(poisonous())
    assert runtime.predict(rows(1.0))["predict"].tolist() == [2.0]  # as every version is warmed
    found = predicted(runtime, [rows(-1.0 if number in bad else float(number)) for number in range(16)])
    for number, outputs in enumerate(found):
        if number in bad:
            assert isinstance(outputs, ModelEnded)
        else:
            assert not isinstance(outputs, BaseException)
            assert outputs["predict"].tolist() == [number * 2.0]


def test_deaths_over_several_requests_at_once_do_not_make_the_next_ones_wait(start: Any) -> None:
    runtime = start(poisonous())
    for _ in range(4):
        with pytest.raises(ModelEnded):
            runtime.predict(joined([rows(-1.0), rows(1.0)]))
    assert runtime.predict(rows(3.0))["predict"].tolist() == [6.0]


def test_a_model_that_answers_nothing_any_more_is_not_started_at_once_again(start: Any, tmp_path: Path) -> None:
    mark = tmp_path / "broken"
    runtime = start(poisonous(mark))
    assert runtime.predict(rows(1.0))["predict"].tolist() == [2.0]
    mark.touch()
    for _ in range(3):
        with pytest.raises(ModelEnded):
            runtime.predict(rows(1.0))
    with pytest.raises(ModelEnded, match="not started again at once"):
        runtime.predict(rows(1.0))


def test_what_the_model_prints_does_not_come_between_the_answers(start: Any) -> None:
    runtime = start(acting("print('x' * 100_000) or __import__('os').write(1, b'y') and rows[:, 0]"))
    assert runtime.predict(rows(1.0, 2.0))["predict"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "action",
    [
        "rows[:1, 0]",
        "'nonsense'",
        "[object()]",
        "1 / 0",
    ],
)
def test_nonsense_is_no_answer(start: Any, action: str) -> None:
    with pytest.raises(PredictionFailed):
        start(acting(action)).predict(rows(1.0, 2.0))


def test_a_row_that_the_model_refuses_is_refused_and_the_process_lives(start: Any) -> None:
    x = some_rows(80, 1)
    from sklearn.linear_model import LinearRegression

    runtime = start(pickled(LinearRegression().fit(x, x[:, 0])))
    with pytest.raises(RowRefused):
        runtime.predict(rows(float("nan")))
    assert runtime.predict(rows(2.0))["predict"][0] == pytest.approx(2.0)


def test_the_process_may_write_no_file_and_sees_no_environment(
    start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2")
    canary = tmp_path / "canary"
    write = f"open({str(canary)!r}, 'wb', 0).write(b'x' * 10) and rows[:, 0]"
    with pytest.raises(PredictionFailed):
        start(acting(write)).predict(rows(1.0))
    assert not canary.exists() or canary.stat().st_size == 0
    sees = start(acting("rows[:, 0] * float('A_SECRET' in __import__('os').environ)"))
    assert sees.predict(rows(1.0))["predict"].tolist() == [0.0]


def test_memory_has_a_limit(start: Any) -> None:
    hungry = start(acting("__import__('numpy').ones(6 << 30, 'u1')[: len(rows)]"))
    with pytest.raises(PredictionFailed):
        hungry.predict(rows(1.0))


@pytest.mark.parametrize("data", [b"", b"nonsense", pickle.dumps({"no": "model"}), pickle.dumps(len)])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(NotServable):
        build({"model.pkl": lambda: data}, allow_pickle=True)


def test_closing_ends_the_process(start: Any) -> None:
    runtime = start(acting("rows[:, 0] * 0 + __import__('os').getpid()"))
    pid = int(runtime.predict(rows(1.0))["predict"][0])
    runtime.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
