"""Promotions as values: what an operator asks for, what the transaction finds, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.core.access import Actor
from engine.core.errors import QuarterdeckError
from engine.gates.model import GateReport
from engine.policy.model import Policy, StagePolicy
from engine.registry.approval_model import ApprovalRequest, Person
from engine.registry.model import Stage, Version


class Kind(StrEnum):
    """By which right a version moved."""

    PROMOTE = "promote"
    OVERRIDE = "override"
    ROLLBACK = "rollback"
    ROLLOUT = "rollout"
    """It has begun to take traffic by the policy's plan; it moves when that has ended well."""


class Occupants(StrEnum):
    """What becomes of the versions that are in the stage already."""

    POLICY = "policy"
    """They leave Production unless the policy lets several be there, and stay anywhere else."""
    ARCHIVE = "archive"
    """They leave for the archive, whichever stage it is."""
    STAY = "stay"
    """They stay, unless there is a policy file and it lets only one version be in Production."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the operator saw; a field left at `None` is not compared.

    Args:
        stage: The version's stage.
        production: The model's versions in Production, ascending.
        generation: Number of the last promotion that changed what is in Production; 0 when there was none.
    """

    stage: Stage | None = None
    production: tuple[int, ...] | None = None
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One version changes its stage.

    Args:
        version: Its number.
        from_stage: Where it stood.
        to_stage: Where it stands afterwards.
    """

    version: int
    from_stage: Stage
    to_stage: Stage

    @property
    def words(self) -> str:
        """The move in words, such as `version 7: Staging → Production`."""
        return f"version {self.version}: {self.from_stage} → {self.to_stage}"


@dataclass(frozen=True, slots=True)
class Promotion:
    """Something that happened: a version moved, and others made room for it.

    Args:
        id: Its number, growing; the generation of a model is the last one that changed its Production.
        model: The model's name.
        version: The version that moved (for a rollback, the one that serves again).
        kind: By which right.
        from_stage: Where it stood.
        to_stage: Where it stands afterwards.
        digest: Digest of its bytes, 64 hex digits.
        report_id: The gate report it relied on; `None` when its version was deleted since.
        request_id: The approval request it used up, if it took one.
        overridden: What an override went past, in words; empty otherwise.
        rolled_back_from: The version a rollback took out of Production.
        replaced: The moves of the versions that made room.
        reason: Why, in the operator's words.
        by: Who did it.
        time_ms: When, in milliseconds since the epoch.
    """

    id: int
    model: str
    version: int
    kind: Kind
    from_stage: Stage
    to_stage: Stage
    digest: str
    report_id: int | None
    request_id: int | None
    overridden: tuple[str, ...]
    rolled_back_from: int | None
    replaced: tuple[Move, ...]
    reason: str
    by: Person
    time_ms: int

    @property
    def override(self) -> bool:
        """Whether it went past the policy; every list marks it."""
        return self.kind is Kind.OVERRIDE


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator asks for.

    Args:
        to: The stage the version is to enter.
        expect: What they saw when they asked.
        override: Go past failing gates, freezes and missing approvals, with a second person's yes.
        demote_to: Where versions go that make room in Production.
        occupants: What becomes of the versions that are in the stage already.
    """

    to: Stage
    expect: Expectation = Expectation()
    override: bool = False
    demote_to: Stage = Stage.ARCHIVED
    occupants: Occupants = Occupants.POLICY


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides about a move, read inside one transaction.

    Args:
        version: The version that is to move.
        production: The model's versions in Production, ascending.
        generation: Number of the last promotion that changed what is in Production; 0 when there was none.
        policy: The policy of this moment.
        actor: Who asks; the role is looked up in the policy of this moment.
        report: The gates' answers, taken just before.
        now_ms: The time of the transaction, in milliseconds since the epoch.
        request: The request for approval that is not closed, if there is one.
        override_request: The same for an override.
        shown: The report the approvers of the override were shown, if there is one.
        policy_gone: Whether the policy file is missing although versions were judged by one.
        staging: The model's versions in Staging, ascending.
    """

    version: Version
    production: tuple[int, ...]
    generation: int
    policy: Policy
    actor: Actor
    report: GateReport
    now_ms: int
    request: ApprovalRequest | None = None
    override_request: ApprovalRequest | None = None
    shown: GateReport | None = None
    policy_gone: bool = False
    staging: tuple[int, ...] = ()

    @property
    def others(self) -> tuple[int, ...]:
        """The other versions in Production."""
        return tuple(number for number in self.production if number != self.version.version)

    def leaving(self, wish: Wish) -> tuple[int, ...]:
        """The versions that leave the stage which the version is to enter."""
        if wish.to is Stage.PRODUCTION:
            several = not self.policy.single_production
            if wish.occupants is Occupants.STAY:
                several = several or self.policy.missing
            return () if several and wish.occupants is not Occupants.ARCHIVE else self.others
        if wish.to is Stage.STAGING and wish.occupants is Occupants.ARCHIVE:
            return tuple(number for number in self.staging if number != self.version.version)
        return ()

    def demands(self, stage: Stage) -> StagePolicy:
        """What the policy of this moment demands of entering a stage."""
        return self.policy.stage(self.version.model, stage.value)


@dataclass(frozen=True, slots=True)
class Blocker:
    """One reason why a move is refused.

    Args:
        error: The error it is raised as.
        message: What stands in the way, as a sentence.
        hint: What to do next.
    """

    error: type[QuarterdeckError]
    message: str
    hint: str = ""

    @property
    def words(self) -> str:
        """The message with what to do next."""
        return f"{self.message} {self.hint}".rstrip()


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, all of it in one transaction.

    Args:
        kind: By which right.
        moves: The moves, the asked-for version first.
        request_id: The approval request that is used up by it.
        overridden: What it goes past, in words.
    """

    kind: Kind
    moves: tuple[Move, ...]
    request_id: int | None = None
    overridden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromotionPlan:
    """What a promotion or rollback would do, and what stands in its way.

    Args:
        kind: What was planned: a promotion, an override or a rollback.
        version: The version that would move.
        to: The stage it would enter.
        report: The gates' answers, fresh.
        request: The request for approval that would be used, if there is one.
        need: How many approvals the stage takes.
        have: How many it has that count.
        freeze: The freeze in force, as a sentence; empty when there is none.
        blockers: What stands in the way and what to do next, one sentence or two each; empty when it may happen.
        replaces: The versions that would make room.
        changes: Everything that would change, in words.
        danger: 1 reversible and not in Production, 2 reversible in Production, 3 an override, or nothing left serving.
        expect: What was seen; hand it to `promote` or `roll_back`, which refuse when it no longer holds.
    """

    kind: Kind
    version: Version
    to: Stage
    report: GateReport
    request: ApprovalRequest | None
    need: int
    have: int
    freeze: str
    blockers: tuple[str, ...]
    replaces: tuple[Version, ...]
    changes: tuple[str, ...]
    danger: int
    expect: Expectation

    @property
    def allowed(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.blockers
