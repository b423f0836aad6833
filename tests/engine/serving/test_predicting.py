"""What becomes of a request that goes wrong where nobody thought of it: one answer, whoever is to blame."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest

from engine.endpoints.model import Build, Share
from engine.runtimes.model import Field, Interface, Rows, RuntimeKind
from engine.runtimes.row_check import RowCheck
from engine.serving.batcher import MAX_WAITING, Batcher
from engine.serving.calls import Answer, Call
from engine.serving.coming import Coming
from engine.serving.counting import Counting
from engine.serving.large import LARGE_BYTES
from engine.serving.plain import Plain
from engine.serving.predicting import Predictor
from engine.serving.shadows import Shadows
from engine.serving.table import Loaded, Served, Table, Target
from engine.serving.tally import Tally
from engine.telemetry.model import Origin
from engine.telemetry.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.runtimes.model import Outputs
    from engine.telemetry.model import WindowDelta

LIVE, CANARY = 1, 2
SECRET = "s3cret"  # noqa: S105 must not come back


class Half:
    """Halves a number; breaks below 0."""

    kind = RuntimeKind.LINEAR
    gathers = False

    def __init__(self, name: str) -> None:
        self.interface = Interface((Field(name, "float64"),), (Field("predict", "float64"),))

    def predict(self, rows: Rows) -> Outputs:
        assert rows.matrix is not None
        if (rows.matrix < 0).any():
            raise ValueError(SECRET)
        return {"predict": rows.matrix[:, 0] / 2}

    def close(self) -> None:
        """Nothing to let go of."""


class Windows(Spool):
    """Keeps the windows that it is given."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "plane")
        self.given: list[WindowDelta] = []

    def put_window(self, delta: WindowDelta) -> None:
        self.given.append(delta)


class Breaking(Plain):
    """Words requests as `Plain` does, but breaks on the rows of whoever it is told to."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def rows(self, said: Any, check: RowCheck) -> Rows:
        if check.fields[0].name in self._names:
            raise OverflowError(SECRET)
        return super().rows(said, check)


def target(deployment: int, share: Share) -> Target:
    model, turn = Half(share.value), Lock()
    loaded = Loaded(
        deployment,
        "m",
        deployment,
        Build("", model.kind, model.interface, "", "", (), 0, 0),
        model,
        RowCheck(model.interface),
        Batcher(model, turn, "t"),
        turn,
        gathers=False,
    )
    who = (b"x-model-version", b"m/%d" % deployment)
    origin = Origin(1, deployment, 1, share.value, "m", deployment)
    return Target(loaded, share, (who,), b"", Tally(origin), Tally(origin))


def endpoint(*targets: Target) -> Served:
    by_number = {each.loaded.deployment: each for each in targets}
    return Served(
        row_id=1,
        name="m",
        model="m",
        generation=1,
        killed=False,
        problem="",
        key_kind="client",
        key_name="",
        salt=b"s",
        capture=0.0,
        live=targets[0],
        targets=by_number,
    )


def ask(served: Served, dialect: Plain, value: object, *, version: int | None = None) -> Answer:
    predictor = Predictor(lambda: Table({"m": served}), Shadows(Path, lambda _: None), None)
    call = Call("POST", "/predict", [], "127.0.0.1")
    call.body, call.endpoint = json.dumps({"features": [value]}).encode(), "m"
    call.version = None if version is None else str(version)
    answer = predictor.begin(call, dialect)
    assert isinstance(answer, Answer)
    assert SECRET.encode() not in answer.body
    return answer


def test_an_error_before_there_are_rows_is_the_callers() -> None:
    live = target(LIVE, Share.LIVE)
    assert ask(endpoint(live), Breaking("live"), 1).status == 400
    assert (live.tally.requests, live.tally.errors, live.tally.refused) == (1, 0, 1)


def test_an_error_of_the_model_is_the_versions() -> None:
    live = target(LIVE, Share.LIVE)
    assert ask(endpoint(live), Plain(), -1).status == 500
    assert (live.tally.requests, live.tally.errors, live.tally.refused) == (1, 1, 0)


@pytest.mark.parametrize("broken", [("canary",), ("canary", "live")])
def test_what_breaks_while_blame_is_sought_is_answered_too(broken: tuple[str, ...]) -> None:
    served = endpoint(target(LIVE, Share.LIVE), target(CANARY, Share.CANARY))
    assert ask(served, Breaking(*broken), 1, version=CANARY).status == 400


@pytest.mark.parametrize("chosen", [LIVE, CANARY])
@pytest.mark.parametrize(("value", "status"), [(1, 200), (-1, 500), ("x", 400)])
def test_callers_that_choose_a_version_have_no_part_in_a_trial(chosen: int, value: object, status: int) -> None:
    targets = target(LIVE, Share.LIVE), target(CANARY, Share.CANARY)
    assert ask(endpoint(*targets), Plain(), value, version=chosen).status == status
    assert [each.tally.requests for each in targets] == [0, 0]
    assert [each.pinned.requests for each in targets] == [int(chosen == LIVE), int(chosen == CANARY)]


def test_callers_that_choose_the_only_version_are_counted_like_all_others() -> None:
    live = target(LIVE, Share.LIVE)
    assert ask(endpoint(live), Plain(), 1, version=LIVE).status == 200
    assert (live.tally.requests, live.pinned.requests) == (1, 0)


def test_what_pinned_requests_did_is_in_the_sums_and_in_no_window(tmp_path: Path) -> None:
    targets = target(LIVE, Share.LIVE), target(CANARY, Share.CANARY)
    served, windows = endpoint(*targets), Windows(tmp_path)
    counting = Counting(windows)
    counting.renew(Table({}), Table({"m": served}))
    ask(served, Plain(), 1)
    ask(served, Plain(), -1, version=CANARY)
    counting.flush(1_000.0)
    assert {whose.share: (sums.requests, sums.errors) for whose, sums in counting.sums.items()} == {
        "live": (1, 0),
        "canary": (1, 1),
    }
    assert [(delta.share, delta.requests) for delta in windows.given] == [("live", 1)]
    windows.close()


def all_together(
    table: Table, *values: object, tell: Callable[[Answer], None] = lambda _: None
) -> list[Answer | Coming | None]:
    predictor = Predictor(lambda: table, Shadows(Path, lambda _: None), None)
    calls = []
    for value in values:
        call = Call("POST", "/predict", [], "127.0.0.1")
        call.body, call.endpoint = json.dumps({"features": [value]}).encode(), "m"
        calls.append((call, Plain(), 0.0, tell))
    return predictor.together(calls)


def said(answer: Answer | Coming | None) -> tuple[int, bytes, Target | None]:
    assert isinstance(answer, Answer)
    return answer.status, answer.body, answer.target


def test_those_together_are_each_answered_as_if_alone() -> None:
    live = target(LIVE, Share.LIVE)
    served = endpoint(live)
    values = (4, -1, "text", 8, None, 10)
    found = [said(each) for each in all_together(Table({"m": served}), *values)]
    assert found == [said(ask(served, Plain(), value)) for value in values]
    assert [each[0] for each in found] == [200, 500, 400, 200, 400, 200]
    assert (live.tally.requests, live.tally.errors, live.tally.refused) == (12, 2, 4)


async def test_those_together_wait_while_somebody_else_has_the_model() -> None:
    live = target(LIVE, Share.LIVE)
    table, told = Table({"m": endpoint(live)}), list[Answer]()
    with live.loaded.turn:
        found = all_together(table, 4, "text", -1, 8, tell=told.append)
        assert [type(each) for each in found] == [Coming, Answer, Coming, Coming]
        assert (live.tally.requests, live.tally.refused, table.flights.count) == (1, 1, 3)
    await landed(table)
    assert [each.status for each in told] == [200, 500, 200]
    assert [json.loads(told[at].body)["prediction"] for at in (0, 2)] == [2.0, 4.0]
    assert (live.tally.requests, live.tally.errors) == (4, 1)


async def landed(table: Table) -> None:
    over = asyncio.Event()
    table.flights.once_over(over.set)
    async with asyncio.timeout(10):
        await over.wait()


async def test_who_leaves_while_waiting_is_told_nothing_and_holds_up_no_table() -> None:
    live = target(LIVE, Share.LIVE)
    table, told = Table({"m": endpoint(live)}), list[Answer]()
    with live.loaded.turn:
        stays, leaves = all_together(table, 4, 8, tell=told.append)
        assert isinstance(stays, Coming)
        assert isinstance(leaves, Coming)
        leaves.leave()
        assert table.flights.count == 1
    await landed(table)
    assert [json.loads(each.body)["prediction"] for each in told] == [2.0]
    assert live.tally.requests == 1


async def test_one_too_many_is_told_at_once_to_come_again() -> None:
    live = target(LIVE, Share.LIVE)
    table, told = Table({"m": endpoint(live)}), list[Answer]()
    with live.loaded.turn:
        found = all_together(table, *[4] * (MAX_WAITING + 1), tell=told.append)
        refused = found[-1]
        assert isinstance(refused, Answer)
        assert (refused.status, (b"retry-after", b"1") in refused.headers) == (503, True)
        assert table.flights.count == MAX_WAITING
    await landed(table)
    assert [each.status for each in told] == [200] * MAX_WAITING


def test_a_large_request_is_under_way_from_the_start_until_after_its_answer() -> None:
    served = endpoint(target(LIVE, Share.LIVE))
    table = Table({"m": served})
    predictor = Predictor(lambda: table, Shadows(Path, lambda _: None), None)
    call = Call("POST", "/predict", [], "127.0.0.1")
    call.body, call.endpoint = json.dumps({"features": [[4]] * (LARGE_BYTES // 4)}).encode(), "m"

    async def ask() -> tuple[list[int], int]:
        coming = predictor.begin(call, Plain())
        counts = [table.flights.count]
        assert not isinstance(coming, Answer)
        answer = await coming
        counts.append(table.flights.count)
        await asyncio.sleep(0)
        return [*counts, table.flights.count], answer.status

    assert asyncio.run(ask()) == ([1, 1, 0], 200)
