"""Every sort of change that can be undone: how to get there, how to do it, and what the services tell of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.alerts.model import Level, Severity, Signal
from engine.alerts.raising import observe
from engine.api import Engine
from engine.endpoints.model import Share
from engine.probing.model import ExternalChange
from engine.prompts.model import NewPrompt
from engine.registry.model import Stage
from engine.tracking.logged_model_model import NewLoggedModel
from engine.webhooks.model import WebhookChange
from tests.engine.deployment.rollouts.rolling import PLAN
from tests.engine.endpoints.desk import Desk

HOUR_MS = 3_600_000
APPROVED = "[models.churn.production]\napprovals = 1\n"


@dataclass(frozen=True)
class Doing:
    """One sort of change.

    Args:
        prepare: Makes what is to be changed.
        do: Changes it.
        look: What the services tell of it.
        policy: What `quarterdeck.toml` says.
        final: Whether its undo cannot be undone.
    """

    prepare: Callable[[Desk, Engine], object]
    do: Callable[[Engine], object]
    look: Callable[[Engine], Any]
    policy: str = ""
    final: bool = False


RUN = "00000000000000000000000000000abc"


def _run(desk: Desk, engine: Engine) -> None:
    from engine.tracking.model import RunImport

    engine.runs.import_runs([RunImport("default", "first", run_id=RUN, start_ms=1, end_ms=2)])
    engine.runs.set_tag(RUN, "team", "risk")


def _run_look(engine: Engine) -> Any:
    run = engine.runs.get(RUN)
    return run.name, dict(run.tags), run.note, run.lifecycle


def _experiment(_desk: Desk, engine: Engine) -> None:
    engine.experiments.create("old", {"team": "risk"})


def _experiments(engine: Engine) -> Any:
    return [(each.id, each.name, dict(each.tags)) for each in engine.experiments.page().items]


def _models(engine: Engine) -> Any:
    return [
        (each.name, each.description, each.owner, dict(each.tags), dict(each.aliases), each.versions)
        for each in engine.models.page().items
    ]


def _versions(engine: Engine) -> Any:
    return [
        (each.key, each.stage, each.description, each.owner, dict(each.tags), each.aliases)
        for each in engine.models.versions("churn").items
    ]


def _two_versions(desk: Desk, engine: Engine) -> None:
    desk.versions(2)
    engine.models.set_alias("churn", "candidate", 1)
    engine.models.set_tag("churn", "team", "risk")
    engine.models.set_version_tag("churn", 2, "team", "risk")


def _with_a_run(desk: Desk, engine: Engine) -> None:
    _two_versions(desk, engine)
    _run(desk, engine)
    engine.runs.log_bytes(RUN, b"w", "model/w.bin")


def _override_approved(desk: Desk, engine: Engine) -> None:
    _two_versions(desk, engine)
    desk.approve(desk.request(2, by="dave", override=True), "alice")


def _in_production(*numbers: int, desk: Desk, engine: Engine) -> None:
    _two_versions(desk, engine)
    for number in numbers:
        engine.promotions.promote("churn", number, to=Stage.PRODUCTION, reason="good")
        desk.clock.advance(1_000)


def _prompt(_desk: Desk, engine: Engine) -> None:
    engine.prompts.register("greeting", NewPrompt("Hello {{name}}", commit_message="first"))
    engine.prompts.register("greeting", NewPrompt("Hi {{name}}"))
    engine.prompts.set_alias("greeting", "best", 1)


def _prompts(engine: Engine) -> Any:
    return [
        (each.name, each.description, dict(each.tags), dict(each.aliases), each.versions)
        for each in engine.prompts.page().items
    ], [
        (each.key, each.commit_message, each.model_config, dict(each.tags))
        for each in engine.prompts.versions("greeting").items
    ] if any(each.name == "greeting" for each in engine.prompts.page().items) else []


def _endpoint(desk: Desk, _engine: Engine) -> None:
    desk.endpoint(3)


def _canary(desk: Desk, engine: Engine) -> None:
    desk.endpoint(3)
    engine.endpoints.deploy("churn", 2, reason="try", share=Share.CANARY, weight=100)


def _shadow(desk: Desk, engine: Engine) -> None:
    desk.endpoint(3)
    engine.endpoints.deploy("churn", 2, reason="try", share=Share.SHADOW)


def _standing_by(desk: Desk, engine: Engine) -> None:
    desk.endpoint(3)
    engine.endpoints.deploy("churn", 2, reason="better")


def _killed(desk: Desk, engine: Engine) -> None:
    desk.endpoint(3)
    engine.endpoints.kill("churn", reason="bad")


def _routes(engine: Engine) -> Any:
    found = engine.endpoints.get("churn")
    routed = [(each.version, each.share, each.weight) for each in found.deployments if each.share is not None]
    said = (found.description, found.owner, found.key, found.capture, dict(found.tags))
    return sorted(routed), found.desired is not None and found.desired.killed, said


def _endpoint_names(engine: Engine) -> Any:
    return [each.name for each in engine.endpoints.page().items]


def _rolling(desk: Desk, engine: Engine) -> None:
    desk.endpoint(3)
    engine.rollouts.start("churn", 2, reason="better")


def _paused(desk: Desk, engine: Engine) -> None:
    _rolling(desk, engine)
    engine.rollouts.pause("churn", reason="wait")


def _rollout(engine: Engine) -> Any:
    found = engine.rollouts.open_of("churn")
    return None if found is None else (found.version, found.state, found.step)


SETTINGS = {"target": "endpoint churn", "window": "1h"}


def _monitor(desk: Desk, engine: Engine) -> None:
    desk.endpoint(1)
    engine.monitors.create("loans", SETTINGS)


def _paused_monitor(desk: Desk, engine: Engine) -> None:
    _monitor(desk, engine)
    engine.monitors.pause("loans", reason="known")


def _monitors(engine: Engine) -> Any:
    return [(each.name, each.settings, each.paused) for each in engine.monitors.page().items]


def _alert(_desk: Desk, engine: Engine) -> None:
    with engine.database.transaction(engine.access.actor) as tx:
        signal = Signal("loans", "drift", Level.BAD, tx.now_ms - 60_000, tx.now_ms, severity=Severity.WARNING)
        observe(tx, signal)


def _taken_alert(desk: Desk, engine: Engine) -> None:
    _alert(desk, engine)
    engine.alerts.acknowledge(1, reason="mine")


def _alerts(engine: Engine) -> Any:
    found = engine.alerts.get(1)
    return found.state, found.owner


def _silence(engine: Engine) -> object:
    return engine.alerts.silence(monitor="loans", until_ms=engine.clock.now_ms() + HOUR_MS, reason="known")


def _silences(engine: Engine) -> Any:
    return [(each.monitor, each.until_ms) for each in engine.alerts.silences()]


def _external(_desk: Desk, engine: Engine) -> None:
    engine.probing.register("theirs", "http://10.0.0.1:8080", model="m", tags={"team": "risk"})


def _externals(engine: Engine) -> Any:
    found = [each.endpoint for each in engine.probing.page().items]
    return [(e.name, e.url, e.protocol, e.model, e.interval_ms, dict(e.headers), dict(e.tags)) for e in found]


def _webhook(_desk: Desk, engine: Engine) -> None:
    engine.webhooks.create("ci", "https://example.com/x", ("model_version.created",))


def _webhooks(engine: Engine) -> Any:
    return [(each.name, each.events, each.active) for each in engine.webhooks.page().items]


def _change_webhook(engine: Engine) -> None:
    (hook,) = engine.webhooks.page().items
    engine.webhooks.update(hook.id, WebhookChange(name="ci-2", active=False))


def _requests(engine: Engine) -> Any:
    return [each.state.value for each in engine.approvals.page().items]


def _logged_model(_desk: Desk, engine: Engine) -> None:
    engine.experiments.create("trees")
    engine.logged_models.create(NewLoggedModel(engine.experiments.get("trees").id, "trees", None))


def _logged(engine: Engine) -> Any:
    return [each.lifecycle for each in engine.logged_models.page().items]


def _deleted_logged(desk: Desk, engine: Engine) -> None:
    _logged_model(desk, engine)
    engine.logged_models.delete(_logged_id(engine))


def _logged_id(engine: Engine) -> str:
    from engine.tracking.logged_model_model import LoggedModelQuery

    (found,) = engine.logged_models.page(LoggedModelQuery(lifecycle="all")).items
    return found.model_id


def _then(
    first: Callable[[Desk, Engine], object], second: Callable[[Engine], object]
) -> Callable[[Desk, Engine], object]:
    def both(desk: Desk, engine: Engine) -> None:
        first(desk, engine)
        second(engine)

    return both


def _nothing(_desk: Desk, _engine: Engine) -> None:
    pass


def _pickle(engine: Engine) -> Any:
    return engine.builds.pickle_allowed(engine.models.version("churn", 1).digest)


def _forbidden(engine: Engine) -> None:
    engine.builds.forbid_pickle("churn", 1, reason="no")


def _allowed(engine: Engine) -> None:
    engine.builds.allow_pickle("churn", 1, reason="ours")


CHANGES: dict[tuple[str, str], Doing] = {
    ("run", "rename"): Doing(_run, lambda e: e.runs.rename(RUN, "second"), _run_look),
    ("run", "tag"): Doing(_run, lambda e: e.runs.set_tag(RUN, "team", "fraud"), _run_look),
    ("run", "note"): Doing(_run, lambda e: e.runs.set_note(RUN, "words"), _run_look),
    ("run", "delete"): Doing(_run, lambda e: e.runs.delete(RUN), _run_look),
    ("run", "restore"): Doing(_then(_run, lambda e: e.runs.delete(RUN)), lambda e: e.runs.restore(RUN), _run_look),
    ("experiment", "create"): Doing(_nothing, lambda e: e.experiments.create("new"), _experiments),
    ("experiment", "rename"): Doing(_experiment, lambda e: e.experiments.rename("old", "new"), _experiments),
    ("experiment", "tag"): Doing(_experiment, lambda e: e.experiments.set_tag("old", "team", None), _experiments),
    ("experiment", "delete"): Doing(_experiment, lambda e: e.experiments.delete("old"), _experiments),
    ("experiment", "restore"): Doing(
        _then(_experiment, lambda e: e.experiments.delete("old")), lambda e: e.experiments.restore("old"), _experiments
    ),
    ("logged_model", "delete"): Doing(_logged_model, lambda e: e.logged_models.delete(_logged_id(e)), _logged),
    ("logged_model", "restore"): Doing(_deleted_logged, lambda e: e.logged_models.restore(_logged_id(e)), _logged),
    ("model", "create"): Doing(_nothing, lambda e: e.models.create("churn", "d", "o", {"team": "risk"}), _models),
    ("model", "delete"): Doing(
        lambda _d, e: e.models.create("churn", "d", "o", {"team": "risk"}), lambda e: e.models.delete("churn"), _models
    ),
    ("model", "update"): Doing(_two_versions, lambda e: e.models.update("churn", owner="bob"), _models),
    ("model", "rename"): Doing(_two_versions, lambda e: e.models.rename("churn", "leaving"), _models),
    ("model", "tag"): Doing(_two_versions, lambda e: e.models.set_tag("churn", "team", "fraud"), _models),
    ("model", "set alias"): Doing(_two_versions, lambda e: e.models.set_alias("churn", "candidate", 2), _models),
    ("model", "remove alias"): Doing(_two_versions, lambda e: e.models.remove_alias("churn", "candidate"), _models),
    ("version", "register"): Doing(
        _with_a_run,
        lambda e: e.models.register("churn", run_id=RUN),
        _versions,
        final=True,
    ),
    ("version", "update"): Doing(
        _two_versions, lambda e: e.models.update_version("churn", 2, description="worse"), _versions
    ),
    ("version", "tag"): Doing(_two_versions, lambda e: e.models.set_version_tag("churn", 2, "team", None), _versions),
    ("version", "allow pickle"): Doing(_two_versions, _allowed, _pickle),
    ("version", "forbid pickle"): Doing(_then(_two_versions, _allowed), _forbidden, _pickle),
    ("approval", "request"): Doing(
        _two_versions,
        lambda e: e.approvals.request("churn", 1, to=Stage.PRODUCTION, reason="good"),
        _requests,
        APPROVED,
        final=True,
    ),
    ("approval", "request override"): Doing(
        _two_versions,
        lambda e: e.approvals.request("churn", 1, to=Stage.PRODUCTION, reason="good", override=True),
        _requests,
        APPROVED,
        final=True,
    ),
    ("prompt", "create"): Doing(_nothing, lambda e: e.prompts.create("greeting", "d"), _prompts, final=True),
    ("prompt", "update"): Doing(_prompt, lambda e: e.prompts.update("greeting", "words"), _prompts),
    ("prompt", "tag"): Doing(_prompt, lambda e: e.prompts.set_tag("greeting", "team", "help"), _prompts),
    ("prompt", "set alias"): Doing(_prompt, lambda e: e.prompts.set_alias("greeting", "best", 2), _prompts),
    ("prompt", "remove alias"): Doing(_prompt, lambda e: e.prompts.remove_alias("greeting", "best"), _prompts),
    ("prompt version", "register"): Doing(
        _prompt, lambda e: e.prompts.register("greeting", NewPrompt("Hey")), _prompts, final=True
    ),
    ("prompt version", "update"): Doing(
        _prompt, lambda e: e.prompts.update_version("greeting", 1, commit_message="2nd"), _prompts
    ),
    ("prompt version", "tag"): Doing(
        _prompt, lambda e: e.prompts.set_version_tag("greeting", 1, "team", "help"), _prompts
    ),
    ("promotion", "promote"): Doing(
        lambda d, e: _in_production(1, desk=d, engine=e),
        lambda e: e.promotions.promote("churn", 2, to=Stage.PRODUCTION, reason="better"),
        _versions,
    ),
    ("promotion", "override"): Doing(
        _override_approved,
        lambda e: e.promotions.promote("churn", 2, to=Stage.PRODUCTION, reason="now", override=True),
        _versions,
        APPROVED,
        final=True,
    ),
    ("promotion", "roll back"): Doing(
        lambda d, e: _in_production(1, 2, desk=d, engine=e),
        lambda e: e.promotions.roll_back("churn", reason="worse"),
        _versions,
    ),
    ("endpoint", "create"): Doing(
        _two_versions, lambda e: e.endpoints.create("churn", "churn"), _endpoint_names, final=True
    ),
    ("endpoint", "update"): Doing(
        _endpoint, lambda e: e.endpoints.update("churn", key="request", capture=0.5, owner="bob"), _routes
    ),
    ("endpoint", "tag"): Doing(_endpoint, lambda e: e.endpoints.set_tag("churn", "team", "risk"), _routes),
    ("endpoint", "deploy"): Doing(_endpoint, lambda e: e.endpoints.deploy("churn", 2, reason="better"), _routes),
    ("endpoint", "traffic"): Doing(_canary, lambda e: e.endpoints.traffic("churn", {2: 500}, reason="more"), _routes),
    ("endpoint", "shadow"): Doing(_shadow, lambda e: e.endpoints.shadow("churn", 2, reason="off", on=False), _routes),
    ("endpoint", "roll back"): Doing(_canary, lambda e: e.endpoints.roll_back("churn", reason="bad"), _routes),
    ("endpoint", "undo"): Doing(_canary, lambda e: e.endpoints.undo("churn", reason="no"), _routes),
    ("endpoint", "retire"): Doing(_standing_by, lambda e: e.endpoints.retire("churn", 1, reason="old"), _routes),
    ("endpoint", "kill"): Doing(_endpoint, lambda e: e.endpoints.kill("churn", reason="bad"), _routes),
    ("endpoint", "revive"): Doing(_killed, lambda e: e.endpoints.revive("churn", reason="good"), _routes),
    ("rollout", "begin"): Doing(
        _endpoint, lambda e: e.rollouts.start("churn", 2, reason="better"), _rollout, PLAN, final=True
    ),
    ("rollout", "pause"): Doing(_rolling, lambda e: e.rollouts.pause("churn", reason="wait"), _rollout, PLAN),
    ("rollout", "step"): Doing(_paused, lambda e: e.rollouts.resume("churn", reason="on"), _rollout, PLAN),
    ("monitor", "create"): Doing(
        lambda d, _e: d.endpoint(1), lambda e: e.monitors.create("loans", SETTINGS), _monitors
    ),
    ("monitor", "change"): Doing(
        _monitor, lambda e: e.monitors.change("loans", {"window": "2h", "lateness": "5m"}), _monitors
    ),
    ("monitor", "delete"): Doing(_paused_monitor, lambda e: e.monitors.delete("loans"), _monitors),
    ("monitor", "pause"): Doing(_monitor, lambda e: e.monitors.pause("loans", reason="known"), _monitors),
    ("monitor", "resume"): Doing(_paused_monitor, lambda e: e.monitors.resume("loans"), _monitors),
    ("alert", "acknowledge"): Doing(_alert, lambda e: e.alerts.acknowledge(1, reason="mine"), _alerts),
    ("alert", "reopen"): Doing(_taken_alert, lambda e: e.alerts.give_back(1), _alerts),
    ("alert", "silence"): Doing(_nothing, _silence, _silences),
    ("silence", "unsilence"): Doing(
        lambda _d, e: _silence(e), lambda e: e.alerts.unsilence(e.alerts.silences()[0].id), _silences
    ),
    ("external endpoint", "register"): Doing(
        _nothing, lambda e: e.probing.register("theirs", "http://10.0.0.1:8080"), _externals
    ),
    ("external endpoint", "update"): Doing(
        _external, lambda e: e.probing.update("theirs", ExternalChange(interval_ms=60_000, tags={})), _externals
    ),
    ("external endpoint", "unregister"): Doing(_external, lambda e: e.probing.delete("theirs"), _externals),
    ("webhook", "create"): Doing(
        _nothing,
        lambda e: e.webhooks.create("ci", "https://example.com/x", ("model_version.created",)),
        _webhooks,
        final=True,
    ),
    ("webhook", "update"): Doing(_webhook, _change_webhook, _webhooks),
    ("token", "create"): Doing(
        _nothing,
        lambda e: e.tokens.create("ci", expires_in_ms=HOUR_MS),
        lambda e: [(each.name, each.state.value) for each in e.tokens.page().items if each.revoked_ms is None],
        final=True,
    ),
}
"""By kind and verb of the record."""
