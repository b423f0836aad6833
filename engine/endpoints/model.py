"""Endpoints, deployments, routes and generations, and the pure rules about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from engine.core.frozen import frozen
from engine.core.percent import Permille
from engine.runtimes.model import Interface, ParityReport, RuntimeKind

WHOLE = 1_000
"""All of an endpoint's traffic, in steps of 0.1 %."""


class Share(StrEnum):
    """What a deployment gets of an endpoint's requests."""

    LIVE = "live"
    """The rest: what no canary takes; exactly one a generation."""
    CANARY = "canary"
    """Its weight."""
    SHADOW = "shadow"
    """A copy of each, whose answers nobody gets."""
    STANDBY = "standby"
    """None, but it stays loaded: the way back is a pointer."""


class State(StrEnum):
    """Where a deployment stands, as people see it: computed from what is desired and what was acknowledged."""

    PENDING = "Pending"
    WARMING = "Warming"
    SHADOW = "Shadow"
    CANARY = "Canary"
    LIVE = "Live"
    STANDBY = "Standby"
    DRAINING = "Draining"
    RETIRED = "Retired"
    ROLLED_BACK = "RolledBack"
    PAUSED = "Paused"
    FAILED = "Failed"


class Cause(StrEnum):
    """Why a generation was made; also the verb of its audit record."""

    DEPLOY = "deploy"
    TRAFFIC = "traffic"
    SHADOW = "shadow"
    PROMOTE = "promote"
    ROLL_BACK = "roll back"
    UNDO = "undo"
    STEP = "step"
    ABORT = "abort"
    RETIRE = "retire"
    KILL = "kill"
    REVIVE = "revive"
    SETTINGS = "settings"


@frozen
class Build:
    """A version made ready to serve; kept by the digest of its bytes.

    Args:
        digest: The version's digest, 64 hex digits.
        kind: The runtime that was chosen.
        interface: What it takes and gives.
        file_digest: The file to load: the twin, or the model's own; 64 hex digits.
        file_format: `onnx`, `skops`, `joblib`, or `folded` (our own JSON of numbers).
        parity: One report a runtime that was tried, in that order.
        size_bytes: Of the file.
        built_ms: When, in milliseconds since the epoch.
    """

    digest: str
    kind: RuntimeKind
    interface: Interface
    file_digest: str
    file_format: str
    parity: tuple[ParityReport, ...]
    size_bytes: int
    built_ms: int


@frozen
class Route:
    """What one deployment gets in one generation.

    Args:
        deployment: Its number.
        share: What it gets.
        weight: Of a canary, in 0.1 %; of the live one the rest; 0 otherwise.
    """

    deployment: int
    share: Share
    weight: Permille = 0


@frozen
class Generation:
    """One state of an endpoint's routing; never changed.

    Args:
        endpoint: The endpoint's name.
        number: From 1.
        routes: Who gets what.
        killed: The kill switch: every request is refused with 503.
        cause: Why it was made.
        reason: In the words of whoever made it.
        by: Who made it.
        request: The approval request it used up, or `None`.
        time_ms: When, in milliseconds since the epoch.
    """

    endpoint: str
    number: int
    routes: tuple[Route, ...]
    killed: bool
    cause: Cause
    reason: str
    by: str
    request: int | None
    time_ms: int

    @property
    def live(self) -> Route | None:
        """The deployment that takes the rest; `None` before the first one."""
        return next((route for route in self.routes if route.share is Share.LIVE), None)


@frozen
class Deployment:
    """One version behind one endpoint.

    Args:
        id: Its number; given to no other.
        endpoint: The endpoint's name.
        model: The model's name.
        version: The version's number; the version itself may be gone once nothing routes it.
        digest: The digest of the version's bytes when it was deployed, 64 hex digits.
        kind: The runtime that answers.
        share: What it gets now; `None` when it is in no route.
        weight: Its share of the requests now, in 0.1 %.
        state: Where it stands.
        ended: `""`, `retired`, or why it was rolled back.
        paused: Why its rollout waits for a human; empty otherwise.
        created_ms: When it was deployed, in milliseconds since the epoch.
        created_by: Who deployed it.
    """

    id: int
    endpoint: str
    model: str
    version: int
    digest: str
    kind: RuntimeKind
    share: Share | None
    weight: Permille
    state: State
    ended: str
    paused: str
    created_ms: int
    created_by: str

    @property
    def key(self) -> str:
        """The version's public name, such as `churn/7`."""
        return f"{self.model}/{self.version}"


@frozen
class Plane:
    """A data plane: a process that answers.

    Args:
        id: Its name, such as `gate-1:4711`; also of its lock file.
        pid: The process.
        host: The machine.
        url: Where it answers.
        workers: How many processes share that address.
        user: The operating system's user it runs as.
        started_ms: When it started, in milliseconds since the epoch.
        version: The version of Quarterdeck.
        endpoints: The names it serves; empty for all.
    """

    id: str
    pid: int
    host: str
    url: str
    workers: int
    user: str
    started_ms: int
    version: str
    endpoints: tuple[str, ...] = ()

    def serves(self, endpoint: str) -> bool:
        """Whether it serves an endpoint."""
        return not self.endpoints or endpoint in self.endpoints


@frozen
class Acknowledgement:
    """What one data plane says of one endpoint.

    Args:
        plane: Which, such as `gate-1:4711`.
        generation: The last generation it has taken over completely; 0 before the first.
        problem: Why it has not taken over a newer one; empty otherwise.
        time_ms: When it said so, in milliseconds since the epoch.
        alive: Whether the process lives.
    """

    plane: str
    generation: int
    problem: str
    time_ms: int
    alive: bool


@frozen
class Endpoint:
    """A name that answers predictions.

    Args:
        row_id: Its integer key.
        name: Its name, the same in URLs.
        model: The model it serves.
        description: Free text; may be empty.
        owner: Who answers for it; may be empty.
        key: What keeps a caller on one version: `client`, `header:NAME` or `field:NAME`.
        salt: Mixed into the key's hash, so that two endpoints split differently.
        capture: Share of the requests that are captured, 0 to 1.
        desired: The newest generation.
        deployments: Those that are routed now, and those that ended lately.
        acknowledgements: What the data planes say.
        created_ms: When it was made, in milliseconds since the epoch.
        updated_ms: When it last changed, in milliseconds since the epoch.
        created_by: Who made it.
        tags: Its tags.
    """

    row_id: int
    name: str
    model: str
    description: str
    owner: str
    key: str
    salt: str
    capture: float
    desired: Generation | None
    deployments: tuple[Deployment, ...]
    acknowledgements: tuple[Acknowledgement, ...]
    created_ms: int
    updated_ms: int
    created_by: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def observed(self) -> int | None:
        """The oldest generation that a living data plane serves; `None` when none serves it."""
        served = [each.generation for each in self.acknowledgements if each.alive]
        return min(served, default=None)

    @property
    def settled(self) -> bool:
        """Whether every living data plane serves what is desired, and there is one."""
        return self.desired is not None and self.observed == self.desired.number


@frozen
class RouteWish:
    """What an operator asks of an endpoint's routes.

    Args:
        cause: The verb: deploy, traffic, shadow (off), retire, roll back, undo, kill or revive.
        version: The version's number, where the verb takes one.
        share: What a deployed version is to get.
        weight: Of a canary, in 0.1 %.
        weights: Shares in 0.1 % by version number, for traffic.
        generation: The number of the earlier generation to go back to, for undo; the last other one when `None`.
    """

    cause: Cause
    version: int | None = None
    share: Share = Share.LIVE
    weight: Permille = 0
    weights: Mapping[int, Permille] = field(default_factory=dict)
    generation: int | None = None


@frozen
class PlannedRoute:
    """What a version gets before or after a change.

    Args:
        key: The version's public name, such as `churn/7`.
        share: What it gets.
        weight: Its share of the requests, in 0.1 %.
    """

    key: str
    share: Share
    weight: Permille


@frozen
class RoutePlan:
    """What a wish would do, and what stands in its way.

    Args:
        endpoint: The endpoint's name.
        wish: What was asked for.
        before: Who gets what now.
        after: Who would get what.
        killed_before: Whether every request is refused now.
        killed: Whether every request would be refused.
        blockers: What stands in the way and what to do next; empty when it may happen.
        danger: 1 nobody's answer changes, 2 who answers changes, 3 callers are refused.
        expect: The newest generation's number; hand it to the verb, which refuses when it is another one then.
    """

    endpoint: str
    wish: RouteWish
    before: tuple[PlannedRoute, ...]
    after: tuple[PlannedRoute, ...]
    killed_before: bool
    killed: bool
    blockers: tuple[str, ...]
    danger: int
    expect: int

    @property
    def allowed(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.blockers

    @property
    def changes(self) -> tuple[str, ...]:
        """What would change, a sentence each; empty when nothing would."""
        said: list[str] = []
        was = {each.key: each for each in self.before}
        becomes = {each.key: each for each in self.after}
        for key in (*becomes, *(key for key in was if key not in becomes)):
            old, new = was.get(key), becomes.get(key)
            if old != new:
                said.append(f"{key}: {_planned_words(old)} → {_planned_words(new)}")
        if self.killed != self.killed_before:
            said.append("every request is refused with 503" if self.killed else "requests are answered again")
        return tuple(said)


def _planned_words(planned: PlannedRoute | None) -> str:
    if planned is None:
        return "not loaded"
    return f"{planned.share.value} {planned.weight / 10:g} %" if planned.weight else planned.share.value


@frozen
class DesiredDeployment:
    """All that a data plane needs to load and route to one deployment.

    Args:
        id: Its number.
        model: The model's name.
        version: The version's number.
        route: What it gets.
        build: What to load.
        tags: The version's tags, for its metadata.
    """

    id: int
    model: str
    version: int
    route: Route
    build: Build
    tags: Mapping[str, str] = field(default_factory=dict)


@frozen
class DesiredEndpoint:
    """What a data plane should serve under one name.

    Args:
        row_id: The endpoint's integer key.
        name: Its name.
        model: The model's name, under which it may be called too.
        generation: The generation to acknowledge.
        killed: Refuse everything.
        key: What keeps a caller on one version.
        salt: Of its hash.
        capture: Share of the requests that are captured, 0 to 1.
        deployments: The routed deployments.
        earlier: The routes of the generations since the last one without a canary, that one first, this one left out:
            who lays out keys goes through them, so that as few move as can be and every plane comes to the same.
    """

    row_id: int
    name: str
    model: str
    generation: int
    killed: bool
    key: str
    salt: str
    capture: float
    deployments: tuple[DesiredDeployment, ...]
    earlier: tuple[tuple[Route, ...], ...] = ()


def weights(routes: tuple[Route, ...]) -> dict[int, int]:
    """Each answering deployment's share of the requests, in 0.1 %; sums to `WHOLE` when there is a live one."""
    canaries = {route.deployment: route.weight for route in routes if route.share is Share.CANARY}
    live = {route.deployment: WHOLE - sum(canaries.values()) for route in routes if route.share is Share.LIVE}
    return live | canaries
