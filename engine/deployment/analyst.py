"""The analyst: looks at what running rollouts have served since it last looked, and carries them on."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.core.access import Actor
from engine.core.errors import Busy, QuarterdeckError, WorkspaceError
from engine.deployment import rollout_moves as moves
from engine.deployment import rollout_store as store
from engine.deployment.alarms import alarmed
from engine.deployment.analysis import Evidence, Judgement, Tally, Verdict, gathered, judged, next_step
from engine.deployment.rollout_model import Rollout, RolloutState
from engine.endpoints import routing
from engine.endpoints.model import WHOLE, Cause, Endpoint
from engine.endpoints.reading import failing
from engine.telemetry.histogram import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.alerts.model import Alert
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Transaction
    from engine.endpoints.service import Endpoints
    from engine.policy.file import PolicyFile
    from engine.telemetry.service import Telemetry

KEEP_EVERY_MS = 5_000
"""How often evidence is stored while nothing is decided; a restart counts again from there, and loses nothing."""

ORIGIN = "rollout"
"""Where an actor comes from that carries a rollout on."""


class Analyst:
    """Carries rollouts on; one a workspace at a time.

    Args:
        database: The control database.
        endpoints: Reads and changes routes.
        telemetry: Tells what deployments did.
        policy_file: The policy, as it is at every moment.
        promote: Moves a version to Production as the given actor, routes and stage in one transaction.
        clock: Tells the time.
        alerts: What monitors have raised about a version and is not resolved.
    """

    def __init__(  # noqa: PLR0913 wiring, done once in engine/api.py
        self,
        database: Database,
        endpoints: Endpoints,
        telemetry: Telemetry,
        policy_file: PolicyFile,
        promote: Callable[[Actor, Rollout], object],
        clock: Clock,
        *,
        alerts: Callable[[str, int], tuple[Alert, ...]] = lambda _model, _version: (),
    ) -> None:
        self._database = database
        self._endpoints = endpoints
        self._telemetry = telemetry
        self._policy_file = policy_file
        self._promote = promote
        self._alerts = alerts
        self._clock = clock
        self._fresh: dict[int, tuple[Evidence, int]] = {}
        self._finishing: dict[int, threading.Thread] = {}

    def tick(self) -> int:
        """Carry every running rollout on: look at what was served since, and act on it. For the one analysis process.

        Returns:
            How many rollouts run.

        Raises:
            QuarterdeckError: one of them could not be carried on, now; the others were.
        """
        with self._database.snapshot() as view:
            found = store.running(view)
        failure: QuarterdeckError | None = None
        for rollout in found:
            finishing = self._finishing.get(rollout.id)
            if finishing is not None and finishing.is_alive():
                continue
            try:
                self._carry_on(rollout)
            except QuarterdeckError as error:  # one that cannot go on must not keep the others from being looked at
                failure = failure or error
        numbers = {rollout.id for rollout in found}
        self._fresh = {number: kept for number, kept in self._fresh.items() if number in numbers}
        self._finishing = {number: thread for number, thread in self._finishing.items() if thread.is_alive()}
        if failure is not None:
            raise failure
        return len(found)

    def settle(self) -> None:
        """Wait until no promotion is under way any more."""
        for thread in self._finishing.values():
            thread.join()

    def _carry_on(self, rollout: Rollout) -> None:
        """One tick of one rollout; what is decided is checked again inside the transaction that acts on it."""
        endpoint = self._endpoints.get(rollout.endpoint)
        live = endpoint.desired.live if endpoint.desired is not None else None
        trouble = _trouble(rollout, endpoint) or alarmed(rollout, self._alerts(rollout.model, rollout.version))
        if live is not None and live.deployment == rollout.candidate:
            self._close(rollout, Judgement(Verdict.PASS, "It takes all of the traffic."))
        elif trouble is not None:
            self._act(rollout, trouble, seen=routing.number_of(endpoint))
        elif endpoint.settled:
            self._look(self._with_fresh(rollout), endpoint)

    def _look(self, rollout: Rollout, endpoint: Endpoint) -> None:
        now_ms = self._clock.now_ms()
        shadow = rollout.current.weight == 0
        if rollout.step_since_ms is None:
            evidence = next_step(rollout.evidence, rollout.generation)
            self._keep(replace(rollout, step_since_ms=now_ms, evidence=evidence))
            return
        tallies = [self._tally(endpoint, number, rollout.generation) for number in (rollout.candidate, rollout.live)]
        evidence = gathered(rollout.evidence, *tallies, shadow=shadow, policy=rollout.policy)
        over = now_ms - rollout.step_since_ms >= rollout.current.hold_ms
        judgement = judged(evidence, rollout.policy, shadow=shadow, over=over)
        rollout = replace(rollout, evidence=evidence)
        if judgement.verdict is not Verdict.WAITING:
            self._act(rollout, judgement, seen=routing.number_of(endpoint))
        elif now_ms - self._fresh.get(rollout.id, (None, 0))[1] >= KEEP_EVERY_MS:
            self._keep(rollout)
        else:
            self._fresh[rollout.id] = (evidence, self._fresh[rollout.id][1])

    def _act(self, rollout: Rollout, judgement: Judgement, *, seen: int) -> None:
        """Do what was decided, unless somebody was quicker.

        Args:
            rollout: With the evidence that decided.
            judgement: What was decided.
            seen: The endpoint's newest generation when it was.
        """
        last = judgement.verdict is Verdict.PASS and rollout.following.weight == WHOLE
        if last and rollout.promotes:
            self._keep(rollout)
            thread = threading.Thread(target=self._finish, args=(rollout, judgement), daemon=True)
            self._finishing[rollout.id] = thread
            thread.start()  # gates may take long, and other canaries must be looked at meanwhile
            return
        with self._database.transaction(_acting(rollout)) as tx:
            endpoint = moves.endpoint_of(tx, rollout.endpoint)
            if not self._stands(tx, rollout) or routing.number_of(endpoint) != seen:
                return
            judgement = self._if_fit(tx, rollout, endpoint, judgement)
            store.add_verdict(tx, rollout, judgement)
            if judgement.verdict is Verdict.FAIL:
                moves.give_up(tx, rollout, RolloutState.FAILED, judgement.sentence, cause=Cause.ROLL_BACK)
            elif judgement.verdict is Verdict.INCONCLUSIVE:
                moves.wait(tx, rollout, judgement.sentence, reason=judgement.sentence)
            else:
                moved = replace(rollout, step=rollout.step + 1, step_since_ms=None)
                moves.enter(tx, moved, endpoint, before=rollout, reason=judgement.sentence)
        self._fresh.pop(rollout.id, None)

    def _if_fit(self, tx: Transaction, rollout: Rollout, endpoint: Endpoint, judgement: Judgement) -> Judgement:
        """What was decided, or that a human is needed: stage and policy may have moved since the last step."""
        if judgement.verdict is not Verdict.PASS:
            return judgement
        try:
            moves.check_fit(tx, rollout, endpoint, self._policy_file.read())
        except QuarterdeckError as refusal:
            return Judgement(Verdict.INCONCLUSIVE, f"The step passed, but the next is refused: {refusal.message}")
        return judgement

    def _stands(self, tx: Transaction, rollout: Rollout) -> bool:
        """Whether a rollout is still as it was when it was decided about."""
        now = store.get(tx, rollout.id)
        running = now is not None and now.state is RolloutState.RUNNING
        return running and now is not None and (now.step, now.generation) == (rollout.step, rollout.generation)

    def _finish(self, rollout: Rollout, judgement: Judgement) -> None:
        """The last step of a promotion: the stage and the routes move together, by the policy of this moment."""
        try:
            self._promote(_acting(rollout), rollout)
        except (Busy, WorkspaceError):
            return  # the next look tries again
        except QuarterdeckError as refusal:
            sentence = f"Everything passed, but the promotion is refused: {refusal.message}"
            self._act(rollout, Judgement(Verdict.INCONCLUSIVE, sentence), seen=rollout.generation)
            return
        self._close(rollout, judgement)

    def _close(self, rollout: Rollout, judgement: Judgement) -> None:
        """Note that the candidate is the live one now."""
        with self._database.transaction(_acting(rollout)) as tx:
            if self._stands(tx, rollout):
                store.add_verdict(tx, rollout, judgement)
                moves.end(tx, rollout, RolloutState.PASSED, judgement.sentence)

    def _keep(self, rollout: Rollout) -> None:
        """Store evidence; nothing was decided, so that nothing is told."""
        with self._database.transaction(_acting(rollout)) as tx:
            if self._stands(tx, rollout):
                store.update(tx, replace(rollout, updated_ms=tx.now_ms))
                self._fresh[rollout.id] = (rollout.evidence, tx.now_ms)

    def _with_fresh(self, rollout: Rollout) -> Rollout:
        kept = self._fresh.get(rollout.id)
        newer = kept is not None and kept[0].ticks > rollout.evidence.ticks
        return replace(rollout, evidence=kept[0]) if kept is not None and newer else rollout

    def _tally(self, endpoint: Endpoint, deployment: int, generation: int) -> Tally:
        totals = self._telemetry.totals(endpoint.row_id, deployment, generation_from=generation)
        latencies = tuple(totals.latency.get(bucket, 0) for bucket in range(BUCKETS))
        disagreed = totals.compared - totals.agreed
        return Tally(totals.requests, totals.errors, latencies, totals.compared, disagreed, totals.delta)


def _acting(rollout: Rollout) -> Actor:
    """Whoever began it, as the analysis acts for them."""
    return Actor(rollout.by.name, f"{ORIGIN} {rollout.id}", "analysis", rollout.by.on_behalf_of)


def _trouble(rollout: Rollout, endpoint: Endpoint) -> Judgement | None:
    """What ends or stops a rollout before any number is looked at."""
    if endpoint.desired is None or endpoint.desired.number != rollout.generation:
        number = endpoint.desired.number if endpoint.desired is not None else 0
        by = endpoint.desired.by if endpoint.desired is not None else "nobody"
        return Judgement(Verdict.INCONCLUSIVE, f"{by} changed the routes meanwhile (generation {number}).")
    problem = failing(endpoint)
    if problem:
        return Judgement(Verdict.FAIL, f"A data plane could not take it over: {problem}")
    return None
