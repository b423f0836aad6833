"""The operations that route: each one transaction, with its audit record and its news."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.audit.refusals import refusals_recorded
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput
from engine.endpoints import routing, rules, store
from engine.endpoints.deciding import DECIDED, NEW, Question, decide, plan
from engine.endpoints.model import Cause, Endpoint, Generation, RouteWish, Share
from engine.endpoints.reading import find_row
from engine.endpoints.watching import EndpointWatching
from engine.registry.approval_model import checked_reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.core.access import Actor
    from engine.core.percent import Permille
    from engine.db.transaction import Snapshot, Transaction
    from engine.endpoints.model import Build, RoutePlan
    from engine.registry.model import Version

_NOBODY: Mapping[int, str] = {}


class Endpoints(EndpointWatching):
    """Endpoints: what should serve, in which shares.

    Args:
        database: The control database.
        workspace: Where data planes say that they live.
        access: Who acts, with which role.
        builds: Gives what versions are made ready with.
        policy_file: Says which versions may answer callers.
        clock: Tells the present, for ages in filters.
        ids: Makes salts.
        redaction: Replaces secrets in tags.
    """

    def plan(self, name: str, wish: RouteWish) -> RoutePlan:
        """Say what a verb would do and what stands in its way; changes nothing, and anybody may ask.

        Args:
            name: The endpoint's name.
            wish: The verb and what it is given.

        Returns:
            The plan; its `expect`, handed to the verb, refuses when anything changed since.

        Raises:
            NotFound: there is no such endpoint.
            InvalidInput: the wish is no verb of an operator.
        """
        if wish.cause not in DECIDED:
            raise InvalidInput(f"Nobody asks for {wish.cause.value}.", hint="Ask for deploy, traffic or another verb.")
        with self._database.snapshot() as view:
            found = routing.read(view, find_row(view, name))
            return plan(self._question(view, found, wish, lambda _: NEW))

    def deploy(
        self,
        name: str,
        version: int,
        *,
        reason: str,
        share: Share = Share.LIVE,
        weight: Permille = 0,
        expect: int | None = None,
    ) -> Generation:
        """Route a version of the endpoint's model. It is made ready to serve first, outside the transaction.

        A live version that is replaced stays loaded, so that the way back is short. What the policy refuses is
        recorded in the audit log too.

        Args:
            name: The endpoint's name.
            version: The version's number.
            reason: Why, in the operator's words.
            share: `live`, `canary` or `shadow`.
            weight: Of a canary: its share of the requests in 0.1 %; not nothing and not all.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The generation that holds now; the one before when nothing changes.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such endpoint or version.
            InvalidInput: the reason is empty or too long, or the weight is out of range.
            Conflict: the endpoint is not as the operator saw it, the version is archived, or nothing would be live.
            PolicyRefused: the version has not got as far as the policy asks of what answers callers.
            NotServable: nothing here can answer with the version, or nothing that agrees with it.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints deploy")
        why = checked_reason(reason)
        wish = RouteWish(Cause.DEPLOY, version, share, weight)
        attempt = {"verb": "deploy", "version": version, "share": share.value, "weight": weight}
        with self._attempt(actor, name, attempt, why):
            with self._database.snapshot() as view:
                found = routing.read(view, find_row(view, name))
                rules.check_expected(name, routing.number_of(found), expect)
                decide(self._question(view, found, wish, lambda _: NEW))  # what is refused need not be built
            build = self._builds().build(found.model, version)
            return self._change(actor, name, wish, why, expect=expect, build=build)

    def traffic(
        self, name: str, weights: Mapping[int, Permille], *, reason: str, expect: int | None = None
    ) -> Generation:
        """Change how requests are shared between versions that are deployed; the live one takes the rest.

        Args:
            name: The endpoint's name.
            weights: Shares in 0.1 % by version number; 0 keeps a canary loaded without requests. When the live one is
                named too, all must sum to the whole.
            reason: Why, in the operator's words.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The generation that holds now; the one before when nothing changes.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such endpoint or version.
            InvalidInput: the reason is empty or too long, a weight is out of range, or they sum to something else.
            Conflict: the endpoint is not as the operator saw it, a version is not deployed, or nothing would be left to
                the live one.
            PolicyRefused: a version has not got as far as the policy asks of what answers callers.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints traffic")
        why = checked_reason(reason)
        attempt = {"verb": "traffic", "weights": [[number, weight] for number, weight in sorted(weights.items())]}
        with self._attempt(actor, name, attempt, why):
            return self._change(actor, name, RouteWish(Cause.TRAFFIC, weights=weights), why, expect=expect)

    def shadow(self, name: str, version: int, *, reason: str, on: bool = True, expect: int | None = None) -> Generation:
        """Let a version answer a copy of each request, or stop that; a canary made a shadow gives up its share.

        Args:
            name: The endpoint's name.
            version: The version's number.
            reason: Why, in the operator's words.
            on: Whether it is to be a shadow; else it stands by.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The generation that holds now; the one before when nothing changes.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such endpoint or version.
            InvalidInput: the reason is empty or too long.
            Conflict: the endpoint is not as the operator saw it, the version is live, archived, or no shadow.
            NotServable: nothing here can answer with the version, or nothing that agrees with it.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        if on:
            return self.deploy(name, version, reason=reason, share=Share.SHADOW, expect=expect)
        actor = self._access.require(Role.OPERATOR, "endpoints shadow")
        why = checked_reason(reason)
        return self._change(actor, name, RouteWish(Cause.SHADOW, version), why, expect=expect)

    def retire(self, name: str, version: int, *, reason: str, expect: int | None = None) -> Generation:
        """Unload a version that takes no traffic.

        Args:
            name: The endpoint's name.
            version: The version's number.
            reason: Why, in the operator's words.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The generation that holds now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such endpoint.
            InvalidInput: the reason is empty or too long.
            Conflict: the endpoint is not as the operator saw it, the version is not deployed, or it takes traffic; the
                last live one can be retired while the endpoint is killed.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints retire")
        why = checked_reason(reason)
        return self._change(actor, name, RouteWish(Cause.RETIRE, version), why, expect=expect)

    def roll_back(self, name: str, *, reason: str, expect: int | None = None) -> Generation:
        """Give up the canaries if there are any, else the live version for the one that was live before it.

        What is given up stays loaded without requests, to be looked at, and is not gone back to unless it was live
        again since. No stage is asked about: the version answered callers before.

        Args:
            name: The endpoint's name.
            reason: Why, in the operator's words.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The generation that holds now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such endpoint.
            InvalidInput: the reason is empty or too long.
            Conflict: the endpoint is not as the operator saw it, or there is nothing to go back to.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints rollback")
        why = checked_reason(reason)
        return self._change(actor, name, RouteWish(Cause.ROLL_BACK), why, expect=expect)

    def undo(self, name: str, *, reason: str, expect: int | None = None, to: int | None = None) -> Generation:
        """Restore what was routed before the last change, whatever it was; undoing twice restores the change.

        Args:
            name: The endpoint's name.
            reason: Why, in the operator's words.
            expect: The number of the newest generation that the operator saw; not compared when `None`.
            to: The number of the earlier generation to restore instead; the same rules hold.

        Returns:
            The generation that holds now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such endpoint.
            InvalidInput: the reason is empty or too long.
            Conflict: the endpoint is not as the operator saw it, there is nothing to undo, or a version was deleted or
                archived since.
            PolicyRefused: a version has not got as far as the policy asks of what answers callers, or the policy has a
                plan, and a given-up version would be live again or a canary get more than the plan's first step.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints undo")
        why = checked_reason(reason)
        with self._attempt(actor, name, {"verb": "undo"}, why):
            return self._change(actor, name, RouteWish(Cause.UNDO, generation=to), why, expect=expect)

    def kill(self, name: str, *, reason: str, expect: int | None = None) -> Generation:
        """Refuse every request with 503, at once; what is routed stays loaded.

        Args:
            name: The endpoint's name.
            reason: Why, in the operator's words.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The generation that holds now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such endpoint.
            InvalidInput: the reason is empty or too long.
            Conflict: the endpoint is not as the operator saw it.
        """
        return self._switch(name, Cause.KILL, reason, expect)

    def revive(self, name: str, *, reason: str, expect: int | None = None) -> Generation:
        """Answer requests again after a kill.

        Args:
            name: The endpoint's name.
            reason: Why, in the operator's words.
            expect: The number of the newest generation that the operator saw; not compared when `None`.

        Returns:
            The generation that holds now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such endpoint.
            InvalidInput: the reason is empty or too long.
            Conflict: the endpoint is not as the operator saw it.
        """
        return self._switch(name, Cause.REVIVE, reason, expect)

    def prepare(self, model: str, version: int) -> None:
        """Make a version ready if its model has an endpoint, before a transaction that will `follow`.

        Args:
            model: The model's name.
            version: The version's number.

        Raises:
            NotFound: no such version.
            InvalidInput: the version cannot be served.
            NotServable: nothing here can answer with the version, or nothing that agrees with it.
        """
        with self._database.snapshot() as view:
            names = store.names_of_model(view, model)
        if names:
            self._builds().build(model, version)

    def follow(
        self, tx: Transaction, version: Version, *, cause: Cause, reason: str, request: int | None = None
    ) -> tuple[Generation, ...]:
        """Route a version live behind every endpoint of its model, inside the caller's transaction.

        Args:
            tx: The caller's transaction; its actor was let pass by the caller.
            version: The version that enters Production.
            cause: `promote` or `roll back`.
            reason: Why, in the actor's words.
            request: The approval request that is used up by it.

        Returns:
            The generation that holds now of each endpoint.

        Raises:
            Conflict: an endpoint was made meanwhile, and the version is not ready; or its routes would not hold.
            InvalidInput: an endpoint would have too much loaded.
            IntegrityError: the audit log is damaged and cannot be continued.
        """
        made: list[Generation] = []
        for name in store.names_of_model(tx, version.model):
            if self._builds().get(version.digest) is None:
                raise Conflict(f"{version.key} is not ready to serve behind {name} yet.", hint="Try again.")
            endpoint = routing.read(tx, find_row(tx, name))
            made.append(routing.follow(tx, endpoint, version, cause=cause, reason=reason, request=request))
        return tuple(made)

    def _switch(self, name: str, cause: Cause, reason: str, expect: int | None) -> Generation:
        actor = self._access.require(Role.OPERATOR, f"endpoints {cause.value}")
        why = checked_reason(reason)
        return self._change(actor, name, RouteWish(cause), why, expect=expect)

    def _change(
        self, actor: Actor, name: str, wish: RouteWish, reason: str, *, expect: int | None, build: Build | None = None
    ) -> Generation:
        """One transaction: what the operator saw is compared, what is asked decided, the next generation made."""
        with self._database.transaction(actor) as tx:
            endpoint = routing.read(tx, find_row(tx, name))
            rules.check_expected(name, routing.number_of(endpoint), expect)

            def deployment(version: Version) -> int:
                if build is None or build.digest != version.digest:
                    raise Conflict(f"{version.key} was replaced while it was made ready.", hint="Try again.")
                return routing.deployment_of(tx, endpoint, version)

            made = decide(self._question(tx, endpoint, wish, deployment))
            ended = dict.fromkeys(made.given_up, reason)
            return routing.route(tx, endpoint, made.routes, wish.cause, reason, killed=made.killed, ended=ended)

    def _question(
        self, view: Snapshot, endpoint: Endpoint, wish: RouteWish, deployment: Callable[[Version], int]
    ) -> Question:
        return Question(view, endpoint, wish, self._policy_file.read, deployment)

    @contextmanager
    def _attempt(self, actor: Actor, name: str, attempt: Mapping[str, object], reason: str) -> Iterator[None]:
        with refusals_recorded(self._database, actor, kind="endpoint", key=name, attempt=attempt, reason=reason):
            yield
