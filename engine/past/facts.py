"""What is known of an object from its records alone. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.past.model import Undone

_MERGED = ("tags", "aliases")


def told(records: Iterable[Undone]) -> dict[str, Any]:
    """Put together what the records of one object say of it, the oldest first; an end forgets what was before.

    Args:
        records: Its records.

    Returns:
        Its state, as far as it was ever told; tags and aliases are those that were not taken away.
    """
    facts: dict[str, Any] = {}
    for each in records:
        if each.deleted:
            facts = {}
        for name, value in each.after.items():
            if name in _MERGED and isinstance(value, dict):
                merged = {**facts.get(name, {}), **value}
                facts[name] = {key: item for key, item in merged.items() if item is not None}
            else:
                facts[name] = value
    return facts
