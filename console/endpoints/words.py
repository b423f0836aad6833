"""How endpoints read: health, traffic, generations, rollouts; a word beside every colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.endpoints.standing import DEGRADED, FAILING, Health, Standing
from console.formats import NONE, duration, plural
from engine.deployment.rollout_model import Rollout, RolloutState
from engine.endpoints.model import WHOLE, Share, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.text import Part

HEALTH: dict[str, Part] = {
    Health.HEALTHY.value: ("✓ healthy", "good"),
    Health.DEGRADED.value: ("! degraded", "warn"),
    Health.FAILING.value: ("✗ failing", "bad"),
    Health.UNACKNOWLEDGED.value: ("? unacknowledged", "warn"),
    Health.NOT_SERVED.value: ("✗ not served", "bad"),
    Health.KILLED.value: ("■ KILLED", "loud"),
    Health.EMPTY.value: ("· empty", "dim"),
}
"""How an endpoint does; told apart by mark and word as well as by colour."""

DEPLOYED: dict[str, Part] = {
    State.PENDING.value: ("○ Pending", "warn"),
    State.WARMING.value: ("○ Warming", "warn"),
    State.SHADOW.value: ("◌ Shadow", "staging"),
    State.CANARY.value: ("◇ Canary", "series-2"),
    State.LIVE.value: ("◆ Live", "production"),
    State.STANDBY.value: ("· Standby", "dim"),
    State.DRAINING.value: ("↓ Draining", "warn"),
    State.RETIRED.value: ("· Retired", "dim"),
    State.ROLLED_BACK.value: ("✗ RolledBack", "bad"),
    State.PAUSED.value: ("! Paused", "warn"),
    State.FAILED.value: ("✗ Failed", "bad"),
}
"""Where a deployment stands."""

ROLLOUTS: dict[str, Part] = {
    RolloutState.RUNNING.value: ("● running", "running"),
    RolloutState.PAUSED.value: ("! paused", "warn"),
    RolloutState.PASSED.value: ("✓ passed", "good"),
    RolloutState.FAILED.value: ("✗ failed", "bad"),
    RolloutState.ABORTED.value: ("■ aborted", "warn"),
}
"""How a rollout stands."""

EXTERNAL: dict[str, Part] = {
    "Healthy": ("✓ healthy", "good"),
    "Degraded": ("! degraded", "warn"),
    "Failing": ("✗ failing", "bad"),
    "Unknown": ("? unknown", "warn"),
}
"""How an endpoint does that somebody else serves."""

MARKS = "█▒░▓"
"""What the bar of the live version and those of canaries are drawn with."""

BAR_LOOKS = ("production", "series-2", "series-1", "series-4")


def percent(weight: int) -> str:
    """A share in 0.1 % as people read it: `12.5 %`, `5 %`."""
    return f"{weight / 10:g} %"


def rate(value: float) -> str:
    """Requests a second, such as `0`, `3.2` or `1,240`."""
    return f"{value:.1f}" if 0 < value < 10 else f"{value:,.0f}"


def milliseconds(value: float | None) -> str:
    """A latency in three digits, such as `0.25`, `12.4` or `1,250`; a dash when there is none."""
    if value is None:
        return NONE
    if value < 0.1:
        return f"{value:.3f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def errors(share: float, requests: int) -> Part:
    """A share of failed requests in per cent, with its colour; a dash when there were no requests."""
    if not requests:
        return (NONE, "dim")
    look = "bad" if share >= FAILING else "warn" if share >= DEGRADED else "" if share else "dim"
    shown = share * 100
    return ("0" if not share else f"{max(shown, 0.01):.2f}" if shown < 1 else f"{shown:.1f}", look)


def bar_cells(weights: Sequence[int], width: int) -> list[int]:
    """How many cells each share of a bar takes: none of those that get something is left without.

    Args:
        weights: In 0.1 %, the live one's first; they sum to `WHOLE`.
        width: Cells of the bar, at least as many as shares.
    """
    cells = [max(1, round(weight * width / WHOLE)) if weight else 0 for weight in weights]
    if cells:
        cells[cells.index(max(cells))] += width - sum(cells)
    return cells


def traffic_bar(shares: Sequence[tuple[str, int]], width: int) -> list[Part]:
    """Who answers, as a bar in the looks of the shares.

    Args:
        shares: Names with their shares in 0.1 %, the live one first.
        width: Cells of the bar.

    Returns:
        Pieces of `width` cells together.
    """
    cells = bar_cells([weight for _, weight in shares], width)
    if not cells:
        return [("·" * width, "dim")]
    return [
        (MARKS[min(place, len(MARKS) - 1)] * count, BAR_LOOKS[min(place, len(BAR_LOOKS) - 1)])
        for place, count in enumerate(cells)
    ]


def shares_of(standing: Standing) -> list[tuple[str, int]]:
    """The versions that answer callers, with their shares in 0.1 %, the live one first."""
    return [(str(each.version), each.weight) for each in standing.answering]


def traffic_words(standing: Standing, width: int = 10) -> str:
    """Who answers, in one cell: a bar, then versions and shares, then the shadows."""
    if standing.killed:
        return "every request is refused"
    shares = shares_of(standing)
    bar = "".join(text for text, _ in traffic_bar(shares, width))
    said = " · ".join(f"{name} {percent(weight)}" for name, weight in shares)
    shadows = [str(each.version) for each in standing.endpoint.deployments if each.share is Share.SHADOW]
    return f"{bar} {said or 'nothing'}" + (f"  shadow {', '.join(shadows)}" if shadows else "")


def generation(standing: Standing) -> Part:
    """What is desired and what is observed: `12`, or `12/11` when they differ."""
    desired, observed = standing.desired, standing.endpoint.observed
    if not desired:
        return (NONE, "dim")
    if observed == desired:
        return (str(desired), "dim")
    return (f"{desired}/{NONE if observed is None else observed}", "warn" if observed is not None else "bad")


def served(standing: Standing) -> str:
    """How many data planes serve the newest generation, such as `served by 1 of 2 data planes`."""
    living = standing.living
    if not living:
        return "no data plane runs"
    there = sum(each.generation >= standing.desired for each in living)
    return f"served by {there} of {plural(len(living), 'data plane')}"


def left_ms(rollout: Rollout, now_ms: int) -> int | None:
    """How long the step of a rollout still lasts, in milliseconds; `None` while it does not run."""
    if rollout.state is not RolloutState.RUNNING or rollout.step_since_ms is None:
        return None
    return max(rollout.step_since_ms + rollout.current.hold_ms - now_ms, 0)


def rollout_step(rollout: Rollout | None, now_ms: int) -> Part:
    """Where a rollout is, in one cell: `2/4 5% 3m 10s left`; a dash when there is none."""
    if rollout is None:
        return (NONE, "dim")
    steps = len(rollout.policy.steps)
    share = "shadow" if rollout.current.weight == 0 else percent(rollout.current.weight)
    where = f"{rollout.step + 1}/{steps} {share}"
    if rollout.state is RolloutState.PAUSED:
        return (f"{where} PAUSED", "warn")
    left = left_ms(rollout, now_ms)
    return (f"{where} {'begins' if left is None else duration(left)}", "running")
