"""What a version is compared with: a numbered baseline, and how one is asked for."""

from __future__ import annotations

from enum import StrEnum

from engine.core.frozen import frozen

MAX_SOURCE = 1_000
"""Longest description of where a baseline came from, in characters."""


class BaselineKind(StrEnum):
    """Where a baseline's rows came from."""

    TRAINING = "training"
    """What its run or its model logged as reference data."""
    DATA = "data"
    """Files that somebody named."""
    PRODUCTION = "production"
    """What it was asked in production within a stretch of time."""


@frozen
class Baseline:
    """A baseline of a version; its content is a `Reference` among the artifacts.

    Args:
        model: The model's name.
        version: The version's number.
        number: Its number among the version's baselines, from 1; the greatest is in force.
        digest: SHA-256 of its content, 64 hex digits.
        size_bytes: Size of its content.
        kind: Where its rows came from.
        source: The same in words, such as file names; logged text.
        rows: How many rows.
        features: How many columns.
        predictions: Columns that hold what the model answered.
        labels: Columns that hold what turned out to be true.
        start_ms: From when, where it is a stretch of production; in milliseconds since the epoch.
        end_ms: Until when, likewise.
        reason: Why it was made.
        created_ms: When, in milliseconds since the epoch.
        created_by: By whom.
    """

    model: str
    version: int
    number: int
    digest: str
    size_bytes: int
    kind: BaselineKind
    source: str
    rows: int
    features: int
    predictions: tuple[str, ...]
    labels: tuple[str, ...]
    start_ms: int | None
    end_ms: int | None
    reason: str
    created_ms: int
    created_by: str

    @property
    def key(self) -> str:
        """Its public name, such as `churn/7 baseline 2`."""
        return f"{self.model}/{self.version} baseline {self.number}"


@frozen
class Stretch:
    """A stretch of production.

    Args:
        start_ms: From when, in milliseconds since the epoch.
        end_ms: Until when; `None` for now.
        endpoint: The endpoint's name; empty for every endpoint of the model.
    """

    start_ms: int
    end_ms: int | None = None
    endpoint: str = ""
