"""How promotions, routes, rollouts and endpoints go back: by rollback, by promotion, by undoing a generation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.core.access import Role
from engine.core.errors import Conflict, NotFound
from engine.deployment.model import Expectation, Occupants
from engine.endpoints.model import Cause, RouteWish
from engine.policy.model import NO_DEMANDS
from engine.registry.model import Stage
from engine.undoing.inverse import Answer, Case, Inverse, Lead, Never, Part, State, final, flat, touched
from engine.undoing.registered import PROMOTED, split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.deployment.model import PromotionPlan
    from engine.endpoints.model import Endpoint, PlannedRoute, RoutePlan


class _Move:
    """A promotion as its record tells it, with what its undo makes of it.

    Args:
        case: The record; its key is the version's.
    """

    def __init__(self, case: Case) -> None:
        told = case.after
        self.services = case.services
        self.model, self.number = split(case.key)
        self.came_from, self.went_to = Stage(case.before["stage"]), Stage(told["stage"])
        self.replaced = {int(number): Stage(stage) for number, stage in told.get("replaced", ())}
        self.given_up: int | None = told.get("rolled_back_from")
        self._served = frozenset(case.before.get("production", ()))

    @property
    def in_production(self) -> bool:
        """Whether it changed what is in Production."""
        return Stage.PRODUCTION in (self.came_from, self.went_to)

    @property
    def is_replacement(self) -> bool:
        """Whether versions left Production for this one, so that a rollback takes it back."""
        return self.went_to is Stage.PRODUCTION and bool(self.replaced)

    @property
    def goes_to(self) -> Stage:
        """Where the version goes back to; the archive where making room may not lead to its old stage by now."""
        if not self.is_replacement:
            return self.came_from
        free = self.services.policy.stage(self.model, self.came_from.value) == NO_DEMANDS
        return self.came_from if free and self.came_from is not Stage.PRODUCTION else Stage.ARCHIVED

    def states(self) -> tuple[State, State]:
        """Stages by version, and what is in Production, before and after."""
        before = {self.number: self.goes_to} | dict.fromkeys(self.replaced, self.went_to)
        after = {self.number: self.went_to} | self.replaced
        left = self._served if self.went_to is Stage.PRODUCTION else self._served - {self.number}
        entered = left - set(self.replaced) | {self.number} if self.went_to is Stage.PRODUCTION else left
        return self._told(before, self._served), self._told(after, entered)

    def now(self) -> State:
        """The same, as it is now."""
        models = self.services.models
        stages = {number: models.version(self.model, number).stage for number in (self.number, *self.replaced)}
        return self._told(stages, frozenset(models.get(self.model).production))

    def _told(self, stages: Mapping[int, Stage], production: frozenset[int]) -> State:
        told: dict[str, object] = {f"{self.model}/{number}": stage.value for number, stage in stages.items()}
        return told | ({"production": sorted(production)} if self.in_production else {})

    def plan(self) -> PromotionPlan:
        """What would be done first, as the policy sees it."""
        promotions = self.services.promotions
        if self.given_up is not None:
            return promotions.plan(self.model, self.given_up, to=Stage.PRODUCTION, demote_to=self.goes_to)
        if self.is_replacement:
            return promotions.plan_roll_back(self.model, demote_to=self.goes_to)
        return promotions.plan(self.model, self.number, to=self.goes_to)

    def undo(self, why: str) -> None:
        """Take it back, unless anything moved since it was looked at."""
        expect = self.plan().expect
        if flat(self.now()) != flat(self.states()[1]):
            raise Conflict("A version has moved meanwhile.", hint="Look at it again.")
        promotions = self.services.promotions
        if self.given_up is not None:
            to, away = Stage.PRODUCTION, self.goes_to
            promotions.promote(self.model, self.given_up, to=to, reason=why, expect=expect, demote_to=away)
        elif self.is_replacement:
            promotions.roll_back(self.model, reason=why, expect=expect, demote_to=self.goes_to)
        else:
            promotions.promote(self.model, self.number, to=self.goes_to, reason=why, expect=expect)
            for number, stage in self.replaced.items():  # out of a stage that is not Production
                seen, stay = Expectation(stage=stage), Occupants.STAY
                promotions.promote(self.model, number, to=self.went_to, reason=why, expect=seen, occupants=stay)


def _blockers_of_move(case: Case) -> Sequence[str]:
    move = _Move(case)
    try:
        plan = move.plan()
    except Conflict as error:
        return (str(error),)
    back = plan.version.version
    if move.given_up is None and move.is_replacement and back not in move.replaced:
        lost = ", ".join(map(str, sorted(move.replaced)))
        return (f"A rollback would go to version {back}, not to version {lost}; promote what you want instead.",)
    return ()


def _policy_of_move(case: Case) -> Sequence[str]:
    return _Move(case).plan().blockers


def _danger_of_move(case: Case) -> int:
    move = _Move(case)
    if not move.in_production:
        return 1
    nothing_left = not (move.states()[0] or {}).get("production")
    return 3 if nothing_left else 2


_MOVED = Inverse(
    Role.OPERATOR,
    lambda case: _Move(case).now(),
    lambda case, why: _Move(case).undo(why),
    becomes="promote",
    states=lambda case: _Move(case).states(),
    danger=_danger_of_move,
    blockers=_blockers_of_move,
    policy=_policy_of_move,
    slow=True,
)


def _routes(case: Case) -> State:
    found = case.services.endpoints.get(case.key)
    newest = found.desired
    if newest is None:
        return {"killed": False, "routes": []}
    planned = _wanted(case).before
    return {"killed": newest.killed, "routes": _told(planned)}


def _told(routes: Sequence[PlannedRoute]) -> list[list[object]]:
    return [[each.key, each.share.value, each.weight] for each in routes]


def _wanted(case: Case) -> RoutePlan:
    return case.services.endpoints.plan(case.key, RouteWish(Cause.UNDO, generation=case.before.get("generation")))


def _states_of_routes(case: Case) -> tuple[State, State]:
    known = ("killed", "routes")
    before = {key: case.before.get(key) for key in known} if case.entry.before is not None else None
    return before, {key: case.after.get(key) for key in known}


def _first_of_all(case: Case) -> str:
    if case.entry.before is not None:
        return ""
    return "It was the first route of its endpoint, before which nothing answered; kill the endpoint to stop answers."


def _blockers_of_routes(case: Case) -> Sequence[str]:
    plan = _wanted(case)
    rollout = case.services.rollouts.open_of(case.key)
    if rollout is not None:
        return (f"A rollout is open behind {case.key}; pause or abort it: qd endpoints abort {case.key}.",)
    wanted = flat({"killed": plan.killed, "routes": _told(plan.after)})
    if plan.allowed and wanted != flat(_states_of_routes(case)[0]):
        return (f"{case.key} would go back to other routes than those; `qd endpoints history {case.key}` shows them.",)
    return ()


def _undo_routes(case: Case, why: str) -> None:
    seen, before = _wanted(case).expect, case.before.get("generation")
    case.services.endpoints.undo(case.key, reason=why, expect=seen, to=before)


_ROUTED = Inverse(
    Role.OPERATOR,
    _routes,
    _undo_routes,
    becomes="undo",
    states=_states_of_routes,
    danger=lambda case: max(_wanted(case).danger, 2),
    refuse=_first_of_all,
    blockers=_blockers_of_routes,
    policy=lambda case: _wanted(case).blockers,
)


def _endpoint(case: Case) -> Endpoint:
    return case.services.endpoints.get(case.key)


def _said(case: Case) -> dict[str, Any]:
    found = _endpoint(case)
    said = {"model": found.model, "description": found.description, "owner": found.owner}
    return {**said, "key": found.key, "capture": found.capture}


def _restore_said(case: Case, _why: str) -> None:
    changes = {key: value for key, value in case.before.items() if case.after.get(key) != value}
    case.services.endpoints.update(case.key, **changes)


def _danger_of_words(case: Case) -> int:
    """What keeps callers on a version, and what is captured, touches who answers."""
    return 2 if {"key", "capture"} & set(touched(case.before, case.after)) else 1


def _serving(_case: Case) -> int:
    return 2


def _was_routed(case: Case) -> str:
    try:
        routed = _endpoint(case).desired is not None
    except NotFound:
        return ""
    return "Versions were routed to it since; delete it: qd endpoints delete." if routed else ""


def _tagged(case: Case) -> State:
    tags = _endpoint(case).tags
    return {"tags": {key: tags.get(key) for key in case.after.get("tags", {})}}


def _tag(case: Case, _why: str) -> None:
    for key, value in case.before["tags"].items():
        case.services.endpoints.set_tag(case.key, key, value)


def _rollout(case: Case) -> State:
    number, endpoint = int(case.key), case.after["endpoint"]
    found = case.services.rollouts.open_of(endpoint)
    if found is None or found.id != number:
        raise NotFound(f"The rollout {number} has ended.")
    return {"state": found.state.value}


def _state_of_rollout(case: Case) -> tuple[State, State]:
    before = {"state": case.before["state"]} if case.entry.before else {"state": "aborted"}
    return before, {"state": case.after["state"]}


def _on_rollouts(verb: str, case: Case, why: str) -> None:
    endpoint = case.after["endpoint"]
    newest = case.services.endpoints.get(endpoint).desired
    rollouts, expect = case.services.rollouts, None if newest is None else newest.number
    operation = {"abort": rollouts.abort, "pause": rollouts.pause, "resume": rollouts.resume}[verb]
    operation(endpoint, reason=why, expect=expect)


def _was_paused(case: Case) -> str:
    return "" if case.before.get("state") == "paused" else _STEPPED.why


_ENDED = Never("A rollout that has ended does not go on; begin it again.")
_STEPPED = Never("A step was taken by what was measured; pause or abort the rollout.")
_BEGUN = Lead("rollout", frozenset(("begin",)), after=True)
_ENTERED = replace(PROMOTED, after=False)
_MOVED_BY = Part((PROMOTED,), Never("It was a part of a promotion; undo that one instead."))

SERVED: Mapping[tuple[str, str], Answer] = {
    **{("promotion", verb): _MOVED for verb in ("promote", "override", "roll back")},
    ("promotion", "roll out"): Part((Lead("rollout", frozenset(("begin",)), after=False),), _ENDED),
    **{("version", verb): _MOVED_BY for verb in ("promote", "override", "roll back", "archive", "demote")},
    ("endpoint", "create"): Inverse(
        Role.OPERATOR,
        lambda case: _said(case) | {"tags": _endpoint(case).tags},
        lambda case, why: case.services.endpoints.delete(case.key, reason=why),
        becomes="delete",
        danger=final,
        refuse=_was_routed,
    ),
    ("endpoint", "update"): Inverse(Role.OPERATOR, _said, _restore_said, becomes="update", danger=_danger_of_words),
    ("endpoint", "tag"): Inverse(Role.OPERATOR, _tagged, _tag, becomes="tag"),
    ("endpoint", "delete"): Never("A deleted endpoint's history and the salt that split its callers are gone."),
    ("endpoint", "request rollback"): Never("People were asked for a rollback; nothing was changed by it."),
    **{("endpoint", cause): _ROUTED for cause in ("deploy", "traffic", "shadow", "undo", "retire", "kill", "revive")},
    ("endpoint", "promote"): Part((_BEGUN, _ENTERED), _ROUTED),
    ("endpoint", "roll back"): Part((_ENTERED,), _ROUTED),
    ("endpoint", "step"): Part((Lead("rollout", frozenset(("step",)), after=True),), _STEPPED),
    ("endpoint", "abort"): _ENDED,
    ("endpoint", "settings"): Part((Lead("endpoint", frozenset(("update",)), after=False),), _STEPPED),
    ("rollout", "begin"): Inverse(
        Role.OPERATOR,
        _rollout,
        lambda case, why: _on_rollouts("abort", case, why),
        becomes="aborted",
        states=_state_of_rollout,
        danger=_serving,
    ),
    ("rollout", "pause"): Inverse(
        Role.OPERATOR,
        _rollout,
        lambda case, why: _on_rollouts("resume", case, why),
        becomes="step",
        states=_state_of_rollout,
        danger=_serving,
    ),
    ("rollout", "step"): Inverse(
        Role.OPERATOR,
        _rollout,
        lambda case, why: _on_rollouts("pause", case, why),
        becomes="pause",
        states=_state_of_rollout,
        danger=_serving,
        refuse=_was_paused,
    ),
    **{("rollout", state): _ENDED for state in ("passed", "failed", "aborted")},
}
"""By kind and verb."""
