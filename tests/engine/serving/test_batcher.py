from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import Overloaded, PredictionFailed
from engine.runtimes.model import Field, Interface, Rows, RuntimeKind
from engine.serving.batcher import MAX_WAITING, Batcher, predicted

if TYPE_CHECKING:
    from engine.runtimes.model import Outputs

POISON = -1.0


class Doubler:
    """Doubles numbers; raises for a call in which one is below 0, and waits while it is told to."""

    kind = RuntimeKind.SKLEARN
    interface = Interface((Field("x", "float64"),), (Field("predict", "float64"),))
    gathers = True

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.calls: list[int] = []
        self.closed = threading.Event()

    def predict(self, rows: Rows) -> Outputs:
        self.open.wait(10)
        assert rows.matrix is not None
        self.calls.append(rows.size)
        if (rows.matrix < 0).any():
            raise ValueError("a row that it cannot bear")
        return {"predict": rows.matrix[:, 0] * 2}

    def close(self) -> None:
        self.closed.set()


def rows(*values: float) -> Rows:
    return Rows(len(values), np.array(values, dtype=np.float64).reshape(-1, 1))


@given(
    st.lists(
        st.lists(st.sampled_from([POISON, *map(float, range(50))]), min_size=1, max_size=4), min_size=1, max_size=30
    )
)
def test_answers_are_never_crossed_and_bad_rows_harm_nobody(requests: list[list[float]]) -> None:
    found = predicted(Doubler(), [rows(*each) for each in requests])
    for request, outputs in zip(requests, found, strict=True):
        if POISON in request:
            assert isinstance(outputs, ValueError)
        else:
            assert not isinstance(outputs, BaseException)
            assert outputs["predict"].tolist() == [value * 2 for value in request]


async def test_what_comes_while_a_call_is_under_way_shares_the_next() -> None:
    model = Doubler()
    batcher = Batcher(model, threading.Lock(), "test")
    model.open.clear()
    waiting = [batcher.submit(rows(float(number))) for number in range(20)]
    model.open.set()
    answers = await asyncio.gather(*waiting)
    assert [outputs["predict"].tolist() for outputs in answers] == [[number * 2.0] for number in range(20)]
    assert model.calls == [1, 19]
    batcher.close()


async def test_who_has_gone_is_not_predicted_for() -> None:
    model = Doubler()
    batcher = Batcher(model, threading.Lock(), "test")
    model.open.clear()
    first, gone, last = (batcher.submit(rows(float(number))) for number in range(3))
    gone.cancel()
    model.open.set()
    await asyncio.gather(first, last)
    assert model.calls == [1, 1]
    batcher.close()


async def test_what_comes_in_one_turn_shares_a_call_and_who_has_gone_is_told_nothing() -> None:
    model = Doubler()
    batcher = Batcher(model, threading.Lock(), "test")
    told: asyncio.Queue[tuple[int, Outputs | Exception]] = asyncio.Queue()
    places = [
        batcher.enter(rows(float(number - 1)), lambda found, number=number: told.put_nowait((number, found)))  # type: ignore[misc]
        for number in range(5)
    ]
    places[3].gone = True
    async with asyncio.timeout(10):
        found = dict([await told.get() for _ in range(4)])
    assert sorted(found) == [0, 1, 2, 4]
    assert isinstance(found[0], ValueError)
    for number in (1, 2, 4):
        outputs = found[number]
        assert not isinstance(outputs, Exception)
        assert outputs["predict"].tolist() == [(number - 1) * 2.0]
    assert model.calls[0] == 4
    batcher.close()


async def test_too_many_are_told_to_come_again() -> None:
    model = Doubler()
    batcher = Batcher(model, threading.Lock(), "test")
    model.open.clear()
    waiting = [batcher.submit(rows(1.0)) for _ in range(MAX_WAITING + 1)]
    with pytest.raises(Overloaded):
        batcher.submit(rows(1.0))
    model.open.set()
    await asyncio.gather(*waiting)
    batcher.close()


async def test_a_closed_model_is_closed_after_its_last_call() -> None:
    model = Doubler()
    batcher = Batcher(model, threading.Lock(), "test")
    answer = batcher.submit(rows(1.0))
    batcher.close()
    assert (await answer)["predict"].tolist() == [2.0]
    assert await asyncio.to_thread(model.closed.wait, 5)
    with pytest.raises(Overloaded):
        await batcher.submit(rows(1.0))


def test_a_model_that_answers_for_other_rows_is_not_believed() -> None:
    class Odd(Doubler):
        def predict(self, rows: Rows) -> Outputs:
            del rows
            return {"predict": np.zeros(7)}

    found = predicted(Odd(), [rows(1.0), rows(2.0)])
    assert all(isinstance(each, PredictionFailed) for each in found)
