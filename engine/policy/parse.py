"""From what `quarterdeck.toml` says to a typed policy; every rule of the file's shape stands here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.core.names import name_problem
from engine.core.timetext import DAY_MS, parse_time
from engine.policy.model import (
    EVERYONE,
    GATES,
    LEAST_RETENTION_MS,
    REQUIRABLE_FIELDS,
    STAGE_WORDS,
    BaselineGate,
    DateFreeze,
    EvidenceAgeGate,
    FieldsGate,
    Freeze,
    GateSpec,
    IntegrityGate,
    MetricGate,
    NotWorseGate,
    Policy,
    SignatureGate,
    SizeGate,
    StagePolicy,
    WeeklyFreeze,
)
from engine.policy.reader import Problem, Table
from engine.policy.rollout import RolloutPolicy, RolloutStep, parse_plan
from engine.policy.served_reading import READERS
from engine.policy.webhooks import read_webhooks

if TYPE_CHECKING:
    from engine.policy.console_model import ConsoleSettings
    from engine.policy.monitors import MonitorSettings

MAX_APPROVALS = 20
"""Most approvals a stage may ask for."""

TRAFFIC_STAGES = ("registered", "staging", "production")
"""What `traffic_from` may be."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_MOMENT = r"(mon|tue|wed|thu|fri|sat|sun)\s+([0-9]{1,2}):([0-9]{2})"
_WEEKLY = re.compile(rf"{_MOMENT}\s*-\s*{_MOMENT}", re.IGNORECASE)


def read_policy(data: Mapping[str, Any], digest: str) -> tuple[Policy, list[Problem]]:
    """Read a whole file.

    Args:
        data: What `tomllib` read.
        digest: The policy's digest, 64 hex digits.

    Returns:
        The policy, and all that is wrong with it; it must not be used unless nothing is.
    """
    problems: list[Problem] = []
    top = Table((), data, problems)
    defaults = top.table("defaults")
    fallback = Policy()
    access, redaction = top.table("access"), top.table("redaction")
    retention, deployment, telemetry = top.table("retention"), top.table("deployment"), top.table("telemetry")
    policy = Policy(
        roles=_roles(top.table("roles")) if "roles" in top else None,
        allow_as=access.words("allow_as"),
        approval_expiry_ms=defaults.duration("approval_expiry", fallback.approval_expiry_ms),
        evidence_max_age_ms=defaults.duration("evidence_max_age", fallback.evidence_max_age_ms),
        single_production=defaults.flag("single_production", fallback=fallback.single_production),
        protected_aliases=defaults.words("protected_aliases", fallback.protected_aliases),
        stages=_stages(top.table("models")),
        rollouts=_rollouts(top.table("models")),
        monitors=_monitors(top),
        redaction_allow=redaction.words("allow"),
        webhooks=read_webhooks(top.table("webhooks")),
        traces_max_age_ms=retention.duration("traces", None, least=LEAST_RETENTION_MS),
        console=_console(top),
        traffic_from=deployment.text("traffic_from", choices=TRAFFIC_STAGES),
        telemetry_keep_ms=telemetry.duration("keep", fallback.telemetry_keep_ms, least=LEAST_RETENTION_MS),
        telemetry_max_bytes=telemetry.size("max_bytes", fallback.telemetry_max_bytes),
        digest=digest,
    )
    top.table("roles")  # known even when it is absent
    for table in (access, defaults, redaction, retention, deployment, telemetry, top):
        table.finish()
    return policy, problems


def _roles(table: Table) -> Mapping[Role, tuple[str, ...]]:
    roles = {role: table.words(role.label) for role in reversed(Role)}
    table.finish()
    return roles


def _console(top: Table) -> ConsoleSettings | None:
    if "console" not in top:
        top.table("console")  # known even when it is absent
        return None
    from engine.policy.console import read_console  # few change the console

    return read_console(top)


def _monitors(top: Table) -> Mapping[str, MonitorSettings]:
    if "monitors" not in top:
        top.table("monitors")  # known even when it is absent
        return {}
    from engine.policy.monitors import read_monitors  # few have monitors

    return read_monitors(top)


def _stages(models: Table) -> Mapping[tuple[str, str], StagePolicy]:
    stages = {}
    for model, table in models.each_table():
        problem = "" if model == EVERYONE else name_problem(model)
        if problem:
            table.refuse(None, f"holds for no model, since none can have that name: {problem}.")
        for word in STAGE_WORDS:
            if word in table:
                stages[model, word] = _stage(table.table(word))
            else:
                table.table(word)  # known even when it is absent
        table.table("rollout")  # read by `_rollouts`
        table.finish()
    return stages


def _rollouts(models: Table) -> Mapping[str, RolloutPolicy]:
    return {model: _rollout(table.table("rollout")) for model, table in models.each_table() if "rollout" in table}


def _rollout(table: Table) -> RolloutPolicy:
    steps: tuple[RolloutStep, ...] = ()
    if "plan" not in table:
        table.refuse(None, "needs plan.", 'Write plan = "shadow 10m -> 5% 10m -> 100%".')
    else:
        steps = table.read("plan", steps, _plan)
    usual = RolloutPolicy(steps)
    found = RolloutPolicy(
        steps,
        errors=table.number("errors", usual.errors, least=0, most=1),
        slow=table.number("slow", usual.slow, least=0, most=1),
        disagreement=table.number("disagreement", usual.disagreement, least=0, most=1),
        score=table.number("score", usual.score, least=0, most=1),
        min_requests=table.whole("min_requests", usual.min_requests, most=1_000_000),
        false_alarm=table.number("false_alarm", usual.false_alarm, least=1e-6, most=0.5),
        doubt=table.number("doubt", usual.doubt, least=1e-6, most=0.5),
    )
    table.finish()
    return found


def _plan(value: Any) -> tuple[RolloutStep, ...]:
    if not isinstance(value, str):
        raise InvalidInput("must be a text.", hint='Write "shadow 10m -> 5% 10m -> 100%".')
    return parse_plan(value)


def _stage(table: Table) -> StagePolicy:
    approvals = table.whole("approvals", 0, most=MAX_APPROVALS)
    approvers = table.words("approvers")
    if approvers and EVERYONE not in approvers and approvals > len(approvers):
        table.refuse(
            "approvals", f"asks for {approvals}, but only {len(approvers)} may approve.", "List more approvers."
        )
    gates = tuple(gate for each in table.tables("gates") if (gate := _gate(each)) is not None)
    freeze = tuple(window for each in table.tables("freeze") if (window := _freeze(each)) is not None)
    table.finish()
    return StagePolicy(gates, approvals, approvers, freeze)


def _gate(table: Table) -> GateSpec | None:
    if "gate" not in table:
        table.refuse(None, "needs a gate.", f"Known gates: {', '.join(GATES)}.")
        return None
    name = table.text("gate", choices=tuple(GATES))
    if name not in _GATE_READERS:
        return None
    spec = _GATE_READERS[name](table)
    table.finish()
    return spec


def _metric(table: Table) -> MetricGate:
    least, most = table.number("min", None), table.number("max", None)
    if "min" not in table and "max" not in table:
        table.refuse(None, "needs min, max or both.")
    elif least is not None and most is not None and least > most:
        table.refuse("min", "is above max, so nothing could pass.")
    return MetricGate(_needed(table, "metric"), least, most)


def _not_worse(table: Table) -> NotWorseGate:
    better = table.text("better", "higher", choices=("higher", "lower"))
    return NotWorseGate(_needed(table, "metric"), table.number("margin", 0.0, least=0), better)


def _integrity(_table: Table) -> IntegrityGate:
    return IntegrityGate()


def _size(table: Table) -> SizeGate:
    if "max" not in table:
        table.refuse(None, "needs max.", 'Write max = "50MB".')
    return SizeGate(table.size("max", 1))


def _signature(_table: Table) -> SignatureGate:
    return SignatureGate()


def _fields(table: Table) -> FieldsGate:
    required = table.words("required", choices=REQUIRABLE_FIELDS)
    if not required:
        table.refuse(None, "needs required, a list of fields.", f"Known fields: {', '.join(REQUIRABLE_FIELDS)}.")
    return FieldsGate(required)


def _evidence_age(table: Table) -> EvidenceAgeGate:
    if "max" not in table:
        table.refuse(None, "needs max.", 'Write max = "24h".')
    return EvidenceAgeGate(table.duration("max", 1))


def _baseline(table: Table) -> BaselineGate:
    usual = BaselineGate()
    rows = table.whole("rows", usual.rows, most=10**12)
    if rows < 1:
        table.refuse("rows", "must be at least 1.")
    return BaselineGate(rows, table.duration("max_age", None))


_GATE_READERS: Mapping[str, Callable[[Table], GateSpec]] = {
    MetricGate.gate: _metric,
    NotWorseGate.gate: _not_worse,
    IntegrityGate.gate: _integrity,
    SizeGate.gate: _size,
    SignatureGate.gate: _signature,
    FieldsGate.gate: _fields,
    EvidenceAgeGate.gate: _evidence_age,
    BaselineGate.gate: _baseline,
    **READERS,
}


def _needed(table: Table, key: str) -> str:
    if key not in table:
        table.refuse(None, f"needs {key}.", f'Write {key} = "auc".')
    return table.text(key)


def _freeze(table: Table) -> Freeze | None:
    reason = table.text("reason")
    if "weekly" in table:
        found = _WEEKLY.fullmatch(table.text("weekly").strip())
        if found is None:
            table.refuse("weekly", "must be two moments of the week, in UTC.", 'Write "fri 16:00-mon 08:00".')
        table.finish()
        return _weekly(table, found, reason) if found else None
    for key in ("from", "to"):
        if key not in table:
            table.refuse(None, f"needs {key}, or weekly instead.", 'Write from = "2026-12-20", to = "2027-01-03".')
    start_ms = table.read("from", 0, _moment_ms)
    end_ms = table.read("to", 0, _end_ms)
    if start_ms and end_ms and start_ms >= end_ms:
        table.refuse("to", "must be after from.")
    table.finish()
    return DateFreeze(start_ms, end_ms, reason)


def _weekly(table: Table, found: re.Match[str], reason: str) -> WeeklyFreeze | None:
    start, end = (_minute_of_week(found.group(at, at + 1, at + 2)) for at in (1, 4))
    if start is None or end is None:
        table.refuse("weekly", "holds a time that is no time of day.", "Write 00:00 to 24:00.")
    elif start == end:
        table.refuse("weekly", "begins when it ends, so nothing or everything would be frozen.")
    else:
        return WeeklyFreeze(start, end, reason)
    return None


def _minute_of_week(moment: tuple[str | Any, ...]) -> int | None:
    day, hours, minutes = _DAYS.index(moment[0].lower()), int(moment[1]), int(moment[2])
    minute = hours * 60 + minutes
    if minutes > 59 or minute > _DAY_MINUTES:
        return None
    return (day * _DAY_MINUTES + minute) % (7 * _DAY_MINUTES)


def _moment_ms(value: Any) -> int:
    return parse_time(_as_text(value), None)


def _end_ms(value: Any) -> int:
    text = _as_text(value)
    # A day named as the last one is frozen to its end: people read "to 3 January" that way.
    return parse_time(text, None) + (DAY_MS if _DATE.fullmatch(text.strip()) else 0)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise InvalidInput("must be a date or a time.", hint='Write "2026-12-20" or "2026-12-20T18:00Z".')
