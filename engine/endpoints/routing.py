"""Making generations inside a caller's transaction: the row, how deployments end, one audit record, the news."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.endpoints import rules, store
from engine.endpoints.model import Cause, Generation, Share, weights

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot, Transaction
    from engine.endpoints.model import Endpoint
    from engine.registry.model import Version

_NOBODY: Mapping[int, str] = {}


def read(view: Snapshot, row_id: int) -> Endpoint:
    """An endpoint as a transaction sees it, without deployments."""
    return store.endpoints(view, (row_id,))[0]


def routes_of(endpoint: Endpoint) -> rules.Routes:
    """Who gets what of an endpoint now; nobody before the first generation."""
    return () if endpoint.desired is None else endpoint.desired.routes


def number_of(endpoint: Endpoint) -> int:
    """The number of an endpoint's newest generation; 0 before the first."""
    return 0 if endpoint.desired is None else endpoint.desired.number


def keys(view: Snapshot, endpoint: Endpoint) -> dict[int, str]:
    """What people call each deployment of an endpoint, such as `churn/7`."""
    return {row.id: f"{endpoint.model}/{row.number}" for row in store.deployments(view, endpoint.row_id)}


def number_behind(view: Snapshot, endpoint: Endpoint, deployment: int) -> int:
    """The number of the version that a deployment of an endpoint serves."""
    return next(row.number for row in store.deployments(view, endpoint.row_id) if row.id == deployment)


def deployment_of(tx: Transaction, endpoint: Endpoint, version: Version) -> int:
    """The deployment of a version behind an endpoint: the one that was there last, else a new one.

    Args:
        tx: The caller's transaction.
        endpoint: The endpoint.
        version: A version of its model, whose bytes have a build.

    Returns:
        The deployment's number.
    """
    for row in store.deployments(tx, endpoint.row_id):
        if row.version_id == version.row_id and row.digest == version.digest:
            return row.id
    return store.insert_deployment(
        tx, endpoint.row_id, version_id=version.row_id, number=version.version, digest=version.digest
    )


def route(  # noqa: PLR0913 all that one generation says; each has a name at the call
    tx: Transaction,
    endpoint: Endpoint,
    routes: rules.Routes,
    cause: Cause,
    reason: str,
    *,
    killed: bool | None = None,
    request: int | None = None,
    ended: Mapping[int, str] = _NOBODY,
) -> Generation:
    """Make an endpoint's next generation, unless nothing would change.

    Args:
        tx: The caller's transaction.
        endpoint: The endpoint.
        routes: Who gets what from now on.
        cause: Why; also the verb of the audit record.
        reason: In the actor's words.
        killed: Whether everything is refused; as before when `None`.
        request: The approval request that is used up by it.
        ended: Deployments that are given up, and why.

    Returns:
        The generation that holds now.

    Raises:
        InvalidInput: the routes or the reason cannot be stored.
        Conflict: the routes do not hold together.
        IntegrityError: the audit log is damaged and cannot be continued.
    """
    routes = rules.checked(routes)
    before = store.newest(tx, endpoint.row_id)
    off = (before is not None and before.killed) if killed is None else killed
    if before is not None and (before.routes, before.killed) == (routes, off) and cause is not Cause.SETTINGS:
        return before
    made = Generation(
        endpoint.name,
        (before.number if before else 0) + 1,
        routes,
        off,
        cause,
        reason,
        tx.actor.name,
        request,
        tx.now_ms,
    )
    store.insert_generation(tx, endpoint.row_id, made)
    store.end(tx, _endings(before.routes if before else (), routes, ended))
    _audit(tx, before, made, keys(tx, endpoint))
    tx.emit(kind="endpoint", change="routed", key=endpoint.name, row_id=endpoint.row_id)
    return made


def pause(tx: Transaction, deployment: int, why: str) -> None:
    """Say of a deployment why its rollout waits.

    Args:
        tx: The caller's transaction.
        deployment: Its number.
        why: A sentence; empty when it goes on.
    """
    store.pause(tx, deployment, why)


def _audit(tx: Transaction, before: Generation | None, made: Generation, called: Mapping[int, str]) -> None:
    used = {} if made.request is None else {"request": made.request}
    record(
        tx,
        verb=made.cause.value,
        kind="endpoint",
        key=made.endpoint,
        before=None if before is None else told(before, called),
        after={**told(made, called), **used},
        reason=made.reason,
    )


def told(generation: Generation, called: Mapping[int, str]) -> dict[str, object]:
    """A generation as the audit log keeps it."""
    shares = weights(generation.routes)
    return {
        "generation": generation.number,
        "killed": generation.killed,
        "routes": [
            [called[each.deployment], each.share.value, shares.get(each.deployment, 0)] for each in generation.routes
        ],
    }


def follow(
    tx: Transaction, endpoint: Endpoint, version: Version, *, cause: Cause, reason: str, request: int | None
) -> Generation:
    """Route a version of the endpoint's model live; the one that was keeps loaded.

    Args:
        tx: The caller's transaction.
        endpoint: The endpoint as this transaction read it.
        version: The version.
        cause: Why.
        reason: In the actor's words.
        request: The approval request that is used up by it.

    Returns:
        The generation that holds now.

    Raises:
        Conflict: the routes would not hold together.
        InvalidInput: too much would be loaded.
        IntegrityError: the audit log is damaged and cannot be continued.
    """
    before = rules.live_of(routes_of(endpoint))
    deployment = deployment_of(tx, endpoint, version)
    routes = rules.deployed(routes_of(endpoint), deployment, Share.LIVE)
    ended = {} if before in (None, deployment) or cause is not Cause.ROLL_BACK else {before: reason}
    return route(tx, endpoint, routes, cause, reason, request=request, ended=ended)


def _endings(before: rules.Routes, after: rules.Routes, ended: Mapping[int, str]) -> dict[int, str]:
    """How each deployment ended, or that it has not: what is routed again lives again, unless it only stands by."""
    gone = {route.deployment: rules.RETIRED for route in before if rules.share_of(after, route.deployment) is None}
    alive = {route.deployment: "" for route in after if route.share is not Share.STANDBY}
    return gone | alive | dict(ended)
