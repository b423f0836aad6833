"""Reports of data planes that go all the way through the spool into the database."""

from __future__ import annotations

from collections.abc import Iterable

from engine.api import Engine
from engine.telemetry.model import CapturedPrediction, WindowDelta
from engine.telemetry.service import Telemetry
from engine.telemetry.spool import Spool
from tests.engine.telemetry.traffic import store_all, telemetry_database


class Desk:
    """What tests do to a workspace's telemetry."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def telemetry(self) -> Telemetry:
        return self.engine.telemetry

    def report(
        self, windows: Iterable[WindowDelta] = (), predictions: Iterable[CapturedPrediction] = (), plane: str = "plane"
    ) -> None:
        """Have a data plane report, and end, and have it stored."""
        spool = Spool(self.engine.workspace.spool, plane, flush_s=0.001)
        for each in predictions:
            spool.put_prediction(each)
        for delta in windows:
            spool.put_window(delta)
        spool.close()
        database = telemetry_database(self.engine.workspace.telemetry_db)
        store_all(database, self.engine.workspace.spool)
        database.close()
