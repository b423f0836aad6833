"""What each verb makes of an endpoint, decided from what one view shows; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.core.errors import Conflict, InvalidInput, PolicyRefused, QuarterdeckError
from engine.core.names import in_shell
from engine.core.percent import format_percent
from engine.endpoints import build_store, routing, rules, store
from engine.endpoints.model import WHOLE, Cause, Endpoint, PlannedRoute, RoutePlan, RouteWish, Share, weights
from engine.registry.lookup import version as read_version

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot
    from engine.endpoints.model import Generation
    from engine.policy.model import Policy
    from engine.policy.rollout import RolloutPolicy
    from engine.registry.model import Version

NEW = 0
"""Stands in plans for a deployment that would be made."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be written.

    Args:
        routes: Who gets what.
        killed: Whether everything is refused; as before when `None`.
        given_up: Deployments that are given up.
    """

    routes: rules.Routes
    killed: bool | None = None
    given_up: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """All that decides about a wish.

    Args:
        view: The caller's transaction or snapshot.
        endpoint: The endpoint as it shows it.
        wish: What is asked for.
        policy: Reads the policy of this moment; not every verb asks it.
        deployment: Gives the deployment of a version that is to be routed.
        rows: All that was ever deployed to it, the newest first.
    """

    view: Snapshot
    endpoint: Endpoint
    wish: RouteWish
    policy: Callable[[], Policy]
    deployment: Callable[[Version], int]
    rows: tuple[store.DeploymentRow, ...] = field(default=())

    @property
    def routes(self) -> rules.Routes:
        """Who gets what now."""
        return routing.routes_of(self.endpoint)

    def routed(self, version: int) -> int | None:
        """The deployment of a version, if it is routed."""
        found = (row.id for row in self.rows if row.number == version and rules.share_of(self.routes, row.id))
        return next(found, None)

    def here(self, version: int) -> int:
        """The deployment of a version that must be routed.

        Raises:
            NotFound: no such version.
            Conflict: it is not routed.
        """
        found = self.routed(version)
        if found is None:
            wanted = read_version(self.view, self.endpoint.model, version)
            raise Conflict(
                f"{wanted.key} is not deployed to {self.endpoint.name}.",
                hint=f"Deploy it: qd endpoints deploy {in_shell(self.endpoint.name)} {version}.",
            )
        return found

    def key(self, deployment: int) -> str:
        """What people call a deployment."""
        return next((f"{self.endpoint.model}/{row.number}" for row in self.rows if row.id == deployment), "it")

    def version(self) -> int:
        """The version the wish names.

        Raises:
            InvalidInput: it names none.
        """
        if self.wish.version is None:
            raise InvalidInput("Which version?", hint="Name it by its number.")
        return self.wish.version


def decide(asked: Question) -> Decision:
    """Decide about a wish.

    Args:
        asked: The wish and all that decides about it.

    Returns:
        What is to be written.

    Raises:
        NotFound: no such version.
        InvalidInput: what is asked can never be.
        Conflict: the endpoint's routes do not allow it.
        PolicyRefused: a version has not got as far as the policy asks of what answers callers.
        PolicyInvalid: `quarterdeck.toml` is wrong.
    """
    asked = Question(
        asked.view,
        asked.endpoint,
        asked.wish,
        asked.policy,
        asked.deployment,
        store.deployments(asked.view, asked.endpoint.row_id),
    )
    return _DECIDERS[asked.wish.cause](asked)


def _deploy(asked: Question) -> Decision:
    wish = asked.wish
    rules.check_wish(wish.share, wish.weight)
    version = read_version(asked.view, asked.endpoint.model, asked.version())
    routed = asked.routed(version.version)
    rules.check_version(version, wish.share, routed=routed is not None, policy=asked.policy())
    if wish.share is Share.LIVE:
        _check_plan(asked, version, routed)
    elif wish.share is Share.CANARY:
        _check_share(asked, wish.weight)
    deployment = asked.deployment(version) if routed is None else routed
    return Decision(rules.deployed(asked.routes, deployment, wish.share, wish.weight))


def _check_plan(asked: Question, version: Version, routed: int | None) -> None:
    """Refuse to give all at once to a version that the policy wants to see take its steps."""
    plan, live = asked.policy().rollout(version.model), rules.live_of(asked.routes)
    if plan is not None and live is not None and live != routed:
        raise _by_plan(
            asked, plan, f"Begin it: qd endpoints promote {in_shell(asked.endpoint.name)} {version.version}."
        )


def _check_share(asked: Question, weight: int) -> None:
    """Refuse to give a canary more by hand than the first step of the policy's plan does."""
    plan = asked.policy().rollout(asked.endpoint.model)
    if plan is None:
        return
    least = next(step.weight for step in plan.steps if step.weight)
    if weight > least:
        hint = f"By hand a canary gets {format_percent(least)} at most; `qd endpoints promote` takes the steps."
        raise _by_plan(asked, plan, hint)


def _begin_it(asked: Question, number: int) -> str:
    return f"Begin it: qd endpoints promote {in_shell(asked.endpoint.name)} {number}."


def _by_plan(asked: Question, plan: RolloutPolicy, hint: str) -> PolicyRefused:
    return PolicyRefused(
        f"The policy rolls versions of {asked.endpoint.model} out by a plan: {plan.plan}.",
        hint=hint,
        details={"plan": plan.plan},
    )


def _weight_of(asked: Question, deployment: int) -> int:
    """What a deployment gets now, in 0.1 %."""
    return weights(asked.routes).get(deployment, 0)


def _traffic(asked: Question) -> Decision:
    if not asked.wish.weights:
        raise InvalidInput("No share was given.", hint="Say which version gets how much.")
    wanted = {asked.here(version): weight for version, weight in asked.wish.weights.items()}
    routes = rules.shifted(asked.routes, wanted, asked.key)
    for deployment, weight in wanted.items():
        if weight > _weight_of(asked, deployment):
            _check_share(asked, weight)
        if weight and rules.share_of(asked.routes, deployment) not in rules.TAKING:
            _check_again(asked, deployment, Share.CANARY, routed=True)
    return Decision(routes)


def _unshadow(asked: Question) -> Decision:
    deployment = asked.here(asked.version())
    return Decision(rules.unshadowed(asked.routes, deployment, asked.key(deployment)))


def _retire(asked: Question) -> Decision:
    killed = asked.endpoint.desired is not None and asked.endpoint.desired.killed
    deployment = asked.here(asked.version())
    return Decision(rules.without(asked.routes, deployment, killed=killed, key=asked.key(deployment)))


def _roll_back(asked: Question) -> Decision:
    earlier = store.generations(asked.view, asked.endpoint.row_id, below=None, limit=store.ALL)
    there = {row.id for row in asked.rows if row.version_id is not None and not _forbidden(asked, row)}
    fit = there - rules.fallen(earlier)
    routes, given_up = rules.rolled_back(asked.routes, earlier, fit.__contains__)
    return Decision(routes, given_up=given_up)


def _undo(asked: Question) -> Decision:
    newest = asked.endpoint.desired
    if newest is None:
        raise Conflict(f"Nothing was ever routed to {asked.endpoint.name}.", hint="Deploy a version.")
    earlier = store.generations(asked.view, asked.endpoint.row_id, below=newest.number, limit=store.ALL)
    wanted = _earlier(asked, newest, earlier)
    for row in asked.rows:
        if rules.share_of(wanted.routes, row.id) is None:
            continue
        if row.version_id is None or _forbidden(asked, row):
            why = "was deleted" if row.version_id is None else "is a pickle that nobody answers for any more"
            raise Conflict(f"{asked.key(row.id)} {why} and cannot be routed again.", hint="Deploy another version.")
    _check_way(asked, wanted.routes, rules.fallen((newest, *earlier)))
    for route in wanted.routes:
        had = rules.share_of(newest.routes, route.deployment)
        if had not in rules.TAKING:
            _check_again(asked, route.deployment, route.share, routed=had is not None)
    return Decision(wanted.routes, killed=wanted.killed)


def _earlier(asked: Question, newest: Generation, earlier: Sequence[Generation]) -> Generation:
    """The generation to go back to: the one that was named, else the last one that routes otherwise."""
    number = asked.wish.generation
    if number is None:
        return rules.undone(newest, earlier)
    found = next((each for each in earlier if each.number == number), None)
    if found is None:
        raise Conflict(
            f"{asked.endpoint.name} has no earlier generation {number}.",
            hint=f"See `qd endpoints history {in_shell(asked.endpoint.name)}`.",
        )
    return found


def _forbidden(asked: Question, row: store.DeploymentRow) -> bool:
    """Whether a deployment's bytes are a pickle whose approver took their word back."""
    return build_store.forbidden(asked.view, row.digest)


def _check_way(asked: Question, wanted: rules.Routes, fallen: frozenset[int]) -> None:
    """Refuse to bring by an undo what the policy brings by steps: a given-up version live, or a canary to more."""
    live = rules.live_of(wanted)
    if live in fallen and live != rules.live_of(asked.routes):
        plan = asked.policy().rollout(asked.endpoint.model)
        if plan is not None:
            number = next(row.number for row in asked.rows if row.id == live)
            raise _by_plan(asked, plan, _begin_it(asked, number))
    for route in wanted:
        if route.share is Share.CANARY and route.weight > _weight_of(asked, route.deployment):
            _check_share(asked, route.weight)


def _switch(asked: Question) -> Decision:
    return Decision(asked.routes, killed=asked.wish.cause is Cause.KILL)


_DECIDERS: Mapping[Cause, Callable[[Question], Decision]] = {
    Cause.DEPLOY: _deploy,
    Cause.TRAFFIC: _traffic,
    Cause.SHADOW: _unshadow,
    Cause.RETIRE: _retire,
    Cause.ROLL_BACK: _roll_back,
    Cause.UNDO: _undo,
    Cause.KILL: _switch,
    Cause.REVIVE: _switch,
}

DECIDED = frozenset(_DECIDERS)
"""What can be asked for."""


def _check_again(asked: Question, deployment: int, share: Share, *, routed: bool) -> None:
    number = next(row.number for row in asked.rows if row.id == deployment)
    version = read_version(asked.view, asked.endpoint.model, number)
    rules.check_version(version, share, routed=routed, policy=asked.policy())


def plan(asked: Question) -> RoutePlan:
    """Say what a wish would do, and what stands in its way.

    Args:
        asked: The wish and all that decides about it; its `deployment` gives `NEW`.

    Returns:
        The plan.
    """
    endpoint, wish = asked.endpoint, asked.wish
    called = routing.keys(asked.view, endpoint) | {NEW: f"{endpoint.model}/{wish.version}"}
    before = _planned(asked.routes, called)
    off = endpoint.desired is not None and endpoint.desired.killed
    blockers: tuple[str, ...] = ()
    decision = Decision(asked.routes)
    try:
        decision = decide(asked)
    except QuarterdeckError as refused:
        blockers = (str(refused),)
    after = _planned(decision.routes, called)
    killed = off if decision.killed is None else decision.killed
    return RoutePlan(
        endpoint=endpoint.name,
        wish=wish,
        before=before,
        after=after,
        killed_before=off,
        killed=killed,
        blockers=blockers,
        danger=_danger(before, after, killed=killed and not off),
        expect=routing.number_of(endpoint),
    )


def _planned(routes: rules.Routes, called: Mapping[int, str]) -> tuple[PlannedRoute, ...]:
    shares = weights(routes)
    return tuple(PlannedRoute(called[each.deployment], each.share, shares.get(each.deployment, 0)) for each in routes)


def _danger(before: tuple[PlannedRoute, ...], after: tuple[PlannedRoute, ...], *, killed: bool) -> int:
    if killed and any(each.weight == WHOLE or each.weight for each in before):
        return 3
    answering = [{(each.key, each.weight) for each in routes if each.weight} for routes in (before, after)]
    return 1 if answering[0] == answering[1] else 2
