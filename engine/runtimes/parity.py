"""Whether a runtime answers as the model it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.core.errors import PredictionFailed
from engine.runtimes.model import LABELS, PROBABILITIES, ParityCheck, ParityReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from engine.runtimes.model import Outputs, Rows, Runtime

TOLERANCE = 1e-5
"""Greatest difference of a probability, absolute, and of a number, relative to the spread of the model's answers."""


def compare(runtime: Runtime, truth: Mapping[str, tuple[Rows, Outputs]]) -> ParityReport:
    """Compare a runtime with what the model itself answered.

    Args:
        runtime: What is to serve.
        truth: Rows and the model's own answers, by where the rows come from.

    Returns:
        The report; refused when a label differs, a probability or number by more than `TOLERANCE`, or it fails.
    """
    checks: list[ParityCheck] = []
    reason = ""
    for name, (rows, expected) in truth.items():
        try:
            found = runtime.predict(rows)
            check, problem = _check(name, rows.size, expected, found, numbers=not runtime.interface.classes)
        except PredictionFailed as error:
            check, problem = ParityCheck(name, rows.size, rows.size, 0.0), f"It failed on {name} rows: {error.message}"
        checks.append(check)
        reason = reason or problem
    return ParityReport(runtime.kind, not reason, TOLERANCE, tuple(checks), reason)


def _check(name: str, rows: int, expected: Outputs, found: Outputs, *, numbers: bool) -> tuple[ParityCheck, str]:
    import numpy as np

    if set(expected) - set(found):
        return ParityCheck(name, rows, rows, 0.0), f"It gives no {min(set(expected) - set(found))}."
    differ, greatest, limit = 0, 0.0, TOLERANCE
    if numbers:
        greatest = _greatest(expected[LABELS], found[LABELS])
        limit = TOLERANCE * max(1.0, float(np.abs(expected[LABELS]).max(initial=0.0)))
    else:
        differ = int((np.asarray(expected[LABELS]) != np.asarray(found[LABELS])).sum())
        if PROBABILITIES in expected:
            greatest = _greatest(expected[PROBABILITIES], found[PROBABILITIES])
    check = ParityCheck(name, rows, differ, greatest)
    if differ:
        return check, f"{differ} of {rows} labels differ on {name} rows."
    if not greatest <= limit:
        return check, f"The answers differ by up to {greatest:.3g} on {name} rows; {limit:.3g} is allowed."
    return check, ""


def _greatest(expected: NDArray[Any], found: NDArray[Any]) -> float:
    import numpy as np

    if expected.shape != found.shape:
        return float("inf")
    difference = np.abs(np.asarray(expected, float) - np.asarray(found, float))
    return float(np.where(np.isnan(difference), np.inf, difference).max(initial=0.0))
