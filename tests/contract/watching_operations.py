"""Every operation that writes what watches: baselines, monitors, what they find, alerts and silences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.alerts.model import Level, Signal
from engine.alerts.raising import observe
from engine.monitoring.model import Monitor, Source
from engine.monitoring.rounds import declared
from engine.policy.monitors import checked_settings
from tests.contract.copies import Copy, Operation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.deployment.world import World

FILES = ("before.csv", "after.csv")


def prepare_watching(world: World) -> None:
    """Have a monitor of files that has something to find, one that is paused, and alerts in every state.

    Args:
        world: A workspace with the version `served/1` and what it was asked.
    """
    engine, folder = world.engine("root"), world.workspace.path.parent
    for shift, name in enumerate(FILES):
        rows = "".join(f"{row % 17 + 9 * shift}\n" for row in range(120))
        (folder / name).write_text(f"x\n{rows}")
    looks = {"against": f"files {folder / FILES[0]}", "tests": ["drift"], "lateness": "0s", "every": "1s"}
    for name in ("watch", "resting"):
        engine.monitors.create(name, {"target": f"files {folder}/after.csv", **looks})
    engine.monitors.pause("resting", reason="moving")
    for key in ("open", "taken"):
        with engine.database.transaction(engine.access.actor) as tx:
            observe(tx, Signal("watch", key, Level.BAD, tx.now_ms - 1, tx.now_ms, sentence="it went up"))
    with engine.database.transaction(engine.access.actor) as tx:
        declared(tx, Monitor("former", checked_settings({"target": "endpoint calm"}), Source.FILE))
        observe(tx, Signal("former", "drift", Level.BAD, tx.now_ms - 1, tx.now_ms, sentence="it went up"))
    engine.alerts.acknowledge(2, until_ms=engine.clock.now_ms() + 1)
    engine.alerts.silence(until_ms=engine.clock.now_ms() + 86_400_000, reason="known", monitor="other")


def _files(copy: Copy) -> Path:
    return copy.folder / FILES[0]


WATCHING: dict[str, Operation] = {
    "alerts.acknowledge": Operation(lambda copy: copy.engine().alerts.acknowledge(1, reason="mine")),
    "alerts.give_back": Operation(lambda copy: copy.engine().alerts.give_back(2, reason="yours")),
    "alerts.resolve": Operation(lambda copy: copy.engine().alerts.resolve(1, reason="over")),
    "alerts.silence": Operation(
        lambda copy: copy.engine().alerts.silence(
            until_ms=copy.clock.now_ms() + 3_600_000, reason="known", monitor="watch"
        )
    ),
    "alerts.unsilence": Operation(lambda copy: copy.engine().alerts.unsilence(1)),
    "alerts.advance": Operation(lambda copy: copy.engine().alerts.advance()),
    "drift.baseline": Operation(lambda copy: copy.engine().drift.baseline("served", 1, [str(_files(copy))])),
    "monitors.create": Operation(lambda copy: copy.engine().monitors.create("new", {"target": "endpoint calm"})),
    "monitors.change": Operation(lambda copy: copy.engine().monitors.change("watch", {"severity": "critical"})),
    "monitors.pause": Operation(lambda copy: copy.engine().monitors.pause("watch", reason="moving")),
    "monitors.resume": Operation(lambda copy: copy.engine().monitors.resume("resting", reason="moved")),
    "monitors.end_undeclared": Operation(lambda copy: copy.engine().monitors.end_undeclared()),
    "monitors.delete": Operation(lambda copy: copy.engine().monitors.delete("watch")),
    "models.ask_retraining": Operation(lambda copy: copy.engine().models.ask_retraining("served", 1, reason="drift")),
}
