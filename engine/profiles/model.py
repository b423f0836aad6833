"""What kinds of features there are."""

from __future__ import annotations

from enum import StrEnum


class FeatureKind(StrEnum):
    """What a feature is to whoever compares it."""

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    TEXT = "text"
    """Sentences: compared by length, words and characters."""
    ID = "id"
    """Another value in each row: not compared."""
    UNKNOWN = "unknown"
    """No value was seen."""


NUMERIC = frozenset((FeatureKind.NUMBER, FeatureKind.TIMESTAMP))
"""Kinds that are counted on a grid."""

LEVELLED = frozenset((FeatureKind.CATEGORY, FeatureKind.BOOLEAN))
"""Kinds that are counted by level."""
