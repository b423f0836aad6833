"""What was where at any past moment, from the audit log alone. Pure: it is given the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.audit.model import AuditEntry
from engine.registry.model import Stage, VersionState

KINDS = ("model", "version")
"""The kinds of records that tell it."""


@dataclass(slots=True)
class _Past:
    """A model while its past is replayed."""

    stages: dict[int, Stage] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)


def replay(entries: Sequence[AuditEntry], until_ms: int) -> tuple[VersionState, ...]:
    """Tell the state of every version at a moment.

    The order of the records is what happened; their times come from clocks, which are set forward and back. The past
    is therefore cut where the fewest records contradict it.

    Args:
        entries: All records of the kinds in `KINDS`, oldest first; others are passed over.
        until_ms: The moment, in milliseconds since the epoch; what happened at that millisecond has happened.

    Returns:
        Each version that existed then, by model and number.
    """
    models: dict[str, _Past] = {}
    for entry in entries[: _happened(entries, until_ms)]:
        if entry.kind == "model":
            _replay_model(models, entry)
        elif entry.kind == "version":
            _replay_version(models, entry)
    return tuple(
        VersionState(name, number, past.stages[number], _aliases(past, number))
        for name, past in sorted(models.items())
        for number in sorted(past.stages)
    )


def _happened(entries: Sequence[AuditEntry], until_ms: int) -> int:
    """How many of the records, from the oldest, had happened: the most that speak for it less those that do not."""
    happened = best = score = 0
    for count, entry in enumerate(entries, start=1):
        score += 1 if entry.time_ms <= until_ms else -1
        if score >= best:
            happened, best = count, score
    return happened


def _aliases(past: _Past, number: int) -> tuple[str, ...]:
    return tuple(sorted(alias for alias, target in past.aliases.items() if target == number))


def _replay_model(models: dict[str, _Past], entry: AuditEntry) -> None:
    if entry.after is None:
        models.pop(entry.key, None)
        return
    past = models.setdefault(entry.key, _Past())
    aliases: Mapping[str, Any] = entry.after.get("aliases", {})
    for alias, number in aliases.items():
        if number is None:
            past.aliases.pop(alias, None)
        else:
            past.aliases[alias] = int(number)
    name = entry.after.get("name", entry.key)
    if name != entry.key:
        models[name] = models.pop(entry.key)


def _replay_version(models: dict[str, _Past], entry: AuditEntry) -> None:
    name, _, number_text = entry.key.rpartition("/")
    past, number = models.setdefault(name, _Past()), int(number_text)
    if entry.after is None:
        # Aliases that pointed to it are told no more, since they name nothing; its number is never given again.
        past.stages.pop(number, None)
    elif "stage" in entry.after:
        past.stages[number] = Stage(entry.after["stage"])
