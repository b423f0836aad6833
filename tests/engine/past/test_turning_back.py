"""The past as the engine tells it is the past as it was: random work, remembered on the way, compared afterwards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.alerts.model import Alert, AlertState, Level, Severity, Signal
from engine.alerts.raising import observe
from engine.api import Engine
from engine.core.access import Access, Actor, Role
from engine.core.clock import ManualClock
from engine.core.errors import QuarterdeckError
from engine.core.ids import CountingIds
from engine.core.moment import Moment
from engine.db.database import Database
from engine.policy.file import PolicyFile
from engine.probing.model import ExternalChange
from engine.prompts.model import NewPrompt
from engine.registry.model import Stage
from engine.tracking.model import RunQuery, RunStatus
from engine.webhooks.model import WebhookChange
from tests.builders import empty_workspace, put_telemetry

NAMES = ("a", "b", "c")
SETTINGS = {"target": "data.csv", "reference": "model/1"}


@dataclass
class Desk:
    """A workspace where somebody works."""

    engine: Engine
    clock: ManualClock


def opened(path: Path) -> Desk:
    """A new workspace, its clock still."""
    workspace = empty_workspace(path / "workspace")
    put_telemetry(workspace)
    clock = ManualClock()
    database = Database(workspace.control_db, clock=clock)
    database.migrate()
    access = Access(Actor("ada", via="api"), Role.ADMIN, read_only=False)
    policy = PolicyFile(workspace.policy_file)
    return Desk(Engine(workspace, database, policy_file=policy, access=access, clock=clock, ids=CountingIds()), clock)


# --- work


def _register(desk: Desk, name: str) -> None:
    run = desk.engine.runs.start("exp", name, capture=False, system_metrics_s=0)
    run.log_bytes(b"model", "model.bin")
    run.finish(RunStatus.FINISHED)
    desk.engine.models.register(name, run_id=run.id, artifact_path="model.bin", owner="ops")


def _newest(desk: Desk, name: str) -> int:
    return desk.engine.models.get(name).latest or 1


def _some_run(desk: Desk, name: str) -> str:
    found = desk.engine.runs.page(RunQuery(lifecycle="all")).items
    return found[len(name + str(desk.clock.now_ms())) % len(found)].run_id


def _promote(desk: Desk, name: str, to: Stage) -> None:
    desk.engine.promotions.promote(name, _newest(desk, name), to=to, reason="why not")


def _logged(desk: Desk, name: str) -> None:
    run = desk.engine.runs.start("exp", name, capture=False, system_metrics_s=0)
    run.log_metrics({"auc": 0.5}, step=0)
    desk.clock.advance(3)
    run.log_metrics({"auc": 0.7, "loss": 0.1}, step=1)
    desk.clock.advance(2)
    if name != "c":
        run.finish(RunStatus.FINISHED)


def _silence(desk: Desk, name: str) -> None:
    until_ms = desk.clock.now_ms() + 100_000
    desk.engine.alerts.silence(until_ms=until_ms, reason="quiet", model=name)


def _unsilence(desk: Desk, _name: str) -> None:
    desk.engine.alerts.unsilence(desk.engine.alerts.silences()[0].id)


def _revoke(desk: Desk, _name: str) -> None:
    desk.engine.tokens.revoke(desk.engine.tokens.page().items[0].id, reason="lost")


def _signal(desk: Desk, name: str, level: Level) -> None:
    with desk.engine.database.transaction(desk.engine.access.actor) as tx:
        now_ms = tx.now_ms
        severity = Severity.CRITICAL if now_ms % 3 == 0 else Severity.WARNING
        observe(tx, Signal("m" + name, "drift", level, now_ms - 5, now_ms, severity, f"found at {now_ms}", model=name))


def _open_alert(desk: Desk) -> int:
    return next(each.id for each in desk.engine.alerts.page().items if each.state is not AlertState.RESOLVED)


def _webhook(desk: Desk) -> str:
    return desk.engine.webhooks.page().items[0].id


WORK: tuple[Callable[[Desk, str], object], ...] = (
    lambda desk, name: desk.engine.models.create(name, "text", "ops"),
    _register,
    _register,
    lambda desk, name: desk.engine.models.update(name, description=f"text {desk.clock.now_ms()}"),
    lambda desk, name: desk.engine.models.set_tag(name, "team", str(desk.clock.now_ms())),
    lambda desk, name: desk.engine.models.set_tag(name, "team", None),
    lambda desk, name: desk.engine.models.rename(name, name + "2"),
    lambda desk, name: desk.engine.models.rename(name + "2", name),
    lambda desk, name: desk.engine.models.delete(name),
    lambda desk, name: desk.engine.models.set_alias(name, "best", _newest(desk, name)),
    lambda desk, name: desk.engine.models.remove_alias(name, "best"),
    lambda desk, name: desk.engine.models.set_version_tag(name, _newest(desk, name), "k", name),
    lambda desk, name: desk.engine.models.update_version(name, _newest(desk, name), description=name),
    lambda desk, name: desk.engine.models.delete_version(name, _newest(desk, name)),
    lambda desk, name: _promote(desk, name, Stage.STAGING),
    lambda desk, name: _promote(desk, name, Stage.PRODUCTION),
    lambda desk, name: _promote(desk, name, Stage.ARCHIVED),
    lambda desk, name: desk.engine.experiments.create(name),
    lambda desk, name: desk.engine.experiments.rename(name, name + "2"),
    lambda desk, name: desk.engine.experiments.set_tag(name, "k", str(desk.clock.now_ms())),
    lambda desk, name: desk.engine.experiments.set_tag(name, "k", None),
    lambda desk, _name: desk.engine.experiments.delete("exp"),
    lambda desk, _name: desk.engine.experiments.restore("exp"),
    _logged,
    _logged,
    lambda desk, name: desk.engine.runs.rename(_some_run(desk, name), name + "!"),
    lambda desk, name: desk.engine.runs.set_note(_some_run(desk, name), f"note {desk.clock.now_ms()}"),
    lambda desk, name: desk.engine.runs.set_tag(_some_run(desk, name), "k", name),
    lambda desk, name: desk.engine.runs.set_tag(_some_run(desk, name), "k", None),
    lambda desk, name: desk.engine.runs.delete(_some_run(desk, name)),
    lambda desk, name: desk.engine.runs.restore(_some_run(desk, name)),
    lambda desk, name: desk.engine.prompts.register("p" + name, NewPrompt("Say {{x}}.", commit_message=name)),
    lambda desk, name: desk.engine.prompts.update("p" + name, f"text {desk.clock.now_ms()}"),
    lambda desk, name: desk.engine.prompts.set_tag("p" + name, "k", str(desk.clock.now_ms())),
    lambda desk, name: desk.engine.prompts.set_alias("p" + name, "best", 1),
    lambda desk, name: desk.engine.prompts.remove_alias("p" + name, "best"),
    lambda desk, name: desk.engine.prompts.delete("p" + name),
    lambda desk, name: desk.engine.endpoints.create(name + "-ep", name, owner="ops"),
    lambda desk, name: desk.engine.endpoints.update(name + "-ep", description=f"text {desk.clock.now_ms()}"),
    lambda desk, name: desk.engine.endpoints.set_tag(name + "-ep", "k", name),
    lambda desk, name: desk.engine.endpoints.delete(name + "-ep"),
    lambda desk, name: desk.engine.probing.register("x" + name, "http://127.0.0.1:1/v2", owner="ops"),
    lambda desk, name: desk.engine.probing.update("x" + name, ExternalChange(owner=f"o{desk.clock.now_ms()}")),
    lambda desk, name: desk.engine.probing.delete("x" + name),
    lambda desk, name: desk.engine.monitors.create("m" + name, SETTINGS),
    lambda desk, name: desk.engine.monitors.pause("m" + name, reason="noisy"),
    lambda desk, name: desk.engine.monitors.resume("m" + name),
    lambda desk, name: desk.engine.monitors.delete("m" + name),
    _silence,
    _unsilence,
    lambda desk, name: _signal(desk, name, Level.BAD),
    lambda desk, name: _signal(desk, name, Level.BAD),
    lambda desk, name: _signal(desk, name, Level.GOOD),
    lambda desk, _name: desk.engine.alerts.acknowledge(_open_alert(desk), reason="mine"),
    lambda desk, _name: desk.engine.alerts.give_back(_open_alert(desk), reason="not mine"),
    lambda desk, name: desk.engine.webhooks.create(name, "https://example.com/x", ("model_version.created",)),
    lambda desk, name: desk.engine.webhooks.update(_webhook(desk), WebhookChange(name=name + "!", active=False)),
    lambda desk, _name: desk.engine.webhooks.delete(_webhook(desk)),
    lambda desk, name: desk.engine.tokens.create("t" + name),
    _revoke,
)


IDLE = (QuarterdeckError, IndexError, StopIteration, ZeroDivisionError)
"""What work raises where there is nothing to do it to."""


# --- what is told


def told(engine: Engine) -> dict[str, list[Any]]:
    """All that the services tell of a workspace."""
    runs = engine.runs.page(RunQuery(lifecycle="all")).items
    names = [model.name for model in engine.models.page(limit=100).items]
    return {
        "models": list(engine.models.page(limit=100).items),
        "versions": [version for name in names for version in engine.models.versions(name).items],
        "experiments": list(engine.experiments.page(include_deleted=True).items),
        "runs": list(runs),
        "run details": [engine.runs.get(run.run_id) for run in runs],
        "curves": [engine.runs.history(run.run_id, "auc") for run in runs if "auc" in run.metrics],
        "prompts": list(engine.prompts.page().items),
        "endpoints": list(engine.endpoints.page().items),
        "external": list(engine.probing.page().items),
        "monitors": list(engine.monitors.page().items),
        "silences": list(engine.alerts.silences(ended=True)),
        "alerts": [_without_windows(each) for each in engine.alerts.page().items],
        "alert changes": [engine.alerts.changes(each.id) for each in engine.alerts.page().items],
        "webhooks": sorted((each.name, each.events, each.active) for each in engine.webhooks.page().items),
        "tokens": list(engine.tokens.page().items),
        "promotions": list(engine.promotions.history(None).items),
        "what was where": list(engine.promotions.at(None, engine.clock.now_ms())),
        "audit": list(engine.audit.page().items),
    }


def _without_windows(alert: Alert) -> Alert:
    """An alert but for what windows say, which are counted as they are now."""
    return replace(
        alert, windows=0, window_start_ms=0, window_end_ms=0, value=None, evidence={}, sentence="", updated_ms=0
    )


@dataclass(frozen=True)
class Memory:
    """What was told at a moment."""

    moment: Moment
    told: dict[str, list[Any]]


def remembered(desk: Desk) -> Memory:
    """Remember what is told now."""
    return Memory(Moment(desk.clock.now_ms()), told(desk.engine))


LOST = {
    "models": ("row_id",),
    "versions": ("row_id", "metrics", "params", "flavor", "format", "signature", "data_name", "run_link"),
    "prompts": ("row_id",),
    "endpoints": ("row_id", "created_by", "salt"),
    "external": ("row_id", "created_by"),
    "monitors": ("row_id", "created_by", "source"),
}
"""What is gone of a thing once it was deleted."""


def alike(then: list[Any], now: list[Any], lost: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
    """Both as comparable values: what was deleted since is compared without what went with it."""
    first, second = ([_values(each) for each in side] for side in (then, now))
    for one, other in zip(first, second, strict=False):
        inner = [side.get("endpoint", side) for side in (one, other)]
        mine, theirs = inner if isinstance(inner[0], dict) else (one, other)
        if theirs.get("row_id", theirs.get("id", 1)) < 0:
            for field in lost:
                mine.pop(field, None)
                theirs.pop(field, None)
    return first, second


def _values(told: Any) -> dict[str, Any]:
    return {"": told} if isinstance(told, tuple) else asdict(told)


@pytest.mark.parametrize("seed", range(4))
def test_the_past_told_is_the_past_that_was(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    desk = opened(tmp_path)
    memories: list[Memory] = []
    for count in range(150):
        desk.clock.advance(7)
        with suppress(*IDLE):
            chance.choice(WORK)(desk, chance.choice(NAMES))
        if count % 25 == 24:
            desk.clock.advance(1)
            memories.append(remembered(desk))
    for memory in chance.sample(memories, len(memories)):  # each step begins where the one before stands
        then = desk.engine.at(memory.moment)
        _is_as_remembered(desk, memory, told(then))
        then.close()
    desk.engine.close()


def _is_as_remembered(desk: Desk, memory: Memory, found: dict[str, list[Any]]) -> None:
    kept = {each.id for each in desk.engine.promotions.history(None).items}
    was_told = dict(memory.told)
    for side in (found, was_told):  # what was decided about what is deleted went with it, and gate reports too
        side["promotions"] = [replace(each, report_id=None) for each in side["promotions"] if each.id in kept]
    for resource, items in was_told.items():
        was, told_now = alike(items, found[resource], LOST.get(resource, ()))
        assert told_now == was, resource


@pytest.mark.parametrize("seed", range(2))
def test_steps_from_change_to_change_show_what_a_reader_of_its_own_shows(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    desk = opened(tmp_path)
    for _ in range(80):
        desk.clock.advance(7)
        with suppress(*IDLE):
            chance.choice(WORK)(desk, chance.choice(NAMES))
    change = last = desk.engine.audit.page().items[0].seq
    for _ in range(8):
        change = max(1, min(last, change + chance.choice((-9, -1, -1, -1, 1, 1, 4))))
        stepped = desk.engine.at(Moment(change=change))
        with Engine(
            desk.engine.workspace,
            Database(desk.engine.workspace.control_db, read_only=True, clock=desk.clock),
            policy_file=PolicyFile(desk.engine.workspace.policy_file),
            access=desk.engine.access,
            clock=desk.clock,
            ids=CountingIds(),
        ) as other:
            fresh = told(other.at(Moment(change=change)))
        assert told(stepped) == fresh, change
        if chance.random() < 0.3:
            desk.engine.experiments.create(f"meanwhile {change} {chance.random()}")
    desk.engine.close()
