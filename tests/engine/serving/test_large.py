"""Large requests: their rows go to the model a part at a time, and what is said of a row says where it really is."""

from __future__ import annotations

import asyncio
from threading import Event, Lock
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.core.errors import Overloaded, RowRefused
from engine.runtimes.model import Field, Interface, Rows, RuntimeKind
from engine.serving.batcher import Batcher
from engine.serving.large import MOST, PART_ROWS, Aside, predicted_in_parts, whole

if TYPE_CHECKING:
    from engine.runtimes.model import Outputs


class Careful:
    """Gives back what it gets, and refuses what is below 0; remembers how many rows came at once."""

    kind = RuntimeKind.LINEAR
    interface = Interface((Field("x", "float64"),), (Field("predict", "float64"),))
    gathers = False

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def predict(self, rows: Rows) -> Outputs:
        self.sizes.append(rows.size)
        values = rows.columns["x"] if rows.matrix is None else rows.matrix[:, 0]
        for row in np.flatnonzero(values < 0):
            raise RowRefused(f"x of row {row} is below 0.", details={"row": int(row), "input": "x"})
        return {"predict": values}

    def close(self) -> None:
        """Nothing to let go of."""


def ask(model: Careful, rows: Rows) -> Outputs:
    async def asked() -> Outputs:
        batcher = Batcher(model, Lock(), "t")
        try:
            return whole(await predicted_in_parts(batcher, rows))
        finally:
            batcher.close()

    return asyncio.run(asked())


@pytest.mark.parametrize("size", [1, PART_ROWS, PART_ROWS + 1, 5 * PART_ROWS + 7])
@pytest.mark.parametrize("named", [False, True])
def test_rows_are_predicted_in_parts_and_answered_in_order(size: int, *, named: bool) -> None:
    model, values = Careful(), np.arange(float(size))
    found = ask(model, Rows(size, None, {"x": values}) if named else Rows(size, values.reshape(-1, 1)))
    assert found["predict"].tolist() == values.tolist()
    assert sum(model.sizes) == size
    assert max(model.sizes) <= PART_ROWS


@pytest.mark.parametrize("row", [3, PART_ROWS, 2 * PART_ROWS + 5])
def test_a_refused_row_is_named_by_its_place_in_the_request(row: int) -> None:
    values = np.ones((3 * PART_ROWS, 1))
    values[row] = -1
    with pytest.raises(RowRefused, match=f"x of row {row} is below 0") as refused:
        ask(Careful(), Rows(len(values), values))
    assert refused.value.details == {"row": row, "input": "x"}


def test_only_so_many_are_under_way_at_once_and_their_places_come_free() -> None:
    aside, free = Aside(), Event()

    async def one() -> bool:
        try:
            with aside.taken():
                return await aside.do(free.wait)
        except Overloaded:
            free.set()
            return False

    async def many(count: int) -> list[bool]:
        return await asyncio.gather(*(one() for _ in range(count)))

    assert asyncio.run(many(MOST + 3)) == [True] * MOST + [False] * 3
    assert asyncio.run(many(MOST)) == [True] * MOST
