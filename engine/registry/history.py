"""What was where at any past moment, from the audit log alone. Pure: it is given the records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def replay(entries: Iterable[AuditEntry], until_ms: int) -> tuple[VersionState, ...]:
    """Tell the state of every version at a moment.

    A clock that was set back does not undo what was written before: a record counts as no earlier than those before it.

    Args:
        entries: All records of the kinds in `KINDS`, oldest first; others are passed over.
        until_ms: The moment, in milliseconds since the epoch; what happened at that millisecond has happened.

    Returns:
        Each version that existed then, by model and number.
    """
    models: dict[str, _Past] = {}
    latest_ms: int | None = None
    for entry in entries:
        latest_ms = entry.time_ms if latest_ms is None else max(latest_ms, entry.time_ms)
        if latest_ms > until_ms:
            break
        if entry.kind == "model":
            _replay_model(models, entry)
        elif entry.kind == "version":
            _replay_version(models, entry)
    return tuple(
        VersionState(name, number, past.stages[number], _aliases(past, number))
        for name, past in sorted(models.items())
        for number in sorted(past.stages)
    )


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
