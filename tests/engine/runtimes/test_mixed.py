"""Models of numbers and texts: categories that were never seen, categories that are demanded, numbers filled in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from engine.core.errors import NotServable, RowRefused
from engine.runtimes.model import Field, Rows, RuntimeKind
from engine.runtimes.parity import TOLERANCE, compare
from tests.engine.runtimes.trained import ask_frame, assert_same, built, loaded

COLOURS = ("blue", "green", "red")


def clients(size: int = 300, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": random.integers(18, 80, size).astype(float),
            "colour": np.array([COLOURS[index] for index in random.integers(0, 3, size)], object),
            "income": random.normal(3_000, 900, size),
            "town": np.array([f"town {index}" for index in random.integers(0, 5, size)], object),
            "floor": random.integers(0, 4, size).astype(float),
        }
    )


def labels(frame: pd.DataFrame) -> Any:
    score = frame["income"] / 1_000 + (frame["colour"] == "red") * 2 + frame["floor"] - frame["age"] / 40
    return np.where(score > score.median(), "pays", "does not")


def columns(unknown: str = "ignore", drop: str | None = None) -> ColumnTransformer:
    encoder = OneHotEncoder(handle_unknown=unknown, drop=drop, sparse_output=False)
    return ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["income", "age"]),
            ("texts", encoder, ["town", "colour"]),
            ("floors", OneHotEncoder(handle_unknown="ignore"), ["floor"]),
        ]
    )


ESTIMATORS = {
    "forest": RandomForestClassifier(9, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=8, random_state=0),
    "logistic": LogisticRegression(),
    "network": MLPClassifier((6,), max_iter=15, random_state=0),
}


@pytest.mark.parametrize("drop", [None, "first"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_texts_and_numbers_are_answered_alike(name: str, drop: str | None) -> None:
    frame = clients()
    model = Pipeline([("columns", columns(drop=drop)), ("model", ESTIMATORS[name])]).fit(frame, labels(frame))
    made = built(model, reference__csv=frame.to_csv(index=False).encode())
    assert [(each.name, each.dtype) for each in made.interface.inputs][1] == ("colour", "str")
    if name == "network":  # skl2onnx takes numbers for categories otherwise: its twin must not pass
        assert made.kind is RuntimeKind.SKLEARN
    else:
        assert made.kind is (RuntimeKind.LINEAR if name == "logistic" else RuntimeKind.TWIN)
    compared = [report for report in made.parity if report.checks]
    assert "training" in [check.rows_from for check in compared[-1].checks]
    asked = clients(200, seed=9)
    asked.loc[::3, "colour"] = "never seen"
    asked.loc[::4, "town"] = ""
    asked.loc[::5, "floor"] = 17.0
    assert_same(model, ask_frame(loaded(made), asked), asked)


def test_a_category_that_is_demanded_is_refused_when_it_is_unknown() -> None:
    frame = clients()
    model = Pipeline([("columns", columns("error")), ("model", ESTIMATORS["forest"])]).fit(frame, labels(frame))
    made = built(model, reference__csv=frame.to_csv(index=False).encode())
    assert made.kind is RuntimeKind.TWIN
    asked = clients(4, seed=1)
    asked.loc[2, "colour"] = "mauve"
    with pytest.raises(RowRefused, match="colour of row 2") as refused:
        ask_frame(loaded(made), asked)
    assert "mauve" not in str(refused.value)
    assert refused.value.details["row"] == 2


@pytest.mark.parametrize("name", ["forest", "logistic", "boosting"])
def test_missing_numbers_are_filled_in_as_the_model_does(name: str) -> None:
    frame = clients()[["age", "income"]]
    wanted = labels(clients())
    frame.loc[::7, "income"] = np.nan
    model = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), ESTIMATORS[name]).fit(frame, wanted)
    made = built(model, reference__csv=frame.to_csv(index=False).encode())
    assert made.interface.missing
    assert made.kind is (RuntimeKind.LINEAR if name == "logistic" else RuntimeKind.TWIN)
    matrix = frame.to_numpy()
    found = loaded(made).predict(Rows(len(matrix), matrix))
    assert_same(model, found, frame)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e45])
def test_numbers_that_the_model_refuses_are_refused(bad: float) -> None:
    frame = clients()[["age", "income"]]
    model = make_pipeline(StandardScaler(), ESTIMATORS["boosting"]).fit(frame, labels(clients()))
    made = built(model)
    assert not made.interface.missing
    matrix = frame.to_numpy()[:3].copy()
    matrix[1, 1] = bad
    with pytest.raises(RowRefused, match="income of row 1"):
        loaded(made).predict(Rows(3, matrix))


def test_what_mixes_columns_is_converted_instead() -> None:
    frame = clients()[["age", "income"]]
    model = make_pipeline(StandardScaler(), PCA(2), LogisticRegression()).fit(frame, labels(clients()))
    made = built(model)
    assert made.kind is RuntimeKind.TWIN
    assert "PCA" in made.parity[0].reason


def test_what_answers_otherwise_is_refused_and_the_report_says_where() -> None:
    frame = clients()[["age", "income"]]
    rows = Rows(len(frame), frame.to_numpy())
    first, second = (
        built(RandomForestClassifier(3, max_depth=2, random_state=seed).fit(frame, labels(clients())))
        for seed in (0, 1)
    )
    report = compare(loaded(first), {"training": (rows, loaded(second).predict(rows))})
    assert not report.accepted
    assert report.checks[0].labels_differ > 0
    assert "training rows" in report.reason


def test_a_number_may_differ_by_a_hundred_thousandth_of_the_greatest() -> None:
    frame = clients()[["age", "income"]]
    runtime = loaded(built(make_pipeline(StandardScaler(), Ridge()).fit(frame, frame["income"])))
    rows = Rows(len(frame), frame.to_numpy())
    true = runtime.predict(rows)["predict"]
    reach = TOLERANCE * np.abs(true).max()
    assert compare(runtime, {"random": (rows, {"predict": true + 0.9 * reach})}).accepted
    assert not compare(runtime, {"random": (rows, {"predict": true + 1.1 * reach})}).accepted
    assert not compare(runtime, {"random": (rows, {"predict": true * np.nan})}).accepted


def test_columns_stand_in_the_order_of_training_whatever_the_signature_says() -> None:
    frame = clients()[["age", "income"]]
    model = RandomForestRegressor(5, random_state=0).fit(frame, frame["age"] * 2 - frame["income"])
    made = built(model, [Field("income", "float64"), Field("age", "int64")])
    assert [(each.name, each.dtype) for each in made.interface.inputs] == [("age", "int64"), ("income", "float64")]


def test_one_tensor_in_the_signature_stands_for_all_features() -> None:
    rows = clients()[["age", "income"]].to_numpy()
    model = RandomForestRegressor(5, random_state=0).fit(rows, rows[:, 0])
    made = built(model, [Field("", "float32", (2,))])
    assert [(each.name, each.dtype) for each in made.interface.inputs] == [("x0", "float32"), ("x1", "float32")]


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ([Field("a", "float64")], "other columns"),
        ([Field("age", "datetime64[ns]"), Field("income", "float64")], "cannot be sent"),
    ],
)
def test_a_signature_of_another_model_is_refused(declared: list[Field], why: str) -> None:
    frame = clients()[["age", "income"]]
    model = RandomForestRegressor(5, random_state=0).fit(frame, frame["age"])
    with pytest.raises(NotServable, match=why):
        built(model, declared)
