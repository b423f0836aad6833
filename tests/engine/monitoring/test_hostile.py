"""Whatever clients send, every window gets a verdict, and what is well is looked at beside what is not."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from engine.core.errors import InvalidInput
from engine.drift.baseline_model import Stretch
from engine.monitoring.model import Verdict
from engine.telemetry.model import CapturedPrediction
from engine.telemetry.spool import Spool
from tests.engine.monitoring.town import MINUTE_MS, Town

GOOD = [{"x": place / 10, "letter": "abc"[place % 3]} for place in range(100)]
EVERYTHING = ["drift", "quality", "performance", "concept"]

BAD_ROWS: list[Any] = [
    None,
    [],
    "text",
    5,
    [[]],
    [[None, None]],
    [["1e309", {"a": 1}]],
    [[1e308, "\x1b[31m"]],
    [[True, True]],
    [[2**62, "a" * 5_000]],
    [{"x": 1.0}],
    [{"new": [1, 2], "x": None}],
    [[1.0, "a", "more", "and more"]],
    [[1.0]],
]
BAD_OUTPUTS: list[Any] = [
    None,
    [],
    {},
    {"predict": None},
    {"predict": [None]},
    {"predict": [1, 2, 3]},
    {"predict": ["yes"], "predict_proba": [[0.5]]},
    {"predict": [1], "predict_proba": [["a", "b"]]},
    {"predict": [1], "predict_proba": [[float("1e308"), -1.0]]},
]


def sent(town: Town, inputs: Any, outputs: Any) -> None:
    """Have one request be captured as it is."""
    spool = Spool(town.workspace.spool, "bad", flush_s=0.001)
    spool.put_prediction(
        CapturedPrediction(
            town.origin(("x", "letter")),
            f"bad-{town.clock.now_ms()}",
            town.clock.now_ms(),
            10,
            200,
            json.dumps(inputs).encode(),
            json.dumps(outputs).encode(),
        )
    )
    spool.close()
    town.store()


@pytest.fixture
def watched(town: Town) -> Town:
    start_ms = town.clock.now_ms()
    town.minute(GOOD)
    town.operator.drift.baseline_from_production("churn", 1, Stretch(start_ms))
    town.watch(tests=EVERYTHING, segments=["letter", "nothing"])
    town.run()
    return town


@pytest.mark.parametrize("outputs", BAD_OUTPUTS, ids=repr)
def test_answers_that_are_none(watched: Town, outputs: Any) -> None:
    sent(watched, [[1.0, "a"]], outputs)
    watched.minute(GOOD, answers=[1] * 100, chances=[0.5] * 100)
    found = watched.run()
    assert len(found) == 4
    assert Verdict.FAILED not in {each.verdict for each in found}


@pytest.mark.parametrize("inputs", BAD_ROWS, ids=lambda value: repr(value)[:30])
def test_rows_that_are_none(watched: Town, inputs: Any) -> None:
    sent(watched, inputs, {"predict": [1]})
    watched.minute(GOOD, answers=[1] * 100)
    found = watched.run()
    assert len(found) == 4
    assert Verdict.FAILED not in {each.verdict for each in found}
    json.dumps([dict(each.report) for each in found], allow_nan=False)


def test_a_window_of_nothing_but_rubbish(watched: Town) -> None:
    for inputs in BAD_ROWS:
        sent(watched, inputs, {"predict": [1]})
    watched.clock.advance(MINUTE_MS)
    found = watched.run()
    assert {each.verdict for each in found} <= {Verdict.OK, Verdict.DRIFT, Verdict.WAITING}


@pytest.mark.parametrize("label", ["", "\x00", "1" * 500, -1e300, True, "nan", "ja"])
def test_labels_of_any_kind(watched: Town, label: Any) -> None:
    ids = watched.minute(GOOD, answers=[1] * 100, chances=[0.5] * 100)
    with suppress(InvalidInput):  # what is no label is refused before anybody looks
        watched.labelled(ids, [label] * 100)
    assert Verdict.FAILED not in {each.verdict for each in watched.run()}


def test_a_test_that_breaks_says_so_and_the_others_go_on(
    watched: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OverflowError("\x1b[31mnobody thought of this")

    monkeypatch.setattr("engine.drift.deciding.decide", broken)
    watched.minute(GOOD, answers=[1] * 100)
    verdicts = {each.kind.value: each for each in watched.run()}
    assert verdicts["drift"].verdict is Verdict.FAILED
    assert "OverflowError" in verdicts["drift"].sentence
    assert verdicts["quality"].verdict is Verdict.OK
    assert "\x1b" not in capsys.readouterr().err
    assert watched.operator.alerts.page().items == ()
