"""Which `source` of a model version is taken, and which is refused however it is written."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.registry.sources import CopySource, LoggedSource, RunSource, VersionSource
from engine.server.mlflow.sources import Named, source_of

RUN = "0af1" * 8
MODEL = "m-" + "0af1" * 8
IN_RUN = f"mlflow-artifacts:/1/{RUN}/artifacts"
IN_MODEL = f"mlflow-artifacts:/1/models/{MODEL}/artifacts"


def resolve(reference: str) -> tuple[str, int]:
    """Stands for the registry: every reference names version 7."""
    return reference.replace("@", "/").split("/")[0], 7


def taken(source: str, run_id: str = "", model_id: str = "") -> VersionSource:
    return source_of(Named(source, run_id, model_id), resolve)


@pytest.mark.parametrize(
    ("source", "run_id", "path"),
    [
        (f"runs:/{RUN}/model", RUN, "model"),
        (f"runs:/{RUN}/model", "", "model"),
        (f"runs:/{RUN}/a/b/", RUN, "a/b"),
        (f"runs:/{RUN}", RUN, ""),
        (f"{IN_RUN}/model", RUN, "model"),
        (f"{IN_RUN}/a%20b", RUN, "a b"),
        (IN_RUN, RUN, ""),
        (f"mlflow-artifacts:///1/{RUN}/artifacts/model", RUN, "model"),
    ],
)
def test_files_of_a_run_are_taken(source: str, run_id: str, path: str) -> None:
    assert taken(source, run_id) == RunSource(RUN, path, source, may_be_empty=True)


@pytest.mark.parametrize(
    ("source", "model_id", "path"),
    [
        (f"models:/{MODEL}", MODEL, ""),
        (f"models:/{MODEL}", "", ""),
        (IN_MODEL, MODEL, ""),
        (f"{IN_MODEL}/a", MODEL, "a"),
    ],
)
def test_files_of_a_logged_model_are_taken(source: str, model_id: str, path: str) -> None:
    assert taken(source, RUN, model_id) == LoggedSource(MODEL, RUN, path, source, may_be_empty=True)


@pytest.mark.parametrize(
    "source", ["models:/churn/7", "models:/churn@champion", "models:/churn/Production", "models:/churn/latest"]
)
def test_versions_are_taken_by_whatever_names_them(source: str) -> None:
    assert taken(source) == CopySource("churn", 7, "models:/churn/7")


@pytest.mark.parametrize(
    ("source", "run_id", "model_id"),
    [
        (f"runs:/{RUN}/model", "f" * 32, ""),
        (f"runs:/{RUN}/model", RUN, MODEL),
        (f"models:/{MODEL}", "", "m-other"),
        (f"{IN_RUN}/model", "", ""),
        (f"{IN_RUN}/model", "f" * 32, ""),
        (f"{IN_RUN}/model", RUN, MODEL),
        (IN_MODEL, "", ""),
        (IN_MODEL, RUN, ""),
        (IN_MODEL, RUN, "m-other"),
        (f"mlflow-artifacts:/1/traces/tr-{RUN}/artifacts/x", RUN, ""),
        (f"mlflow-artifacts:/1/{RUN}/elsewhere", RUN, ""),
        (f"mlflow-artifacts:/{RUN}", RUN, ""),
    ],
)
def test_what_belongs_to_somebody_else_is_refused(source: str, run_id: str, model_id: str) -> None:
    with pytest.raises(InvalidInput, match="Invalid model version source"):
        taken(source, run_id, model_id)


ELSEWHERE = [
    "",
    "model",
    "/etc/passwd",
    "./model",
    "C:\\models",
    "\\\\host\\share",
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "file:/etc/passwd",
    "http://127.0.0.1:5000/api/2.0/mlflow-artifacts/artifacts/1",
    "https://example.org/model",
    "s3://bucket/model",
    "dbfs:/model",
    "dummy-source",
    "mlflow-artifacts:",
    f"mlflow-artifacts://host:5000/1/{RUN}/artifacts/model",
    "runs:/",
    f"runs://host/{RUN}/model",
    "models:/",
    "models://host/churn/1",
    f"runs:/{RUN}/../secret",
    f"{IN_RUN}/../../../etc",
    f"{IN_RUN}/..\\..\\etc",
    f"{IN_RUN}/a\0b",
    f"{IN_RUN}/a\nb",
]


@pytest.mark.parametrize("source", ELSEWHERE)
@pytest.mark.parametrize("times", range(4))
def test_everything_else_is_refused_however_often_it_is_encoded(source: str, times: int) -> None:
    for _ in range(times):
        source = quote(source, safe=":" if times == 1 else "")
    with pytest.raises(InvalidInput):
        taken(source, RUN)


def test_what_is_encoded_without_end_is_refused() -> None:
    source = f"{IN_RUN}/%{'25' * 50}2e"
    with pytest.raises(InvalidInput, match="too often"):
        taken(source, RUN)


def test_a_refusal_tells_little_of_a_long_source() -> None:
    with pytest.raises(InvalidInput) as caught:
        taken("x" * 100_000)
    assert len(str(caught.value)) < 400


@given(st.text(max_size=60))
def test_no_text_leads_out_of_the_run(text: str) -> None:
    try:
        found = taken(f"{IN_RUN}/{text}", RUN)
    except InvalidInput:
        return
    assert isinstance(found, RunSource)
    assert found.run_id == RUN
    assert ".." not in found.path.split("/")
    assert not found.path.startswith("/")
