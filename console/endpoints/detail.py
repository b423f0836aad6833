"""All that the screen of one endpoint shows, read off the screen's thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from console.endpoints.standing import Standing, read_one
from engine.core.errors import QuarterdeckError
from engine.deployment.rollout_model import Rollout, StepVerdict
from engine.endpoints.model import Build, Deployment, Generation, Plane, Share
from engine.telemetry.histogram import LatencyCounts, merged
from engine.telemetry.model import CaptureCount, Prediction, PredictionQuery, Totals, Window

if TYPE_CHECKING:
    from engine.api import Engine

CURVE_SECONDS = 60
"""What sparklines and the histogram look back on."""

SHADOW_MS = 3 * 3_600_000
"""What the comparison of a shadow looks back on: minutes, which are few."""

PAST, FAILED, VERDICTS = 12, 3, 6
"""Most generations, failed requests and verdicts that are shown."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was reported of late.

    Args:
        series: The last minute, second by second.
        counts: What became of the requests sampled for capture.
        shadows: What shadows did in the last hours, by deployment.
        failed: Captured requests that failed, the newest first.
        writer: What the capture writer complains of; empty when it does not.
    """

    series: tuple[Window, ...] = ()
    counts: tuple[CaptureCount, ...] = ()
    shadows: Mapping[int, Totals] = field(default_factory=dict)
    failed: tuple[Prediction, ...] = ()
    writer: str = ""

    def curve(self, deployment: Deployment, now_ms: int) -> list[float]:
        """Requests of each of the last seconds, the one that is not over yet left out."""
        share = None if deployment.share is None else deployment.share.value
        mine = {
            each.start_ms // 1000: each.totals.requests
            for each in self.series
            if (each.deployment, each.share) == (deployment.id, share)
        }
        now_s = now_ms // 1000
        return [float(mine.get(second, 0)) for second in range(now_s - CURVE_SECONDS, now_s)]

    def latency(self, deployment: Deployment) -> LatencyCounts:
        """Requests of the last minute by bucket of their latency."""
        share = None if deployment.share is None else deployment.share.value
        found = (each for each in self.series if (each.deployment, each.share) == (deployment.id, share))
        return merged(each.totals.latency for each in found)


@dataclass(frozen=True, slots=True)
class Detail:
    """One endpoint.

    Args:
        standing: How it stands.
        measured: What was reported of late.
        history: Its newest generations, the newest first.
        rollout: The newest rollout, open or not; `None` when there was none.
        verdicts: What was decided about its steps, the newest first.
        planes: The data planes that live, of this endpoint.
        builds: What each routed version was made ready as, by the version's digest.
        versions: Version numbers by deployment, of all that was ever deployed.
    """

    standing: Standing
    measured: Measured
    history: tuple[Generation, ...]
    rollout: Rollout | None
    verdicts: tuple[StepVerdict, ...]
    planes: tuple[Plane, ...]
    builds: Mapping[str, Build]
    versions: Mapping[int, int]


def read_detail(engine: Engine, name: str) -> Detail:
    """Read all of it.

    Args:
        engine: The open workspace.
        name: The endpoint's name.

    Raises:
        NotFound: there is no such endpoint.
        QuarterdeckError: the workspace cannot be read.
    """
    standing = read_one(engine, name)
    endpoints, rollouts = engine.endpoints, engine.rollouts
    rollout = standing.rollout or next(iter(rollouts.page(name, limit=1).items), None)
    digests = {each.digest for each in standing.endpoint.deployments if each.share is not None}
    builds = {digest: engine.builds.get(digest) for digest in digests}
    return Detail(
        standing=standing,
        measured=read_measured(engine, standing),
        history=endpoints.history(name, limit=PAST).items,
        rollout=rollout,
        verdicts=() if rollout is None else tuple(reversed(rollouts.verdicts(rollout.id)))[:VERDICTS],
        planes=tuple(each for each in endpoints.planes() if each.serves(name)),
        builds={digest: build for digest, build in builds.items() if build is not None},
        versions={each.id: each.version for each in endpoints.deployments(name)},
    )


def read_measured(engine: Engine, standing: Standing) -> Measured:
    """Read what was reported of an endpoint; nothing where that cannot be read, which the standing says.

    Args:
        engine: The open workspace.
        standing: How it stands.
    """
    telemetry, endpoint = engine.telemetry, standing.endpoint
    now_ms = engine.clock.now_ms()
    shadows = (each.id for each in endpoint.deployments if each.share is Share.SHADOW)
    try:
        return Measured(
            series=telemetry.series(endpoint.row_id, now_ms - CURVE_SECONDS * 1000, 1),
            counts=telemetry.counts(endpoint.row_id),
            shadows={each: telemetry.totals(endpoint.row_id, each, 0, now_ms - SHADOW_MS) for each in shadows},
            failed=telemetry.predictions(PredictionQuery(endpoint.row_id, failed=True, limit=FAILED)).items,
            writer=telemetry.stats().writer.problem,
        )
    except QuarterdeckError:
        return Measured()


@dataclass(frozen=True, slots=True)
class Moved:
    """What moves by itself: traffic, and who lives.

    Args:
        standing: How it stands.
        measured: What was reported of late.
        planes: The data planes that live, of this endpoint.
    """

    standing: Standing
    measured: Measured
    planes: tuple[Plane, ...]

    def onto(self, detail: Detail) -> Detail:
        """What was read before, with this in its place."""
        rollout = self.standing.rollout or detail.rollout
        return replace(detail, standing=self.standing, measured=self.measured, planes=self.planes, rollout=rollout)


def read_moved(engine: Engine, name: str) -> Moved:
    """Read what moves by itself.

    Args:
        engine: The open workspace.
        name: The endpoint's name.

    Raises:
        NotFound: the endpoint is gone.
        QuarterdeckError: the workspace cannot be read.
    """
    standing = read_one(engine, name)
    planes = tuple(each for each in engine.endpoints.planes() if each.serves(name))
    return Moved(standing, read_measured(engine, standing), planes)
