"""Every operation that writes, on a workspace in which each of them has something to do."""

from __future__ import annotations

from pathlib import Path

from engine.api import Engine
from engine.prompts.model import NewPrompt
from engine.registry.model import Stage
from engine.registry.sources import CopySource
from engine.tokens.service import Tokens
from engine.tracking.active import Batch
from engine.tracking.model import DatasetInput, ExperimentImport, RunImport, RunStatus
from engine.tracking.rules import checked_columns
from engine.webhooks.model import WebhookChange
from engine.webhooks.outbox import Outbox
from engine.webhooks.sending import Sender
from tests.contract.copies import CHILD, DONE, LIVE, LOST, OPEN, Copy, FarIds, Operation
from tests.contract.logging_operations import LOGGING, prepare_logging
from tests.contract.serving_operations import SERVING, prepare_serving
from tests.contract.watching_operations import WATCHING, prepare_watching
from tests.engine.deployment.world import ONE_APPROVAL, World

WAITING = f"{'f' * 8}{1:024x}"
POINTS = [("loss", 0.5, 1, 1_000), ("loss", float("nan"), 2, 2_000), ("auc", 0.9, 2, 2_000)]

TOKEN, WEBHOOK = 1, f"{'f' * 8}{2:024x}"


def prepare(folder: Path) -> None:
    """Make the workspace that every operation starts from, with a backup of an earlier state beside it."""
    world = World(folder, ONE_APPROVAL)
    for version in (1, 2):
        world.register()
        world.approved(version)
    engine = world.engine("root")
    engine.models.set_alias("churn", "champion", 2)
    engine.experiments.create("kept", {"a": "b"})
    engine.experiments.create("gone")
    engine.runs.log_bytes(engine.runs.page().items[0].run_id, b"lost", "lost.txt")
    engine.maintenance.backup(folder / "earlier")
    engine.artifacts.path_of(LOST).unlink()
    _import_runs(engine)
    named = Engine(
        world.workspace,
        world.database,
        policy_file=world.policy_file,
        access=engine.access,
        clock=world.clock,
        ids=FarIds("f"),
    )
    assert named.runs.start("kept", "waiting", capture=False, status=RunStatus.SCHEDULED).id == WAITING
    engine.runs.log_bytes(DONE, b"one", "plots/one.txt")
    engine.runs.beat(LIVE)
    engine.runs.delete(OPEN)
    engine.experiments.delete("gone")
    world.register()
    world.approve(world.request(3), "alice")
    world.register()
    world.request(4)
    world.register()
    world.register(model="spare")
    engine.models.set_alias("spare", "old", 1)
    for template in ("Hello {{name}}", "Good day {{name}}"):
        engine.prompts.register("greeting", NewPrompt(template, tags={"k": "v"}))
    engine.prompts.set_alias("greeting", "champion", 1)
    assert engine.tokens.create("ci").token.id == TOKEN
    named.webhooks.create("ci", "https://example.com/", ("model_version.created",))
    outbox = named.outbox(Sender())
    outbox.fill()
    world.register(model="spare")
    outbox.fill()
    world.register(model="spare")
    (folder / "big.bin").write_bytes(b"big" * 1_000)
    prepare_logging(named)
    prepare_serving(world)
    prepare_watching(world)
    world.database.close()


def _import_runs(engine: Engine) -> None:
    """Runs by the ids that operations name, one of them still going on."""
    runs = [("kept", DONE), ("kept", OPEN), ("kept", LIVE), ("gone", CHILD)]
    engine.runs.import_runs(
        RunImport(
            experiment,
            "live" if run_id == LIVE else "done",
            run_id=run_id,
            start_ms=1,
            status=RunStatus.RUNNING if run_id == LIVE else RunStatus.FINISHED,
            metrics=POINTS[:1],
            params={"depth": "8"},
            tags={"k": "v"},
        )
        for experiment, run_id in runs
    )


def _batch() -> Batch:
    columns = checked_columns(*([list(column) for column in zip(*POINTS, strict=True)]))
    return Batch(columns, {"lr": "0.1"}, {"k": "w"})


def _merge(copy: Copy) -> object:
    known = RunImport("kept", "renamed", start_ms=1, run_id=DONE, metrics=POINTS, tags={"k": "other"})
    fresh = RunImport("fresh", "r", start_ms=1, run_id="f" * 32, metrics=POINTS, params={"p": "1"})
    return copy.engine().runs.merge_runs([known, fresh])


def _import(copy: Copy) -> object:
    return copy.engine().runs.import_runs([RunImport("new", "r", start_ms=1, metrics=POINTS, params={"p": "1"})])


def _log_files(copy: Copy) -> object:
    files = [(copy.folder / "big.bin", "model/big.bin"), (copy.folder / "big.bin", "model/again.bin")]
    return copy.engine().runs.log_files(DONE, files)


def _start(copy: Copy) -> object:
    return copy.engine().runs.start(
        "fresh", "r", params={"a": 1}, tags={"b": 2}, parent=DONE, capture=False, status=RunStatus.SCHEDULED
    )


def _promote(copy: Copy) -> object:
    return copy.engine("bob").promotions.promote("churn", 3, to=Stage.PRODUCTION, reason="better")


def _tokens(copy: Copy) -> Tokens:
    engine = copy.engine()
    return Tokens(engine.database, engine.access, copy.clock, random=bytes)


def _check(copy: Copy) -> object:
    return copy.engine("bob").gates.check("churn", 5, to=Stage.PRODUCTION)


def _request(copy: Copy) -> object:
    return copy.engine("bob").approvals.request("churn", 5, to=Stage.PRODUCTION, reason="better")


def _outbox(copy: Copy) -> Outbox:
    """It reaches nobody: every host is at an address that is nobody else's."""
    return copy.engine().outbox(Sender(resolve=lambda _host, _port: ["127.0.0.1"]))


OPERATIONS: dict[str, Operation] = {
    "outbox.fill": Operation(lambda copy: _outbox(copy).fill()),
    "outbox.send": Operation(lambda copy: _outbox(copy).send()),
    "tokens.create": Operation(lambda copy: _tokens(copy).create("new", user="bot", expires_in_ms=1)),
    "tokens.create_first": Operation(lambda copy: _tokens(copy).create_first("first")),
    "tokens.revoke": Operation(lambda copy: copy.engine().tokens.revoke(TOKEN)),
    "webhooks.create": Operation(
        lambda copy: copy.engine().webhooks.create("new", "https://example.com/", ("prompt.created",), secret=LOST)
    ),
    "webhooks.update": Operation(lambda copy: copy.engine().webhooks.update(WEBHOOK, WebhookChange(name="new"))),
    "webhooks.delete": Operation(lambda copy: copy.engine().webhooks.delete(WEBHOOK)),
    "experiments.create": Operation(lambda copy: copy.engine().experiments.create("new", {"a": "b"})),
    "experiments.ensure_default": Operation(lambda copy: copy.engine().experiments.ensure_default()),
    "experiments.rename": Operation(lambda copy: copy.engine().experiments.rename("kept", "new")),
    "experiments.set_tag": Operation(lambda copy: copy.engine().experiments.set_tag("kept", "a", "c")),
    "experiments.delete": Operation(lambda copy: copy.engine().experiments.delete("kept")),
    "experiments.restore": Operation(lambda copy: copy.engine().experiments.restore("gone")),
    "runs.start": Operation(_start),
    "runs.log_batch": Operation(
        lambda copy: copy.engine().runs.log_batch(DONE, metrics=POINTS, params={"lr": "0.1"}, tags={"k": "w"})
    ),
    "runs.log_columns": Operation(lambda copy: copy.engine().runs.log_columns(DONE, _batch())),
    "runs.log_input": Operation(lambda copy: copy.engine().runs.log_input(DONE, DatasetInput("data", "d1", rows=3))),
    "runs.log_bytes": Operation(lambda copy: copy.engine().runs.log_bytes(DONE, b"two", "plots/two.txt"), files=True),
    "runs.log_files": Operation(_log_files, files=True),
    "runs.finish": Operation(lambda copy: copy.engine().runs.finish(LIVE)),
    "runs.beat": Operation(lambda copy: copy.engine().runs.beat(LIVE)),
    "runs.complete_environment": Operation(
        lambda copy: copy.engine().runs.complete_environment(WAITING, {"numpy": "2.0"}, git_dirty=True)
    ),
    "runs.rename": Operation(lambda copy: copy.engine().runs.rename(DONE, "new")),
    "runs.set_tag": Operation(lambda copy: copy.engine().runs.set_tag(DONE, "k", None)),
    "runs.set_note": Operation(lambda copy: copy.engine().runs.set_note(DONE, "a note")),
    "runs.delete": Operation(lambda copy: copy.engine().runs.delete(DONE)),
    "runs.restore": Operation(lambda copy: copy.engine().runs.restore(OPEN)),
    "runs.reap": Operation(lambda copy: copy.engine().runs.reap(older_than_ms=0)),
    "runs.import_runs": Operation(_import),
    "runs.merge_runs": Operation(_merge),
    "runs.link_runs": Operation(lambda copy: copy.engine().runs.link_runs([(DONE, OPEN)])),
    "runs.import_experiments": Operation(
        lambda copy: copy.engine().runs.import_experiments([ExperimentImport("kept", 1, 2, {"a": "c"}, deleted_ms=3)])
    ),
    "models.create": Operation(lambda copy: copy.engine().models.create("loan", "d", "o", {"a": "b"})),
    "models.update": Operation(lambda copy: copy.engine().models.update("churn", owner="bob")),
    "models.set_tag": Operation(lambda copy: copy.engine().models.set_tag("churn", "k", "v")),
    "models.rename": Operation(lambda copy: copy.engine().models.rename("spare", "loan")),
    "models.delete": Operation(lambda copy: copy.engine().models.delete("spare", reason="old")),
    "models.register": Operation(
        lambda copy: copy.engine().models.register("fresh", run_id=DONE, artifact_path="plots")
    ),
    "models.register_from": Operation(
        lambda copy: copy.engine().models.register_from("fresh", CopySource("churn", 5, "a copy"))
    ),
    "models.update_version": Operation(lambda copy: copy.engine().models.update_version("churn", 5, owner="bob")),
    "models.set_version_tag": Operation(lambda copy: copy.engine().models.set_version_tag("churn", 5, "k", "v")),
    "models.delete_version": Operation(lambda copy: copy.engine().models.delete_version("spare", 1, reason="old")),
    "models.set_alias": Operation(lambda copy: copy.engine().models.set_alias("churn", "next", 4)),
    "models.remove_alias": Operation(lambda copy: copy.engine().models.remove_alias("spare", "old")),
    "prompts.create": Operation(lambda copy: copy.engine().prompts.create("farewell", "d", {"a": "b"})),
    "prompts.register": Operation(lambda copy: copy.engine().prompts.register("farewell", NewPrompt("Bye"))),
    "prompts.update": Operation(lambda copy: copy.engine().prompts.update("greeting", "polite")),
    "prompts.set_tag": Operation(lambda copy: copy.engine().prompts.set_tag("greeting", "k", "v")),
    "prompts.update_version": Operation(
        lambda copy: copy.engine().prompts.update_version("greeting", 1, commit_message="first")
    ),
    "prompts.set_version_tag": Operation(lambda copy: copy.engine().prompts.set_version_tag("greeting", 1, "k", None)),
    "prompts.set_alias": Operation(lambda copy: copy.engine().prompts.set_alias("greeting", "champion", 2)),
    "prompts.remove_alias": Operation(lambda copy: copy.engine().prompts.remove_alias("greeting", "champion")),
    "prompts.delete": Operation(lambda copy: copy.engine().prompts.delete("greeting", reason="old")),
    "prompts.delete_version": Operation(lambda copy: copy.engine().prompts.delete_version("greeting", 1)),
    "gates.check": Operation(_check),
    "gates.gather": Operation(lambda copy: copy.engine("bob").gates.gather("churn", 5, to=Stage.PRODUCTION)),
    "approvals.request": Operation(_request, commits=2),
    "approvals.approve": Operation(lambda copy: copy.engine("alice").approvals.approve(4, "yes")),
    "approvals.reject": Operation(lambda copy: copy.engine("alice").approvals.reject(4, "no")),
    "approvals.revoke": Operation(lambda copy: copy.engine("alice").approvals.revoke(3, "wait")),
    "approvals.withdraw": Operation(lambda copy: copy.engine("bob").approvals.withdraw(4)),
    "promotions.promote": Operation(_promote, commits=2),
    "promotions.roll_back": Operation(
        lambda copy: copy.engine("bob").promotions.roll_back("churn", reason="bad"), commits=2
    ),
    "maintenance.backup": Operation(
        lambda copy: copy.engine().maintenance.backup(copy.folder / "backup"), commits=0, files=True
    ),
    "maintenance.restore": Operation(
        lambda copy: copy.engine().maintenance.restore(copy.folder / "earlier", reason="oops"), commits=1, files=True
    ),
    **LOGGING,
    **SERVING,
    **WATCHING,
}
