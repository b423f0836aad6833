"""What was answered is counted, however late the answer is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.serving import counting as counting_module
from engine.serving.assembling import loaded, served
from engine.serving.counting import Counting
from engine.serving.table import Table
from tests.engine.serving.test_loading import Constant, deployment, endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.serving.table import Loaded, Target


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, Loaded]]:
    monkeypatch.setattr(counting_module, "_KEEP_S", 0.0)
    made = {number: loaded(deployment(number), Constant(number)) for number in (1, 2)}
    yield made
    for each in made.values():
        each.batcher.close()


def table(known: dict[int, Loaded], generation: int, number: int) -> Table:
    return Table({"churn": served(endpoint(generation, deployment(number)), known)})


def live(found: Table) -> Target:
    return found.find("churn").answering()


def total(counting: Counting) -> int:
    return sum(each.requests for each in counting.total().values())


@pytest.mark.parametrize("swaps_before", [0, 2])
def test_an_answer_that_comes_long_after_a_swap_is_counted(known: dict[int, Loaded], swaps_before: int) -> None:
    counting = Counting(None)
    first = table(known, 1, 1)
    counting.renew(Table({}), first)
    first.flights.began()
    old = first
    for _ in range(swaps_before):  # of other endpoints: this one's targets go on
        new = Table(first.endpoints)
        counting.renew(old, new)
        old = new
    counting.renew(old, table(known, 2, 2))
    for now_s in range(3):
        counting.flush(now_s)
    assert total(counting) == 0
    live(first).tally.add(90e6, 200)
    first.flights.ended()
    counting.flush(4)
    assert total(counting) == 1


def test_who_answers_nothing_any_more_is_looked_at_no_more(known: dict[int, Loaded]) -> None:
    counting = Counting(None)
    first = table(known, 1, 1)
    counting.renew(Table({}), first)
    counting.renew(first, table(known, 2, 2))
    counting.flush(1)
    live(first).tally.add(1.0, 200)
    counting.flush(2)
    assert total(counting) == 0
