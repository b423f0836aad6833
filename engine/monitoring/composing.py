"""What looks for a monitor, put together from its settings; loaded when something looks, not to list monitors."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.monitoring.looking import Test
    from engine.monitoring.model import Kind, Subject
    from engine.monitoring.references import Baselines, References
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
        self._baselines = baselines
        self._folder = folder
        self._classes = classes

    @cached_property
    def references(self) -> References:
        """What finds baselines."""
        from engine.monitoring.references import References

        return References(self._baselines, self._folder)

    @cached_property
    def _labelled(self) -> Mapping[Kind, Test]:
        """What goes by labels, and keeps what it has read of versions."""
        from engine.monitoring.conceiving import Conceiving
        from engine.monitoring.model import Kind
        from engine.monitoring.performing import Performing

        return {Kind.PERFORMANCE: Performing(self._classes), Kind.CONCEPT: Conceiving(self._classes)}

    def tests(self, settings: MonitorSettings) -> Mapping[Kind, Test]:
        """What looks, by kind.

        Args:
            settings: Of the monitor.
        """
        from engine.monitoring.drifting import Drifting
        from engine.monitoring.expecting import Expectations
        from engine.monitoring.model import Kind
        from engine.monitoring.profiling import profiled
        from engine.monitoring.quality import Quality

        made: dict[Kind, Callable[[], Test]] = {
            Kind.QUALITY: lambda: Quality(Expectations(self.references)),
            Kind.DRIFT: lambda: Drifting(self.references, profiled),
            Kind.PERFORMANCE: lambda: self._labelled[Kind.PERFORMANCE],
            Kind.CONCEPT: lambda: self._labelled[Kind.CONCEPT],
        }
        return {kind: made[kind]() for kind in made if kind.value in settings.tests}
