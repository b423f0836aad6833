"""Identifiers: 32 lower-case hex digits for runs, as MLflow's; injected so that tests are exact."""

from __future__ import annotations

import os
from typing import Protocol


class Ids(Protocol):
    """Makes identifiers that no other process makes."""

    def new(self) -> str:
        """A fresh identifier of 32 lower-case hex digits."""


class RandomIds:
    """Identifiers from the operating system's random source."""

    def new(self) -> str:
        """A fresh identifier of 32 lower-case hex digits (128 random bits)."""
        return os.urandom(16).hex()


class CountingIds:
    """Identifiers that count up from 1; for tests and exact screenshots."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> str:
        """The next number as 32 hex digits."""
        self._last += 1
        return f"{self._last:032x}"
