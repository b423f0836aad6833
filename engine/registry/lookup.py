"""Finding models and versions by name inside a view, and saying what is near when there is none."""

from __future__ import annotations

from engine.core.errors import AlreadyExists, NotFound
from engine.db.transaction import Snapshot
from engine.registry import model_store, store
from engine.registry.model import Model, Version


def model(view: Snapshot, name: str) -> Model:
    """The model of that name.

    Raises:
        NotFound: there is none; the hint names the nearest.
    """
    found = model_store.model(view, name) if _storable(name) else None
    if found is None:
        raise _no_model(view, name)
    return found


def version(view: Snapshot, name: str, number: int) -> Version:
    """The version of that number.

    Raises:
        NotFound: no such model or version; the hint names the nearest.
    """
    # SQLite's integers have 64 bits; a greater number cannot be bound, and no version has it.
    found = store.version(view, name, number) if 0 < number < 2**63 and _storable(name) else None
    if found is not None:
        return found
    model(view, name)
    newest = store.latest(view, name)
    hint = f"Its newest version is {newest}." if newest else "It has no versions; register one first."
    raise NotFound(f"{_shown(name)} has no version {number}.", hint=hint)


def refuse_taken(view: Snapshot, name: str) -> None:
    """Refuse a name that a model or a prompt has.

    Raises:
        AlreadyExists: one of them has it.
    """
    holder = model_store.holder(view, name)
    if holder is not None:
        raise AlreadyExists(f"There is a {holder} {name} already.", hint="Choose another name.", details={"by": holder})


def _storable(name: str) -> bool:
    """Whether SQLite can be asked for the name at all: a lone surrogate cannot be bound."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def _no_model(view: Snapshot, name: str) -> NotFound:
    from engine.core.suggest import did_you_mean  # only a wrong name needs it

    hint = did_you_mean(name, model_store.names(view)) or "`qd models list` shows all models."
    return NotFound(f"There is no model {_shown(name)}.", hint=hint, details={"missing": "model"})


def _shown(name: str) -> str:
    from engine.core.text import clean  # only a message needs it

    return clean(name, limit=100)
