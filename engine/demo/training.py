"""Real training: model families and settings, fitted step by step so that every run leaves learning curves."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.demo.data import Task

    Step = tuple[int, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One setting of one model family.

    Args:
        name: The run's name.
        family: `linear`, `boosting`, `forest` or `network`.
        parameters: The estimator's settings.
    """

    name: str
    family: str
    parameters: Mapping[str, Any]


RECIPES: tuple[Recipe, ...] = (
    Recipe("linear-plain", "linear", {"alpha": 1e-4, "epochs": 30}),
    Recipe("linear-strong", "linear", {"alpha": 1e-2, "epochs": 30}),
    Recipe("boost-small", "boosting", {"n_estimators": 40, "learning_rate": 0.1, "max_depth": 2}),
    Recipe("boost-deep", "boosting", {"n_estimators": 60, "learning_rate": 0.1, "max_depth": 3}),
    Recipe("boost-slow", "boosting", {"n_estimators": 80, "learning_rate": 0.03, "max_depth": 3}),
    Recipe("forest-20", "forest", {"n_estimators": 20, "max_depth": 6}),
    Recipe("forest-60", "forest", {"n_estimators": 60, "max_depth": 10}),
    Recipe("network-16", "network", {"hidden": 16, "learning_rate_init": 1e-2, "epochs": 30}),
    Recipe("network-32", "network", {"hidden": 32, "learning_rate_init": 1e-3, "epochs": 40}),
)


MOST_REFERENCE_ROWS = 2_000
"""Most training rows that are kept beside a model."""


class Training:
    """One recipe on one task; iterate to train, then take the fitted pipeline.

    Args:
        task: What to learn.
        recipe: How.
        seed: Makes the training repeatable.
    """

    def __init__(self, task: Task, recipe: Recipe, seed: int) -> None:
        from sklearn.compose import ColumnTransformer
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        self._task = task
        self._recipe = recipe
        numbers = [name for name in task.features if name not in task.categories]
        self._columns = ColumnTransformer(
            [
                ("numbers", StandardScaler(), numbers),
                ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(task.categories)),
            ]
        )
        self._train = self._columns.fit_transform(task.train)
        self._test = self._columns.transform(task.test)
        self._estimator = _estimator(task, recipe, seed)

    def steps(self) -> Iterator[Step]:
        """Train, telling the metrics on the held-out rows after every step.

        Yields:
            The step, from 0, and its metrics by name.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a network that has not converged is what the curve is there to show
            family = self._recipe.family
            if family == "boosting":
                yield from self._boost()
            elif family == "forest":
                yield from self._grow()
            else:
                yield from self._epochs()

    def pipeline(self) -> Any:
        """The preprocessing and the fitted estimator as one scikit-learn pipeline."""
        from sklearn.pipeline import Pipeline

        return Pipeline([("columns", self._columns), ("model", self._estimator)])

    def _epochs(self) -> Iterator[Step]:
        import numpy as np

        extra = {"classes": np.unique(self._task.train_labels)} if self._task.classification else {}
        for epoch in range(self._recipe.parameters["epochs"]):
            self._estimator.partial_fit(self._train, self._task.train_labels, **extra)
            yield epoch, self._score(self._predict(self._test))

    def _grow(self) -> Iterator[Step]:
        size = self._recipe.parameters["n_estimators"]
        for step, trees in enumerate(range(2, size + 1, 2)):
            self._estimator.set_params(n_estimators=trees)
            self._estimator.fit(self._train, self._task.train_labels)
            yield step, self._score(self._predict(self._test))

    def _boost(self) -> Iterator[Step]:
        self._estimator.fit(self._train, self._task.train_labels)
        staged = self._estimator.staged_predict_proba if self._task.classification else self._estimator.staged_predict
        for step, (predicted, loss) in enumerate(zip(staged(self._test), self._estimator.train_score_, strict=True)):
            yield step, self._score(predicted) | {"train_loss": float(loss)}

    def _predict(self, rows: Any) -> Any:
        return self._estimator.predict_proba(rows) if self._task.classification else self._estimator.predict(rows)

    def _score(self, predicted: Any) -> dict[str, float]:
        from sklearn import metrics

        truth = self._task.test_labels
        if not self._task.classification:
            return {
                "rmse": float(metrics.root_mean_squared_error(truth, predicted)),
                "mae": float(metrics.mean_absolute_error(truth, predicted)),
                "r2": float(metrics.r2_score(truth, predicted)),
            }
        positive = predicted[:, 1]
        return {
            "auc": float(metrics.roc_auc_score(truth, positive)),
            "accuracy": float(metrics.accuracy_score(truth, positive >= 0.5)),
            "f1": float(metrics.f1_score(truth, positive >= 0.5)),
            "log_loss": float(metrics.log_loss(truth, predicted)),
        }


def reference_rows(task: Task) -> bytes:
    """Rows a model was trained on, with their labels: what it is compared with before it serves, and later on.

    Args:
        task: What was learned.

    Returns:
        A gzipped CSV of at most `MOST_REFERENCE_ROWS` rows; the same task gives the same bytes.
    """
    import gzip

    rows = task.train.assign(**{task.label: task.train_labels}).head(MOST_REFERENCE_ROWS)
    return gzip.compress(rows.to_csv(index=False).encode(), mtime=0)


def _estimator(task: Task, recipe: Recipe, seed: int) -> Any:
    from sklearn import ensemble, linear_model, neural_network

    settings = {name: value for name, value in recipe.parameters.items() if name not in ("epochs", "hidden")}
    settings["random_state"] = seed
    if recipe.family == "linear":
        if task.classification:
            return linear_model.SGDClassifier(loss="log_loss", **settings)
        return linear_model.SGDRegressor(learning_rate="adaptive", eta0=0.01, **settings)
    if recipe.family == "network":
        settings["hidden_layer_sizes"] = (recipe.parameters["hidden"],)
        return (neural_network.MLPClassifier if task.classification else neural_network.MLPRegressor)(**settings)
    if recipe.family == "forest":
        settings["warm_start"] = True
        return (ensemble.RandomForestClassifier if task.classification else ensemble.RandomForestRegressor)(**settings)
    return (ensemble.GradientBoostingClassifier if task.classification else ensemble.GradientBoostingRegressor)(
        **settings
    )
