"""Facts whose trials say what a test has them say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.endpoints.model import Build
from engine.gates.trial_model import Load, Measured, Replayed, ScannedFile, Timing, Trials, Weight
from engine.runtimes.model import Field, Interface, ParityCheck, ParityReport, RuntimeKind
from tests.engine.gates.builders import DIGEST, make_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.gates.model import Facts

WEIGHT = Weight("onnx-twin", 2_000, 100.0, 12.0, 50_000_000, 10_000_000, 60_000_000)
TIMING = Timing(7, 1_000, 100.0, 200.0, 400.0, 900.0, (200.0,) * 7, {20: 1_000}, WEIGHT)
MEASURED = Measured(TIMING, replace(TIMING, version=6), 1.0, "captured rows", "2 cores of a test")
REPLAYED = Replayed((6,), ("churn",), 100, 0, {}, 100, 0)
INTERFACE = Interface((Field("x", "float64"),), (Field("predict", "float64"),))


@dataclass
class ToldTrials:
    """Says what it was made with, and counts nothing."""

    built: Build | None = None
    allowed: bool = False
    latency: Measured = MEASURED
    loaded: Weight = WEIGHT
    files: Sequence[ScannedFile] = ()
    asked: Replayed = REPLAYED

    def build(self) -> Build:
        """What was told."""
        assert self.built is not None
        return self.built

    def pickle_allowed(self) -> bool:
        """What was told."""
        return self.allowed

    def measured(self, load: Load) -> Measured:
        """What was told, without the live version where nobody asks for it."""
        return self.latency if load.compare else replace(self.latency, live=None, ratio=None)

    def weight(self) -> Weight:
        """What was told."""
        return self.loaded

    def scanned(self, most_bytes: int) -> Sequence[ScannedFile]:
        """What was told."""
        assert most_bytes > 0
        return self.files

    def replayed(self, rows: int) -> Replayed:
        """What was told."""
        assert rows > 0
        return self.asked


def facts(**told: Any) -> Facts:
    """Facts about a version whose trials say what is told."""
    trials: Trials = ToldTrials(**told)
    return make_facts(trials=trials)


def make_build(kind: RuntimeKind, *reports: ParityReport) -> Build:
    """A build with these reports; with one accepted one where there are none."""
    kept = reports or (report(kind, 1e-9),)
    return Build(DIGEST, kind, INTERFACE, "f" * 64, "folded", kept, 1_000, 0)


def report(kind: RuntimeKind, difference: float, *, accepted: bool = True, reason: str = "") -> ParityReport:
    """A report of 100 training rows."""
    return ParityReport(kind, accepted, 1e-5, (ParityCheck("training", 100, 0, difference),), reason)
