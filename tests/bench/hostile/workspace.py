"""A workspace in which every text that anybody can store is hostile."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import engine
from engine.api import Engine
from engine.core.access import Access, Actor, Role
from engine.core.errors import InvalidInput
from engine.core.ids import RandomIds
from engine.policy.file import PolicyFile
from engine.registry.model import Column, Signature, Stage
from engine.tracking.model import DatasetInput, RunImport, RunStatus
from tests.bench.hostile.texts import TEXTS

POLICY = """
[models."*".production]
approvals = 1
freeze = [{{from = "2020-12-20", to = "2021-01-03", reason = {reason}}}]
"""
MODEL_NAMES = ("[bold red]churn", "[click=app.quit]x[]", "漢字-churn", "=1+1", "M" * 250)
"""Names of models are held to what can be seen; these are as bad as they get."""

NAME, KEY, VALUE, WORD, REASON = 500, 250, 6_000, 500, 1_000
"""Longest that are stored: names, keys, values, short texts, reasons."""

_BEGIN_MS = 1_750_000_000_000


@dataclass(frozen=True, slots=True)
class Hostile:
    """What there is to look at.

    Args:
        path: The workspace.
        runs: Ids of the runs.
        models: Names of the models; each has two versions, one in Production.
    """

    path: Path
    runs: tuple[str, ...]
    models: tuple[str, ...]


def make_hostile(path: Path) -> Hostile:
    """Make the workspace.

    Args:
        path: Where; must not exist.

    Returns:
        What is in it.
    """
    workspace = engine.create(path)
    workspace.policy_file.write_text(POLICY.format(reason=json.dumps(TEXTS["colour"])), encoding="utf-8")
    with engine.open(path) as opened:
        runs = tuple(_add_run(opened, number, text) for number, text in enumerate(TEXTS.values()))
        for name, run_id, text in zip(MODEL_NAMES, runs, TEXTS.values(), strict=False):
            _add_model(opened, _somebody(opened, text[:WORD]), name, run_id, text)
    return Hostile(path, runs, MODEL_NAMES)


def _somebody(opened: Engine, name: str) -> Engine:
    """The workspace as somebody of that name sees it, who comes from a host of that name."""
    access = Access(Actor(name, origin=f"ssh:{name}"), Role.ADMIN)
    policy_file = PolicyFile(opened.workspace.policy_file)
    return Engine(
        opened.workspace, opened.database, policy_file=policy_file, access=access, clock=opened.clock, ids=RandomIds()
    )


def _add_run(opened: Engine, number: int, text: str) -> str:
    run_id = f"{number + 1:032x}"
    points = [(key, 0.5 + step, step, _BEGIN_MS + step) for key in (text[:KEY], "auc") for step in range(3)]
    opened.runs.import_runs(
        [
            RunImport(
                experiment=text[:NAME],
                name=text[:NAME],
                run_id=run_id,
                status=list(RunStatus)[number % len(RunStatus)],
                start_ms=_BEGIN_MS + number,
                end_ms=_BEGIN_MS + 60_000,
                user=text[:NAME],
                params={text[:KEY]: text[:VALUE], "depth": text[:VALUE]},
                metrics=points,
                tags={text[:KEY]: text[:VALUE], "team": text[:VALUE]},
                note=text,
            )
        ]
    )
    dataset = DatasetInput(text[:NAME], text[:NAME], schema=text, context=text[:NAME])
    opened.runs.log_input(run_id, dataset)
    opened.runs.log_bytes(run_id, b"weights", "model/weights.bin")
    with suppress(InvalidInput):  # a path that no terminal could be harmed by may still be refused
        opened.runs.log_bytes(run_id, text.encode(), f"texts/{text.replace('/', '-')[:200]}")
    opened.experiments.set_tag(text[:NAME], text[:KEY], text[:VALUE])
    return run_id


def _add_model(opened: Engine, second: Engine, name: str, run_id: str, text: str) -> None:
    reason = text[:REASON]
    signature = Signature((Column(text[:WORD], text[:WORD]),), (Column("y", "double"),))
    for _ in range(2):
        opened.models.register(
            name,
            run_id=run_id,
            flavor=text[:WORD],
            format=text[:WORD],
            signature=signature,
            owner=text[:WORD],
            description=text,
            tags={text[:KEY]: text[:VALUE]},
        )
    opened.models.update(name, description=text, owner=text[:WORD])
    opened.models.set_tag(name, text[:KEY], text[:VALUE])
    request = opened.approvals.request(name, 1, to=Stage.PRODUCTION, reason=reason)
    second.approvals.approve(request.id, reason)
    opened.promotions.promote(name, 1, to=Stage.PRODUCTION, reason=reason)
    opened.approvals.request(name, 2, to=Stage.PRODUCTION, reason=reason)
