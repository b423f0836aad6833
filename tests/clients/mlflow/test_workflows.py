"""What people do with the client all day, from end to end: tuning, evaluating, many threads, active models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Metric
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV

if TYPE_CHECKING:
    from mlflow import MlflowClient

X = pd.DataFrame({"a": np.arange(30.0), "b": np.arange(30.0) % 7})
Y = pd.Series(3 * X["a"] - X["b"], name="y")


def test_a_tuned_model_has_a_run_for_each_candidate(client: MlflowClient, experiment: str) -> None:
    mlflow.sklearn.autolog(silent=True, max_tuning_runs=5, log_models=False)
    try:
        with mlflow.start_run(experiment_id=experiment) as run:
            GridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, cv=3).fit(X, Y)
    finally:
        mlflow.sklearn.autolog(disable=True)
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert {one.data.params["alpha"] for one in children} == {"0.1", "1.0", "10.0"}
    found = client.get_run(run.info.run_id)
    assert found.data.params["best_alpha"] in ("0.1", "1.0", "10.0")
    assert "best_cv_score" in found.data.metrics


def test_a_model_is_evaluated(client: MlflowClient, experiment: str) -> None:
    model = LinearRegression().fit(X, Y)
    data = mlflow.data.from_pandas(X.assign(y=Y, said=model.predict(X)), name="check", targets="y", predictions="said")
    with mlflow.start_run(experiment_id=experiment) as run:
        result = mlflow.models.evaluate(data=data, model_type="regressor")
    found = client.get_run(run.info.run_id)
    assert found.data.metrics["r2_score"] == result.metrics["r2_score"]
    assert [one.dataset.name for one in found.inputs.dataset_inputs] == ["check"]


def test_many_threads_log_into_their_own_runs(client: MlflowClient, experiment: str) -> None:
    def work(number: int) -> str:
        made: str = client.create_run(experiment, run_name=f"thread {number}").info.run_id
        for step in range(20):
            client.log_metric(made, "m", number + step, step=step, timestamp=step)
        client.log_batch(made, metrics=[Metric("n", float(step), step, step) for step in range(500)])
        client.log_text(made, str(number), "number.txt")
        client.set_terminated(made)
        return made

    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(work, range(16)))
    for number, made in enumerate(runs):
        assert [point.value for point in client.get_metric_history(made, "m")] == [number + step for step in range(20)]
        assert len(client.get_metric_history(made, "n")) == 500
    assert len(client.search_runs([experiment], "attributes.status = 'FINISHED' AND metrics.n = 499")) == 16


def test_many_threads_log_into_one_run(client: MlflowClient, run: str) -> None:
    def work(number: int) -> None:
        for step in range(25):
            client.log_metric(run, f"m{number % 4}", float(step), step=step, timestamp=number)
        client.log_param(run, f"p{number}", number)
        client.log_param(run, "shared", "same")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(12)))
    found = client.get_run(run).data
    assert {key: len(client.get_metric_history(run, key)) for key in found.metrics} == {
        f"m{number}": 75 for number in range(4)
    }
    assert found.metrics == {f"m{number}": 24.0 for number in range(4)}
    assert len(found.params) == 13


def test_an_external_model_gathers_traces_and_metrics(client: MlflowClient, experiment: str) -> None:
    mlflow.set_experiment(experiment_id=experiment)
    model = mlflow.create_external_model(name="agent", params={"temperature": "0.1"})
    mlflow.set_active_model(model_id=model.model_id)
    try:
        with mlflow.start_span("ask") as span:
            span.set_inputs({"q": 1})
        mlflow.flush_trace_async_logging()
    finally:
        mlflow.clear_active_model()
    found = mlflow.search_traces(model_id=model.model_id, locations=[experiment], return_type="list")
    assert [one.info.trace_id for one in found] == [span.trace_id]
    assert client.get_logged_model(model.model_id).params == {"temperature": "0.1"}


def test_the_fluent_functions_read_and_remove_too(client: MlflowClient, name: str) -> None:
    made = mlflow.create_experiment(name)
    with mlflow.start_run(experiment_id=made) as run:
        mlflow.set_tag("t", "1")
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert mlflow.last_active_run().info.run_id == run.info.run_id
    assert mlflow.get_run(run.info.run_id).data.tags["t"] == "1"
    assert name in [one.name for one in mlflow.search_experiments(filter_string=f"name = '{name}'")]
    mlflow.delete_run(run.info.run_id)
    assert client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"
    mlflow.delete_experiment(made)
    assert mlflow.get_experiment(made).lifecycle_stage == "deleted"
