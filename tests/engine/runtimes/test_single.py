"""One row at a time, which a twin answers from memory that it keeps: nobody's numbers reach anybody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor

from engine.runtimes.model import RuntimeKind
from tests.engine.runtimes.trained import ask, built, loaded, some_rows, with_classes

ROWS = some_rows(120, 4)


@pytest.mark.parametrize("model", [GradientBoostingClassifier(n_estimators=20), RandomForestRegressor(20)], ids=str)
@pytest.mark.parametrize("threads", [1, 4])
def test_rows_one_by_one_are_answered_as_all_at_once(model: object, threads: int) -> None:
    target = with_classes(ROWS, (0, 1)) if isinstance(model, GradientBoostingClassifier) else ROWS.sum(axis=1)
    runtime = loaded(built(model.fit(ROWS, target)))  # type: ignore[attr-defined]
    assert runtime.kind is RuntimeKind.TWIN
    together = ask(runtime, ROWS)
    ask(runtime, ROWS[:1])
    with ThreadPoolExecutor(threads) as pool:  # and what was answered before stays what it was
        alone = list(pool.map(lambda at: ask(runtime, ROWS[at : at + 1]), range(len(ROWS))))
    for name, values in together.items():
        np.testing.assert_allclose(np.concatenate([each[name] for each in alone]), values, rtol=1e-12)
