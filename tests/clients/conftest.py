"""The client's own tests run inside its own environment; see `tests/contract/test_mlflow_client.py`."""

from __future__ import annotations

collect_ignore = ["mlflow"]
