"""What the operator chose of the charts, and how zooming and panning change it: pure rules."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console.widgets.charts.series import Look
from engine.core.plotting.labels import compact, duration, time_of_day

if TYPE_CHECKING:
    from console.widgets.charts.series import Mode, XKind

Window = tuple[float, float]
"""First and last x, in the units of the axis: steps, seconds, or whatever another metric counts."""

FACTORS = (0.0, 0.6, 0.9, 0.99)
"""Of smoothing, in the order the key goes through them."""

CLIP = (0.01, 0.99)
"""Shares of the points between which a clipped chart lies."""

MODES: tuple[Mode, ...] = ("lines", "heat-map", "histogram", "bars")
KINDS: dict[str, XKind] = {"step": "step", "elapsed": "time", "time": "clock"}
"""What the axis counts, by what is asked of the engine; any other metric is a value."""

ABOUT_X = {"step": "training steps", "elapsed": "time since each run began", "time": "time of day, UTC"}
MILLISECONDS = 1000.0
_LEAST_SHARE = 1e-12


@dataclass(frozen=True, slots=True)
class Settings:
    """How charts are shown.

    Args:
        x: What the engine is asked to read along: `step`, `elapsed`, `time` or `metrics.NAME`.
        window: The part of x shown; `None` for all of it, new points included.
        log_x: Whether x is logarithmic.
        log_y: Whether y is.
        smoothing: Factor of the moving average; 0 for none.
        clip: Whether outliers stand on the edge.
        shape: Rows and columns of charts on a page; `None` for what the screen has room for.
        mode: How series are drawn.
        group: The parameter or tag that runs are put together by, as `params.NAME` or `tags.NAME`; empty for none.
    """

    x: str = "step"
    window: Window | None = None
    log_x: bool = False
    log_y: bool = False
    smoothing: float = 0.0
    clip: bool = False
    shape: tuple[int, int] | None = None
    mode: Mode = "lines"
    group: str = ""

    @property
    def kind(self) -> XKind:
        """What the axis counts."""
        return KINDS.get(self.x, "value")

    @property
    def scale(self) -> float:
        """Units of the engine in one of the axis."""
        return MILLISECONDS if self.x in ("elapsed", "time") else 1.0

    @property
    def look(self) -> Look:
        """The same for the charts."""
        return Look(self.kind, self.log_x, self.log_y, self.window, self.mode)

    @property
    def as_read(self) -> Settings:
        """What of this decides what is read."""
        counted: Mode = "histogram" if self.mode == "histogram" else "lines"
        return Settings(self.x, self.window, self.log_x, shape=self.shape, mode=counted)

    def along(self, x: str) -> Settings:
        """The same along another x; a window of one means nothing to another."""
        return self if x == self.x else replace(self, x=x, window=None)

    def smoother(self) -> Settings:
        """With the next factor of smoothing; after the last there is none."""
        place = FACTORS.index(self.smoothing) if self.smoothing in FACTORS else -1
        return replace(self, smoothing=FACTORS[(place + 1) % len(FACTORS)])

    def next_mode(self) -> Settings:
        """Drawn in the next way."""
        return replace(self, mode=MODES[(MODES.index(self.mode) + 1) % len(MODES)])

    def reshaped(self, now: tuple[int, int], rows: int, columns: int) -> Settings:
        """With more or fewer charts on a page than there are now; one at least."""
        return replace(self, shape=(max(now[0] + rows, 1), max(now[1] + columns, 1)))

    def zoomed(self, whole: Window, at: float | None, factor: float) -> Settings:
        """A closer or wider look.

        Args:
            whole: The first and last x that there are.
            at: The x that stays where it is; the middle when `None`.
            factor: How many times closer, above 0; below 1 for wider.

        Returns:
            The settings with the new window; with none when it would hold everything.
        """
        whole = self.drawable(whole)
        low, high = (self._place(each) for each in self.window or whole)
        least, most = (self._place(each) for each in whole)
        middle = (low + high) / 2 if at is None else min(max(self._place(at), low), high)
        low, high = middle - (middle - low) / factor, middle + (high - middle) / factor
        if high - low >= most - least:
            return replace(self, window=None)
        if high - low <= max((most - least) * _LEAST_SHARE, math.ulp(most) * 8):
            return self
        return replace(self, window=self._inside((low, high), (least, most)))

    def panned(self, whole: Window, share: float) -> Settings:
        """A look to the side, as far as there is anything.

        Args:
            whole: The first and last x that there are.
            share: How far, as a share of the window; to the right when positive.

        Returns:
            The settings with the window moved; the same when all is shown.
        """
        if self.window is None:
            return self
        low, high = (self._place(each) for each in self.window)
        step = (high - low) * share
        whole = self.drawable(whole)
        bounds = (self._place(whole[0]), self._place(whole[1]))
        return replace(self, window=self._inside((low + step, high + step), bounds))

    def drawable(self, whole: Window) -> Window:
        """What of x the axis has a place for: a logarithmic one begins with the first step, or millisecond."""
        if not self.log_x or whole[0] > 0 or whole[1] <= 0:
            return whole
        first = whole[1] * 1e-6 if self.kind == "value" else 1.0 / self.scale
        return min(first, whole[1]), whole[1]

    def _inside(self, window: Window, bounds: Window) -> Window:
        """A window moved between bounds, of the same width, in the units of the axis."""
        width = window[1] - window[0]
        low = max(min(window[0], bounds[1] - width), bounds[0])
        return self._value(low), self._value(low + width)

    def _place(self, x: float) -> float:
        """Where an x stands along the axis."""
        return math.log10(max(x, math.ulp(0.0))) if self.log_x else x

    def _value(self, place: float) -> float:
        return 10.0**place if self.log_x else place

    def words(self) -> list[str]:
        """Everything that is not as usual, each in a few words; what a chart hides is always said."""
        found = [f"x {self.x}"] if self.x != "step" else []
        if self.window is not None:
            found.append(f"from {self.said(self.window[0])} to {self.said(self.window[1])}")
        found += [f"log {axis}" for axis, log in (("x", self.log_x), ("y", self.log_y)) if log]
        if self.smoothing:
            found.append(f"smoothed {self.smoothing:g}")
        if self.clip:
            found.append(f"clipped to {CLIP[0]:.0%}..{CLIP[1]:.0%}")
        if self.group:
            found.append(f"mean and range by {self.group}")
        if self.mode != "lines":
            found.append(self.mode)
        return found

    def said(self, x: float) -> str:
        """An x as people read it."""
        if self.kind == "clock":
            return time_of_day(x)
        if self.kind == "step":
            return f"{x:,.0f}"
        return duration(x) if self.kind == "time" else compact(x, 6)


def matching(keys: list[str], text: str) -> list[str]:
    """The metrics that a filter leaves.

    Args:
        keys: In their order.
        text: Words that all must occur, in any case; none of those behind a `!` or `-`.

    Returns:
        Those that fit.
    """
    words = text.casefold().split()
    wanted = [word for word in words if word[0] not in "!-"]
    unwanted = [word[1:] for word in words if word[0] in "!-" and len(word) > 1]
    return [
        key
        for key in keys
        if all(word in key.casefold() for word in wanted) and not any(word in key.casefold() for word in unwanted)
    ]
