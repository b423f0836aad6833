"""What looks for a monitor, put together from its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.monitoring.conceiving import Conceiving
from engine.monitoring.drifting import Drifting
from engine.monitoring.expecting import Expectations
from engine.monitoring.model import Kind
from engine.monitoring.performing import Performing
from engine.monitoring.profiling import profiled
from engine.monitoring.quality import Quality
from engine.monitoring.references import References

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.monitoring.looking import Test
    from engine.monitoring.model import Subject
    from engine.monitoring.references import Baselines
    from engine.policy.monitors import MonitorSettings


class Kit:
    """What tests need of the rest of the engine.

    Args:
        baselines: Gives what knows the baselines of versions.
        folder: The workspace's directory, where globs begin.
        classes: A version's classes in the order of its probabilities; empty where they are not known.
    """

    def __init__(
        self, baselines: Callable[[], Baselines], folder: Path, classes: Callable[[Subject], tuple[Any, ...]]
    ) -> None:
        self._references = References(baselines, folder)
        self._performing = Performing(classes)
        self._conceiving = Conceiving(classes)

    @property
    def references(self) -> References:
        """What finds baselines."""
        return self._references

    def tests(self, settings: MonitorSettings) -> Mapping[Kind, Test]:
        """What looks, by kind.

        Args:
            settings: Of the monitor.
        """
        made: dict[Kind, Callable[[], Test]] = {
            Kind.QUALITY: lambda: Quality(Expectations(self._references)),
            Kind.DRIFT: lambda: Drifting(self._references, profiled),
            Kind.PERFORMANCE: lambda: self._performing,
            Kind.CONCEPT: lambda: self._conceiving,
        }
        return {kind: made[kind]() for kind in made if kind.value in settings.tests}
