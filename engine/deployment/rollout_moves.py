"""The moves of a rollout, each inside the caller's transaction: routes, record and news together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.errors import Conflict
from engine.core.names import in_shell
from engine.deployment import rollout_store as store
from engine.deployment.analysis import first_evidence
from engine.deployment.rollout_model import Rollout, RolloutState, routes_of_step, routes_without
from engine.endpoints import routing, rules
from engine.endpoints.model import WHOLE, Cause, Endpoint, Share
from engine.endpoints.reading import find_row
from engine.policy.rollout import RolloutPolicy
from engine.registry.approval_model import Person
from engine.registry.lookup import version as read_version

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot, Transaction
    from engine.policy.model import Policy
    from engine.registry.model import Version


def begin(
    tx: Transaction, endpoint: Endpoint, version: Version, *, policy: RolloutPolicy, reason: str, promotes: bool
) -> Rollout:
    """Begin a rollout.

    Args:
        tx: The caller's transaction.
        endpoint: The endpoint as the transaction sees it.
        version: The version, whose bytes have a build.
        policy: Plan and tolerances.
        reason: Why.
        promotes: Whether its end also moves the version to Production.

    Returns:
        The rollout.

    Raises:
        Conflict: another rollout is open there, it has no live version, or the version is the live one.
        InvalidInput: too much would be loaded.
        IntegrityError: the audit log is damaged and cannot be continued.
    """
    candidate = routing.deployment_of(tx, endpoint, version)
    live = _rival(tx, endpoint, version, candidate)
    routes = routes_of_step(routing.routes_of(endpoint), candidate, policy.steps[0])
    generation = routing.route(tx, endpoint, routes, Cause.PROMOTE, reason)
    rollout = Rollout(
        id=0,
        endpoint=endpoint.name,
        model=endpoint.model,
        version=version.version,
        candidate=candidate,
        live=live,
        live_version=routing.number_behind(tx, endpoint, live),
        policy=policy,
        promotes=promotes,
        state=RolloutState.RUNNING,
        step=0,
        generation=generation.number,
        step_since_ms=None,
        evidence=first_evidence(policy),
        note="",
        reason=reason,
        by=Person.of(tx.actor),
        created_ms=tx.now_ms,
        updated_ms=tx.now_ms,
        ended_ms=None,
    )
    routing.pause(tx, candidate, "")
    rollout = replace(rollout, id=store.insert(tx, rollout))
    _tell(tx, rollout, "begin", before=None, reason=reason)
    return rollout


def _rival(tx: Transaction, endpoint: Endpoint, version: Version, candidate: int) -> int:
    """The live deployment that a candidate is compared with."""
    live = rules.live_of(routing.routes_of(endpoint))
    if live is None:
        raise Conflict(
            f"{endpoint.name} has no live version to compare with.",
            hint=f"`qd endpoints deploy {in_shell(endpoint.name)} {version.version}` makes it the live one.",
        )
    if live == candidate:
        raise Conflict(f"{version.key} is the live one behind {endpoint.name} already.")
    other = store.open_of(tx, endpoint.name)
    if other is not None:
        raise Conflict(
            f"Version {other.version} is being rolled out behind {endpoint.name} already.",
            hint=f"`qd endpoints abort {in_shell(endpoint.name)}` ends that.",
        )
    return live


def check_fit(view: Snapshot, rollout: Rollout, endpoint: Endpoint, policy: Policy) -> None:
    """Refuse to give traffic to what is not deployed any more, or what may answer nobody any more.

    Args:
        view: The caller's transaction.
        rollout: The rollout.
        endpoint: As the transaction sees it.
        policy: The policy of this moment.

    Raises:
        NotFound: its version was deleted.
        Conflict: its version is not deployed there any more, or is archived.
        PolicyRefused: the policy lets its version answer nobody any more.
    """
    if rules.share_of(routing.routes_of(endpoint), rollout.candidate) is None:
        raise Conflict(
            f"Version {rollout.version} is not deployed behind {endpoint.name} any more.",
            hint=f"`qd endpoints abort {in_shell(endpoint.name)}` ends its rollout.",
        )
    # A shadow needs no stage; but a plan that begins so ends with callers.
    rules.check_version(read_version(view, rollout.model, rollout.version), Share.CANARY, routed=False, policy=policy)


def enter(tx: Transaction, rollout: Rollout, endpoint: Endpoint, *, before: Rollout, reason: str) -> Rollout:
    """Route the step a rollout is in now, which is fit for it; the last one ends it.

    Args:
        tx: The caller's transaction.
        rollout: In its new step; `check_fit` has let it pass in this transaction.
        endpoint: As the transaction sees it.
        before: As it was.
        reason: Why it moves on.

    Returns:
        The rollout.
    """
    routes = routes_of_step(routing.routes_of(endpoint), rollout.candidate, rollout.current)
    generation = routing.route(tx, endpoint, routes, Cause.STEP, reason)
    entered = replace(rollout, generation=generation.number, updated_ms=tx.now_ms)
    routing.pause(tx, rollout.candidate, "")
    if entered.current.weight == WHOLE:
        return end(tx, entered, RolloutState.PASSED, reason)
    store.update(tx, entered)
    _tell(tx, entered, "step", before=before, reason=reason)
    return entered


def wait(tx: Transaction, rollout: Rollout, note: str, *, reason: str) -> Rollout:
    """Stop the clock; the traffic stays as it is.

    Args:
        tx: The caller's transaction.
        rollout: The rollout.
        note: Why, for people.
        reason: Why, for the audit log.

    Returns:
        The rollout.
    """
    paused = replace(rollout, state=RolloutState.PAUSED, note=note, updated_ms=tx.now_ms)
    store.update(tx, paused)
    routing.pause(tx, rollout.candidate, note)
    _tell(tx, paused, "pause", before=rollout, reason=reason)
    return paused


def give_up(tx: Transaction, rollout: Rollout, state: RolloutState, note: str, *, cause: Cause) -> Rollout:
    """Take all traffic from the candidate; it stays loaded, for inspection.

    Args:
        tx: The caller's transaction.
        rollout: The rollout.
        state: How it ends.
        note: Why, for people.
        cause: Why the routes change.

    Returns:
        The rollout.
    """
    endpoint = endpoint_of(tx, rollout.endpoint)
    if any(route.deployment == rollout.candidate for route in routing.routes_of(endpoint)):
        routes = routes_without(routing.routes_of(endpoint), rollout.candidate)
        made = routing.route(tx, endpoint, routes, cause, note, ended={rollout.candidate: note})
        rollout = replace(rollout, generation=made.number)
    return end(tx, rollout, state, note)


def end(tx: Transaction, rollout: Rollout, state: RolloutState, note: str) -> Rollout:
    """Close it.

    Args:
        tx: The caller's transaction.
        rollout: The rollout.
        state: How it ends.
        note: Why, for people.

    Returns:
        The rollout.
    """
    ended = replace(rollout, state=state, note=note, updated_ms=tx.now_ms, ended_ms=tx.now_ms)
    store.update(tx, ended)
    routing.pause(tx, rollout.candidate, "")
    _tell(tx, ended, state.value, before=rollout, reason=note)
    return ended


def compared_anew(view: Snapshot, rollout: Rollout, endpoint: Endpoint) -> Rollout:
    """A rollout that goes on beside the version that is live now; evidence against another one does not count.

    Args:
        view: The caller's transaction.
        rollout: The rollout.
        endpoint: As the transaction sees it.

    Raises:
        Conflict: there is no live version, or it is the candidate.
    """
    live = rules.live_of(routing.routes_of(endpoint))
    if live is None or live == rollout.candidate:
        raise Conflict(
            f"{endpoint.name} has no other live version to compare with.",
            hint=f"`qd endpoints abort {in_shell(endpoint.name)}` ends the rollout.",
        )
    if live == rollout.live:
        return rollout
    number = routing.number_behind(view, endpoint, live)
    return replace(rollout, live=live, live_version=number, evidence=first_evidence(rollout.policy))


def serves_another(view: Snapshot, endpoint: Endpoint, version: Version) -> bool:
    """Whether an endpoint has a live version, and it is another one."""
    live = rules.live_of(routing.routes_of(endpoint))
    return live is not None and routing.number_behind(view, endpoint, live) != version.version


def endpoint_of(view: Snapshot, name: str) -> Endpoint:
    """An endpoint as a transaction sees it, without deployments.

    Raises:
        NotFound: there is none of that name.
    """
    return routing.read(view, find_row(view, name))


def _tell(tx: Transaction, rollout: Rollout, verb: str, *, before: Rollout | None, reason: str) -> None:
    record(
        tx,
        verb=verb,
        kind="rollout",
        key=str(rollout.id),
        before=None if before is None else _state(before),
        after=_state(rollout),
        reason=reason,
    )
    tx.emit(kind="rollout", change=verb, key=rollout.endpoint)


def _state(rollout: Rollout) -> dict[str, object]:
    return {
        "endpoint": rollout.endpoint,
        "version": f"{rollout.model}/{rollout.version}",
        "plan": rollout.policy.plan,
        "state": rollout.state.value,
        "step": rollout.current.words,
        "generation": rollout.generation,
        "note": rollout.note,
    }
