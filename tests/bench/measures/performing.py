"""Performance without labels against NannyML on its own data, and what one look of a monitor costs.

NannyML runs in an environment of its own, whose interpreter `$QD_BENCH_NANNYML` names; without it the estimates that
version 0.13.1 made stand in.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.drift.baseline_model import Stretch
from engine.monitoring.model import ResultQuery
from engine.stats import cbpe, scores
from tests.bench.places import Places
from tests.bench.results import Row, p50
from tests.engine.monitoring.town import MINUTE_MS, Town

SIZES = (500, 1_000)
TOLD = {500: 0.009385786201705626, 1_000: 0.006378453957786445}
"""Mean absolute errors of NannyML 0.13.1 on the same chunks."""

FEATURES, ROWS, WINDOWS = 25, 500, 15
DATA = Path(__file__).parents[3] / "sample_data"


def measure(places: Places) -> Iterator[Row]:
    """Errors of estimates, then the time of a look."""
    yield from _estimating()
    yield _looking(places)


def _estimating() -> Iterator[Row]:
    reference, analysis = (pd.read_csv(DATA / f"car_loan_{part}.csv.gz") for part in ("reference", "analysis"))
    truths = pd.read_csv(DATA / "car_loan_analysis_target.csv.gz")
    analysis = analysis.merge(truths, on="id")
    learned = cbpe.learned(reference["y_pred_proba"].to_numpy(), reference["repaid"].to_numpy())
    theirs = _nannyml()
    for size in SIZES:
        chunks = [analysis.iloc[start : start + size] for start in range(0, len(analysis), size)]
        realised = [scores.auc(each["repaid"].to_numpy(), each["y_pred_proba"].to_numpy()) for each in chunks]
        ours = [learned.estimate("auc", each["y_pred_proba"].to_numpy()).value for each in chunks]
        error = _error(ours, realised)
        peer = TOLD[size] if theirs is None else _error(theirs[size], realised)
        yield Row(
            f"CBPE on car-loan, chunks of {size}: mean absolute error of ROC-AUC, share of NannyML's",
            error / peer,
            "x",
            1.0,
            detail=f"{error:.5f} against {peer:.5f}{'' if theirs else ' (stored)'}; {len(chunks)} chunks",
        )


def _error(estimated: Sequence[Any], realised: Sequence[Any]) -> float:
    return float(np.mean(np.abs(np.array(estimated, float) - np.array(realised, float))))


def _nannyml() -> dict[int, list[float]] | None:
    interpreter = os.environ.get("QD_BENCH_NANNYML", "")
    if not interpreter:
        print("  $QD_BENCH_NANNYML names no interpreter: NannyML's stored errors stand in.", file=sys.stderr)
        return None
    words = [interpreter, str(DATA.parent / "tests/bench/peers/nannyml_auc.py"), str(DATA), *map(str, SIZES)]
    environment = os.environ | {"NML_DISABLE_USAGE_LOGGING": "1"}
    answer = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    return {int(size): values for size, values in json.loads(answer.stdout.splitlines()[-1]).items()}


def _looking(places: Places) -> Row:
    """The whole of a look: the window's rows are read, counted, compared, and kept with the alert it may raise."""
    chance = random.Random(7)
    with places.scratch() as folder:
        town = Town(folder)
        start_ms = town.clock.now_ms()
        town.asked(_rows(chance, 2_000), times=[start_ms + place for place in range(2_000)])
        town.clock.advance(MINUTE_MS)
        town.operator.drift.baseline_from_production("churn", 1, Stretch(start_ms))
        town.watch(tests=["drift"])
        service, taken = town.monitors, []
        for _ in range(WINDOWS):
            town.minute(_rows(chance, ROWS))
            begun = time.process_time()
            service.run("watch")
            taken.append((time.process_time() - begun) * 1_000)
        found = service.results(ResultQuery(limit=1)).items[0].rows
        town.database.close()
    return Row(
        f"one look of a monitor, {FEATURES} features, processor time",
        p50(taken[2:]),
        "ms",
        detail=f"{found} rows a window, read one by one from captured traffic; median of {WINDOWS - 2}",
        samples={"look": taken},
    )


def _rows(chance: random.Random, count: int) -> list[dict[str, Any]]:
    numbers, words = FEATURES - 5, 5
    return [
        {f"n{place}": chance.gauss(0, 1) for place in range(numbers)}
        | {f"w{place}": chance.choice("abcdefgh") for place in range(words)}
        for _ in range(count)
    ]
