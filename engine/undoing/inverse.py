"""How one sort of change is undone, and the pure rules about the states that records keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine.core.access import Role
from engine.core.plain import plain

if TYPE_CHECKING:
    from engine.alerts.service import Alerts
    from engine.audit.model import AuditEntry
    from engine.audit.service import AuditLog
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.deployment.rollouts import Rollouts
    from engine.deployment.service import Promotions
    from engine.endpoints.builds import Builds
    from engine.endpoints.service import Endpoints
    from engine.monitoring.service import Monitors
    from engine.policy.model import Policy
    from engine.probing.service import Probing
    from engine.prompts.service import Prompts
    from engine.registry.approvals import Approvals
    from engine.registry.service import Models
    from engine.tokens.service import Tokens
    from engine.tracking.experiments import Experiments
    from engine.tracking.logged_models import LoggedModels
    from engine.tracking.service import Runs
    from engine.webhooks.service import Webhooks

State = Mapping[str, Any] | None
"""What is told of an object, as the audit log keeps it; `None` when there is none."""


class Services(Protocol):
    """What undoing uses of an engine: the operations of everything that is audited."""

    @property
    def access(self) -> Access:
        """Who acts."""

    @property
    def clock(self) -> Clock:
        """Tells the time."""

    @property
    def database(self) -> Database:
        """The control database."""

    @property
    def policy(self) -> Policy:
        """The policy of this moment."""

    @property
    def audit(self) -> AuditLog:
        """What was done."""

    @property
    def runs(self) -> Runs:
        """Runs."""

    @property
    def experiments(self) -> Experiments:
        """Experiments."""

    @property
    def logged_models(self) -> LoggedModels:
        """Logged models."""

    @property
    def models(self) -> Models:
        """Models and versions."""

    @property
    def approvals(self) -> Approvals:
        """Requests for approval."""

    @property
    def prompts(self) -> Prompts:
        """Prompts."""

    @property
    def builds(self) -> Builds:
        """Whose pickles are answered for."""

    @property
    def endpoints(self) -> Endpoints:
        """Endpoints and their routes."""

    @property
    def promotions(self) -> Promotions:
        """Promotion and rollback."""

    @property
    def rollouts(self) -> Rollouts:
        """Rollouts."""

    @property
    def monitors(self) -> Monitors:
        """Monitors."""

    @property
    def alerts(self) -> Alerts:
        """Alerts and silences."""

    @property
    def probing(self) -> Probing:
        """External endpoints."""

    @property
    def tokens(self) -> Tokens:
        """Tokens."""

    @property
    def webhooks(self) -> Webhooks:
        """Webhooks."""


@dataclass(frozen=True, slots=True)
class Case:
    """A record that is to be undone.

    Args:
        services: Whatever does it.
        entry: The record.
        key: What its object is called now; another name than in the record when it was renamed since.
    """

    services: Services
    entry: AuditEntry
    key: str

    @property
    def before(self) -> Mapping[str, Any]:
        """The state before the change; empty when there was none."""
        return self.entry.before or {}

    @property
    def after(self) -> Mapping[str, Any]:
        """The state after it; empty when there is none."""
        return self.entry.after or {}


def _recorded(case: Case) -> tuple[State, State]:
    return case.entry.before, case.entry.after


def _nothing(_case: Case) -> str:
    return ""


def _free(_case: Case) -> Sequence[str]:
    return ()


def harmless(_case: Case) -> int:
    """The danger of what touches nothing in Production."""
    return 1


def final(_case: Case) -> int:
    """The danger of what cannot be undone in its turn."""
    return 3


@dataclass(frozen=True, slots=True)
class Inverse:
    """How one sort of change is undone.

    Args:
        role: The least role that may do it; the operation itself decides in the end.
        now: What the object says now of the fields in the record; raises `NotFound` or gives `None` when it is gone.
        act: Does it through the services; takes the reason.
        becomes: Verb of the record that it leaves, of the same kind of object; tells whether it can be undone in turn.
        states: The state before and after, where the record says it in other words than `now`.
        danger: How much care it takes.
        refuse: Why this one record cannot be undone although others of its sort can; empty when it can.
        blockers: What else stands in the way.
        policy: What the operation's own plan says against it; it refuses by itself, and that is recorded.
        loses: What does not come back; part of the warning before the change itself is done.
        slow: Whether it takes long or opens transactions of its own; else it is one transaction with its record.
    """

    role: Role
    now: Callable[[Case], State]
    act: Callable[[Case, str], object]
    becomes: str
    states: Callable[[Case], tuple[State, State]] = _recorded
    danger: Callable[[Case], int] = harmless
    refuse: Callable[[Case], str] = _nothing
    blockers: Callable[[Case], Sequence[str]] = _free
    policy: Callable[[Case], Sequence[str]] = _free
    loses: str = ""
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Never:
    """A sort of change that cannot be undone.

    Args:
        why: A sentence for people who are about to do it, and for those who ask afterwards.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Lead:
    """Where the leading record of an act stands, seen from one of its parts; both are of one transaction.

    Args:
        kind: Its kind.
        verbs: Its verbs.
        after: Whether it stands after the part.
        said: How the reason of the part ends then; empty for any.
    """

    kind: str
    verbs: frozenset[str]
    after: bool
    said: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A sort of record that mostly is a part of an act, whose leading record is undone for all of it.

    Args:
        leads: Where the leading record may be; the first one found is it.
        alone: What holds where none is found.
    """

    leads: tuple[Lead, ...]
    alone: Inverse | Never


Answer = Inverse | Never | Part


def flat(state: State) -> dict[str, Any]:
    """A state as fields: `{"tags": {"team": "a"}}` is `{"tags.team": "a"}`; what is nothing is left out.

    Args:
        state: The state.

    Returns:
        JSON values by field.
    """
    fields: dict[str, Any] = {}
    for key, value in (state or {}).items():
        if isinstance(value, Mapping):
            fields |= {f"{key}.{inner}": plain(each) for inner, each in value.items()}
        else:
            fields[key] = plain(value)
    return {key: value for key, value in fields.items() if value is not None}


def touched(before: State, after: State) -> tuple[str, ...]:
    """The fields in which two states differ, in the order they are told."""
    old, new = flat(before), flat(after)
    return tuple(key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key))
