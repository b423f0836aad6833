"""What a policy says, as values and pure rules; it knows nothing of files, models or databases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from engine.core.access import Role
from engine.core.frozen import frozen
from engine.policy.rollout import RolloutPolicy
from engine.policy.served import LatencyGate, ParityGate, ReplayGate, ResourcesGate, ScanGate, ServedSpec
from engine.policy.webhooks import WebhookPolicy

if TYPE_CHECKING:
    from engine.policy.console_model import ConsoleSettings
    from engine.policy.monitors import MonitorSettings  # not on every start: few have monitors

STAGE_WORDS = ("registered", "staging", "production", "archived")
"""The stages a policy may speak of, as written in the file."""

EVERYONE = "*"
"""In a list of users: everybody who is not named elsewhere. As a model's name: every model without its own table."""

ALWAYS_PROTECTED = "production"
"""The alias that is protected whatever the policy says: `churn@production` must never name anything else."""

HOUR_MS = 3_600_000

LEAST_RETENTION_MS = HOUR_MS
"""The shortest time after which traces and captured predictions may be deleted, in milliseconds."""

REQUIRABLE_FIELDS = ("owner", "description", "data_digest", "data_name", "run_id", "signature", "flavor", "format")
"""The fields of a version that the gate `fields` may require."""


@frozen
class MetricGate:
    """A metric recorded at registration must lie within bounds.

    Args:
        metric: The metric's key.
        min: Least value that passes, or `None` for no lower bound.
        max: Greatest value that passes, or `None` for no upper bound.
    """

    gate: ClassVar[str] = "metric"
    metric: str
    min: float | None = None
    max: float | None = None


@frozen
class NotWorseGate:
    """A metric must not be worse than that of the version now in the target stage, on the same data.

    Args:
        metric: The metric's key.
        margin: How much worse still passes, in the metric's unit; 0 or more.
        better: `higher` or `lower`: which way the metric improves.
    """

    gate: ClassVar[str] = "not-worse"
    metric: str
    margin: float = 0.0
    better: str = "higher"


@frozen
class IntegrityGate:
    """The stored bytes of every file must still have the digests they were registered with."""

    gate: ClassVar[str] = "integrity"


@frozen
class SizeGate:
    """The version's files must not be too large.

    Args:
        max_bytes: Greatest sum of file sizes that passes, in bytes.
    """

    gate: ClassVar[str] = "size"
    max_bytes: int


@frozen
class SignatureGate:
    """What calls the Production version must be able to call this one."""

    gate: ClassVar[str] = "signature"


@frozen
class FieldsGate:
    """Somebody must have filled in some fields.

    Args:
        required: Names from `REQUIRABLE_FIELDS`.
    """

    gate: ClassVar[str] = "fields"
    required: tuple[str, ...]


@frozen
class EvidenceAgeGate:
    """The evidence for a version must be young: the run that made it must have ended not too long ago.

    Args:
        max_age_ms: Greatest age that passes, in milliseconds.
    """

    gate: ClassVar[str] = "evidence-age"
    max_age_ms: int


@frozen
class BaselineGate:
    """There must be a baseline to compare production with, or nobody would notice drift.

    Args:
        rows: Least rows it must have been made from.
        max_age_ms: Greatest age that passes, in milliseconds; `None` for any.
    """

    gate: ClassVar[str] = "baseline"
    rows: int = 1
    max_age_ms: int | None = None


GateSpec: TypeAlias = (
    MetricGate
    | NotWorseGate
    | IntegrityGate
    | SizeGate
    | SignatureGate
    | FieldsGate
    | EvidenceAgeGate
    | BaselineGate
    | ServedSpec
)
"""One gate with its options; `.gate` is its name in the file."""

GATES: Mapping[str, type[GateSpec]] = {
    spec.gate: spec
    for spec in (
        MetricGate,
        NotWorseGate,
        IntegrityGate,
        SizeGate,
        SignatureGate,
        FieldsGate,
        EvidenceAgeGate,
        BaselineGate,
        LatencyGate,
        ParityGate,
        ScanGate,
        ReplayGate,
        ResourcesGate,
    )
}
"""Every gate a policy may name."""


@frozen
class DateFreeze:
    """Nothing moves between two moments.

    Args:
        start_ms: First frozen moment, in milliseconds since the epoch.
        end_ms: First moment after the freeze, in milliseconds since the epoch.
        reason: Why, in the author's words; may be empty.
    """

    start_ms: int
    end_ms: int
    reason: str = ""

    def ends_at(self, now_ms: int) -> int | None:
        """When the freeze in force at `now_ms` ends; `None` when it is not in force then."""
        return self.end_ms if self.start_ms <= now_ms < self.end_ms else None


_MINUTE_MS = 60_000
_WEEK_MINUTES = 7 * 24 * 60
_EPOCH_MINUTE = 3 * 24 * 60  # 1970-01-01 was a Thursday; minutes of the week count from Monday


@frozen
class WeeklyFreeze:
    """Nothing moves during a part of every week, in UTC; it may run over the week's end.

    Args:
        start_minute: First frozen minute, from Monday 00:00, in [0, 10080).
        end_minute: First minute after the freeze, in [0, 10080); differs from `start_minute`.
        reason: Why, in the author's words; may be empty.
    """

    start_minute: int
    end_minute: int
    reason: str = ""

    def ends_at(self, now_ms: int) -> int | None:
        """When the freeze in force at `now_ms` ends; `None` when it is not in force then."""
        minute = now_ms // _MINUTE_MS
        since_start = (minute + _EPOCH_MINUTE - self.start_minute) % _WEEK_MINUTES
        length = (self.end_minute - self.start_minute) % _WEEK_MINUTES
        return (minute - since_start + length) * _MINUTE_MS if since_start < length else None


Freeze: TypeAlias = DateFreeze | WeeklyFreeze
"""A time in which nothing enters a stage."""


@frozen
class StagePolicy:
    """What entering one stage takes.

    Args:
        gates: Gates that must pass, in the order written.
        approvals: How many different people must approve.
        approvers: Who may approve; empty for everybody with the role approver. `*` stands for the same.
        freeze: When nothing enters the stage.
    """

    gates: tuple[GateSpec, ...] = ()
    approvals: int = 0
    approvers: tuple[str, ...] = ()
    freeze: tuple[Freeze, ...] = ()

    def frozen(self, now_ms: int) -> tuple[Freeze, int] | None:
        """The freeze in force that ends last.

        Args:
            now_ms: The moment asked about, in milliseconds since the epoch.

        Returns:
            The freeze and when it ends (milliseconds since the epoch), or `None` when none is in force.
        """
        found = [(window, end) for window in self.freeze if (end := window.ends_at(now_ms)) is not None]
        return max(found, key=lambda pair: pair[1], default=None)

    def may_approve(self, user: str) -> bool:
        """Whether the list of approvers lets `user` approve; the role is asked elsewhere."""
        return not self.approvers or user in self.approvers or EVERYONE in self.approvers


NO_DEMANDS = StagePolicy()
"""What a stage asks that no policy speaks of."""

NO_FILE_DIGEST = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
"""The digest of an empty policy: SHA-256 of `{}`."""


@frozen
class Policy:
    """Everything `quarterdeck.toml` says; the defaults stand for what it leaves out.

    Args:
        roles: Users by role, or `None` when the file has no `[roles]`: then everybody is admin.
        allow_as: Who may act under another name with `--as`.
        approval_expiry_ms: How long a request for approval stays usable, in milliseconds.
        evidence_max_age_ms: How old a gate report may be when a version moves, in milliseconds.
        single_production: Whether a model has at most one version in Production.
        protected_aliases: Aliases that may name only a version in Production.
        stages: What entering a stage takes, by (model or `*`, stage word).
        redaction_allow: Keys whose values are kept although they look like secrets; `*` for every key.
        webhooks: Whom messages may be brought to.
        traces_max_age_ms: How long ago a trace may have begun before a server deletes it, in milliseconds; `None` keeps
            traces for ever.
        telemetry_keep_ms: How long captured predictions and labels are kept, in milliseconds.
        telemetry_max_bytes: How large the telemetry database may be before the oldest predictions go, in bytes.
        rollouts: How versions get all of the traffic, by model or `*`.
        monitors: What is watched, by the monitor's name.
        traffic_from: The least stage from which versions may answer callers of an endpoint; empty where the file does
            not say: then `traffic_stage` follows from what Production demands.
        console: What the console is told; `None` when the file says nothing of it.
        digest: SHA-256 of what the file says, whatever its comments and layout; 64 hex digits.
        missing: There is no file at all; it asks for the same as an empty one, but nobody has written so, and only the
            alias `production` is protected.
    """

    roles: Mapping[Role, tuple[str, ...]] | None = None
    allow_as: tuple[str, ...] = ()
    approval_expiry_ms: int = 24 * HOUR_MS
    evidence_max_age_ms: int = 24 * HOUR_MS
    single_production: bool = True
    protected_aliases: tuple[str, ...] = ("production", "champion")
    stages: Mapping[tuple[str, str], StagePolicy] = field(default_factory=dict)
    redaction_allow: tuple[str, ...] = ()
    webhooks: WebhookPolicy = field(default_factory=WebhookPolicy)
    traces_max_age_ms: int | None = None
    telemetry_keep_ms: int = 7 * 24 * HOUR_MS
    telemetry_max_bytes: int = 2 << 30
    rollouts: Mapping[str, RolloutPolicy] = field(default_factory=dict)
    monitors: Mapping[str, MonitorSettings] = field(default_factory=dict)
    traffic_from: str = ""
    console: ConsoleSettings | None = None
    digest: str = NO_FILE_DIGEST
    missing: bool = field(default=False, compare=False)

    def stage(self, model: str, stage: str) -> StagePolicy:
        """What a version of `model` must show to enter `stage`.

        A model's own table for the stage replaces the table of `*` for that stage entirely.

        Args:
            model: The model's name.
            stage: A stage, in any case.

        Returns:
            The demands; none when the policy does not speak of them.
        """
        word = stage.lower()
        return self.stages.get((model, word)) or self.stages.get((EVERYONE, word)) or NO_DEMANDS

    def rollout(self, model: str) -> RolloutPolicy | None:
        """How a version of `model` gets all of the traffic; `None` when it may at once."""
        return self.rollouts.get(model) or self.rollouts.get(EVERYONE)

    def traffic_stage(self, model: str) -> str:
        """The least stage from which versions of `model` may answer callers: live, or as a canary.

        Where Production demands something, what was never staged must not answer in its place unless the policy says
        so. A shadow answers nobody, and is asked nothing.
        """
        return self.traffic_from or ("registered" if self.stage(model, "production") == NO_DEMANDS else "staging")

    def role_of(self, user: str) -> Role:
        """The role of a user: the highest that names them, else the highest given to `*`, else viewer."""
        if self.roles is None:
            return Role.ADMIN
        for who in (user, EVERYONE):
            named = [role for role, users in self.roles.items() if who in users]
            if named:
                return max(named)
        return Role.VIEWER

    def may_act_as(self, user: str) -> bool:
        """Whether `user` may act under another name with `--as`."""
        return user in self.allow_as or EVERYONE in self.allow_as

    def protects(self, alias: str) -> bool:
        """Whether an alias may name only a version in Production; letter case does not get around it."""
        word = alias.casefold()
        return word == ALWAYS_PROTECTED or any(word == name.casefold() for name in self.protected_aliases)
