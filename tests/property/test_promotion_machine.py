"""Nothing enters Production past the policy: whatever people try, in whatever order, an independent judge agrees."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.audit.service import AuditLog
from engine.core.access import Access, Actor, Role
from engine.core.errors import AlreadyExists, Conflict, NotFound, PolicyInvalid, Refused
from engine.registry.model import Stage
from tests.engine.deployment.world import HOUR_MS, PEOPLE, World
from tests.property.promotion_oracle import Judge, Rules

MEMORY = Path("/dev/shm")  # noqa: S108 a folder of its own is made below it
"""Where files do not wait for a disk, on systems that have it: durability is not what is tested here."""

FROZEN = (1_760_054_400_000, 1_760_140_800_000)
"""2025-10-10 00:00 to 2025-10-11 00:00 UTC, in milliseconds; the clock begins the day before."""

names = st.sampled_from(("root", "boss", "alice", "carol", "bob", "bob", "victor"))
actors = st.tuples(names, st.sampled_from(("", "", "", "", "", "ci", "bob", "alice")))
numbers = st.integers(0, 5)
FIELDS = tuple(field.name for field in fields(Rules) if field.name != "gone")
EVENTS = (
    "wait",
    "bytes",
    "revoke",
    "reject",
    "withdraw",
    "other",
    "back",
    "asker",
    "yes",
    "by",
    "one bot",
    "oneself",
    "lost",
    "clock",
)
twists = st.sampled_from((*FIELDS, *EVENTS))
stages = st.sampled_from((Stage.PRODUCTION, Stage.PRODUCTION, Stage.PRODUCTION, *Stage))
rules = st.builds(
    Rules,
    approvals=st.sampled_from((0, 1, 1, 1, 2)),
    approvers=st.sampled_from(((), (), ("alice", "bob"), ("alice", "carol"))),
    least_auc=st.sampled_from((None, 0.8)),
    worse_by=st.sampled_from((None, None, 0.05)),
    frozen=st.sampled_from((None, None, None, FROZEN)),
    single=st.sampled_from((True, True, False)),
    lost_role=st.sampled_from(("", "", "", "", "alice", "bob", "root")),
)


def written(wanted: Rules) -> tuple[str, str]:
    """The rules as a policy file: the stage's part, and the people's."""
    gates = []
    if wanted.least_auc is not None:
        gates.append(f'{{gate = "metric", metric = "auc", min = {wanted.least_auc}}}')
    if wanted.worse_by is not None:
        gates.append(f'{{gate = "not-worse", metric = "auc", margin = {wanted.worse_by}}}')
    lines = [
        "[defaults]",
        f"single_production = {str(wanted.single).lower()}",
        "[models.churn.production]",
        f"gates = [{', '.join(gates)}]",
        f"approvals = {wanted.approvals}",
    ]
    if wanted.approvers:
        lines.append(f"approvers = {json.dumps(wanted.approvers)}")
    if wanted.frozen:
        lines.append('freeze = [{from = "2025-10-10T00:00:00Z", to = "2025-10-11T00:00:00Z"}]')
    people = PEOPLE.replace(f'"{wanted.lost_role}"', '"nobody"') if wanted.lost_role else PEOPLE
    return "\n".join(lines), people


class PromotionMachine(RuleBasedStateMachine):
    """People with roles, versions, rules, clocks, damaged bytes and old sessions, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.world = World(self.folder)
        self.judge = Judge()
        self.read = 0
        self.loose = False
        self.last_request = 0
        self.log = AuditLog(self.world.database, self.world.clock)

    def teardown(self) -> None:
        assert self.log.verify().ok
        states = self.world.engine("victor").promotions.at(self.judge.name, 2**50)
        assert {state.version: state.stage.value for state in states} == self.judge.stages
        self.world.database.close()
        shutil.rmtree(self.folder)

    def attempt(self, who: tuple[str, str], act: str, *arguments: Any, **options: Any) -> Any:
        """Try something in a session that was opened when everybody was admin; `None` when it is refused."""
        session = self.world.engine(*who)
        session.access = Access(Actor(who[0], on_behalf_of=who[1]), Role.ADMIN)
        service, _, method = act.partition(".")
        try:
            return getattr(getattr(session, service), method)(*arguments, **options)
        except (Refused, Conflict, NotFound, AlreadyExists, PolicyInvalid):
            return None

    def named(self, number: int) -> int:
        """One of the versions that exist."""
        return number % len(self.judge.stages) + 1

    @initialize(wanted=rules, aucs=st.lists(st.sampled_from((0.7, 0.85, 0.9)), min_size=2, max_size=3))
    def begin(self, wanted: Rules, aucs: list[float]) -> None:
        for auc in aucs:
            self.register(auc, "d1")
        self.set_rules(wanted)

    @precondition(lambda self: len(self.judge.measured) < 6)
    @rule(auc=st.sampled_from((0.7, 0.85, 0.9)), data=st.sampled_from(("d1", "d1", "d2")))
    def register(self, auc: float, data: str) -> None:
        now = self.judge.rules
        if not now.gone:
            self.world.set_policy("")
        version = self.world.register(auc, data=data, model=self.judge.name)
        self.judge.measured[version.version] = (auc, data)
        if not now.gone:
            self.set_rules(now)

    @rule(wanted=rules, anew=st.booleans())
    def set_rules(self, wanted: Rules, *, anew: bool = False) -> None:
        policy, people = written(wanted)
        self.world.set_policy(policy, people=people)
        self.judge.rules = wanted
        if anew:
            self.world.reopen()

    @precondition(lambda self: not self.judge.rules.gone)
    @rule()
    def lose_policy(self) -> None:
        self.world.lose_policy()
        self.judge.rules = replace(self.judge.rules, gone=True)

    @precondition(lambda self: self.judge.rules.gone)
    @rule(anew=st.booleans())
    def restore_policy(self, *, anew: bool) -> None:
        self.set_rules(replace(self.judge.rules, gone=False), anew=anew)

    @rule(who=actors, new=st.sampled_from(("churn", "easy")), out=st.booleans(), lost=st.booleans())
    def rename(self, who: tuple[str, str], new: str, *, out: bool, lost: bool) -> None:
        """Rename it, perhaps after everything was taken out of service and the policy was lost."""
        if lost:
            self.twist("lost", who, 0, self.judge.rules)
        for number, stage in self.judge.stages.items() if out else ():
            if stage in ("Staging", "Production"):
                options: dict[str, Any] = {"to": Stage.ARCHIVED, "reason": "x"}
                self.attempt(("root", ""), "promotions.promote", self.judge.name, number, **options)
        self.attempt(who, "models.rename", self.judge.name, new)

    @rule(hours=st.sampled_from((1, 12, 24, -1)))
    def wait(self, hours: int) -> None:
        self.world.clock.advance(hours * HOUR_MS)

    @rule(who=actors, number=numbers, override=st.sampled_from((False, False, True)), to=stages)
    def request(
        self, who: tuple[str, str], number: int, *, override: bool = False, to: Stage = Stage.PRODUCTION
    ) -> None:
        made = self.attempt(
            who, "approvals.request", self.judge.name, self.named(number), to=to, reason="x", override=override
        )
        if made is not None:
            self.last_request = made.id

    @rule(who=actors, act=st.sampled_from(("approve", "approve", "approve", "revoke", "reject", "withdraw")))
    def decide(self, who: tuple[str, str], act: str) -> None:
        self.attempt(who, f"approvals.{act}", self.last_request, "x")

    @rule(number=numbers, override=st.sampled_from((False, False, True)))
    def right_way(self, number: int, *, override: bool) -> None:
        """From request to promotion as it should be."""
        self.nearly_right_way(number, "", ("bob", ""), self.judge.rules, override=override)

    @rule(number=numbers, override=st.sampled_from((False, False, True)), twist=twists, who=actors, other=rules)
    def nearly_right_way(self, number: int, twist: str, who: tuple[str, str], other: Rules, *, override: bool) -> None:
        """The same, but for one thing."""
        asker = who if twist == "asker" else ("bob", "")
        approvers = {
            "yes": [("alice", ""), who],
            "one bot": [("alice", "ci"), ("carol", "ci")],
            "oneself": [("alice", "bob"), ("carol", "bob")],
        }.get(twist, [("alice", ""), ("carol", "")])
        promoter = who if twist == "by" else ("boss" if override else "bob", "")
        self.request(asker, number, override=override)
        for approver in approvers:
            self.attempt(approver, "approvals.approve", self.last_request, "x")
        self.twist(twist, approvers[0], number, other)
        self.promote(promoter, number, Stage.PRODUCTION, override=override)

    def twist(self, twist: str, approver: tuple[str, str], number: int, other: Rules) -> None:
        """What may happen between approval and promotion."""
        if twist == "wait":
            self.wait(24)
        elif twist == "lost" and not self.judge.rules.gone:
            self.lose_policy()
        elif twist == "clock":
            self.wait(24)
            self.set_alias(("root", ""), number, "candidate")
            self.wait(-24)
        elif twist == "bytes":
            self.swap_bytes(number, whole=False)
        elif twist in FIELDS:
            self.set_rules(replace(self.judge.rules, gone=False, **{twist: getattr(other, twist)}))
        elif twist in ("revoke", "reject"):
            self.attempt(approver, f"approvals.{twist}", self.last_request, "x")
        elif twist == "withdraw":
            self.attempt(("root", ""), "approvals.withdraw", self.last_request)
        elif twist == "other":
            self.promote(("bob", ""), number + 1, Stage.PRODUCTION, demote_to=Stage.STAGING)
        elif twist == "back":
            self.roll_back(("bob", ""))

    @rule(who=actors, number=numbers, to=stages, override=st.sampled_from((False, False, True)), demote_to=stages)
    def promote(
        self,
        who: tuple[str, str],
        number: int,
        to: Stage,
        *,
        override: bool = False,
        demote_to: Stage = Stage.ARCHIVED,
    ) -> None:
        number = self.named(number)
        demote_to = Stage.ARCHIVED if demote_to is Stage.PRODUCTION else demote_to
        planner = self.world.engine(*who)
        planner.access = Access(Actor(who[0], on_behalf_of=who[1]), Role.ADMIN)
        plan = planner.promotions.plan(self.judge.name, number, to=to, override=override, demote_to=demote_to)
        options: dict[str, Any] = {"to": to, "reason": "x", "override": override, "demote_to": demote_to}
        done = self.attempt(who, "promotions.promote", self.judge.name, number, expect=plan.expect, **options)
        assert (done is not None) == plan.allowed, plan.blockers

    @rule(number=numbers, event=st.sampled_from(("other", "back", "staging")))
    def too_late(self, number: int, event: str) -> None:
        """Somebody else is faster; the operator, who has every approval, decides on what was there before."""
        number = self.named(number)
        before = self.view(number)
        seen = self.world.engine("victor").promotions.plan(self.judge.name, number, to=Stage.PRODUCTION).expect
        if event == "staging":
            self.promote(("bob", ""), number, Stage.STAGING)
        else:
            self.twist(event, ("alice", ""), number, self.judge.rules)
        self.everything_in_production_is_there_by_right()
        self.request(("bob", ""), number)
        for approver in ("alice", "carol"):
            self.attempt((approver, ""), "approvals.approve", self.last_request, "x")
        options: dict[str, Any] = {"to": Stage.PRODUCTION, "reason": "x", "expect": seen}
        done = self.attempt(("bob", ""), "promotions.promote", self.judge.name, number, **options)
        assert done is None or before == self.view(number), "promoted on a view that no longer held"

    def view(self, number: int) -> tuple[object, ...]:
        """What an operator sees of a version, by the judge's own book-keeping."""
        return self.judge.stages[number], self.judge.serving, self.judge.turns

    @rule(who=actors)
    def roll_back(self, who: tuple[str, str]) -> None:
        self.attempt(who, "promotions.roll_back", self.judge.name, reason="x")

    @rule(who=actors, number=numbers, alias=st.sampled_from(("production", "champion", "candidate")))
    def set_alias(self, who: tuple[str, str], number: int, alias: str) -> None:
        self.loose |= self.judge.rules.gone and not self.judge.judged  # then nobody has said that it is protected
        self.attempt(who, "models.set_alias", self.judge.name, alias, self.named(number))

    @rule(number=numbers, whole=st.booleans())
    def swap_bytes(self, number: int, whole: bool) -> None:
        number = self.named(number)
        if whole:
            self.world.repair(number, self.judge.name)
            self.judge.damaged.discard(number)
        else:
            self.world.damage(number, self.judge.name)
            self.judge.damaged.add(number)

    @invariant()
    def everything_in_production_is_there_by_right(self) -> None:
        size = self.log.head().size
        if size > self.read:
            for entry in reversed(self.log.page(limit=size - self.read).items):
                self.judge.consume(entry)
        self.read = size
        self.judge.settled()
        assert not self.judge.problems

    @invariant()
    def the_log_tells_the_stages_and_protected_aliases_name_what_serves(self) -> None:
        if not self.judge.stages:
            return
        model = self.world.engine("victor").models.get(self.judge.name)
        assert set(model.production) == self.judge.serving
        free = {"candidate", "champion"} if self.loose else {"candidate"}
        assert {number for alias, number in model.aliases.items() if alias not in free} <= self.judge.serving


PromotionMachine.TestCase.settings = settings(
    max_examples=70,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestPromotionMachine = PromotionMachine.TestCase
