"""Rollouts as values: a version on its way to all of an endpoint's traffic."""

from __future__ import annotations

from enum import StrEnum

from engine.core.frozen import frozen
from engine.deployment.analysis import Evidence, Verdict
from engine.endpoints.model import WHOLE, Route, Share
from engine.policy.rollout import RolloutPolicy, RolloutStep
from engine.registry.approval_model import Person


class RolloutState(StrEnum):
    """How a rollout stands."""

    RUNNING = "running"
    PAUSED = "paused"
    """It waits for a human; the traffic stays as it is."""
    PASSED = "passed"
    FAILED = "failed"
    ABORTED = "aborted"

    @property
    def open(self) -> bool:
        """Whether it may still go on."""
        return self in (RolloutState.RUNNING, RolloutState.PAUSED)


@frozen
class Rollout:
    """A version on its way to all of an endpoint's traffic.

    Args:
        id: Its number.
        endpoint: The endpoint's name.
        model: The model's name.
        version: The version that is rolled out.
        candidate: Its deployment.
        live: The deployment it is compared with.
        live_version: That deployment's version.
        policy: The plan and the tolerances, as they were when it began.
        promotes: Whether its end also moves the version to Production.
        state: How it stands.
        step: Which step of the plan it is in, from 0.
        generation: The generation it made last; another one means that somebody else has changed the routes.
        step_since_ms: Since when every data plane has served the step, in milliseconds since the epoch; `None` until
            they do.
        evidence: What it has seen.
        note: Why it waits or ended, as a sentence; empty while it runs.
        reason: Why it was begun, in the operator's words.
        by: Who began it.
        created_ms: When, in milliseconds since the epoch.
        updated_ms: When it last changed, in milliseconds since the epoch.
        ended_ms: When it ended, in milliseconds since the epoch; `None` while it is open.
    """

    id: int
    endpoint: str
    model: str
    version: int
    candidate: int
    live: int
    live_version: int
    policy: RolloutPolicy
    promotes: bool
    state: RolloutState
    step: int
    generation: int
    step_since_ms: int | None
    evidence: Evidence
    note: str
    reason: str
    by: Person
    created_ms: int
    updated_ms: int
    ended_ms: int | None

    @property
    def current(self) -> RolloutStep:
        """The step it is in."""
        return self.policy.steps[self.step]

    @property
    def following(self) -> RolloutStep:
        """The step after that; the last one has none after it, but a rollout in it has ended."""
        return self.policy.steps[self.step + 1]


@frozen
class StepVerdict:
    """What was decided about a step.

    Args:
        id: Its number.
        rollout: The rollout's number.
        step: Which step, from 0.
        verdict: What was decided.
        sentence: Why.
        evidence: The numbers it rests on.
        time_ms: When, in milliseconds since the epoch.
    """

    id: int
    rollout: int
    step: int
    verdict: Verdict
    sentence: str
    evidence: Evidence
    time_ms: int


def routes_of_step(routes: tuple[Route, ...], candidate: int, step: RolloutStep) -> tuple[Route, ...]:
    """The routes of an endpoint with the candidate's share of a step.

    Args:
        routes: As they are.
        candidate: The deployment that is rolled out.
        step: The step.

    Returns:
        The same routes but for the candidate's; for the last step it is the live one, and the one that was stays warm.
    """
    others = tuple(route for route in routes if route.deployment != candidate)
    if step.weight == WHOLE:
        rest = tuple(
            Route(route.deployment, Share.STANDBY) if route.share in (Share.LIVE, Share.CANARY) else route
            for route in others
        )
        return (Route(candidate, Share.LIVE), *rest)
    own = Route(candidate, Share.CANARY, step.weight) if step.weight else Route(candidate, Share.SHADOW)
    return (*others, own)


def routes_without(routes: tuple[Route, ...], candidate: int) -> tuple[Route, ...]:
    """The routes of an endpoint with a candidate that gets nothing any more but stays loaded for inspection.

    Args:
        routes: As they are.
        candidate: The deployment that is given up.
    """
    return tuple(Route(candidate, Share.STANDBY) if route.deployment == candidate else route for route in routes)
