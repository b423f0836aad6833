"""What the demo does in a workspace: train, register, promote, roll back, and leave something to decide."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.errors import GateFailed
from engine.demo.data import SEED, load_tasks
from engine.demo.training import RECIPES, Training, reference_rows
from engine.registry.model import Column, Signature, Stage
from engine.tracking.model import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.api import Engine
    from engine.demo.data import Task
    from engine.demo.training import Recipe

    Progress = Callable[[str, int, int], None]
    OpenAs = Callable[[str], Engine]

EXPECTED_METRIC = {"breast-cancer": "auc", "car-loan": "auc", "seattle-weather": "rmse"}
OWNERS = {"breast-cancer": "maria", "car-loan": "jonas", "seattle-weather": "lena"}
REPEATED = ("boost-deep", "forest-60", "network-16")
"""Recipes trained with a second seed, so that the spread between seeds can be seen."""

POLICY = """\
# The demo's policy. `qd policy check` reads it; `qd models check MODEL VERSION --to production` tries it.

[roles]
admin = ["{user}"]
approver = ["maria", "jonas"]
operator = ["*"]

[access]
allow_as = ["{user}"] # one person may play others: `qd --as maria approvals list`

[defaults]
approval_expiry = "7d"
evidence_max_age = "24h"

[models."*".staging]
gates = [{{ gate = "integrity" }}, {{ gate = "size", max = "20MB" }}]

[models."*".production]
gates = [
  {{ gate = "integrity" }},
  {{ gate = "signature" }},
  {{ gate = "fields", required = ["owner", "description", "data_digest"] }},
]

[models.breast-cancer.production]
gates = [
  {{ gate = "metric", metric = "auc", min = 0.97 }},
  {{ gate = "not-worse", metric = "auc", margin = 0.01 }},
  {{ gate = "integrity" }},
  {{ gate = "signature" }},
  {{ gate = "size", max = "5MB" }},
  {{ gate = "fields", required = ["owner", "description", "data_digest"] }},
  {{ gate = "evidence-age", max = "30d" }},
]
approvals = 1
approvers = ["maria", "jonas"]

[models.car-loan.production]
gates = [
  {{ gate = "metric", metric = "auc", min = 0.9 }},
  {{ gate = "not-worse", metric = "auc", margin = 0.002 }},
  {{ gate = "integrity" }},
  {{ gate = "signature" }},
  {{ gate = "fields", required = ["owner", "description", "data_digest"] }},
]
approvals = 1
approvers = ["maria", "jonas"]
freeze = [{{ from = "2030-12-20", to = "2031-01-03", reason = "year end" }}]

[models.seattle-weather.production]
gates = [
  {{ gate = "integrity" }},
  {{ gate = "signature" }},
  {{ gate = "fields", required = ["owner", "description", "data_digest"] }},
  # These three look through the files, and build and call the model in a process of its own.
  {{ gate = "scan" }},
  {{ gate = "parity" }},
  {{ gate = "latency", p95 = "100ms", memory = "500MB", duration = "300ms" }},
]
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a finished demo holds.

    Args:
        workspace: The workspace's directory.
        runs: Runs trained.
        models: Models registered.
        versions: Their versions.
        production: What is in Production, such as `churn/2`.
        waiting_approvals: Requests that somebody has to decide.
        failing: Versions whose gates fail, such as `churn/3`.
        live_run: The id of the run that is training now; empty when none is.
        endpoints: What can be asked for predictions.
        served: Where a data plane answers now; empty when none does.
    """

    workspace: str
    runs: int
    models: int
    versions: int
    production: tuple[str, ...]
    waiting_approvals: int
    failing: tuple[str, ...]
    live_run: str = ""
    endpoints: tuple[str, ...] = ()
    served: str = ""


def train_all(engine: Engine, progress: Progress) -> dict[tuple[str, str], str]:
    """Train every recipe on every task, some with a second seed, logging as any program would.

    Args:
        engine: The workspace.
        progress: Told what is trained, how many are done, and how many there are.

    Returns:
        Run ids by (task, recipe), of the first seed.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    progress("loading the data", 0, 1)
    tasks = load_tasks()
    runs: dict[tuple[str, str], str] = {}
    again = [(task, recipe, SEED + 1) for recipe in RECIPES if recipe.name in REPEATED for task in tasks]
    plans = again + [(task, recipe, SEED) for recipe in RECIPES for task in tasks]
    for done, (task, recipe, seed) in enumerate(plans):
        progress(f"training {task.name} {recipe.name}", done, len(plans))
        runs[task.name, recipe.name] = train_one(engine, task, recipe, seed)
    progress("trained", len(plans), len(plans))
    return runs


def train_one(engine: Engine, task: Task, recipe: Recipe, seed: int) -> str:
    """Train one recipe and log everything a run should have.

    Args:
        engine: The workspace.
        task: What to learn.
        recipe: How.
        seed: Makes the training repeatable.

    Returns:
        The run's id. A training that breaks leaves a failed run.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    import skops.io

    params = {
        "family": recipe.family,
        "seed": str(seed),
        **{key: str(value) for key, value in recipe.parameters.items()},
    }
    tags = {"data": task.dataset.name, "source": "qd demo"}
    with engine.runs.start(task.name, recipe.name, params=params, tags=tags, seed=seed, system_metrics_s=0) as run:
        run.log_dataset(task.dataset)
        try:
            training = Training(task, recipe, seed)
            for step, metrics in training.steps():
                run.log_metrics(metrics, step=step)
        except ValueError as error:
            run.note(f"training broke: {error}")
            run.finish(RunStatus.FAILED)
            return run.id
        pipeline = training.pipeline()
        run.log_bytes(skops.io.dumps(pipeline), "model/model.skops")
        run.log_bytes(reference_rows(task), "model/reference.csv.gz")
        run.log_bytes(json.dumps({"features": task.features, "label": task.label}).encode(), "model/columns.json")
    return run.id


def tell_story(engine: Engine, open_as: OpenAs, runs: dict[tuple[str, str], str], progress: Progress) -> None:
    """Register and move versions as a team would over some weeks.

    Args:
        engine: The workspace, as its admin.
        open_as: Opens the same workspace as somebody else.
        runs: Run ids by (task, recipe), as `train_all` returns.
        progress: Told what happens.

    Raises:
        WorkspaceError: the workspace cannot be written.
        Refused: the workspace's policy is not the demo's.
    """
    progress("registering and promoting", 0, 3)
    with open_as("lena") as lena, open_as("maria") as maria, open_as("jonas") as jonas:
        _breast_cancer(engine, lena, maria, runs)
        progress("registering and promoting", 1, 3)
        _car_loan(engine, lena, (maria, jonas), runs)
        progress("registering and promoting", 2, 3)
        _seattle_weather(engine, runs)
    progress("registered", 3, 3)


def _breast_cancer(engine: Engine, lena: Engine, maria: Engine, runs: dict[tuple[str, str], str]) -> None:
    name = "breast-cancer"
    engine.models.create(name, description="Is a tumour benign? 30 measurements of a biopsy.", owner="maria")
    for recipe, why in (
        ("linear-strong", "Regularised logistic regression; the baseline."),
        ("boost-deep", "Gradient boosting, 60 trees; best log loss of its family."),
        ("network-16", "One hidden layer of 16; best AUC so far."),
    ):
        _register(engine, name, runs[name, recipe], recipe, why)
    for version in (1, 2):
        _to_staging(engine, name, version)
        _approve(lena, maria, name, version)
        engine.promotions.promote(name, version, to=Stage.PRODUCTION, reason="agreed in the model review")
    engine.models.set_alias(name, "champion", 2)
    engine.models.set_alias(name, "challenger", 3)
    _to_staging(engine, name, 3)
    lena.approvals.request(
        name, 3, to=Stage.PRODUCTION, reason="best AUC on the held-out rows; please look at the curves"
    )


def _car_loan(engine: Engine, lena: Engine, approvers: tuple[Engine, Engine], runs: dict[tuple[str, str], str]) -> None:
    name = "car-loan"
    engine.models.create(name, description="Will a client repay the car loan?", owner="jonas")
    for recipe, why in (
        ("boost-slow", "Slow boosting; smooth scores."),
        ("forest-60", "Random forest of 60 trees; best log loss."),
        ("linear-plain", "Plain linear model; small and explainable."),
    ):
        _register(engine, name, runs[name, recipe], recipe, why)
    for version, approver in enumerate(approvers, start=1):
        _to_staging(engine, name, version)
        _approve(lena, approver, name, version)
        engine.promotions.promote(name, version, to=Stage.PRODUCTION, reason="agreed in the model review")
    engine.promotions.roll_back(name, reason="credit desk reports odd scores above 60 months; back while we look")
    _to_staging(engine, name, 3)
    engine.gates.check(name, 3, to=Stage.PRODUCTION)


def _seattle_weather(engine: Engine, runs: dict[tuple[str, str], str]) -> None:
    name = "seattle-weather"
    engine.models.create(name, description="Tomorrow's highest temperature in Seattle.", owner="lena")
    for recipe, why in (
        ("linear-strong", "Linear with the season as sine and cosine."),
        ("boost-deep", "Gradient boosting; a little better than linear."),
    ):
        _register(engine, name, runs[name, recipe], recipe, why)
    _to_staging(engine, name, 1)
    engine.promotions.promote(name, 1, to=Stage.PRODUCTION, reason="first forecast for the dashboard")
    _register(engine, name, runs[name, "network-32"], "network-32", "")
    try:
        engine.promotions.promote(name, 3, to=Stage.PRODUCTION, reason="try the network")
    except GateFailed:
        return


def _register(engine: Engine, model: str, run_id: str, recipe: str, description: str) -> None:
    run = engine.runs.get(run_id)
    schema = json.loads(run.inputs[0].schema)
    *features, label = schema.items()
    signature = Signature(
        inputs=tuple(Column(name, dtype) for name, dtype in features), outputs=(Column(label[0], label[1]),)
    )
    engine.models.register(
        model,
        run_id=run_id,
        artifact_path="model",
        flavor="sklearn",
        format="skops",
        signature=signature,
        owner=OWNERS[model],
        description=description,
        tags={"recipe": recipe},
    )


def _to_staging(engine: Engine, model: str, version: int) -> None:
    engine.promotions.promote(model, version, to=Stage.STAGING, reason="candidate for Production")


def _approve(asker: Engine, approver: Engine, model: str, version: int) -> None:
    asker.gates.check(model, version, to=Stage.PRODUCTION)
    request = asker.approvals.request(model, version, to=Stage.PRODUCTION, reason="ready for Production")
    approver.approvals.approve(request.id, reason="curves and gates look right")
