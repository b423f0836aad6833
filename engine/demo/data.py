"""The demo's three learning tasks, from `sample_data/` and scikit-learn's own set."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from engine.tracking.model import DatasetInput

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SEED = 20_261

LOAN_FEATURES = [
    "car_value",
    "salary_range",
    "debt_to_income_ratio",
    "loan_length",
    "repaid_loan_on_prev_car",
    "size_of_downpayment",
    "driver_tenure",
]
"""What the models of car loans are asked."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something to learn, split once, so that every model is judged on the same rows.

    Args:
        name: The experiment's and the model's name.
        classification: True when labels are classes, False when they are numbers.
        features: Column names, in the order of the matrices.
        categories: Those of them that hold categories.
        train: Rows to learn from, shape (rows, features).
        train_labels: Their labels, shape (rows,).
        test: Rows to judge on, shape (rows, features).
        test_labels: Their labels, shape (rows,).
        dataset: How runs log the training rows: name, digest, schema.
        label: What is predicted.
    """

    name: str
    classification: bool
    features: tuple[str, ...]
    categories: tuple[str, ...]
    train: pd.DataFrame
    train_labels: np.ndarray[Any, Any]
    test: pd.DataFrame
    test_labels: np.ndarray[Any, Any]
    dataset: DatasetInput
    label: str


def load_tasks() -> tuple[Task, ...]:
    """The three tasks, read and split; about a second, most of it importing pandas and scikit-learn."""
    return (_breast_cancer(), _car_loan(), _seattle_weather())


def _breast_cancer() -> Task:
    from sklearn.datasets import load_breast_cancer

    loaded = load_breast_cancer(as_frame=True)
    frame = loaded.data.rename(columns=lambda name: name.replace(" ", "_"))
    return _split("breast-cancer", frame, loaded.target.to_numpy(), label="benign", classification=True)


def _car_loan() -> Task:
    import pandas as pd

    with (files("sample_data") / "car_loan_reference.csv.gz").open("rb") as stream:
        frame = pd.read_csv(stream, compression="gzip")
    labels = frame["repaid"].to_numpy(dtype=int)
    features = _loan_features(frame)
    categories = ("salary_range", "size_of_downpayment")
    return _split("car-loan", features, labels, label="repaid", classification=True, categories=categories)


def _loan_features(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[LOAN_FEATURES].assign(repaid_loan_on_prev_car=frame["repaid_loan_on_prev_car"].astype(int))


def loans() -> list[tuple[dict[str, Any], int]]:
    """The loans of the analysis period in the order they were given: what is asked, and whether they were repaid."""
    import pandas as pd

    found = []
    for part in ("analysis", "analysis_target"):
        with (files("sample_data") / f"car_loan_{part}.csv.gz").open("rb") as stream:
            found.append(pd.read_csv(stream, compression="gzip"))
    frame = found[0].merge(found[1], on="id")
    rows = _loan_features(frame).to_dict(orient="records")
    return [
        ({str(name): value for name, value in row.items()}, int(truth))
        for row, truth in zip(rows, frame["repaid"], strict=True)
    ]


def _seattle_weather() -> Task:
    import numpy as np
    import pandas as pd

    with (files("sample_data") / "seattle-weather.csv").open("rb") as stream:
        frame = pd.read_csv(stream, parse_dates=["date"])
    angle = 2 * np.pi * frame["date"].dt.day_of_year / 365.25
    features = frame[["precipitation", "temp_max", "temp_min", "wind"]].assign(
        season_sin=np.sin(angle), season_cos=np.cos(angle)
    )
    tomorrow = frame["temp_max"].to_numpy()[1:]
    return _split("seattle-weather", features.iloc[:-1], tomorrow, label="temp_max_tomorrow", classification=False)


def _split(
    name: str,
    frame: pd.DataFrame,
    labels: np.ndarray[Any, Any],
    *,
    label: str,
    classification: bool,
    categories: tuple[str, ...] = (),
) -> Task:
    from sklearn.model_selection import train_test_split

    train, test, train_labels, test_labels = train_test_split(
        frame, labels, test_size=0.3, random_state=SEED, stratify=labels if classification else None
    )
    schema = {column: str(dtype) for column, dtype in train.dtypes.items()} | {label: str(labels.dtype)}
    digest = hashlib.sha256(train.to_csv(index=False).encode() + train_labels.tobytes()).hexdigest()[:32]
    dataset = DatasetInput(name, digest, json.dumps(schema), len(train), "training")
    return Task(
        name=name,
        classification=classification,
        features=tuple(frame.columns),
        categories=categories,
        train=train,
        train_labels=train_labels,
        test=test,
        test_labels=test_labels,
        dataset=dataset,
        label=label,
    )
