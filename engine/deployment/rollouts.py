"""Rollouts as operators handle them: begin, pause, resume, abort, look."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.audit.refusals import refusals_recorded
from engine.core.access import Access, Role
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.core.paging import Page, decode_number, encode_token
from engine.deployment import rollout_moves as moves
from engine.deployment import rollout_store as store
from engine.deployment.analysis import Judgement, Verdict
from engine.deployment.rollout_model import Rollout, RolloutState, StepVerdict
from engine.endpoints import routing, rules
from engine.endpoints.model import WHOLE, Cause, Share
from engine.policy.rollout import RolloutPolicy, parse_plan
from engine.registry.approval_model import checked_reason
from engine.registry.stages import read_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.core.access import Actor
    from engine.db.database import Database
    from engine.db.transaction import Snapshot
    from engine.endpoints.service import Endpoints
    from engine.policy.file import PolicyFile

MAX_PAGE = 1_000
"""Most rollouts a page may have."""


class Rollouts:
    """Versions on their way to all of an endpoint's traffic.

    Args:
        database: The control database.
        access: Who acts, with which role.
        endpoints: Reads and changes routes.
        policy_file: The policy, as it is at every moment.
    """

    def __init__(
        self,
        database: Database,
        access: Access,
        endpoints: Endpoints,
        policy_file: PolicyFile,
    ) -> None:
        self._database = database
        self._access = access
        self._endpoints = endpoints
        self._policy_file = policy_file

    def start(
        self,
        endpoint: str,
        version: int,
        *,
        reason: str,
        plan: str = "",
        promotes: bool = False,
        expect: int | None = None,
    ) -> Rollout:
        """Begin to give a version all of an endpoint's traffic, step by step.

        Args:
            endpoint: The endpoint's name.
            version: The version.
            reason: Why, in the operator's words.
            plan: The steps, such as `shadow 10m -> 5% 10m -> 100%`; the policy's when empty.
            promotes: Whether its end also moves the version to Production.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The rollout.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator, or no admin and gives another plan than the policy's.
            InvalidInput: the reason is empty or too long, or the plan is none, or there is none at all.
            NotFound: no such endpoint, or the version is not deployed there.
            Conflict: the endpoint is not as the operator saw it, another rollout is open there, it has no live
                version, or the version is the live one.
            PolicyRefused: the version has not got as far as the policy asks of what answers callers.
            NotServable: nothing here can answer with the version, or nothing that agrees with it.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints promote")
        why = checked_reason(reason)
        if plan and self._policy_file.read().rollout(self._endpoints.get(endpoint).model) is not None:
            self._access.require(Role.ADMIN, "endpoints promote with a plan of one's own")
        with self._attempt(actor, endpoint, {"verb": "promote", "version": version, "plan": plan}, why):
            self._endpoints.prepare(self._endpoints.get(endpoint).model, version)
            with self._database.transaction(actor) as tx:
                found = moves.endpoint_of(tx, endpoint)
                rules.check_expected(endpoint, routing.number_of(found), expect)
                policy = self._plan(found.model, plan)
                known = read_version(tx, found.model, version)
                # A shadow needs no stage; but a plan that begins so ends with callers.
                rules.check_version(known, Share.CANARY, routed=False, policy=self._policy_file.read())
                return moves.begin(tx, found, known, policy=policy, reason=why, promotes=promotes)

    def pause(self, endpoint: str, *, reason: str, expect: int | None = None) -> Rollout:
        """Stop the clock of an endpoint's rollout; the traffic stays as it is.

        Args:
            endpoint: The endpoint's name.
            reason: Why, in the operator's words.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The rollout.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            InvalidInput: the reason is empty or too long.
            NotFound: no such endpoint, or no rollout is open there.
            Conflict: the endpoint is not as the operator saw it, or its rollout is paused already.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints pause")
        why = checked_reason(reason)
        with self._database.transaction(actor) as tx:
            found = self._open(tx, endpoint, expect)
            if found.state is RolloutState.PAUSED:
                raise Conflict(f"The rollout behind {endpoint} is paused already: {found.note}")
            return moves.wait(tx, found, f"Paused by {actor.name}: {why}", reason=why)

    def resume(self, endpoint: str, *, reason: str, skip: bool = False, expect: int | None = None) -> Rollout:
        """Go on with an endpoint's rollout, with the routes as they are now; the step begins anew.

        Args:
            endpoint: The endpoint's name.
            reason: Why, in the operator's words.
            skip: Take the step as passed, on the operator's word.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The rollout.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            InvalidInput: the reason is empty or too long.
            NotFound: no such endpoint, or no rollout is open there.
            Conflict: the endpoint is not as the operator saw it, the rollout is not paused, its version is not
                deployed any more, or only a promotion could be skipped.
            PolicyRefused: the policy lets its version answer nobody any more.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints resume")
        why = checked_reason(reason)
        with (
            self._attempt(actor, endpoint, {"verb": "resume", "skip": skip}, why),
            self._database.transaction(actor) as tx,
        ):
            found = self._open(tx, endpoint, expect)
            if found.state is not RolloutState.PAUSED:
                raise Conflict(f"The rollout behind {endpoint} is not paused.", hint="`qd endpoints show` shows it.")
            endpoint_now = moves.endpoint_of(tx, endpoint)
            moves.check_fit(tx, found, endpoint_now, self._policy_file.read())
            if skip and found.promotes and found.following.weight == WHOLE:
                raise Conflict(
                    "Only the promotion is left, which takes the word of the gates.",
                    hint="Resume without --skip, or abort.",
                )
            if skip:
                store.add_verdict(tx, found, Judgement(Verdict.PASS, f"On the word of {actor.name}: {why}"))
            step = found.step + 1 if skip else found.step
            going = replace(found, state=RolloutState.RUNNING, step=step, note="", step_since_ms=None)
            return moves.enter(tx, moves.compared_anew(tx, going, endpoint_now), endpoint_now, before=found, reason=why)

    def abort(self, endpoint: str, *, reason: str, expect: int | None = None) -> Rollout:
        """Give up an endpoint's rollout: its version gets no traffic any more, but stays loaded.

        Args:
            endpoint: The endpoint's name.
            reason: Why, in the operator's words.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The rollout.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            InvalidInput: the reason is empty or too long.
            NotFound: no such endpoint, or no rollout is open there.
            Conflict: the endpoint is not as the operator saw it.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints abort")
        why = checked_reason(reason)
        with self._database.transaction(actor) as tx:
            found = self._open(tx, endpoint, expect)
            note = f"Aborted by {actor.name}: {why}"
            store.add_verdict(tx, found, Judgement(Verdict.FAIL, note))
            return moves.give_up(tx, found, RolloutState.ABORTED, note, cause=Cause.ABORT)

    def open_of(self, endpoint: str) -> Rollout | None:
        """The rollout of an endpoint that has not ended; `None` when there is none.

        Args:
            endpoint: The endpoint's name.
        """
        with self._database.snapshot() as view:
            return store.open_of(view, endpoint)

    def page(self, endpoint: str | None = None, *, limit: int = 100, page_token: str | None = None) -> Page[Rollout]:
        """List rollouts, newest first.

        Args:
            endpoint: Only those of this endpoint; `None` for all.
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The rollouts, with a token when there are more.

        Raises:
            InvalidInput: the limit is out of range, or the token is not of this list.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        below = None if page_token is None else decode_number(page_token)
        with self._database.snapshot() as view:
            found = store.newest(view, endpoint, below=below, limit=limit + 1)
        return Page(found[:limit], encode_token(found[limit - 1].id) if len(found) > limit else None)

    def verdicts(self, rollout: int) -> tuple[StepVerdict, ...]:
        """What was decided about the steps of a rollout, oldest first, with the numbers.

        Args:
            rollout: Its number.

        Raises:
            NotFound: there is none of that number.
        """
        with self._database.snapshot() as view:
            if not 0 < rollout < 2**63 or store.get(view, rollout) is None:
                raise NotFound(f"There is no rollout {rollout}.", hint="`qd endpoints show` lists them.")
            return store.verdicts(view, rollout)

    @contextmanager
    def _attempt(self, actor: Actor, endpoint: str, attempt: Mapping[str, object], reason: str) -> Iterator[None]:
        with refusals_recorded(self._database, actor, kind="endpoint", key=endpoint, attempt=attempt, reason=reason):
            yield

    def _open(self, view: Snapshot, endpoint: str, expect: int | None) -> Rollout:
        rules.check_expected(endpoint, routing.number_of(moves.endpoint_of(view, endpoint)), expect)
        found = store.open_of(view, endpoint)
        if found is None:
            raise NotFound(f"No rollout is open behind {endpoint}.", hint="`qd endpoints promote` begins one.")
        return found

    def _plan(self, model: str, plan: str) -> RolloutPolicy:
        written = self._policy_file.read().rollout(model)
        if plan:
            return replace(written or RolloutPolicy(()), steps=parse_plan(plan))
        if written is None:
            raise InvalidInput(
                f"The policy has no rollout plan for {model}.",
                hint='Give one, such as --plan "shadow 10m -> 5% 10m -> 100%".',
            )
        return written
