"""Metrics about the machine, beside those about the model: one prefix, wherever they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SYSTEM = "system/"
"""How the names of metrics about the machine begin; MLflow's clients use it too."""


def is_system(key: str) -> bool:
    """Whether a metric is about the machine, not about the model."""
    return key.startswith(SYSTEM)


def in_order(keys: Iterable[str]) -> list[str]:
    """Metrics as they are shown: by name, those about the machine last."""
    return sorted(keys, key=lambda key: (is_system(key), key))
