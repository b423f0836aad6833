"""The clients' own tests run inside their own environment; see `tests/contract/test_mlflow_client.py`."""

from __future__ import annotations

collect_ignore = ["mlflow", "serving"]
