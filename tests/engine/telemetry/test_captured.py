"""Captured predictions: found by endpoint, version, status and time, page by page, and given back as rows."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.api import Engine
from engine.core.clock import ManualClock
from engine.core.errors import InvalidInput, NotFound
from engine.telemetry.model import Prediction, PredictionQuery
from tests.builders import empty_workspace
from tests.engine.telemetry.desk import Desk
from tests.engine.telemetry.traffic import CANARY, NOW_S, ORIGIN, prediction


def ids(items: tuple[Prediction, ...]) -> list[str]:
    return [each.request_id for each in items]


def test_a_prediction_says_all_that_was_captured(desk: Desk) -> None:
    desk.report(predictions=[prediction(7)])
    found = desk.telemetry.get("r-7")
    assert (found.key, found.deployment, found.generation, found.share) == ("churn/7", 3, 12, "live")
    assert (found.time_ms, found.latency_ms, found.status) == (NOW_S * 1000 + 7, 0.25, 200)
    assert found.inputs == ({"age": 41, "plan": "gold"},)
    assert found.outputs == {"predict": [1]}
    assert found.labels == ()


def test_nobody_is_found_who_was_not_captured(desk: Desk, opened: Engine) -> None:
    for _ in range(2):
        with pytest.raises(NotFound, match="r-99"):
            opened.telemetry.get("r-99")
        desk.report(predictions=[prediction(1)])


def test_of_two_requests_with_one_id_the_newest_is_told(desk: Desk) -> None:
    desk.report(predictions=[prediction(1, request_id="same"), prediction(2, CANARY, request_id="same")])
    assert desk.telemetry.get("same").version == 8


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (PredictionQuery(1), ["r-5", "r-4", "r-3", "r-2", "r-1"]),
        (PredictionQuery(1, version=8), ["r-5", "r-4"]),
        (PredictionQuery(1, share="live"), ["r-3", "r-2", "r-1"]),
        (PredictionQuery(1, status=503), ["r-4"]),
        (PredictionQuery(1, failed=True), ["r-4"]),
        (PredictionQuery(1, failed=False, version=8), ["r-5"]),
        (PredictionQuery(1, since_ms=NOW_S * 1000 + 4), ["r-5", "r-4"]),
        (PredictionQuery(2), ["r-6"]),
        (PredictionQuery(3), []),
        (PredictionQuery(1, version=9), []),
    ],
)
def test_predictions_are_listed_newest_first(desk: Desk, query: PredictionQuery, expected: list[str]) -> None:
    elsewhere = ORIGIN._replace(endpoint=2)
    desk.report(
        predictions=[
            *(prediction(number) for number in (3, 1, 2)),
            prediction(4, CANARY, status=503),
            prediction(5, CANARY),
            prediction(6, elsewhere),
        ]
    )
    assert ids(desk.telemetry.predictions(query).items) == expected


STATUSES = (200, 200, 200, 400, 422, 500, 503)
GENERATIONS = tuple(
    (CANARY if number % 3 == 2 else ORIGIN)._replace(generation=12 + number, version=7 + number % 3)
    for number in range(6)
)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, list[Prediction]]]:
    """Predictions of three versions through six generations, and all of them as they come without a filter."""
    path = empty_workspace(tmp_path_factory.mktemp("mixed") / "workspace").path
    with engine.open(path, clock=ManualClock(NOW_S * 1000 + 500)) as made:
        random = Random(7)
        Desk(made).report(
            predictions=[
                prediction(
                    number,
                    random.choice(GENERATIONS),
                    status=random.choice(STATUSES),
                    time_ms=NOW_S * 1000 + random.randrange(60),
                )
                for number in range(200)
            ]
        )
        yield made, list(made.telemetry.predictions(PredictionQuery(1, limit=1_000)).items)


@settings(deadline=None)
@given(
    version=st.sampled_from([None, 7, 8, 9, 10]),
    share=st.sampled_from([None, "live", "canary", "shadow"]),
    status=st.sampled_from([None, 200, 400, 422, 503, 299]),
    failed=st.sampled_from([None, True, False]),
    since_ms=st.sampled_from([0, NOW_S * 1000 + 30]),
    limit=st.sampled_from([1, 7, 1_000]),
)
def test_any_filters_together_find_in_order_what_reading_all_finds(
    mixed: tuple[Engine, list[Prediction]], limit: int, since_ms: int, **asked: Any
) -> None:
    opened, everything = mixed
    expected = [
        each
        for each in everything
        if asked["version"] in (None, each.version)
        and asked["share"] in (None, each.share)
        and asked["status"] in (None, each.status)
        and asked["failed"] in (None, each.status >= 500)
        and each.time_ms >= since_ms
    ]
    found: list[Prediction] = []
    token: str | None = ""
    while token is not None:
        query = PredictionQuery(1, since_ms=since_ms, limit=limit, page_token=token or "", **asked)
        page = opened.telemetry.predictions(query)
        found += page.items
        token = page.next_page_token if len(found) < 3 * limit else None
    assert found == expected[: len(found)]
    assert len(found) == len(expected) or len(found) >= 3 * limit


def test_pages_hold_each_prediction_once_while_others_come(desk: Desk) -> None:
    desk.report(predictions=[prediction(number, time_ms=NOW_S * 1000 + number // 3) for number in range(25)])
    seen: list[str] = []
    token = ""
    while True:
        page = desk.telemetry.predictions(PredictionQuery(1, limit=4, page_token=token))
        seen += ids(page.items)
        desk.report(predictions=[prediction(1000 + len(seen))])
        if page.next_page_token is None:
            break
        token = page.next_page_token
    assert seen == [f"r-{number}" for number in reversed(range(25))]


@pytest.mark.parametrize("token", ["x", "W10", "WzFd", "W10=", "WzEsIngiXQ", "é"])
def test_a_token_of_another_list_is_refused(desk: Desk, token: str) -> None:
    desk.report(predictions=[prediction()])
    with pytest.raises(InvalidInput, match="page token"):
        desk.telemetry.predictions(PredictionQuery(1, page_token=token))


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_limit_out_of_range_is_refused(opened: Engine, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit"):
        opened.telemetry.predictions(PredictionQuery(1, limit=limit))


def test_rows_are_given_back_as_they_were_asked(desk: Desk) -> None:
    desk.report(
        predictions=[
            prediction(1, inputs=[[1, "a"], [2, "b"]]),
            prediction(2, inputs=b'[{"age": 3, "plan": "c"}]'),
            prediction(3, CANARY, inputs=[[4, "d"]]),
            prediction(4, inputs=[["five", "e"]], status=400),
            prediction(5, inputs=[[6, "f"]], status=500),
        ]
    )
    rows = desk.telemetry.rows(1)
    assert rows == ({"age": 3, "plan": "c"}, {"age": 1, "plan": "a"}, {"age": 2, "plan": "b"})
    assert desk.telemetry.rows(1, limit=2) == rows[:2]
    assert desk.telemetry.rows(1, share="canary", version=8) == ({"age": 4, "plan": "d"},)
    assert desk.telemetry.rows(1, version=8) == ()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (b"[[1]]", [{"age": 1}]),
        (b"[[1,2,3]]", [{"age": 1, "plan": 2, "2": 3}]),
        (b"[5]", [{"age": 5}]),
        (b"{}", [{}]),
        (b"[]", []),
        (b"no json \xff", [{"age": "no json �"}]),
        (b"[" * 100_000, [{"age": "[" * 100_000}]),
    ],
)
def test_rows_of_any_shape_are_told(desk: Desk, inputs: bytes, expected: list[dict[str, object]]) -> None:
    desk.report(predictions=[prediction(inputs=inputs)])
    assert list(desk.telemetry.get("r-0").inputs) == expected


def test_more_rows_than_a_page_come_too(desk: Desk) -> None:
    desk.report(predictions=[prediction(number) for number in range(2_100)])
    assert len(desk.telemetry.rows(1, limit=2_050)) == 2_050
    assert len(desk.telemetry.rows(1, limit=10_000)) == 2_100
