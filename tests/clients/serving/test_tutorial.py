"""The plain `/predict` as tutorials call it, by `requests` alone."""

from __future__ import annotations

import pytest
import requests

from tests.clients.serving.conftest import Truth


def test_one_row_after_the_other_over_a_session(url: str, truth: Truth) -> None:
    with requests.Session() as session:
        for row, label, probabilities in zip(truth.rows, truth.labels, truth.probabilities, strict=True):
            answer = session.post(f"{url}/predict", json={"features": row}, timeout=10)
            assert answer.status_code == 200
            assert answer.json()["prediction"] == label
            assert answer.json()["probabilities"] == pytest.approx(probabilities, abs=1e-5)
            assert answer.headers["x-model-version"] == "churn/1"
            assert answer.headers["x-deployment-share"] == "live"
            assert answer.headers["x-deployment-generation"].isdigit()


def test_rows_and_names_do_as_well(url: str, truth: Truth) -> None:
    many = requests.post(f"{url}/churn/predict", json={"features": truth.rows}, timeout=10)
    assert many.json()["prediction"] == truth.labels
    named = dict(zip(truth.columns, truth.rows[0], strict=True))
    assert requests.post(f"{url}/predict", json={"features": named}, timeout=10).json()["prediction"] == truth.labels[0]


def test_a_request_keeps_its_id(url: str, truth: Truth) -> None:
    body, headers = {"features": truth.rows[0]}, {"x-request-id": "order-77"}
    answer = requests.post(f"{url}/predict", json=body, headers=headers, timeout=10)
    assert answer.headers["x-request-id"] == "order-77"


@pytest.mark.parametrize("body", [{"features": [1]}, {"features": ["a", "b", "c", "d"]}, {"rows": [1]}, [], None])
def test_what_cannot_be_is_refused_in_a_sentence(url: str, body: object) -> None:
    answer = requests.post(f"{url}/predict", json=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith(".")
