"""What the clients of predictions start from; these run in the clients' environment, against `MLFLOW_TRACKING_URI`.

What the models themselves answer stands in `truth.json` of the working folder, written by who trained them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest


class Truth(NamedTuple):
    """Rows, and what the model itself says of them.

    Args:
        columns: Names of the inputs.
        rows: Values, in the order of `columns`.
        labels: One a row.
        probabilities: One list a row.
    """

    columns: list[str]
    rows: list[list[float]]
    labels: list[int]
    probabilities: list[list[float]]

    def frame(self) -> pd.DataFrame:
        """The rows under their names."""
        return pd.DataFrame(self.rows, columns=self.columns)


@pytest.fixture(scope="session")
def url() -> str:
    """Where the data plane listens."""
    return os.environ["MLFLOW_TRACKING_URI"].rstrip("/")


@pytest.fixture(scope="session")
def truth() -> Truth:
    told: dict[str, Any] = json.loads(Path("truth.json").read_text())
    return Truth(**told)
