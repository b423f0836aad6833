"""The registry by hand, as older tutorials show it: create a version, describe it, move it through the stages."""

import time

import mlflow
import mlflow.sklearn
from mlflow.entities.model_registry.model_version_status import ModelVersionStatus
from mlflow.tracking.client import MlflowClient
from sklearn.datasets import make_regression
from sklearn.linear_model import Ridge

mlflow.set_experiment("power-forecasting")
model_name = "power-forecasting-model"

with mlflow.start_run() as run:
    X, y = make_regression(n_features=4, n_informative=2, random_state=0, shuffle=False)
    model = Ridge(alpha=0.5)
    model.fit(X, y)
    mlflow.log_param("alpha", 0.5)
    mlflow.log_metric("mse", 0.5)
    with open("summary.txt", "w") as summary:
        summary.write("trained")
    mlflow.log_artifact("summary.txt")
    mlflow.sklearn.log_model(model, name="model")

client = MlflowClient()
client.create_registered_model(model_name)
model_uri = f"runs:/{run.info.run_id}/model"
model_version = mlflow.register_model(model_uri, model_name)


def wait_until_ready(name, version):
    for _ in range(10):
        details = client.get_model_version(name=name, version=version)
        status = ModelVersionStatus.from_string(details.status)
        if status == ModelVersionStatus.READY:
            break
        time.sleep(1)


wait_until_ready(model_name, model_version.version)
client.update_registered_model(name=model_name, description="Forecasts the power output of a wind farm.")
client.update_model_version(name=model_name, version=model_version.version, description="A ridge regression.")
client.transition_model_version_stage(name=model_name, version=model_version.version, stage="Staging")
client.transition_model_version_stage(name=model_name, version=model_version.version, stage="Production")
details = client.get_model_version(name=model_name, version=model_version.version)
print(f"The current model stage is: '{details.current_stage}'")
assert details.current_stage == "Production"

latest = client.get_latest_versions(model_name, stages=["Production"])
assert latest[0].version == model_version.version
production = mlflow.pyfunc.load_model(f"models:/{model_name}/Production")
assert len(production.predict(X)) == len(y)

client.transition_model_version_stage(name=model_name, version=model_version.version, stage="Archived")
client.delete_model_version(name=model_name, version=model_version.version)
client.delete_registered_model(name=model_name)
