"""How an endpoint stands: what is desired of it, what data planes serve, and what its callers get."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.core.errors import QuarterdeckError
from engine.core.frozen import frozen
from engine.deployment.rollout_model import Rollout
from engine.endpoints.model import Acknowledgement, Deployment, Endpoint, Share
from engine.telemetry.histogram import merged, percentile_us
from engine.telemetry.model import Traffic

if TYPE_CHECKING:
    from engine.api import Engine

SECONDS = 10
"""How far back rates and latencies look."""

TAKING = (Share.LIVE.value, Share.CANARY.value)
"""Shares whose answers callers get."""

DEGRADED, FAILING, ENOUGH = 0.01, 0.05, 5
"""Shares of failed requests from which an endpoint is not healthy, and how many make it fail."""

MOST = 1_000
"""Endpoints read at once."""


class Health(StrEnum):
    """How an endpoint does, in a word."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILING = "failing"
    UNACKNOWLEDGED = "unacknowledged"
    NOT_SERVED = "not served"
    KILLED = "killed"
    EMPTY = "empty"
    """Nothing was ever deployed to it."""


WELL = (Health.HEALTHY, Health.EMPTY)
"""What nobody need look at."""


@frozen
class Flow:
    """What callers of an endpoint got of late: live and canary together.

    Args:
        rps: Requests a second.
        requests: How many were looked at.
        errors: Of those, how many failed.
        p50_ms: Median latency, in milliseconds; `None` without requests.
        p95_ms: The 95th percentile.
        p99_ms: The 99th percentile.
    """

    rps: float = 0.0
    requests: int = 0
    errors: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None

    @property
    def error_rate(self) -> float:
        """Errors per request, 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0


@frozen
class Standing:
    """All that a list says of an endpoint.

    Args:
        endpoint: What is desired, deployed and acknowledged.
        traffic: How its deployments did in the last seconds.
        rollout: The rollout that is open; `None` when there is none.
        blind: Why its traffic could not be read; empty when it could.
    """

    endpoint: Endpoint
    traffic: tuple[Traffic, ...] = ()
    rollout: Rollout | None = None
    blind: str = ""

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self.endpoint.name

    @property
    def live(self) -> Deployment | None:
        """The deployment that takes the rest; `None` before the first."""
        return next((each for each in self.endpoint.deployments if each.share is Share.LIVE), None)

    @property
    def answering(self) -> tuple[Deployment, ...]:
        """The deployments whose answers callers get, the live one first."""
        return tuple(each for each in self.endpoint.deployments if each.weight)

    @property
    def candidate(self) -> Deployment | None:
        """What is on its way: the canary, else the shadow; `None` when there is neither."""
        found = [each for each in self.endpoint.deployments if each.share in (Share.CANARY, Share.SHADOW)]
        return min(found, key=lambda each: each.share is Share.SHADOW, default=None)

    @property
    def desired(self) -> int:
        """The number of the newest generation; 0 before the first."""
        return self.endpoint.desired.number if self.endpoint.desired is not None else 0

    @property
    def killed(self) -> bool:
        """Whether every request is refused."""
        return self.endpoint.desired is not None and self.endpoint.desired.killed

    @property
    def living(self) -> tuple[Acknowledgement, ...]:
        """What the data planes say that live."""
        return tuple(each for each in self.endpoint.acknowledgements if each.alive)

    @property
    def problem(self) -> str:
        """Why a living data plane could not take over the newest generation; empty when none says so."""
        if self.endpoint.settled:
            return ""
        return next((f"{each.plane}: {each.problem}" for each in self.living if each.problem), "")

    @property
    def flow(self) -> Flow:
        """What callers got of late."""
        taking = [each for each in self.traffic if each.share in TAKING]
        latency = merged(each.totals.latency for each in taking)
        told = {share: percentile_us(latency, share) for share in (50, 95, 99)}
        p50, p95, p99 = (None if each is None else each / 1000 for each in told.values())
        requests = sum(each.totals.requests for each in taking)
        errors = sum(each.totals.errors for each in taking)
        return Flow(sum(each.rps for each in taking), requests, errors, p50, p95, p99)

    @property
    def health(self) -> Health:
        """How it does: the worst that can be said of it."""
        if self.endpoint.desired is None or not self.endpoint.desired.routes:
            return Health.EMPTY
        if self.killed:
            return Health.KILLED
        if self.endpoint.observed is None:
            return Health.NOT_SERVED
        flow = self.flow
        if self.problem or (flow.errors >= ENOUGH and flow.error_rate >= FAILING):
            return Health.FAILING
        if not self.endpoint.settled:
            return Health.UNACKNOWLEDGED
        return Health.DEGRADED if flow.error_rate >= DEGRADED or self.blind else Health.HEALTHY

    def of(self, deployment: Deployment) -> Traffic | None:
        """How one deployment did in what it gets now; `None` when it answered nothing."""
        share = None if deployment.share is None else deployment.share.value
        return next((each for each in self.traffic if (each.deployment, each.share) == (deployment.id, share)), None)


def read_one(engine: Engine, name: str) -> Standing:
    """Read how one endpoint stands.

    Args:
        engine: The open workspace.
        name: The endpoint's name.

    Raises:
        NotFound: there is no such endpoint.
        QuarterdeckError: the workspace cannot be read.
    """
    endpoint = engine.endpoints.get(name)
    return _standing(engine, endpoint, engine.rollouts.open_of(name))


def read_all(engine: Engine) -> list[Standing]:
    """Read how all endpoints stand, by name.

    Args:
        engine: The open workspace.

    Raises:
        QuarterdeckError: the workspace cannot be read.
    """
    endpoints = engine.endpoints.page(limit=MOST).items
    if not endpoints:
        return []
    rollouts: Mapping[str, Rollout] = {
        each.endpoint: each for each in reversed(engine.rollouts.page(limit=MOST).items) if each.state.open
    }
    return [_standing(engine, each, rollouts.get(each.name)) for each in endpoints]


def _standing(engine: Engine, endpoint: Endpoint, rollout: Rollout | None) -> Standing:
    try:
        traffic = engine.telemetry.live(endpoint.row_id, seconds=SECONDS)
    except QuarterdeckError as error:  # what is routed is worth showing without what is measured
        return Standing(endpoint, (), rollout, error.message)
    return Standing(endpoint, traffic, rollout)
