"""Requests that wait for others keep the table in use that they began on."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from engine.runtimes.model import Field, Interface, Rows, RuntimeKind
from engine.serving.assembling import loaded, served
from engine.serving.calls import Answer, Call
from engine.serving.plain import Plain
from engine.serving.predicting import Predictor
from engine.serving.shadows import Shadows
from engine.serving.table import Table
from tests.engine.serving.test_loading import deployment, endpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from engine.runtimes.model import Outputs


class Gathering:
    """Says how many rows it got, or breaks below 0; waits while it is told to."""

    kind = RuntimeKind.SKLEARN
    interface = Interface((Field("x", "float64"),), (Field("predict", "float64"),))
    gathers = True

    def __init__(self) -> None:
        self.open = threading.Event()

    def predict(self, rows: Rows) -> Outputs:
        self.open.wait(10)
        assert rows.matrix is not None
        if (rows.matrix < 0).any():
            raise ValueError("below nothing")
        return {"predict": rows.matrix[:, 0]}

    def close(self) -> None:
        """Nothing to let go of."""


@pytest.fixture
def model() -> Iterator[Gathering]:
    made = Gathering()
    yield made
    made.open.set()


@pytest.fixture
def table(model: Gathering) -> Iterator[Table]:
    wanted = deployment(1)
    known = {1: loaded(wanted, model)}
    yield Table({"churn": served(endpoint(1, wanted), known)})
    known[1].batcher.close()


def begun(table: Table, value: float = 1.0) -> Awaitable[Answer]:
    call = Call("POST", "/predict", (), "")
    call.body = b'{"features":[%f]}' % value
    found = Predictor(lambda: table, Shadows(lambda _: None), None).begin(call, Plain())
    assert not isinstance(found, Answer)
    return found


async def over(table: Table) -> None:
    async with asyncio.timeout(10):
        landed = asyncio.Event()
        table.flights.once_over(landed.set)
        await landed.wait()


async def answered(coming: Awaitable[Answer], events: list[Any]) -> None:
    events.append((await coming).status)


@pytest.mark.parametrize(("value", "status"), [(1.0, 200), (-1.0, 500)])
async def test_a_request_is_under_way_before_anybody_waits_for_it_and_until_it_is_answered(
    table: Table, model: Gathering, value: float, status: int
) -> None:
    events: list[Any] = []
    coming = begun(table, value)
    table.flights.once_over(lambda: events.append("over"))  # as a swap does that comes before the first step of a task
    assert not events
    task = asyncio.get_running_loop().create_task(answered(coming, events))
    model.open.set()
    await task
    await over(table)
    assert events == [status, "over"]


async def test_who_is_gone_before_it_waits_keeps_no_table_in_use(table: Table, model: Gathering) -> None:
    async def waiting() -> None:
        await coming

    coming = begun(table, -1.0)
    task = asyncio.get_running_loop().create_task(waiting())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    model.open.set()
    await over(table)
    assert table.flights.count == 0
    await coming


async def test_who_goes_while_it_waits_keeps_no_table_in_use(table: Table) -> None:
    task = asyncio.get_running_loop().create_task(answered(begun(table), []))
    await asyncio.sleep(0)
    task.cancel()
    await over(table)
    assert task.cancelled()


async def test_too_many_are_told_to_come_again_and_keep_no_table_in_use(table: Table, model: Gathering) -> None:
    call = Call("POST", "/predict", (), "")
    call.body = b'{"features":[1]}'
    predictor = Predictor(lambda: table, Shadows(lambda _: None), None)
    told = [predictor.begin(call, Plain()) for _ in range(1_100)]
    refused = [each for each in told if isinstance(each, Answer)]
    assert {each.status for each in refused} == {503}
    assert table.flights.count == len(told) - len(refused)
    model.open.set()
    assert {(await each).status for each in told if not isinstance(each, Answer)} == {200}
    await over(table)
