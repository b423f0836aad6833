"""What NannyML estimates of the car-loan data: run by its own interpreter, with the data's folder and chunk sizes."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Print one JSON document: estimates of ROC-AUC by chunk size."""
    import pandas as pd
    from nannyml import CBPE  # type: ignore[import-not-found]  # in an environment of its own

    folder, *sizes = sys.argv[1:]
    reference = pd.read_csv(Path(folder) / "car_loan_reference.csv.gz")
    analysis = pd.read_csv(Path(folder) / "car_loan_analysis.csv.gz")
    told = {}
    for size in map(int, sizes):
        estimator = CBPE(
            problem_type="classification_binary",
            y_pred_proba="y_pred_proba",
            y_pred="y_pred",
            y_true="repaid",
            metrics=["roc_auc"],
            chunk_size=size,
        )
        estimator.fit(reference)
        found = estimator.estimate(analysis).filter(period="analysis").to_df()
        told[size] = found["roc_auc", "value"].tolist()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
