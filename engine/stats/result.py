"""What a test of two samples says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test of the hypothesis that two samples come from the same distribution.

    Args:
        statistic: Grows with the difference; its unit is the test's.
        p: Probability of so great a statistic if the hypothesis holds, in [0, 1].
        df: Degrees of freedom, where the test has them.
    """

    __test__ = False  # not a class of tests, whatever a runner thinks of its name

    statistic: float
    p: float
    df: int | None = None
