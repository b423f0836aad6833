"""What looks for a monitor, put together from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.monitoring.model import Kind
from engine.monitoring.quality import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.monitoring.looking import Test
    from engine.monitoring.model import Subject
    from engine.monitoring.quality import Expected
    from engine.policy.monitors import MonitorSettings


@dataclass(frozen=True, slots=True)
class Kit:
    """What tests need of the rest of the engine.

    Args:
        expected: What a version's baseline knows of its columns.
    """

    expected: Callable[[Subject], Mapping[str, Expected]]

    def tests(self, settings: MonitorSettings) -> Mapping[Kind, Test]:
        """What looks, by kind.

        Args:
            settings: Of the monitor.
        """
        made: dict[Kind, Callable[[], Test]] = {Kind.QUALITY: lambda: Quality(self.expected)}
        return {kind: made[kind]() for kind in made if kind.value in settings.tests}
