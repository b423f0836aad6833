"""A model of numbers, marks and texts through the payloads that MLflow's client makes of frames."""

from __future__ import annotations

import pandas as pd
import requests
from mlflow.utils.proto_json_utils import dump_input_data


def test_a_model_of_texts_takes_frames(url: str) -> None:
    frame = pd.DataFrame(
        {"pair": [[0.5, 1.0]], "amount": [3.0], "number": [4], "flag": [True], "word": ["x"]},
    )
    body = dump_input_data(frame)
    where = f"{url}/invocations/mixed"
    answer = requests.post(where, data=body, headers={"content-type": "application/json"}, timeout=10)
    assert answer.status_code == 200, answer.text
    found = answer.json()["predictions"]
    assert (found["half"], found["number_again"], found["unflagged"], found["word_again"]) == (
        [1.5],
        [4],
        [False],
        ["x"],
    )
