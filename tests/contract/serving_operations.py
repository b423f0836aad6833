"""Every operation that writes what serves: builds, endpoints, rollouts, labels, external endpoints."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.endpoints import build_store
from engine.endpoints.model import Build, Share
from engine.probing.model import ExternalChange, Probe
from engine.probing.service import Probing
from engine.registry.model import Signature
from engine.runtimes.model import Field, Interface, RuntimeKind
from engine.telemetry.model import Label
from tests.contract.copies import Copy, Operation
from tests.engine.gates.bakery import skops_of
from tests.engine.telemetry.desk import Desk
from tests.engine.telemetry.traffic import ORIGIN, prediction

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.probing.model import ExternalEndpoint
    from tests.engine.deployment.world import World

PLAN = "10% 10m -> 100%"

PROMOTING = 3
"""Key of the rollout of which all but the promotion is done."""


def prepare_serving(world: World) -> None:
    """Have endpoints in every state that an operation below changes.

    Args:
        world: A workspace; the model `served` is not in it yet.
    """
    engine = world.engine("root")
    for _ in range(3):
        _build(engine, world.register(model="served").version)
    _bake(world)
    for name in ("calm", "still", "rolling", "held", "promoting", "dead", "touched"):
        engine.endpoints.create(name, "served")
        engine.endpoints.deploy(name, 1, reason="first")
    engine.endpoints.deploy("calm", 2, share=Share.CANARY, weight=100, reason="try it")
    engine.endpoints.deploy("still", 2, share=Share.CANARY, weight=100, reason="try it")
    engine.endpoints.traffic("still", {2: 0}, reason="enough")
    engine.endpoints.kill("dead", reason="on fire")
    for name in ("rolling", "held", "promoting", "touched"):
        engine.rollouts.start(name, 2, plan=PLAN, reason="better", promotes=name == "promoting")
    engine.rollouts.pause("held", reason="wait")
    engine.endpoints.traffic("touched", {2: 300}, reason="by hand, so that the analyst waits for a human")
    engine.probing.register("elsewhere", "http://127.0.0.1:9/")
    engine.builds.allow_pickle("served", 3, reason="made here")
    Desk(engine).report(predictions=[prediction(1, ORIGIN._replace(endpoint=engine.endpoints.get("calm").row_id))])
    (world.workspace.path.parent / "labels.csv").write_text("request_id,label\nr-1,1\n")


def _build(engine: Engine, version: int) -> None:
    """Say that a version is built: what the build holds is no matter here."""
    found = engine.models.version("served", version)
    interface = Interface((Field("x", "float64"),), (Field("predict", "float64"),))
    kept = engine.artifacts.put_bytes(b"told")
    with engine.database.transaction(engine.access.actor) as tx:
        told = Build(found.digest, RuntimeKind.LINEAR, interface, kept.digest, "folded", (), kept.size_bytes, 0)
        build_store.put(tx, told)


def _bake(world: World) -> None:
    """A version of the model `baked` whose bytes are a model, and that nobody has built."""
    engine = world.engine("bob")
    with engine.runs.start("default", "baked", capture=False) as run:
        run.log_bytes(skops_of("linear"), "model/model.skops")
    engine.models.register("baked", run_id=run.id, artifact_path="model", signature=Signature(()))


class _Told:
    """Finds what it was told, so that two probes find the same."""

    async def ask(self, endpoint: ExternalEndpoint) -> Probe:
        """Ask nobody."""
        return Probe(1_000, ok=False, problem=f"{endpoint.name} does not answer")


def _probing(copy: Copy) -> Probing:
    engine = copy.engine()
    asker: Any = _Told
    return Probing(engine.database, copy.telemetry, engine.access, copy.clock, asker=asker)


SERVING: dict[str, Operation] = {
    "builds.build": Operation(lambda copy: copy.engine().builds.build("baked", 1)),
    "builds.allow_pickle": Operation(lambda copy: copy.engine().builds.allow_pickle("served", 1, reason="made here")),
    "builds.forbid_pickle": Operation(lambda copy: copy.engine().builds.forbid_pickle("served", 3, reason="a trap")),
    "endpoints.create": Operation(lambda copy: copy.engine().endpoints.create("new", "served", tags={"k": "v"})),
    "endpoints.update": Operation(lambda copy: copy.engine().endpoints.update("calm", key="header:who", capture=0.5)),
    "endpoints.set_tag": Operation(lambda copy: copy.engine().endpoints.set_tag("calm", "k", "v")),
    "endpoints.delete": Operation(lambda copy: copy.engine().endpoints.delete("calm", reason="old", force=True)),
    "endpoints.deploy": Operation(lambda copy: copy.engine().endpoints.deploy("calm", 3, reason="better")),
    "endpoints.traffic": Operation(lambda copy: copy.engine().endpoints.traffic("calm", {2: 300}, reason="more")),
    "endpoints.shadow": Operation(lambda copy: copy.engine().endpoints.shadow("calm", 3, reason="look")),
    "endpoints.retire": Operation(lambda copy: copy.engine().endpoints.retire("still", 2, reason="worse")),
    "endpoints.roll_back": Operation(lambda copy: copy.engine().endpoints.roll_back("calm", reason="bad")),
    "endpoints.undo": Operation(lambda copy: copy.engine().endpoints.undo("calm", reason="a slip")),
    "endpoints.kill": Operation(lambda copy: copy.engine().endpoints.kill("calm", reason="on fire")),
    "endpoints.revive": Operation(lambda copy: copy.engine().endpoints.revive("dead", reason="put out")),
    "endpoints.acknowledge": Operation(lambda copy: copy.engine().endpoints.acknowledge("calm", "gate:1", 1)),
    "rollouts.start": Operation(lambda copy: copy.engine().rollouts.start("still", 2, plan=PLAN, reason="better")),
    "rollouts.pause": Operation(lambda copy: copy.engine().rollouts.pause("rolling", reason="wait")),
    "rollouts.resume": Operation(lambda copy: copy.engine().rollouts.resume("held", reason="go on", skip=True)),
    "rollouts.abort": Operation(lambda copy: copy.engine().rollouts.abort("rolling", reason="bad")),
    "promotions.finish": Operation(lambda copy: copy.engine().promotions.finish(PROMOTING), commits=2),
    "analyst.tick": Operation(lambda copy: copy.engine().analyst.tick()),
    "telemetry.label": Operation(lambda copy: copy.engine().telemetry.label([Label("r-1", 1), Label("r-9", "x")])),
    "telemetry.import_labels": Operation(
        lambda copy: copy.engine().telemetry.import_labels(copy.folder / "labels.csv")
    ),
    "probing.register": Operation(lambda copy: copy.engine().probing.register("other", "http://127.0.0.1:8/")),
    "probing.update": Operation(
        lambda copy: copy.engine().probing.update("elsewhere", replace(ExternalChange(), owner="bob"))
    ),
    "probing.delete": Operation(lambda copy: copy.engine().probing.delete("elsewhere", reason="gone")),
    "probing.probe_now": Operation(lambda copy: _probing(copy).probe_now("elsewhere")),
}
