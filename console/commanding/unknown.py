"""A thing of which nothing is known: it stands in where only the names of fields are asked for, not their values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Unknown:
    """Has every attribute and every item, all as unknown; empty, false and zero wherever a value is wanted."""

    def __getattr__(self, name: str) -> Unknown:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> Unknown:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""

    def __format__(self, spec: str) -> str:
        return ""

    def __mul__(self, other: object) -> Unknown:
        return self

    def __truediv__(self, other: object) -> Unknown:
        return self

    def __divmod__(self, other: object) -> tuple[Unknown, Unknown]:
        return self, self

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return False
