"""A search over hyperparameters: a parent run, nested children, autolog, the best one by search_runs."""

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

mlflow.set_experiment("Hyperparameters")
X, y = load_diabetes(return_X_y=True, as_frame=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, random_state=1)

with mlflow.start_run(run_name="search") as parent:
    dataset = mlflow.data.from_pandas(X_train.assign(target=y_train), name="diabetes", targets="target")
    mlflow.log_input(dataset, context="training")
    for alpha in (0.01, 0.1, 1.0):
        with mlflow.start_run(nested=True, run_name=f"alpha {alpha}"):
            model = Ridge(alpha=alpha).fit(X_train, y_train)
            mlflow.log_param("alpha", alpha)
            mlflow.log_metric("val_mse", mean_squared_error(y_val, model.predict(X_val)))
            mlflow.log_dict({"coef": list(model.coef_)}, "coef.json")

best = mlflow.search_runs(
    filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.val_mse ASC"], max_results=1
)
print(best[["run_id", "params.alpha", "metrics.val_mse"]])
assert len(best) == 1
assert float(best["metrics.val_mse"][0]) > 0

mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run():
    Ridge(alpha=float(best["params.alpha"][0])).fit(X_train, y_train)
assert mlflow.last_active_run().data.params["alpha"] == best["params.alpha"][0]
