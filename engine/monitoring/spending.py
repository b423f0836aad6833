"""Which windows page: the budget of false pages is spread over all windows to come, and online discoveries go on top.

A window pages when its p-value is at or below the level that the budget leaves each window, so that as many false pages
as are bearable are expected whatever number of windows is looked at; or when it is a discovery by LORD, which keeps the
share of false ones among all discoveries at 5 % and finds a drift that lasts sooner. Windows that overlap share rows:
then LORD's promise holds only roughly, the budget's in full.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engine.core.timetext import DAY_MS

if TYPE_CHECKING:
    from engine.monitoring.looking import Look
    from engine.monitoring.memory import Memory
    from engine.policy.monitors import MonitorSettings

FALSE_SHARE = 0.05
"""The share of false discoveries among all that LORD makes."""

_STREAMS = {"drift": 1, "performance": 2}
"""How many streams of p-values a test has; performance is watched as estimated and as realised."""


@dataclass(frozen=True, slots=True)
class Spent:
    """How a window's p-value was held against the budget.

    Args:
        p: The p-value, in [0, 1].
        level: What the budget leaves each window.
        threshold: What LORD gave this window.
        discovery: Whether it is a discovery by LORD.
        budget: The budget in words.
    """

    p: float
    level: float
    threshold: float
    discovery: bool
    budget: str

    @property
    def pages(self) -> bool:
        """Whether it may page."""
        return self.discovery or self.p <= self.level

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {**asdict(self), "pages": self.pages}


def spend(look: Look, memory: Memory, stream: str, p: float) -> Spent:
    """Hold a window's p-value against the budget; each window once, in order.

    Args:
        look: The window.
        memory: Holds what was spent.
        stream: What is tested, such as `drift`.
        p: The p-value, in [0, 1].

    Returns:
        Whether it may page, and by how much.
    """
    from engine.stats.lord import Lord

    part = f"spent {stream} {look.part}"
    kept = memory.said(part, None)
    before = Lord(FALSE_SHARE) if kept is None else Lord.from_json(kept)
    after, discovery, threshold = before.step(p)
    memory.say(part, after.to_json())
    return Spent(p, window_level(look.settings, length_ms(look)), threshold, discovery, str(look.settings.budget))


def window_level(settings: MonitorSettings, length_ms: int) -> float:
    """What the budget leaves each window of each test that pages.

    Args:
        settings: Of the monitor.
        length_ms: How far one window begins after the other, in milliseconds.
    """
    from engine.stats.budget import level

    tests = sum(_STREAMS.get(each, 0) for each in settings.tests) or 1
    days = settings.budget.period_ms / DAY_MS
    overlap = settings.step != settings.window
    return level(
        settings.budget.pages / tests,
        days,
        DAY_MS / max(1, length_ms),
        raise_k=1 if overlap else settings.raise_k,
        raise_m=1 if overlap else settings.raise_m,
    )


def length_ms(look: Look) -> int:
    """How far one window begins after the other, in milliseconds; of windows of rows, as this one took."""
    if look.settings.step.ms:
        return look.settings.step.ms
    window, settings = look.window, look.settings
    share = settings.step.rows / settings.window.rows if settings.window.rows else 1.0
    return max(1, int((window.end_ms - window.start_ms) * share))
