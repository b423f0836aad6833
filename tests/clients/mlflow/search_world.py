"""A small world of runs to search in: two experiments, ten runs, every kind of key, and everything that sorts badly."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True, slots=True)
class Sample:
    """One run to be made.

    Args:
        name: Its name, by which the tests tell it.
        start: Start in ms; all differ, since equal ones are ordered by random ids.
        status: Where it ends; `RUNNING` has no end.
        params: Logged params.
        metrics: Key to the values at steps 0, 1, …; the last is the latest.
        tags: Logged tags.
        datasets: (name, digest, context) of its inputs.
    """

    name: str
    start: int
    status: str = "FINISHED"
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, tuple[float, ...]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: tuple[tuple[str, str, str], ...] = ()


FIRST = (
    Sample(
        "Alpha",
        100,
        params={"lr": "0.1", "opt": "adam", "odd key": "x"},
        metrics={"acc": (0.1, 0.5), "loss": (1.0,)},
        tags={"team": "red", "a.b": "1"},
        datasets=(("wine", "d1", "train"),),
    ),
    Sample(
        "alpha2",
        90,
        params={"lr": "0.01", "opt": "Adam"},
        metrics={"acc": (0.9, 0.7), "loss": (math.nan,)},
        tags={"team": "blue"},
        datasets=(("wine", "d1", "eval"), ("bikes", "d2", "train")),
    ),
    Sample("beta_x", 200, "FAILED", params={"lr": "1", "opt": "sgd"}, metrics={"acc": (0.7,)}, tags={"team": "red"}),
    Sample("beta%y", 300, "RUNNING", params={"lr": "10"}, metrics={"acc": (math.nan,), "loss": (-1.0,)}),
    Sample("Gamma", 50, "KILLED", params={"opt": ""}, metrics={"loss": (math.inf,)}, tags={"team": ""}),
    Sample("delta", 60, "SCHEDULED", metrics={"acc": (-0.5,), "deep/er key": (3.0,)}, tags={"team": "Red"}),
    Sample("eps ilon", 70, params={"lr": "0.1", "note": "50% of a_b"}, metrics={"loss": (-math.inf,)}),
    Sample("zeta'q", 80, params={"lr": "9"}, tags={"team": "it's"}, datasets=(("Wine", "D1", "train"),)),
)
SECOND = (
    Sample("eta", 110, params={"lr": "0.1"}, metrics={"acc": (0.5,)}, tags={"team": "red"}),
    Sample("theta", 120, metrics={"acc": (0.6,)}),
)


class World:
    """The runs, made on the server.

    Args:
        client: Makes them.
    """

    def __init__(self, client: MlflowClient) -> None:
        unique = uuid.uuid4().hex[:8]
        self.first: str = client.create_experiment(f"first-{unique}")
        self.second: str = client.create_experiment(f"second-{unique}")
        self.ids: dict[str, str] = {}
        for experiment, samples in ((self.first, FIRST), (self.second, SECOND)):
            for sample in samples:
                self.ids[sample.name] = self._make(client, experiment, sample)

    @staticmethod
    def _make(client: MlflowClient, experiment: str, sample: Sample) -> str:
        run: str = client.create_run(
            experiment, start_time=sample.start, run_name=sample.name, tags=sample.tags
        ).info.run_id
        client.log_batch(
            run,
            params=[Param(key, value) for key, value in sample.params.items()],
            metrics=[
                Metric(key, value, 1000 + step, step)
                for key, values in sample.metrics.items()
                for step, value in enumerate(values)
            ],
        )
        if sample.datasets:
            client.log_inputs(
                run,
                datasets=[
                    DatasetInput(Dataset(name, digest, "local", "{}"), [InputTag("mlflow.data.context", context)])
                    for name, digest, context in sample.datasets
                ],
            )
        if sample.status == "SCHEDULED":
            client.update_run(run, status=sample.status)
        elif sample.status != "RUNNING":
            client.set_terminated(run, sample.status, end_time=sample.start + 5)
        return run

    def fill(self, text: str) -> str:
        """Put the ids of runs in: `{Alpha}` becomes the id of the run of that name."""
        for name, run in self.ids.items():
            text = text.replace(f"{{{name}}}", run)
        return text
