"""The pure rules of routing: what each verb makes of the routes, and what none of them may do.

Routes come in and go out as tuples; nothing is read here and nothing is written. Every verb ends in `checked`, so no
way leads to routes that do not hold: one live deployment as soon as there is any, weights that leave it something, and
no deployment twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from engine.core.errors import Conflict, InvalidInput, PolicyRefused
from engine.core.percent import format_percent
from engine.endpoints.model import WHOLE, Cause, Generation, Route, Share, State
from engine.registry.model import Stage

if TYPE_CHECKING:
    from engine.policy.model import Policy
    from engine.registry.model import Version

Routes = tuple[Route, ...]
"""The live one first, then canaries, shadows, and what is kept loaded, the newest first."""

KEPT_WARM = 2
"""How many deployments that get nothing stay loaded: the last live one, and one given up that is to be looked at."""

MAX_ROUTES = 16
"""Most deployments of an endpoint at once: each is loaded in every data plane."""

RETIRED = "retired"
"""How a deployment ends that nobody blames."""

TAKING = frozenset((Share.LIVE, Share.CANARY))
"""Shares whose answers callers get."""

_GIVING_UP = frozenset((Cause.ROLL_BACK, Cause.ABORT))
"""Why generations are made that take callers or copies from a deployment because it is not wanted."""

_ORDER = tuple(Share)
_RANK = (Stage.REGISTERED, Stage.STAGING, Stage.PRODUCTION)


def check_wish(share: Share, weight: int) -> None:
    """Let what is asked of a deployment pass, or refuse it.

    Args:
        share: What it is to get.
        weight: Its weight in 0.1 %.

    Raises:
        InvalidInput: a canary without a weight of 0.1 to 99.9 %, another share with one, or a share that is not given
            by deploying.
    """
    if share is Share.STANDBY:
        raise InvalidInput("Nothing is deployed to stand by.", hint="Deploy it live, as a canary or as a shadow.")
    if share is Share.CANARY:
        _check_canary(weight)
    elif weight:
        raise InvalidInput(f"A {share.value} deployment has no weight.", hint="Only a canary takes a share.")


def _check_canary(weight: int) -> None:
    if not 1 <= weight < WHOLE:
        raise InvalidInput(
            f"A canary takes 0.1 % to 99.9 %, not {format_percent(weight)}."
            if 0 <= weight <= WHOLE
            else "A canary takes 0.1 % to 99.9 %.",
            hint="To give it everything, deploy it live.",
        )


def check_version(version: Version, share: Share, *, routed: bool, policy: Policy) -> None:
    """Let a version be routed, or refuse it.

    Args:
        version: The version.
        share: What it is to get.
        routed: Whether the endpoint has it loaded already.
        policy: The policy of this moment.

    Raises:
        Conflict: it is archived, and not loaded already.
        PolicyRefused: it has not got as far as the policy asks of what answers callers.
    """
    if version.stage is Stage.ARCHIVED:
        if routed:
            return  # it was good enough to be here, and the way back must stay open
        raise Conflict(
            f"{version.key} is archived and cannot be deployed.",
            hint=f"Move it out first: qd models promote {version.model} {version.version} --to staging.",
        )
    least = Stage.parse(policy.traffic_stage(version.model))
    if share in TAKING and _RANK.index(version.stage) < _RANK.index(least):
        raise PolicyRefused(
            f"{version.key} is in {version.stage}; only versions from {least} on may answer callers.",
            hint=f"Promote it to {least} first, or deploy it as a shadow.",
            details={"stage": version.stage.value, "traffic_from": least.value},
        )


def check_expected(endpoint: str, newest: int, expect: int | None) -> None:
    """Compare what the operator saw with what is there.

    Args:
        endpoint: The endpoint's name.
        newest: Number of its newest generation, 0 before the first.
        expect: The number the operator saw; `None` when they did not look.

    Raises:
        Conflict: somebody changed it meanwhile.
    """
    if expect is None or expect == newest:
        return
    raise Conflict(
        f"{endpoint} is at generation {newest} now, not {expect}.",
        hint="Somebody changed it meanwhile; look at it again.",
        details={"generation": newest, "expected": expect},
    )


def share_of(routes: Routes, deployment: int) -> Share | None:
    """What a deployment gets; `None` when it is in no route."""
    return next((route.share for route in routes if route.deployment == deployment), None)


def live_of(routes: Routes) -> int | None:
    """The deployment that takes the rest; `None` when there is none."""
    return next((route.deployment for route in routes if route.share is Share.LIVE), None)


def deployed(routes: Routes, deployment: int, share: Share, weight: int = 0) -> Routes:
    """Give a deployment its share; a live one that is replaced stays loaded.

    Args:
        routes: Who gets what now.
        deployment: The deployment, routed already or not.
        share: Live, canary or shadow.
        weight: Of a canary, in 0.1 %.

    Returns:
        The new routes.

    Raises:
        InvalidInput: `check_wish` says so.
        Conflict: it is live and would leave nothing live, there is nothing live beside which it could be a canary or a
            shadow, or too much would be given away.
    """
    check_wish(share, weight)
    before = live_of(routes)
    if share is Share.LIVE:
        rest = [*_without(routes, deployment, before)]
        warm = () if before in (None, deployment) else (Route(before, Share.STANDBY),)
        return checked((Route(deployment, Share.LIVE), *_taking_and_shadows(rest), *warm, *_standing_by(rest)))
    if before is None:
        raise Conflict(f"There is nothing live yet, so nothing can be a {share.value}.", hint="Deploy it live first.")
    if before == deployment:
        raise Conflict(
            f"It is live, and cannot become a {share.value}: nobody would answer.", hint="Deploy another live first."
        )
    return checked((*_without(routes, deployment), Route(deployment, share, weight)))


def shifted(routes: Routes, weights: Mapping[int, int], key: Callable[[int], str]) -> Routes:
    """Change how the requests are shared; the live one takes the rest.

    Args:
        routes: Who gets what now.
        weights: Weights in 0.1 % by deployment; 0 leaves a canary loaded without requests. The live one need not be
            named; if it is, all must sum to 1000.
        key: What people call a deployment.

    Returns:
        The new routes.

    Raises:
        InvalidInput: a weight is out of range, or they sum to something else.
        Conflict: a deployment is not routed, there is nothing live, or the live one would be left with nothing.
    """
    live = live_of(routes)
    if live is None:
        raise Conflict("There is nothing live yet, so there is nothing to share.", hint="Deploy a version first.")
    changed = list(routes)
    for deployment, weight in weights.items():
        share = share_of(routes, deployment)
        if share is None:
            raise Conflict(f"{key(deployment)} is not deployed here.", hint="Deploy it as a canary.")
        if deployment == live:
            continue
        if weight:
            _check_canary(weight)
            changed = [*_without(changed, deployment), Route(deployment, Share.CANARY, weight)]
        elif share is Share.CANARY:
            changed = [Route(deployment, Share.STANDBY), *_without(changed, deployment)]
    made = checked(changed)
    if live in weights and weights[live] != _rest(made):
        asked = weights[live] + WHOLE - _rest(made)
        raise InvalidInput(
            f"The shares sum to {format_percent(asked)}." if asked >= 0 else "A share is negative.",
            hint=f"Together they must be 100 %; leave {key(live)} out to give it the rest.",
        )
    return made


def unshadowed(routes: Routes, deployment: int, key: str) -> Routes:
    """Let a shadow stand by.

    Args:
        routes: Who gets what now.
        deployment: The deployment.
        key: What people call it.

    Returns:
        The new routes.

    Raises:
        Conflict: it is no shadow.
    """
    if share_of(routes, deployment) is not Share.SHADOW:
        raise Conflict(f"{key} is no shadow here.", hint="See what is with `qd endpoints show`.")
    return checked((Route(deployment, Share.STANDBY), *_without(routes, deployment)))


def without(routes: Routes, deployment: int, *, killed: bool, key: str) -> Routes:
    """Take a deployment out.

    Args:
        routes: Who gets what now.
        deployment: The deployment.
        killed: Whether the endpoint refuses everything: then even the last live one takes no traffic.
        key: What people call it.

    Returns:
        The new routes.

    Raises:
        Conflict: it is not routed, or it takes traffic.
    """
    share = share_of(routes, deployment)
    if share is None:
        raise Conflict(f"{key} is not deployed here.", hint="See what is with `qd endpoints show`.")
    last = killed and len(routes) == 1
    if share in TAKING and not last:
        live = "Deploy another live first, or kill the endpoint and retire the rest before."
        hint = live if share is Share.LIVE else "Give it 0 % first."
        raise Conflict(f"{key} takes traffic ({share.value}) and cannot be retired.", hint=hint)
    return checked(_without(routes, deployment))


def rolled_back(
    routes: Routes, earlier: Iterable[Generation], fit: Callable[[int], bool]
) -> tuple[Routes, tuple[int, ...]]:
    """Go back: canaries are given up when there are any, else the live one for the one that was live before it.

    Args:
        routes: Who gets what now.
        earlier: The generations, the newest first.
        fit: Whether a deployment may be gone back to: it is not `fallen`, and its version exists.

    Returns:
        The new routes, and the deployments that were given up: they stay loaded, without requests.

    Raises:
        Conflict: there is nothing to go back to.
    """
    canaries = tuple(route.deployment for route in routes if route.share is Share.CANARY)
    live = live_of(routes)
    if canaries:
        standing = tuple(Route(deployment, Share.STANDBY) for deployment in canaries)
        return checked((*standing, *_without(routes, *canaries))), canaries
    before = (each.live.deployment for each in earlier if each.live is not None)
    target = next((deployment for deployment in before if deployment != live and fit(deployment)), None)
    if live is None or target is None:
        raise Conflict("There is no earlier live version to go back to.", hint="Deploy another version.")
    return deployed(routes, target, Share.LIVE), (live,)


def fallen(generations: Iterable[Generation]) -> frozenset[int]:
    """Who was given up and has not been live since: nothing but a plan, or a human who names it, makes it live again.

    Which is read from the generations and not from how a deployment ended, since a given-up one that is unloaded, or
    was a shadow for a while, ended otherwise.

    Args:
        generations: The newest first, without a gap.

    Returns:
        The deployments.
    """
    found: dict[int, bool] = {}
    for newer, older in pairwise(generations):
        if newer.live is not None:
            found.setdefault(newer.live.deployment, False)
        if newer.cause not in _GIVING_UP:
            continue
        for route in older.routes:
            if route.share is not Share.STANDBY and share_of(newer.routes, route.deployment) in (None, Share.STANDBY):
                found.setdefault(route.deployment, True)
    return frozenset(deployment for deployment, given_up in found.items() if given_up)


def undone(newest: Generation, earlier: Iterable[Generation]) -> Generation:
    """The generation to go back to when the last change is undone.

    Args:
        newest: What holds now.
        earlier: The generations before it, the newest first.

    Returns:
        The newest of them that routes otherwise.

    Raises:
        Conflict: there is none.
    """
    for each in earlier:
        if (each.routes, each.killed) != (newest.routes, newest.killed):
            return each
    raise Conflict("There is nothing to undo: this is the first state of it.", hint="See `qd endpoints history`.")


def checked(routes: Iterable[Route]) -> Routes:
    """Let routes pass in their order, or refuse them; what stands by beyond `KEPT_WARM` is dropped.

    Args:
        routes: Who gets what.

    Returns:
        The routes: live, canaries, shadows, and the newest that stand by.

    Raises:
        Conflict: not exactly one is live, or the canaries leave the live one nothing.
        InvalidInput: a deployment is routed twice, there are too many, or a weight is out of range.
    """
    kept = sorted(routes, key=_place)
    beyond = kept[len(_taking_and_shadows(kept)) + _live_count(kept) + KEPT_WARM :]
    made = tuple(route for route in kept if route not in beyond)
    if not made:
        return made
    if len({route.deployment for route in made}) < len(made):
        raise InvalidInput("A deployment can be routed only once.", hint="Name each once.")
    if len(made) > MAX_ROUTES:
        raise InvalidInput(f"An endpoint routes at most {MAX_ROUTES} deployments.", hint="Retire some.")
    for route in made:
        if route.share is Share.CANARY:
            _check_canary(route.weight)
        elif route.weight:
            raise InvalidInput(f"A {route.share.value} deployment has no weight.", hint="Only a canary takes a share.")
    if _live_count(made) != 1:
        raise Conflict("An endpoint that routes anything needs exactly one live version.", hint="Deploy one live.")
    if _rest(made) < 1:
        raise Conflict(
            f"The canaries would take {format_percent(WHOLE - _rest(made))}: nothing would be left to the live one.",
            hint="Leave it at least 0.1 %; to give a canary everything, deploy it live.",
        )
    return made


def state_of(
    deployment: int, *, desired: Routes, planes: Sequence[Collection[Route]], ended: str, paused: str, problem: bool
) -> State:
    """Where a deployment stands.

    Args:
        deployment: The deployment.
        desired: The routes of the newest generation.
        planes: The routes that each living data plane has taken over.
        ended: How it ended; empty when it has not.
        paused: Why its rollout waits; empty otherwise.
        problem: Whether a living data plane could not take over the newest generation.

    Returns:
        The state.
    """
    given_up = State.ROLLED_BACK if ended not in ("", RETIRED) else None
    answers = any(route.deployment == deployment and route.share in TAKING for routes in planes for route in routes)
    loaded = [share_of(tuple(routes), deployment) for routes in planes]
    share = share_of(desired, deployment)
    if share is None:
        return State.DRAINING if any(loaded) else given_up or State.RETIRED
    if share is Share.STANDBY and answers:
        return State.DRAINING
    if given_up is None and planes and all(loaded):
        taken = share if share in loaded else loaded[0]
        return State.PAUSED if paused else _STATES[taken or share]
    return given_up or _not_yet(planes, problem=problem)


def _not_yet(planes: Sequence[object], *, problem: bool) -> State:
    if not planes:
        return State.PENDING
    return State.FAILED if problem else State.WARMING


_STATES = {
    Share.LIVE: State.LIVE,
    Share.CANARY: State.CANARY,
    Share.SHADOW: State.SHADOW,
    Share.STANDBY: State.STANDBY,
}


def _place(route: Route) -> tuple[int, int]:
    """By share; who stands by keeps the order, which says since when, and for others none means anything."""
    return _ORDER.index(route.share), 0 if route.share is Share.STANDBY else route.deployment


def _without(routes: Iterable[Route], *deployments: int | None) -> list[Route]:
    return [route for route in routes if route.deployment not in deployments]


def _taking_and_shadows(routes: Iterable[Route]) -> list[Route]:
    return [route for route in routes if route.share in (Share.CANARY, Share.SHADOW)]


def _standing_by(routes: Iterable[Route]) -> list[Route]:
    return [route for route in routes if route.share is Share.STANDBY]


def _live_count(routes: Iterable[Route]) -> int:
    return sum(route.share is Share.LIVE for route in routes)


def _rest(routes: Iterable[Route]) -> int:
    return WHOLE - sum(route.weight for route in routes if route.share is Share.CANARY)
