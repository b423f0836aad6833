"""A workspace in which every text that anybody can store is hostile.

What a new thing of the product stores is planted by one more function in `PLANTERS`; the names it returns can be
used in the places of `tests/hostile/places.py`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import engine
from engine.api import Engine
from engine.core.access import Access, Actor, Role
from engine.core.errors import InvalidInput
from engine.core.ids import RandomIds
from engine.policy.file import PolicyFile
from engine.registry.model import Column, Signature, Stage
from engine.tracking.model import DatasetInput, RunImport, RunStatus
from tests.hostile.texts import FILE, HOSTILE, MODEL_NAMES

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
NAME, KEY, VALUE, WORD, REASON, TOKEN = 500, 250, 6_000, 500, 1_000, 128
"""Longest that are stored: names, keys, values, short texts, reasons, names of tokens; in characters."""

_BEGIN_MS = 1_750_000_000_000


@dataclass(slots=True)
class Planting:
    """One text on its way into every field.

    Args:
        engine: The open workspace.
        text: The text.
        number: Its place among all texts, from 0.
        names: What is called how so far, by the words that places use (`run`, `model`, …).
    """

    engine: Engine
    text: str
    number: int
    names: dict[str, str] = field(default_factory=dict)

    def somebody(self) -> Engine:
        """The workspace as somebody of that name sees it, who comes from a host of that name."""
        opened, name = self.engine, self.text[:WORD]
        return Engine(
            opened.workspace,
            opened.database,
            policy_file=PolicyFile(opened.workspace.policy_file),
            access=Access(Actor(name, origin=f"ssh:{name}", via="console"), Role.ADMIN),
            clock=opened.clock,
            ids=RandomIds(),
        )


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


def _plant_run(here: Planting) -> Mapping[str, str]:
    opened, text, run_id = here.engine, here.text, f"bad{here.number:029x}"
    name, key = text[:NAME], text[:KEY]
    opened.runs.import_runs(
        [
            RunImport(
                experiment=name,
                name=name,
                run_id=run_id,
                status=list(RunStatus)[here.number % len(RunStatus)],
                start_ms=_BEGIN_MS + here.number,
                end_ms=_BEGIN_MS + 60_000,
                user=name,
                params={key: text[:VALUE], "depth": text[:VALUE]},
                metrics=[(each, 0.5 + step, step, _BEGIN_MS + step) for each in (key, "auc") for step in range(3)],
                tags={key: text[:VALUE], "team": text[:VALUE]},
                note=text,
            )
        ]
    )
    opened.runs.log_input(run_id, DatasetInput(name, name, schema=text, context=name))
    opened.experiments.set_tag(name, key, text[:VALUE])
    return {"run": run_id, "experiment": name, "key": key}


def _plant_files(here: Planting) -> Mapping[str, str]:
    runs, run = here.engine.runs, here.names["run"]
    runs.log_bytes(run, b"weights", "model/weights.bin")
    runs.log_bytes(run, FILE + here.text.encode(), "plain.txt")
    path = f"texts/{here.text.replace('/', '-')[:60]}"
    try:
        runs.log_bytes(run, here.text.encode(), path)
    except InvalidInput:  # what could leave the folder or lose its name is refused
        path = "plain.txt"
    return {"file": path}


def _plant_model(here: Planting) -> Mapping[str, str]:
    models, text = here.engine.models, here.text
    name = MODEL_NAMES[here.number] if here.number < len(MODEL_NAMES) else f"model-{here.number}"
    for _ in range(3):
        models.register(
            name,
            run_id=here.names["run"],
            flavor=text[:WORD],
            format=text[:WORD],
            signature=Signature((Column(text[:WORD], text[:WORD]),), (Column("y", "double"),)),
            data_digest=text[:WORD],
            owner=text[:WORD],
            description=text,
            tags={text[:KEY]: text[:VALUE]},
        )
    models.update(name, description=text, owner=text[:WORD])
    models.set_tag(name, text[:KEY], text[:VALUE])
    models.set_alias(name, f"champion-{here.number}", 1)
    return {"model": name, "version": f"{name}/1", "waiting": f"{name}/2", "alias": f"champion-{here.number}"}


def _plant_reasons(here: Planting) -> Mapping[str, str]:
    opened, second, name = here.engine, here.somebody(), here.names["model"]
    reason = f"{here.text[: REASON - 8]} because"
    opened.models.delete_version(name, 3, reason=reason)
    asked = opened.approvals.request(name, 1, to=Stage.PRODUCTION, reason=reason)
    second.approvals.approve(asked.id, reason)
    opened.promotions.promote(name, 1, to=Stage.PRODUCTION, reason=reason)
    refused = opened.approvals.request(name, 2, to=Stage.PRODUCTION, reason=reason)
    second.approvals.reject(refused.id, reason)
    opened.approvals.request(name, 2, to=Stage.PRODUCTION, reason=reason)
    newest = next(iter(opened.audit.page(limit=1).items))
    return {"request": str(asked.id), "record": str(newest.seq), "reason": reason}


def _plant_token(here: Planting) -> Mapping[str, str]:
    tokens, name = here.engine.tokens, here.text[:TOKEN]
    try:
        made = tokens.create(name, user=name)
    except InvalidInput:  # what cannot be seen names no token; who revokes it, and why, may be anything
        made = tokens.create(f"token-{here.number}")
    here.somebody().tokens.revoke(made.token.id, reason=here.names["reason"])
    return {"token": str(made.token.id)}


Planter = Callable[[Planting], Mapping[str, str]]

PLANTERS: tuple[Planter, ...] = (_plant_run, _plant_files, _plant_model, _plant_reasons, _plant_token)
"""In order; a later one can use the names that earlier ones returned."""
