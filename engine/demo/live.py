"""The run that trains in the background, so that the console has something moving: `python -m engine.demo.live DIR`."""

from __future__ import annotations

import math
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

from engine import api
from engine.demo.data import SEED, load_tasks

if TYPE_CHECKING:
    from engine.api import Engine

EPOCHS = 1_200
EPOCH_S = 0.5


def train_slowly(engine: Engine, *, epochs: int = EPOCHS, epoch_s: float = EPOCH_S) -> str:
    """Train a small network on the car-loan task, one pass over the data at a time, at a pace a person can watch.

    Args:
        engine: The workspace.
        epochs: Passes over the data.
        epoch_s: Least time a pass takes, in seconds.

    Returns:
        The run's id.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    from sklearn import metrics
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    task = next(task for task in load_tasks() if task.name == "car-loan")
    numbers = [name for name in task.features if name not in task.categories]
    scaler = StandardScaler().fit(task.train[numbers])
    train, test = scaler.transform(task.train[numbers]), scaler.transform(task.test[numbers])
    network = MLPClassifier(hidden_layer_sizes=(24,), learning_rate_init=2e-4, random_state=SEED)
    params = {"family": "network", "hidden": "24", "learning_rate_init": "2e-4", "epochs": str(epochs)}
    with engine.runs.start(task.name, "network-live", params=params, tags={"source": "qd demo"}, seed=SEED) as run:
        run.log_dataset(task.dataset)
        for epoch in range(epochs):
            begun = time.monotonic()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # one pass never converges; that is the point
                network.partial_fit(train, task.train_labels, classes=(0, 1))
            run.log_metrics(_score(metrics, network, task.test_labels, test), step=epoch)
            time.sleep(max(0.0, epoch_s - (time.monotonic() - begun)))
    return run.id


def _score(metrics: Any, network: Any, truth: Any, rows: Any) -> dict[str, float]:
    predicted = network.predict_proba(rows)
    return {
        "auc": float(metrics.roc_auc_score(truth, predicted[:, 1])),
        "accuracy": float(metrics.accuracy_score(truth, predicted[:, 1] >= 0.5)),
        "log_loss": float(metrics.log_loss(truth, predicted)),
        "train_loss": float(network.loss_),
        "weight_norm": math.sqrt(sum(float((weights**2).sum()) for weights in network.coefs_)),
    }


def main() -> int:
    """Train in the workspace named by the first argument.

    Returns:
        The exit code.
    """
    with api.open(sys.argv[1]) as engine:
        train_slowly(engine)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
