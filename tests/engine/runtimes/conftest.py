from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _quiet_learners() -> Iterator[None]:
    """Estimators warn of what these tests do on purpose: few rows, no convergence, arrays without names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
