"""Run by an interpreter that has Evidently 0.7: compares two Parquet files, and prints how many seconds that took."""

from __future__ import annotations

import sys
import time
from typing import Any

import pandas as pd


def main(reference: str, current: str, method: str) -> None:
    """Compare, without what importing and reading cost.

    Args:
        reference: A Parquet file.
        current: Another with the same columns.
        method: A test for numbers, or `default`.
    """
    from evidently import DataDefinition, Dataset, Report  # type: ignore[import-not-found]  # only its interpreter has it
    from evidently.presets import DataDriftPreset  # type: ignore[import-not-found]  # same

    sides: list[Any] = [pd.read_parquet(path) for path in (current, reference)]
    preset = DataDriftPreset() if method == "default" else DataDriftPreset(num_method=method)
    began_s = time.perf_counter()
    report = Report([preset]).run(*(Dataset.from_pandas(side, DataDefinition()) for side in sides))
    report.dict()
    print(time.perf_counter() - began_s)


if __name__ == "__main__":
    main(*sys.argv[1:])
