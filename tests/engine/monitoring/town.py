"""A workspace with an endpoint whose data planes report what tests say they were asked, and monitors that look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.migrations import TELEMETRY
from engine.monitoring.model import ResultQuery
from engine.telemetry.intake import Intake
from engine.telemetry.model import CapturedPrediction, Label, Origin
from engine.telemetry.spool import Spool
from tests.engine.endpoints.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from engine.api import Engine
    from engine.monitoring.model import MonitorResult
    from engine.monitoring.service import Monitors

MINUTE_MS = 60_000


class Town(Desk):
    """An endpoint `churn` with version 1 live, asked by tests."""

    def __init__(self, path: Path, policy: str = "") -> None:
        super().__init__(path, policy)
        self.row_id = self.endpoint(2).row_id
        self._asked = 0
        self.clock.advance(-self.clock.now_ms() % (60 * MINUTE_MS))  # the beginning of an hour

    @property
    def monitors(self) -> Monitors:
        """Monitors as an operator uses them."""
        return self.operator.monitors

    @property
    def operator(self) -> Engine:
        """The workspace as `bob` uses it."""
        return self.engine("bob")

    def origin(self, columns: Sequence[str], version: int = 1, share: str = "live") -> Origin:
        """Who answered."""
        return Origin(self.row_id, version, 1, share, "churn", version, tuple(columns))

    def asked(
        self,
        rows: Iterable[Mapping[str, Any]],
        *,
        times: Sequence[int] | None = None,
        answers: Sequence[Any] | None = None,
        chances: Sequence[float] | None = None,
        version: int = 1,
        share: str = "live",
    ) -> list[str]:
        """Have the endpoint be asked, a request a row, and have it stored; returns the requests' ids."""
        spool = Spool(self.workspace.spool, f"plane-{self._asked}", flush_s=0.001)
        ids = []
        for place, row in enumerate(rows):
            self._asked += 1
            ids.append(f"r-{self._asked}")
            outputs: dict[str, Any] = {}
            if answers is not None:
                outputs["predict"] = [answers[place]]
            if chances is not None:
                outputs["predict_proba"] = [[1 - chances[place], chances[place]]]
            spool.put_prediction(
                CapturedPrediction(
                    origin=self.origin(tuple(row), version, share),
                    request_id=ids[-1],
                    time_ms=self.clock.now_ms() if times is None else times[place],
                    latency_us=250,
                    status=200,
                    inputs=json.dumps([list(row.values())]).encode(),
                    outputs=json.dumps(outputs).encode(),
                )
            )
        spool.close()
        self.store()
        return ids

    def store(self) -> None:
        """Be the capture writer until nothing waits."""
        database = Database(self.workspace.telemetry_db, schema=TELEMETRY, durability=Durability.RELAXED)
        intake = Intake(database, self.workspace.spool)
        while intake.run():
            pass
        database.close()

    def labelled(self, ids: Sequence[str], truths: Sequence[Any]) -> None:
        """Say what turned out to be true, now."""
        rows = [Label(request_id, truth) for request_id, truth in zip(ids, truths, strict=True)]
        self.operator.telemetry.label(rows)

    def minute(self, rows: Sequence[Mapping[str, Any]], **options: Any) -> list[str]:
        """Have rows be asked evenly over the minute that begins now, and let it pass."""
        now_ms = self.clock.now_ms()
        times = [now_ms + place * MINUTE_MS // max(1, len(rows)) for place in range(len(rows))]
        ids = self.asked(rows, times=times, **options)
        self.clock.advance(MINUTE_MS)
        return ids

    def watch(self, name: str = "watch", **settings: Any) -> None:
        """Make a monitor of the endpoint with windows of a minute."""
        given = {"target": "endpoint churn", "window": "1m", "lateness": "0s", "tests": ["quality"]}
        self.monitors.create(name, given | settings)

    def run(self, name: str = "watch") -> tuple[MonitorResult, ...]:
        """Have a monitor look."""
        return self.monitors.run(name)

    def results(self, **query: Any) -> list[MonitorResult]:
        """All results, the oldest first."""
        return list(reversed(self.monitors.results(ResultQuery(limit=1_000, **query)).items))
