"""What `quarterdeck.toml` says of rollouts: the steps to all of the traffic, and how much worse is tolerated."""

from __future__ import annotations

import re
from itertools import pairwise

from engine.core.errors import InvalidInput
from engine.core.frozen import frozen
from engine.core.percent import Permille
from engine.core.timetext import exact_duration, parse_duration

WHOLE = 1_000
"""All of the traffic, in steps of 0.1 %."""

MAX_STEPS = 20
"""Most steps of a plan, the last one included."""

_ARROW = re.compile(r"\s*(?:->|→|,)\s*")
_STEP = re.compile(r"(?:(shadow)|([0-9]{1,3}(?:\.[0-9])?)\s*%)(?:\s+(\S+))?", re.IGNORECASE)
_HINT = 'Write "shadow 10m -> 5% 10m -> 25% 10m -> 100%".'


@frozen
class RolloutStep:
    """One step of a plan.

    Args:
        weight: The share of the traffic, in 0.1 %; 0 for a shadow, `WHOLE` for the end.
        hold_ms: How long it lasts at least, in milliseconds; 0 for the end.
    """

    weight: Permille
    hold_ms: int

    @property
    def words(self) -> str:
        """The step as people write it, such as `5% 10m`."""
        share = "shadow" if self.weight == 0 else f"{self.weight / 10:g}%"
        return f"{share} {exact_duration(self.hold_ms)}" if self.hold_ms else share


@frozen
class RolloutPolicy:
    """How a version gets all of the traffic.

    Args:
        steps: The plan; the last step is all of the traffic.
        errors: How much higher its share of failed requests may be than that of the live version, 0 to 1.
        slow: How much higher its share of requests may be that are slower than 95 % of the live ones, 0 to 1.
        disagreement: The share of mirrored requests on which a shadow may answer differently, 0 to 1; 1 for any.
        score: How far a shadow's scores may lie from the live ones on average, 0 to 1; 1 for any.
        min_requests: How many of its own requests a verdict takes at least.
        false_alarm: The probability with which a rollout of an equal version may ever be rolled back, in (0, 0.5].
        doubt: The probability with which a step may pass that exceeds a tolerance, in (0, 0.5].
    """

    steps: tuple[RolloutStep, ...]
    errors: float = 0.01
    slow: float = 0.1
    disagreement: float = 1.0
    score: float = 1.0
    min_requests: int = 50
    false_alarm: float = 0.005
    doubt: float = 0.05

    @property
    def plan(self) -> str:
        """The plan as people write it."""
        return " → ".join(step.words for step in self.steps)


def parse_plan(text: str) -> tuple[RolloutStep, ...]:
    """Read a plan.

    Args:
        text: Steps with arrows or commas between, such as `shadow 10m -> 5% 10m -> 100%`.

    Returns:
        The steps; the weights grow, and the last one is all of the traffic.

    Raises:
        InvalidInput: it is no plan.
    """
    steps = tuple(_step(each) for each in _ARROW.split(text.strip()))
    if not 1 <= len(steps) <= MAX_STEPS:
        raise InvalidInput(f"A plan has 1 to {MAX_STEPS} steps.", hint=_HINT)
    if steps[-1].weight != WHOLE:
        raise InvalidInput("The last step of a plan is 100%.", hint=_HINT)
    if any(later.weight <= step.weight for step, later in pairwise(steps)):
        raise InvalidInput("The shares of a plan must grow from step to step.", hint=_HINT)
    return steps


def _step(text: str) -> RolloutStep:
    found = _STEP.fullmatch(text.strip())
    if found is None:
        raise InvalidInput("A step of a plan is a share and how long it lasts.", hint=_HINT)
    weight = 0 if found[1] else round(float(found[2]) * 10)
    if not found[1] and not 0 < weight <= WHOLE:
        raise InvalidInput("The share of a step is from 0.1% to 100%.", hint=_HINT)
    if weight == WHOLE:
        if found[3]:
            raise InvalidInput("The last step of a plan lasts for ever: it takes no time.", hint=_HINT)
        return RolloutStep(weight, 0)
    if not found[3]:
        raise InvalidInput("Every step of a plan but the last says how long it lasts.", hint=_HINT)
    hold_ms = parse_duration(found[3])
    if hold_ms <= 0:
        raise InvalidInput("A step lasts longer than nothing.", hint=_HINT)
    return RolloutStep(weight, hold_ms)
