"""Two histograms over each other, as a few hundred bytes of SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.drift.model import Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.drift.model import Bin

WIDTH = 240
HEIGHT = 60
"""Size of a drawing, in its own units."""

_MOST_BARS = 24


def overlaid(shape: Histogram | None, bins: Sequence[Bin]) -> str:
    """Draw both shapes: the reference filled, the current data as a line over it.

    Args:
        shape: The shapes of numbers; without, the bins are drawn instead.
        bins: The bins that were compared.

    Returns:
        An SVG element, or nothing where there is nothing to draw. It holds no text of others.
    """
    sides = (shape.reference, shape.current) if shape is not None else _shares(bins)
    highest = max((max(side, default=0.0) for side in sides), default=0.0)
    if highest <= 0:
        return ""
    reference, current = (_steps(side, highest) for side in sides)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 2}" role="img" aria-label="reference and current">'
        f'<path class="r" d="{reference}z"/><path class="c" d="{current}"/></svg>'
    )


def _shares(bins: Sequence[Bin]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    shown = bins[:_MOST_BARS]
    reference, current = sum(each.reference for each in bins) or 1, sum(each.current for each in bins) or 1
    return tuple(each.reference / reference for each in shown), tuple(each.current / current for each in shown)


def _steps(shares: Sequence[float], highest: float) -> str:
    """An outline in steps, from the ground to the ground; whole numbers only, which are short."""
    wide = WIDTH / max(len(shares), 1)
    parts = [f"M0 {HEIGHT}"]
    for place, share in enumerate(shares):
        parts.append(f"V{round(HEIGHT * (1 - share / highest)) + 1}H{round((place + 1) * wide)}")
    return "".join(parts) + f"V{HEIGHT}"
