"""Tells as JSON what the real client sees of a tracking store: `read.py TRACKING_URI…`, a line for each."""

from __future__ import annotations

import json
import sys

import mlflow
import mlflow.genai
import mlflow.sklearn
import mlflow.store.tracking.sqlalchemy_store
import skops.io  # noqa: F401 - loaded once for all, as is the rest that the client loads late
from mlflow.entities import Run, ViewType
from mlflow.tracking import MlflowClient

from tests.clients.exchange.apart import apart


def number(value: float) -> str:
    """A value in words; MLflow's database keeps the greatest float in place of an infinity, its folders do not."""
    return f"{value:+.0e}"[0] + "greatest" if abs(value) > 1.7e308 else repr(value)


def points(client: MlflowClient, run_id: str, key: str) -> list[tuple[str, int, int]]:
    """The points of a metric, each once: folders keep those of logged models twice."""
    history = client.get_metric_history(run_id, key)
    return sorted({(number(point.value), point.step, point.timestamp) for point in history})


def told(client: MlflowClient, run: Run, experiment: str) -> dict[str, object]:
    """One run."""
    history = {key: points(client, run.info.run_id, key) for key in run.data.metrics}
    return {
        "name": run.info.run_name,
        "experiment": experiment,
        "state": [run.info.status, run.info.lifecycle_stage, run.info.start_time, run.info.end_time, run.info.user_id],
        "params": run.data.params,
        "tags": {key: value for key, value in run.data.tags.items() if key != "mlflow.log-model.history"},
        "metrics": {key: number(value) for key, value in run.data.metrics.items()},
        "history": history,
        "inputs": [[each.dataset.name, each.dataset.digest, each.dataset.source] for each in run.inputs.dataset_inputs],
        "files": [file.path for file in client.list_artifacts(run.info.run_id, "notes")],
    }


def read(uri: str) -> None:
    """Tell what is there."""
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()
    experiments = client.search_experiments(view_type=ViewType.ALL)
    names = {each.experiment_id: each.name for each in experiments}
    runs = client.search_runs(list(names), run_view_type=ViewType.ALL)
    loaded = mlflow.sklearn.load_model("models:/churn@champion")
    version = client.get_model_version_by_alias("churn", "champion")
    prompt = mlflow.genai.load_prompt("prompts:/greeting@best")
    seen = {
        "prompt": [prompt.template, prompt.version, prompt.tags.get("tone")],
        "experiments": sorted(
            [each.name, each.lifecycle_stage, each.tags] for each in experiments if each.name != "Default"
        ),
        "runs": {run.info.run_id: told(client, run, names[run.info.experiment_id]) for run in runs},
        "model": [client.get_registered_model("churn").tags, str(version.version), version.tags, version.run_id],
        "prediction": round(float(loaded.predict([[2.0]])[0]), 9),
    }
    sys.stdout.write(json.dumps(seen) + "\n")


for each in sys.argv[1:]:
    apart(read, each)
