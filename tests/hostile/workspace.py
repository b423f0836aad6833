"""A workspace in which every text that anybody can store is hostile; `planters.py` puts them there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import engine
from engine.api import Engine
from engine.db.workspace import Workspace as WorkspaceFiles
from engine.processes.lock import ServerLock
from engine.processes.model import ServerOwner, ServerStatus
from tests.hostile.planters import PLANTERS, Planting
from tests.hostile.texts import HOSTILE, MODEL_NAMES

NO_PROCESS = 2**22 + 1
"""More than any process number, so that nobody can be ended in its place."""

_POLICY = """
[models."*".production]
approvals = 1
freeze = [{{from = "2020-12-20", to = "2021-01-03", reason = {freeze}}}]
[models.{model}.staging]
gates = [{{gate = "metric", metric = {metric}, min = 0.5}}, {{gate = "fields", required = ["owner"]}}]
[roles]
admin = ["*"]
approver = [{role}]
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """What there is to look at.

    Args:
        path: The workspace.
        planted: By text, what holds it is called how: `run`, `experiment`, `model`, `request`, `record`, …
    """

    path: Path
    planted: Mapping[str, Mapping[str, str]]

    def names(self) -> list[Mapping[str, str]]:
        """By text what a place may name; also the `other_run` of the next text and the policy's `strict` model."""
        rows = list(self.planted.values())
        others = [*rows[1:], *rows[:1]]
        strict = rows[0]["model"]
        return [{**row, "other_run": other["run"], "strict": strict} for row, other in zip(rows, others, strict=True)]

    def copy(self, path: Path) -> Workspace:
        """The same in another place, to be changed there."""
        return Workspace(Path(shutil.copytree(self.path, path)), self.planted)


@contextmanager
def served(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace as a server does whose every word is hostile; no process has its number."""
    attack = "".join(HOSTILE[name] for name in ("colour", "clipboard", "c1", "closing tag", "bidi"))
    owner = ServerOwner(NO_PROCESS, attack, f"http://{attack}:{attack}", 10**12, attack, attack)
    status = ServerStatus(2 * 10**12, 1, 2, (1, 2), 3, 4, 0.5, 1.5, 5, 6, 7, 0.5, 1.5, tuple(HOSTILE.values()))
    with ServerLock(WorkspaceFiles(workspace.path)).take() as lock:
        lock.tell(owner)
        lock.tell_status(status)
        yield


def make_hostile(path: Path, texts: Mapping[str, str] = HOSTILE) -> Workspace:
    """Make the workspace.

    Args:
        path: Where; must not exist.
        texts: What to plant.

    Returns:
        What is in it.
    """
    workspace = engine.create(path)
    hostile = {name: json.dumps(HOSTILE[name]) for name in ("colour", "style tag", "bidi")}
    policy = _POLICY.format(
        freeze=hostile["colour"], metric=hostile["style tag"], role=hostile["bidi"], model=json.dumps(MODEL_NAMES[0])
    )
    workspace.policy_file.write_text(policy, encoding="utf-8")
    with engine.open(path) as opened:
        return Workspace(path, plant(opened, texts))


def plant(opened: Engine, texts: Mapping[str, str] = HOSTILE) -> Mapping[str, Mapping[str, str]]:
    """Put each text into every field of an open workspace; the actor must be an admin.

    Args:
        opened: The workspace.
        texts: What to plant.

    Returns:
        By text, what holds it is called how.
    """
    planted = {}
    for number, (name, text) in enumerate(texts.items()):
        planting = Planting(opened, text, number)
        for planter in PLANTERS:
            planting.names.update(planter(planting))
        planted[name] = planting.names
    return planted
