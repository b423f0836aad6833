"""`qd policy`: what quarterdeck.toml asks for, whether it is right, and who I am to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.cells import count, duration, moment, size
from engine.cli.diagnostics import USAGE, narrate
from engine.cli.groups import LazyGroup
from engine.cli.live_names import MODEL
from engine.cli.output import Column, Format, format_options, show_json, show_lines, show_record, show_rows
from engine.cli.words import STAGE
from engine.core.errors import NotFound, PolicyInvalid
from engine.core.plain import plain
from engine.core.timetext import format_latency

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.cli.session import Session
    from engine.policy.model import Freeze, GateSpec, Policy, StagePolicy
    from engine.registry.model import Stage

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60


@click.group(cls=LazyGroup)
def policy() -> None:
    """What quarterdeck.toml asks for, whether it is right, and who you are to it."""


@policy.command()
@click.argument("model", type=MODEL, required=False)
@click.option("--stage", type=STAGE, help="Only this stage.")
@format_options
@click.pass_obj
def show(session: Session, model: str | None, stage: Stage | None, fmt: Format) -> None:
    """Show the policy in force; with MODEL, what its versions must show to enter each stage."""
    engine = session.engine()
    found = engine.policy
    rows = list(_effective(found, model, stage) if model else _written(found, stage))
    if fmt is Format.JSON:
        defaults = {} if model else {"file": str(engine.workspace.policy_file), **_defaults(found)}
        show_json({**defaults, "digest": found.digest, "stages": rows})
        return
    if fmt is Format.HUMAN and not model:
        show_record({"file": str(engine.workspace.policy_file), **_defaults(found)}, fmt)
        show_lines([""] if rows else ["", "No stage asks for anything."])
    show_rows(rows, STAGE_COLUMNS, fmt)


STAGE_COLUMNS = (
    Column("model", lambda row: row["model"]),
    Column("stage", lambda row: row["stage"]),
    Column("approvals", lambda row: row["approvals"], right=True),
    Column("approvers", lambda row: row["approvers"], lambda names: ", ".join(names) or "-"),
    Column("gates", lambda row: row["gates"], lambda gates: "; ".join(map(_gate_words, gates)) or "-"),
    Column("freeze", lambda row: row["freeze"], lambda windows: "; ".join(map(_freeze_words, windows)) or "-"),
)


def _defaults(found: Policy) -> dict[str, Any]:
    roles = None if found.roles is None else {role.label: list(users) for role, users in found.roles.items()}
    return {
        "roles": roles,
        "allow_as": list(found.allow_as),
        "approval_expiry_ms": found.approval_expiry_ms,
        "evidence_max_age_ms": found.evidence_max_age_ms,
        "single_production": found.single_production,
        "protected_aliases": list(found.protected_aliases),
        "traffic_from": found.traffic_from or None,
        "redaction_allow": list(found.redaction_allow),
        "webhook_hosts": list(found.webhooks.allow_private),
        "webhook_commands": list(found.webhooks.commands),
        "traces_max_age_ms": found.traces_max_age_ms,
        "telemetry_keep_ms": found.telemetry_keep_ms,
        "telemetry_max_bytes": found.telemetry_max_bytes,
    }


def _written(found: Policy, stage: Stage | None) -> Iterator[dict[str, Any]]:
    """What the file says, table by table."""
    for (model, word), demands in found.stages.items():
        if stage is None or word == stage.value.lower():
            yield _row(model, word.capitalize(), demands)


def _effective(found: Policy, model: str, stage: Stage | None) -> Iterator[dict[str, Any]]:
    """What holds for a model, whichever table says so."""
    from engine.registry.model import Stage

    for each in Stage if stage is None else (stage,):
        yield _row(model, each.value, found.stage(model, each.value))


def _row(model: str, stage: str, demands: StagePolicy) -> dict[str, Any]:
    return {
        "model": model,
        "stage": stage,
        "approvals": demands.approvals,
        "approvers": list(demands.approvers),
        "gates": [_gate(spec) for spec in demands.gates],
        "freeze": [_freeze(window) for window in demands.freeze],
    }


def _gate(spec: GateSpec) -> dict[str, Any]:
    return {"gate": spec.gate, **plain(spec)}


def _freeze(window: Freeze) -> dict[str, Any]:
    return {"weekly": hasattr(window, "start_minute"), **plain(window)}


def _gate_words(gate: Mapping[str, Any]) -> str:
    options = (_option_words(name, value) for name, value in gate.items() if name != "gate" and value is not None)
    return " ".join((gate["gate"], *options))


def _option_words(name: str, value: Any) -> str:
    if name.endswith("_ms"):
        return f"{name.removesuffix('_ms')}={duration(value)}"
    if name.endswith("_bytes"):
        return f"{name.removesuffix('_bytes')}={size(value)}"
    if name.endswith("_us"):
        return f"{name.removesuffix('_us')}={format_latency(value)}"
    return f"{name}={','.join(value) if isinstance(value, list) else value}"


def _freeze_words(window: Mapping[str, Any]) -> str:
    if window["weekly"]:
        span = f"weekly {_week_time(window['start_minute'])}-{_week_time(window['end_minute'])}"
    else:
        span = f"{moment(window['start_ms'])} to {moment(window['end_ms'])}"
    return f"{span} {window['reason']}".rstrip()


def _week_time(minute: int) -> str:
    return f"{_DAYS[minute // _DAY_MINUTES]} {minute % _DAY_MINUTES // 60:02}:{minute % 60:02}"


@policy.command()
@click.argument("file", type=click.Path(), required=False)
@format_options
@click.pass_obj
def check(session: Session, file: str | None, fmt: Format) -> int:
    """Look whether FILE, or the workspace's policy, is right; exit 2 and name line and key when it is not."""
    from engine.policy.file import load_policy

    path = Path(file) if file else _policy_file(session)
    if file and not path.exists():
        raise click.BadParameter(f"There is no file {file}.", param_hint="FILE")
    try:
        found = load_policy(path)
    except PolicyInvalid as error:
        return _show_problems(path, error, fmt)
    if fmt is Format.HUMAN:
        asked = f"{count(len(found.stages), 'stage')} with demands"
        show_lines([f"{path}: ok, {asked}" if path.exists() else f"{path}: none, so nothing is asked for"])
    else:
        show_record({"ok": True, "file": str(path), "digest": found.digest, "problems": []}, fmt)
    if not file:
        _tell_of_unknown_models(session, found)
    return 0


def _tell_of_unknown_models(session: Session, found: Policy) -> None:
    """A model may come after its rules, so this is no mistake; a mistyped name would look just like it."""
    from engine.policy.model import EVERYONE

    models = session.engine().models
    for name in sorted({model for model, _ in found.stages} - {EVERYONE}):
        try:
            models.get(name)
        except NotFound as error:
            narrate(f"qd: there is no model {name} yet, so its rules hold for nothing now. {error.hint}")


def _policy_file(session: Session) -> Path:
    # Not through the engine: it refuses to open a workspace whose policy is wrong, and that is what is asked here.
    from engine.db.workspace import find_workspace, require_workspace

    return require_workspace(find_workspace(session.workspace, environ=os.environ, cwd=Path.cwd())).policy_file


def _show_problems(path: Path, error: PolicyInvalid, fmt: Format) -> int:
    listed: Any = error.details.get("problems") or []
    if fmt is not Format.HUMAN:
        show_record({"ok": False, "file": str(path), "digest": None, "problems": listed}, fmt)
    for problem in listed:
        key = f"{problem['key']}: " if problem["key"] else ""
        narrate(f"{path}:{problem['line']}: {key}{problem['message']} {problem['hint']}".rstrip())
    if not listed:
        narrate(f"qd: {error}")
    return USAGE


@policy.command()
@format_options
@click.pass_obj
def whoami(session: Session, fmt: Format) -> None:
    """Show under which name and role you act here."""
    access = session.engine().access
    record = {
        "actor": access.actor.name,
        "role": access.role.label,
        "on_behalf_of": access.actor.on_behalf_of,
        "origin": access.actor.origin,
        "read_only": access.read_only,
    }
    show_record(record, fmt)
