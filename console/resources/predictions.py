"""Captured predictions of an endpoint: who answered what, how fast, and what turned out to be true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.endpoints import words
from console.formats import age, number
from console.location import Location
from console.resources.memory import Facts, MemorySource
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.core.query.schema import Attribute, Kind, Schema
from engine.core.query.tree import Entity, OrderBy
from engine.core.query.tree import Field as Key
from engine.telemetry.model import Prediction, PredictionQuery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.app import ConsoleApp
    from console.views import View
    from engine.api import Engine

MOST = 1_000
"""The newest that are listed; `qd telemetry predictions` pages through all."""

_FAILED, _REFUSED = 500, 400

SCHEMA = Schema(
    name="predictions",
    attributes=(
        Attribute("id", Kind.NUMBER),
        Attribute("request", Kind.TEXT, ("name",)),
        Attribute("version", Kind.NUMBER),
        Attribute("share", Kind.WORD),
        Attribute("status", Kind.NUMBER),
        Attribute("latency", Kind.NUMBER, ("ms",)),
        Attribute("time", Kind.TIME),
    ),
    entities=frozenset(),
    ties=(OrderBy(Key(Entity.ATTRIBUTE, "id"), descending=True),),
)
"""What can be asked of predictions."""


def _status(prediction: Prediction) -> str:
    return "bad" if prediction.status >= _FAILED else "warn" if prediction.status >= _REFUSED else "good"


def _values(prediction: Prediction) -> str:
    """The first row that went in, in a few words."""
    first = prediction.inputs[0] if prediction.inputs else {}
    more = f" … {len(prediction.inputs)} rows" if len(prediction.inputs) > 1 else ""
    return " ".join(f"{name}={_short(value)}" for name, value in list(first.items())[:12]) + more


def _short(value: object) -> str:
    return number(value, 4) if isinstance(value, float) else str(value)[:40]


SHOWN: tuple[Shown[Prediction], ...] = (
    Shown(
        Column("time", "AGE", width=4, minimum=4, align="right", priority=8),
        lambda prediction, now: (age(prediction.time_ms, now), "dim"),
        "time",
    ),
    Shown(
        Column("status", "STATUS", width=6, minimum=6, align="right", priority=9),
        lambda prediction, _now: (str(prediction.status), _status(prediction)),
        "status",
    ),
    Shown(
        Column("version", "VERSION", width=14, minimum=8, maximum=30, weight=1, priority=8),
        lambda prediction, _now: (prediction.key, "name"),
        "version",
    ),
    Shown(
        Column("share", "SHARE", width=7, minimum=7, priority=6),
        lambda prediction, _now: (prediction.share, ""),
        "share",
    ),
    Shown(
        Column("latency", "MS", width=6, minimum=6, align="right", priority=7),
        lambda prediction, _now: (words.milliseconds(prediction.latency_ms), ""),
        "latency",
    ),
    Shown(
        Column("outputs", "ANSWER", width=16, minimum=10, maximum=40, weight=1, priority=7),
        lambda prediction, _now: (str(prediction.outputs), ""),
    ),
    Shown(
        Column("inputs", "FIRST ROW", width=20, minimum=12, weight=4, priority=5),
        lambda prediction, _now: (_values(prediction), "dim"),
    ),
    Shown(
        Column("request", "REQUEST", width=12, minimum=8, maximum=40, weight=1, priority=4),
        lambda prediction, _now: (prediction.request_id, "dim"),
        "request",
    ),
)


def facts(prediction: Prediction) -> Facts:
    """A prediction as filters see it."""
    return Facts(
        {
            "id": prediction.id,
            "request": prediction.request_id,
            "version": prediction.version,
            "share": prediction.share,
            "status": prediction.status,
            "latency": prediction.latency_ms,
            "time": prediction.time_ms,
        }
    )


def _fetch(engine: Engine, location: Location) -> Iterable[Prediction]:
    return engine.telemetry.predictions(PredictionQuery(location.name, limit=MOST)).items


def _open(app: ConsoleApp, prediction: Prediction, _answers: Answers) -> None:
    """The whole of it, with its labels; where it was let go meanwhile, with those alone."""
    from console.screens.record import show_json

    def read() -> object:
        telemetry = app.engine.telemetry
        return {
            "prediction": telemetry.get(prediction.request_id),
            "labels": telemetry.labels(prediction.request_id),
        }

    app.read("prediction", read, lambda found: show_json(app, prediction.request_id, found))


PREDICTIONS: Resource[Prediction] = Resource(
    name="predictions",
    noun="captured prediction",
    source=MemorySource(_fetch, lambda prediction: prediction.id, SHOWN, facts, SCHEMA),
    actions=(Action("open", "Enter", "open", _open, "Inputs, answer and labels, as JSON."),),
    kinds=frozenset(),
    empty=(
        "Nothing was captured of this endpoint, or it is too long ago.",
        "Capture a share of its requests:  E on the endpoint, or  qd endpoints update NAME --capture 10%",
    ),
)


def view(location: Location) -> View:
    """The newest captured predictions of the endpoint that the location names; `/status>=500` shows failures."""
    return ListView(PREDICTIONS, location)
