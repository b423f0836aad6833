"""Puts a text into every field of everything that is stored.

What a new thing of the product stores is planted by one more function in `PLANTERS`; the names it returns can be
used in the places of `tests/hostile/places.py`.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from engine.alerts.model import Level, Signal
from engine.alerts.raising import observe
from engine.api import Engine
from engine.core.access import Access, Actor, Role
from engine.core.errors import InvalidInput, Refused
from engine.core.ids import RandomIds
from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.migrations import TELEMETRY
from engine.endpoints.model import Share
from engine.monitoring.model import ResultQuery
from engine.policy.file import PolicyFile
from engine.prompts.model import NewPrompt, PromptKind
from engine.registry.model import Column, Signature, Stage
from engine.telemetry.intake import Intake
from engine.telemetry.model import CapturedPrediction, Origin
from engine.telemetry.spool import Spool
from engine.traces.assessment_model import Assessment, AssessmentKind
from engine.traces.content import encode
from engine.traces.model import NewSpan, SpanBatch, SpanStatus, TraceFacts, TraceReport, TraceState
from engine.tracking.logged_model_model import LoggedModelStatus, ModelMetric, NewLoggedModel
from engine.tracking.model import DatasetInput, RunImport, RunStatus
from tests.engine.endpoints.desk import ToldBuilds
from tests.hostile.texts import FILE, MODEL_NAMES

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


def _plant_logged_model(here: Planting) -> Mapping[str, str]:
    opened, text, run = here.engine, here.text, here.names["run"]
    models, key = opened.logged_models, text[:KEY]
    new = NewLoggedModel(
        opened.experiments.get(here.names["experiment"]).id,
        text[:NAME],
        run,
        text[:WORD],
        params={key: text[:VALUE]},
        tags={key: text[:VALUE]},
    )
    try:
        made = models.create(new).model_id
    except InvalidInput:  # marks that references use are in no name
        made = models.create(replace(new, name=f"logged-{here.number}")).model_id
    models.log_metrics(run, [ModelMetric(made, key, 0.5, 1, _BEGIN_MS, text[:NAME], text[:WORD])])
    models.set_status(made, LoggedModelStatus.FAILED, text[:WORD])
    return {"logged": made}


def _plant_prompt(here: Planting) -> Mapping[str, str]:
    prompts, text = here.engine.prompts, here.text
    name = f"prompt {here.names['model']}"[:KEY]
    chat = json.dumps([{"role": text[:WORD], "content": text}])
    config = json.dumps({text[:KEY]: text[:WORD]})
    prompts.create(name, text, {text[:KEY]: text[:VALUE]})
    prompts.register(name, NewPrompt(text, commit_message=text, tags={text[:KEY]: text[:VALUE]}))
    prompts.register(name, NewPrompt(chat, PromptKind.CHAT, text, config, config))
    prompts.set_alias(name, f"asked-{here.number}", 1)
    return {"prompt": name}


def _plant_trace(here: Planting) -> Mapping[str, str]:
    opened, text, trace = here.engine, here.text, f"tr-{here.number + 1:032x}"
    word, pairs = text[:WORD], {text[:KEY]: text[:WORD]}
    experiment = opened.experiments.get(here.names["experiment"]).id
    content = encode({"attributes": {text[:KEY]: text}, "events": [[word, 10**18, pairs]]})
    span = NewSpan(trace, 1, None, word, word, SpanStatus.ERROR, word, 10**18, 2 * 10**18, 1, 2, 3, content)
    opened.traces.record(SpanBatch([span], {trace: TraceFacts(10**12, resource=pairs)}), experiment)
    opened.traces.report(
        TraceReport(
            trace,
            experiment,
            10**12,
            state=TraceState.ERROR,
            name=word,
            client_request_id=text[:KEY],
            request=text,
            response=text,
            session=text[:KEY],
            user=text[:KEY],
            tags=pairs,
            metadata=pairs,
            runs=(here.names["run"],),
            assessments=(
                Assessment(
                    text[:KEY], AssessmentKind.FEEDBACK, word, word, word, rationale=text[:WORD], metadata=pairs
                ),
            ),
        )
    )
    return {"trace": trace}


def _plant_webhook(here: Planting) -> Mapping[str, str]:
    seen = "".join(each for each in here.text if "!" <= each <= "~" and each not in "#\\")
    made = here.engine.webhooks.create(
        f"hook-{here.number}",
        f"https://hooks.example/?{seen[:KEY]}",
        ("prompt.created",),
        description=here.text[:WORD],
    )
    return {"webhook": made.id}


def _plant_endpoint(here: Planting) -> Mapping[str, str]:
    """An endpoint whose every text is hostile: what is said of it, why it changed, what data planes and callers say."""
    opened, text, model = here.engine, here.text, here.names["model"]
    reason, endpoints = here.names["reason"], opened.endpoints
    opened.__dict__["builds"] = ToldBuilds(opened)  # these bytes are no model; what is told of them does not matter
    endpoint = endpoints.create(model, model, description=text, owner=text[:WORD], tags={text[:KEY]: text[:VALUE]})
    here.somebody().endpoints.update(model, description=text)
    made = endpoints.deploy(model, 1, reason=reason)
    endpoints.deploy(model, 2, share=Share.SHADOW, reason=reason)
    endpoints.acknowledge(model, text[:WORD], made.number, problem=text[:WORD])
    try:
        opened.promotions.promote(model, 2, to=Stage.STAGING, reason=reason)
        opened.rollouts.start(model, 2, reason=reason, plan="5% 10m -> 100%")
        opened.rollouts.pause(model, reason=reason)
    except Refused:  # one model has a gate before Staging that nothing passes
        here.somebody().endpoints.kill(model, reason=reason)
    live = endpoints.get(model).deployments[0].id
    _report(opened, Origin(endpoint.row_id, live, 1, "live", model, 1, (text[:KEY],)), text)
    return {"endpoint": model}


def _plant_external(here: Planting) -> Mapping[str, str]:
    text, name = here.text, f"external-{here.number}"
    here.engine.probing.register(
        name,
        f"http://127.0.0.1:9/{here.number}",
        model=text[:WORD],
        description=text,
        owner=text[:WORD],
        tags={text[:KEY]: text[:VALUE]},
    )
    return {"external": name}


def _plant_monitor(here: Planting) -> Mapping[str, str]:
    """A monitor of files whose columns and levels are hostile, what it found, an alert of it and a silence."""
    opened, text, name = here.engine, here.text, f"watch-{here.number}"
    files = [opened.workspace.path / f"planted-{here.number}-{side}.csv" for side in ("before", "after")]
    for shift, file in enumerate(files):
        with file.open("w", encoding="utf-8", errors="replace", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow([text[:KEY], "level"])
            rows.writerows([row % 17 + 9 * shift, text[:KEY] if row % 3 == shift else "plain"] for row in range(200))
        os.utime(file, ns=(0, opened.clock.now_ms() * 1_000_000 - 10**9))
    looks = {"tests": ["drift"], "lateness": "0s", "every": "1s"}
    opened.monitors.create(name, {"target": f"files {files[1]}", "against": f"files {files[0]}", **looks})
    opened.monitors.run(name)
    opened.monitors.pause(name, reason=here.names["reason"])
    now_ms = opened.clock.now_ms()
    with opened.database.transaction(here.somebody().access.actor) as tx:
        seen = Signal(name, text[:KEY], Level.BAD, now_ms - 1, now_ms, evidence={text[:KEY]: text[:VALUE]})
        told = replace(seen, sentence=text[:VALUE], next_step=text[:VALUE], model=text[:WORD], endpoint=text[:WORD])
        observe(tx, told)
    alert = max(each.id for each in opened.alerts.page(limit=1).items)
    here.somebody().alerts.acknowledge(alert, reason=here.names["reason"])
    opened.alerts.silence(until_ms=now_ms + 3_600_000, reason=here.names["reason"], key=text[:KEY])
    (result,) = opened.monitors.results(ResultQuery(monitor=name, limit=1)).items
    found = {"monitor": name, "alert": str(alert), "result": str(result.id)}
    return found | {"before": str(files[0]), "after": str(files[1])}


def _report(opened: Engine, origin: Origin, text: str) -> None:
    """What a data plane reports of callers that send hostile texts."""
    spool = Spool(opened.workspace.spool, f"gate:{origin.endpoint}")
    rows, outputs = json.dumps([[text[:WORD]]]).encode(), json.dumps({"predict": [text[:WORD]]}).encode()
    spool.put_prediction(CapturedPrediction(origin, text[:TOKEN], _BEGIN_MS, 250, 500, rows, outputs))
    spool.close()
    database = Database(opened.workspace.telemetry_db, schema=TELEMETRY, durability=Durability.RELAXED)
    database.migrate()
    intake = Intake(database, opened.workspace.spool)
    while intake.run():
        pass
    database.close()


Planter = Callable[[Planting], Mapping[str, str]]

PLANTERS: tuple[Planter, ...] = (
    _plant_run,
    _plant_files,
    _plant_model,
    _plant_reasons,
    _plant_token,
    _plant_logged_model,
    _plant_prompt,
    _plant_trace,
    _plant_webhook,
    _plant_endpoint,
    _plant_external,
    _plant_monitor,
)
"""In order; a later one can use the names that earlier ones returned."""
