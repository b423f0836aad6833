"""The use cases that move versions: plan, promote, roll back. Every decision is taken inside the write lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.audit.refusals import refusals_recorded
from engine.audit.service import record
from engine.core.access import Access, Actor, Role
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.core.names import in_shell
from engine.core.paging import Page, decode_number, encode_token
from engine.db.database import Database
from engine.db.transaction import Snapshot, Transaction
from engine.deployment import rollout_moves as moves
from engine.deployment import rollout_store, store
from engine.deployment.model import (
    Decision,
    Expectation,
    Kind,
    Move,
    Occupants,
    Promotion,
    PromotionPlan,
    Situation,
    Wish,
)
from engine.deployment.planning import promotion_plan, rollback_plan
from engine.deployment.rollout_model import Rollout, RolloutState
from engine.deployment.rules import decide, decide_rollback
from engine.deployment.succession import WayBack, way_back
from engine.endpoints.model import WHOLE, Cause
from engine.endpoints.service import Endpoints
from engine.gates.model import GateReport, Trying
from engine.gates.service import Gates
from engine.policy.file import PolicyFile
from engine.registry.approval_model import Person, checked_reason
from engine.registry.approval_reading import policy_gone, protecting
from engine.registry.approvals import Approvals
from engine.registry.model import Model, Stage, Version, VersionState
from engine.registry.service import Models
from engine.registry.stages import move_stage, production_versions, read_version

if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[str, int, int], None]

MAX_PAGE = 1_000
"""Most promotions a page may have."""

NO_EXPECTATION = Expectation()
"""The caller has not looked; what is seen when the call begins must still hold when it is carried out."""

_VERBS = {
    Kind.PROMOTE: "promote",
    Kind.OVERRIDE: "override",
    Kind.ROLLBACK: "roll back",
    Kind.ROLLOUT: "roll out",
}


class Promotions:
    """Promotion, rollback, and what was where when.

    Args:
        database: The control database.
        access: Who acts, with which role.
        models: The registry.
        gates: Runs the gates before anything moves.
        approvals: The requests that a promotion uses up.
        policy_file: The policy, as it is at every moment.
        endpoints: Route what enters Production.
    """

    def __init__(  # noqa: PLR0913 the composition root alone calls it; each is one thing it stands on
        self,
        database: Database,
        access: Access,
        models: Models,
        gates: Gates,
        approvals: Approvals,
        policy_file: PolicyFile,
        *,
        endpoints: Endpoints,
    ) -> None:
        self._database = database
        self._access = access
        self._models = models
        self._gates = gates
        self._approvals = approvals
        self._policy_file = policy_file
        self._endpoints = endpoints

    def plan(
        self, model: str, version: int, *, to: Stage, override: bool = False, demote_to: Stage = Stage.ARCHIVED
    ) -> PromotionPlan:
        """Say what a promotion would do and what stands in its way; changes nothing, and anybody may ask.

        Args:
            model: The model's name.
            version: The version's number.
            to: The stage it would enter.
            override: Whether to plan an override.
            demote_to: Where versions would go that make room in Production.

        Returns:
            The plan; its `expect`, handed to `promote`, refuses when anything changed since.

        Raises:
            InvalidInput: `demote_to` is Production.
            NotFound: no such model or version.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        _check_demotion(demote_to)
        wish = Wish(to, override=override, demote_to=demote_to)
        with self._database.snapshot() as view:
            report = self._gates.check(model, version, to=to, store=False)
            found = self._situation(view, model, version, report=report, now_ms=report.time_ms)
            return promotion_plan(wish, found, production_versions(view, model), self._access)

    def plan_roll_back(self, model: str, *, demote_to: Stage = Stage.ARCHIVED) -> PromotionPlan:
        """Say what a rollback would do and what stands in its way; changes nothing, and anybody may ask.

        Args:
            model: The model's name.
            demote_to: Where the version would go that is given up.

        Returns:
            The plan; its `expect`, handed to `roll_back`, refuses when anything changed since.

        Raises:
            InvalidInput: `demote_to` is Production.
            NotFound: no such model.
            Conflict: there is nothing to go back to.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        _check_demotion(demote_to)
        with self._database.snapshot() as view:
            way = self._way_back(view, model)
            report = self._gates.check(model, way.target, to=Stage.PRODUCTION, store=False)
            found = self._situation(view, model, way.target, report=report, now_ms=report.time_ms)
            return rollback_plan(way, found, production_versions(view, model), self._access, demote_to)

    def promote(  # noqa: PLR0913 the operator's whole decision; each has a name at the call
        self,
        model: str,
        version: int,
        *,
        to: Stage,
        reason: str,
        expect: Expectation | None = None,
        override: bool = False,
        demote_to: Stage = Stage.ARCHIVED,
        occupants: Occupants = Occupants.POLICY,
        progress: Progress | None = None,
    ) -> Promotion:
        """Move a version to another stage. The gates run first, outside the transaction, and leave evidence.

        A version that enters Production moves those out that are there, unless the policy allows several, and answers
        behind the model's endpoints from the same commit on. Where the policy has a rollout plan and an endpoint of the
        model has a live version, the rollout begins instead (`Kind.ROLLOUT`), and its end is the promotion. What the
        policy refuses is recorded in the audit log too.

        Args:
            model: The model's name.
            version: The version's number.
            to: The stage.
            reason: Why, in the operator's words.
            expect: What the operator saw; what is not given is taken as it is when the call begins.
            override: Go past failing gates, freezes and missing approvals, on an approved request for it.
            demote_to: Where versions go that make room in Production.
            occupants: What becomes of the versions that are in the stage already.
            progress: Told how far the gates are; may raise to stop, and nothing moves then.

        Returns:
            What happened, with what it relied on.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator, or for an override no admin.
            InvalidInput: the reason is empty or too long, or `demote_to` is Production.
            NotFound: no such model or version.
            Conflict: things are not as the operator saw them, the version is in that stage already, another version is
                being rolled out, or an override has nothing to go past; the details show how things are now.
            GateFailed: a gate failed, or the evidence is for other bytes, another policy, or too old; or the model has
                endpoints, and the version cannot be made ready to serve.
            PolicyRefused: the stage is frozen.
            ApprovalMissing: the stage, or the override, asks for approvals that are not there.
            PolicyInvalid: `quarterdeck.toml` is wrong, or gone though versions were judged by it.
        """
        actor = self._access.require(Role.ADMIN if override else Role.OPERATOR, "models promote")
        why = checked_reason(reason)
        _check_demotion(demote_to)
        with self._database.snapshot() as view:
            expect = self._seen(view, read_version(view, model, version), to, expect or NO_EXPECTATION)
        wish = Wish(to, expect, override=override, demote_to=demote_to, occupants=occupants)
        report = self._gates.check(model, version, to=to, progress=progress)
        with self._attempt(actor, report, wish=wish, reason=why) as (tx, found):
            decision = decide(wish, found)
            begun = None if override else self._begin_rollout(tx, found, decision, why)
            return begun or self._carry_out(tx, found, decision, why)

    def finish(self, rollout: int) -> Promotion:
        """Promote what has been rolled out: by the policy of this moment, with fresh gates, as whoever began it.

        Args:
            rollout: The rollout's number; it runs, and only all of the traffic is left.

        Returns:
            What happened.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator any more.
            NotFound: there is no such rollout.
            Conflict: it does not run, has steps left, or leads to no stage.
            GateFailed: a gate failed.
            PolicyRefused: the stage is frozen.
            ApprovalMissing: the stage asks for approvals that are not there.
            PolicyInvalid: `quarterdeck.toml` is wrong, or gone though versions were judged by it.
        """
        actor = self._access.require(Role.OPERATOR, "models promote")
        with self._database.snapshot() as view:
            told = _finishable(view, rollout)
        wish = Wish(Stage.PRODUCTION)
        report = self._gates.check(told.model, told.version, to=wish.to, trying=Trying.UNLESS_KNOWN)
        with self._attempt(actor, report, wish=wish, reason=told.reason) as (tx, found):
            _finishable(tx, rollout)
            return self._carry_out(tx, found, decide(wish, found), told.reason)

    @contextmanager
    def _attempt(
        self, actor: Actor, report: GateReport, *, wish: Wish, reason: str
    ) -> Iterator[tuple[Transaction, Situation]]:
        """Open the transaction that decides by what the gates have said; a refusal is recorded."""
        model, version = report.model, report.version
        attempt = {"verb": "override" if wish.override else "promote", "to": wish.to.value, "report": report.id}
        key = f"{model}/{version}"
        with refusals_recorded(self._database, actor, kind="version", key=key, attempt=attempt, reason=reason):
            if wish.to is Stage.PRODUCTION:
                self._endpoints.prepare(model, version)
            with self._database.transaction(actor) as tx:
                yield tx, self._situation(tx, model, version, report=report, now_ms=tx.now_ms)

    def _begin_rollout(self, tx: Transaction, found: Situation, decision: Decision, reason: str) -> Promotion | None:
        """Begin the policy's rollout in place of the promotion; `None` where there is none to begin."""
        policy = found.policy.rollout(found.version.model)
        if policy is None or found.report.target is not Stage.PRODUCTION:
            return None
        endpoints = [moves.endpoint_of(tx, name) for name in self._endpoints.of_model(tx, found.version.model)]
        others = [each for each in endpoints if moves.serves_another(tx, each, found.version)]
        if len(others) > 1:
            raise Conflict(
                f"{found.version.model} is served behind {len(others)} endpoints; a rollout goes behind one at a time.",
                hint=f"Begin with `qd endpoints promote {in_shell(others[0].name)} {found.version.version}`.",
            )
        if not others:
            return None
        moves.begin(tx, others[0], found.version, policy=policy, reason=reason, promotes=True)
        return self._record(tx, found, Decision(Kind.ROLLOUT, decision.moves[:1]), reason)

    def roll_back(
        self, model: str, *, reason: str, expect: Expectation | None = None, demote_to: Stage = Stage.ARCHIVED
    ) -> Promotion:
        """Go back to the version that was in Production before, whoever promoted the one that is there now.

        Versions that were rolled back from, or taken out by hand, are passed over; calling again goes further back. No
        approval is asked for and no freeze stops it: the version was approved once. Its bytes are read again first.

        Args:
            model: The model's name.
            reason: Why, in the operator's words.
            expect: What the operator saw; what is not given is taken as it is when the call begins.
            demote_to: Where the version goes that is given up.

        Returns:
            What happened.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            InvalidInput: the reason is empty or too long, or `demote_to` is Production.
            NotFound: no such model.
            Conflict: there is nothing to go back to, or things are not as the operator saw them; the details show how
                things are now.
            GateFailed: the stored bytes are no longer the ones that were approved.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "models rollback")
        why = checked_reason(reason)
        _check_demotion(demote_to)
        with self._database.snapshot() as view:
            way = self._way_back(view, model)
            target = read_version(view, model, way.target)
            expect = self._seen(view, target, Stage.PRODUCTION, expect or NO_EXPECTATION)
        report = self._gates.check(model, way.target, to=Stage.PRODUCTION, trying=Trying.NEVER)
        attempt = {"verb": "roll back", "to": Stage.PRODUCTION.value, "report": report.id}
        key = f"{model}/{way.target}"
        with refusals_recorded(self._database, actor, kind="version", key=key, attempt=attempt, reason=why):
            self._endpoints.prepare(model, way.target)
            with self._database.transaction(actor) as tx:
                found = self._situation(tx, model, way.target, report=report, now_ms=tx.now_ms)
                decision = decide_rollback(found, way, expect=expect, demote_to=demote_to)
                return self._carry_out(tx, found, decision, why, rolled_back_from=way.leaving)

    def history(self, model: str | None = None, *, limit: int = 100, page_token: str | None = None) -> Page[Promotion]:
        """List what moved, newest first.

        Args:
            model: Only this model's; `None` for all.
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The promotions, with a token when there are more.

        Raises:
            NotFound: no such model.
            InvalidInput: the limit is out of range, or the token is not of this list.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        below = None if page_token is None else decode_number(page_token)
        if model is not None:
            self._models.get(model)
        with self._database.snapshot() as view:
            found = store.newest(view, model, below=below, limit=limit + 1)
        token = encode_token(found[limit - 1].id) if len(found) > limit else None
        return Page(found[:limit], token)

    def at(self, model: str | None, time_ms: int) -> tuple[VersionState, ...]:
        """What was where at a moment, replayed from the audit log.

        Args:
            model: The model's name at that moment; `None` for all models.
            time_ms: The moment, in milliseconds since the epoch.

        Returns:
            Every version that existed then, with its stage and aliases.

        Raises:
            IntegrityError: an audit record has been damaged.
        """
        return self._models.at(model, time_ms)

    def _situation(self, view: Snapshot, model: str, version: int, *, report: GateReport, now_ms: int) -> Situation:
        """All that decides about a move, from one view and the policy of this moment."""
        policy = self._policy_file.read()
        found = read_version(view, model, version)
        normal, override = (
            self._approvals.pending(view, found, report.target, override=kind, policy=policy, now_ms=now_ms)
            for kind in (False, True)
        )
        return Situation(
            version=found,
            production=_numbers(production_versions(view, model)),
            generation=store.generation(view, model),
            policy=protecting(view, policy),
            policy_gone=policy_gone(view, policy),
            actor=self._access.actor,
            report=report,
            now_ms=now_ms,
            request=normal,
            override_request=override,
            shown=self._gates.read(view, override.report_id) if override is not None else None,
            staging=self._models.numbers(view, model, Stage.STAGING),
        )

    def _seen(self, view: Snapshot, version: Version, to: Stage, expect: Expectation) -> Expectation:
        """What the operator saw, completed with what is there now; a move beside Production does not look at it."""
        filled = replace(expect, stage=expect.stage or version.stage)
        if Stage.PRODUCTION not in (to, version.stage):
            return filled
        serving = _numbers(production_versions(view, version.model))
        last = store.generation(view, version.model)
        return replace(
            filled,
            production=serving if expect.production is None else expect.production,
            generation=last if expect.generation is None else expect.generation,
        )

    def _way_back(self, view: Snapshot, model: str) -> WayBack:
        known: Model = self._models.get(model)
        turns = store.turns(view, model)
        existing = self._models.numbers(view, model)
        way = way_back(turns, production=known.production, existing=existing)
        if way is None:
            raise Conflict(
                f"{model} has no earlier Production version to go back to.",
                hint="Promote another version; `qd models history` shows what was in Production.",
                details={"production": list(known.production), "generation": store.generation(view, model)},
            )
        return way

    def _carry_out(
        self,
        tx: Transaction,
        found: Situation,
        decision: Decision,
        reason: str,
        *,
        rolled_back_from: int | None = None,
    ) -> Promotion:
        """Write everything that was decided: stages, aliases, the promotion, the used request, audit and news."""
        number = found.version.version
        verb = _VERBS[decision.kind]
        for move in decision.moves:
            moved = found.version if move.version == number else read_version(tx, found.version.model, move.version)
            step = verb if move.version == number else _making_room(move)
            move_stage(tx, moved, move.to_stage, policy=found.policy, verb=step, reason=reason)
        promotion = self._record(tx, found, decision, reason, rolled_back_from=rolled_back_from)
        if promotion.to_stage is Stage.PRODUCTION:
            self._route(tx, promotion)
        return promotion

    def _record(
        self,
        tx: Transaction,
        found: Situation,
        decision: Decision,
        reason: str,
        *,
        rolled_back_from: int | None = None,
    ) -> Promotion:
        """Write down what was decided: the promotion, the used request, audit and news."""
        number = found.version.version
        promotion = Promotion(
            id=0,
            model=found.version.model,
            version=number,
            kind=decision.kind,
            from_stage=found.version.stage,
            to_stage=found.report.target,
            digest=found.version.digest,
            report_id=found.report.id,
            request_id=decision.request_id,
            overridden=decision.overridden,
            rolled_back_from=rolled_back_from,
            replaced=tuple(move for move in decision.moves if move.version != number),
            reason=reason,
            by=Person.of(tx.actor),
            time_ms=tx.now_ms,
        )
        touched = decision.kind is not Kind.ROLLOUT and any(
            Stage.PRODUCTION in (move.from_stage, move.to_stage) for move in decision.moves
        )
        promotion = replace(promotion, id=store.insert(tx, promotion, changes_production=touched))
        for request in (found.request, found.override_request):
            if request is not None and request.id == decision.request_id:
                self._approvals.use(tx, request, promotion.id)
        self._approvals.close_stale(tx, promotion.model, policy=found.policy)
        _audit(tx, promotion, found, _VERBS[decision.kind])
        tx.emit(kind="promotion", change=decision.kind.value, key=found.version.key)
        return promotion

    def _route(self, tx: Transaction, promotion: Promotion) -> None:
        """Let the model's endpoints answer with what entered Production, in the same transaction."""
        cause = Cause.ROLL_BACK if promotion.kind is Kind.ROLLBACK else Cause.PROMOTE
        version = read_version(tx, promotion.model, promotion.version)
        self._endpoints.follow(tx, version, cause=cause, reason=promotion.reason, request=promotion.request_id)


def _finishable(view: Snapshot, number: int) -> Rollout:
    rollout = rollout_store.get(view, number)
    if rollout is None:
        raise NotFound(f"There is no rollout {number}.", hint="`qd endpoints show` lists them.")
    ready = rollout.state is RolloutState.RUNNING and rollout.promotes and rollout.following.weight == WHOLE
    if not ready:
        raise Conflict(f"The rollout {number} is not at its last step.", hint="`qd endpoints show` shows where it is.")
    newest = moves.endpoint_of(view, rollout.endpoint).desired
    if newest is None or newest.number != rollout.generation:
        raise Conflict(f"Somebody changed the routes of {rollout.endpoint} meanwhile.", hint="Look at it again.")
    return rollout


def _check_demotion(demote_to: Stage) -> None:
    if demote_to is Stage.PRODUCTION:
        raise InvalidInput(
            "Versions that make room cannot stay in Production.",
            hint="Set single_production = false in quarterdeck.toml to have several.",
        )


def _numbers(versions: tuple[Version, ...]) -> tuple[int, ...]:
    return tuple(sorted(version.version for version in versions))


def _making_room(move: Move) -> str:
    return "archive" if move.to_stage is Stage.ARCHIVED else "demote"


def _audit(tx: Transaction, promotion: Promotion, found: Situation, verb: str) -> None:
    """One record with everything the promotion relied on; the moved versions have their own beside it."""
    request = next((r for r in (found.request, found.override_request) if r and r.id == promotion.request_id), None)
    record(
        tx,
        verb=verb,
        kind="promotion",
        key=str(promotion.id),
        before={"stage": promotion.from_stage.value, "production": found.production, "generation": found.generation},
        after={
            "version": found.version.key,
            "stage": promotion.to_stage.value,
            "digest": promotion.digest,
            "replaced": [[move.version, move.to_stage.value] for move in promotion.replaced],
            "rolled_back_from": promotion.rolled_back_from,
            "policy": found.policy.digest,
            "report": promotion.report_id,
            "gates": [[result.label, result.status.value] for result in found.report.results],
            "request": promotion.request_id,
            "approvers": [[person.name, person.on_behalf_of] for person in request.approvers] if request else [],
            "overridden": promotion.overridden,
        },
        reason=promotion.reason,
    )
