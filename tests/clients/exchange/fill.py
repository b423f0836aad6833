"""Logs one of everything with the real client: `fill.py TRACKING_URI…`."""

from __future__ import annotations

import sys

import mlflow
import mlflow.genai
import mlflow.sklearn
import mlflow.store.tracking.sqlalchemy_store
import numpy as np
import skops.io  # noqa: F401 - loaded once for all, as is the rest that the client loads late
from mlflow.tracking import MlflowClient
from sklearn.linear_model import LinearRegression

from tests.clients.exchange.apart import apart


def fill(uri: str) -> None:
    """Log there."""
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()
    experiment = mlflow.set_experiment("sweep")
    mlflow.set_experiment_tag("team", "risk")
    with mlflow.start_run(run_name="first", description="a note"):
        mlflow.log_params({"depth": 3, "kind": "linear"})
        mlflow.log_metrics({"odd": float("nan"), "up": float("inf"), "down": float("-inf")})
        for step in range(20):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_input(mlflow.data.from_numpy(np.zeros((3, 2)), name="cars"), context="training")
        mlflow.log_text("hello", "notes/hello.txt")
        with mlflow.start_run(run_name="second", nested=True):
            mlflow.log_metric("loss", 0.25)
        model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
        mlflow.sklearn.log_model(model, name="model", registered_model_name="churn", pip_requirements=[])
    client.set_registered_model_alias("churn", "champion", "1")
    client.set_model_version_tag("churn", "1", "checked", "yes")
    client.set_registered_model_tag("churn", "owner", "ada")
    mlflow.genai.register_prompt("greeting", "Hello {{name}}", commit_message="first")
    mlflow.genai.register_prompt("greeting", "Good day {{name}}", tags={"tone": "formal"})
    mlflow.genai.set_prompt_alias("greeting", "best", 2)
    client.delete_run(client.create_run(experiment.experiment_id, run_name="gone").info.run_id)
    client.delete_experiment(client.create_experiment("old"))


for each in sys.argv[1:]:
    apart(fill, each)
