"""Several measures held against several limits: one answer, in which the limit that decides is the one shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.core.timetext import format_latency
from engine.gates.model import GateResult, Status, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Limit(NamedTuple):
    """One measure and the most it may be.

    Args:
        what: What was measured, such as `p95`.
        value: What was found, in `unit`.
        most: The most that passes, in `unit`; that itself passes.
        unit: What both count.
    """

    what: str
    value: float
    most: float
    unit: Unit

    @property
    def kept(self) -> bool:
        """Whether it passes; what is no number does not."""
        return self.value <= self.most

    @property
    def words(self) -> str:
        """Such as `p95 of 3.2 ms is within 5 ms`."""
        verb = "is within" if self.kept else "is over"
        return f"{self.what} of {shown(self.value, self.unit)} {verb} {shown(self.most, self.unit)}"


def judge(
    gate: str, subject: str, limits: Sequence[Limit], evidence: Mapping[str, object], note: str = ""
) -> GateResult:
    """One answer for all limits.

    Args:
        gate: The gate's name.
        subject: What it looked at; may be empty.
        limits: At least one; of those that are broken the first is shown, else the first of all.
        evidence: Everything that was found.
        note: A further sentence; may be empty.

    Returns:
        The answer; it passes when every limit is kept.
    """
    broken = [each for each in limits if not each.kept]
    told = broken[0] if broken else limits[0]
    sentences = "; ".join(each.words for each in broken or limits)
    return GateResult(
        gate,
        Status.FAIL if broken else Status.PASS,
        f"{sentences[0].upper()}{sentences[1:]}. {note}".rstrip(),
        subject=subject,
        value=told.value,
        threshold=told.most,
        margin=told.most - told.value,
        unit=told.unit,
        evidence=evidence,
    )


def shown(value: float, unit: Unit) -> str:
    """A number in words, such as `3.2 ms`, `45 us` or `120 MB`; a plain one with three digits.

    Args:
        value: In `unit`.
        unit: What it counts.
    """
    match unit:
        case Unit.BYTES:
            return _size(value)
        case Unit.MICROSECONDS:
            return format_latency(value)
        case Unit.MILLISECONDS:
            return format_latency(1_000 * value)
        case Unit.NUMBER:
            return f"{value:.3g}"


def _size(value: float) -> str:
    for scale, word in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if abs(value) >= scale:
            return f"{value / scale:.3g} {word}"
    return f"{value:.0f} bytes"
