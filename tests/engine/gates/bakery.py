"""Small models, fitted once, and a world in which versions hold them and endpoints were asked about them."""

from __future__ import annotations

import io
import os
import pickle
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import skops.io
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from engine.registry.model import Column, Signature
from engine.telemetry.intake import Intake
from engine.telemetry.model import CapturedPrediction, Origin
from engine.telemetry.spool import Spool
from tests.engine.deployment.world import World
from tests.engine.telemetry.traffic import telemetry_database

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from engine.gates.model import GateReport, GateResult
    from engine.registry.model import Version

NAMES = ("age", "income", "tenure")
SIGNATURE = Signature(tuple(Column(name, "float64") for name in NAMES), (Column("predict", "int64"),))


def _rows(size: int = 120) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(3).normal(size=(size, 3))


def _fit(make: Callable[[], Any], *, numbers: bool = False) -> Any:
    import pandas as pd

    rows = _rows()
    truth = rows[:, 0] + rows[:, 1] ** 2
    return make().fit(pd.DataFrame(rows, columns=list(NAMES)), truth if numbers else (truth > 0.5).astype(int))


@cache
def fitted(kind: str) -> Any:
    """A fitted model: `linear`, `boosting`, `neighbours` (which has no compiled form that must pass) or `numbers`."""
    return {
        "linear": lambda: _fit(lambda: make_pipeline(StandardScaler(), LogisticRegression())),
        "boosting": lambda: _fit(lambda: GradientBoostingClassifier(n_estimators=5, random_state=0)),
        "neighbours": lambda: _fit(lambda: KNeighborsClassifier(3)),
        "numbers": lambda: _fit(LinearRegression, numbers=True),
    }[kind]()


@cache
def skops_of(kind: str) -> bytes:
    """Its skops file."""
    return bytes(skops.io.dumps(fitted(kind)))


@cache
def pickle_of(kind: str) -> bytes:
    """Its pickle."""
    return pickle.dumps(fitted(kind))


@cache
def joblib_of(kind: str) -> bytes:
    """Its joblib file."""
    stream = io.BytesIO()
    joblib.dump(fitted(kind), stream)
    return stream.getvalue()


@dataclass(frozen=True)
class Bomb:
    """A pickle that makes a file as soon as somebody loads it."""

    path: str

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


class Bakery(World):
    """A world of versions that can be served; `bob` is an operator, `alice` an approver."""

    def bake(self, kind: str = "linear", *, model: str = "churn", **files: bytes) -> Version:
        """Register a version that holds a fitted model."""
        return self.shelve(
            {"model.skops": skops_of(kind), **{_named(name): data for name, data in files.items()}}, model
        )

    def shelve(self, files: Mapping[str, bytes], model: str = "churn", signature: Signature = SIGNATURE) -> Version:
        """Register a version of these files."""
        engine = self.engine("bob")
        run = engine.runs.start("default", capture=False)
        run.log_metric("auc", 0.9)
        for name, data in files.items():
            run.log_bytes(data, f"model/{name}")
        run.log_bytes(run.id.encode(), "model/salt.txt")
        run.finish()
        return engine.models.register(
            model, run_id=run.id, data_digest="d1", owner="ada", description="A cake.", signature=signature
        )

    def open(self, version: int, *, model: str = "churn", name: str = "churn") -> None:
        """Have an endpoint where a version is live."""
        endpoints = self.engine("bob").endpoints
        endpoints.create(name, model)
        endpoints.deploy(name, version, reason="first")

    def ask(
        self,
        rows: Sequence[Sequence[object]],
        answers: Sequence[object] = (),
        *,
        columns: Sequence[str] = NAMES,
        name: str = "churn",
        status: int = 200,
        share: str = "live",
    ) -> None:
        """Have the live version of an endpoint asked, one request a row, and the capture writer store it."""
        import json

        endpoint = self.engine("bob").endpoints.get(name)
        live = next(each for each in endpoint.deployments if each.share is not None)
        origin = Origin(endpoint.row_id, live.id, 1, share, live.model, live.version, tuple(columns))
        spool = Spool(self.workspace.spool, plane=f"test-{self.ids_taken()}")
        for place, row in enumerate(rows):
            outputs = {"predict": [answers[place]]} if answers else {}
            spool.put_prediction(
                CapturedPrediction(
                    origin,
                    f"r-{place}",
                    self.clock.now_ms() + place,
                    250,
                    status,
                    json.dumps([row]).encode(),
                    json.dumps(outputs).encode(),
                )
            )
        spool.close()
        database = telemetry_database(self.workspace.telemetry_db)
        database.migrate()
        intake = Intake(database, self.workspace.spool)
        while intake.run():
            pass
        database.close()

    def asked_truly(self, size: int, kind: str = "linear") -> None:
        """Have it asked plausible rows, and answer them as its model does."""
        import pandas as pd

        rows = _rows(size)
        answers = fitted(kind).predict(pd.DataFrame(rows, columns=list(NAMES)))
        self.ask(rows.tolist(), answers.tolist())

    def gate(self, options: str, version: int, *, by: str = "bob", **how: Any) -> GateResult:
        """Run one gate on a version and give its answer."""
        return self.report(options, version, by=by, **how).results[0]

    def report(self, options: str, version: int, *, by: str = "bob", **how: Any) -> GateReport:
        """Run gates on a version."""
        from engine.registry.model import Stage

        self.set_policy(f"[models.churn.staging]\ngates = [{options}]\n")
        return self.engine(by).gates.check("churn", version, to=Stage.STAGING, **how)


def make(path: Path) -> Bakery:
    """A bakery in a folder."""
    return Bakery(path)


def _named(name: str) -> str:
    return name.replace("__", ".")
