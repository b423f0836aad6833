"""Every sort of change that the audit log knows, with how it is undone or why it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.audit.refusals import VERB as REFUSED
from engine.undoing.inverse import Answer, Inverse, Never, Part
from engine.undoing.registered import REGISTERED
from engine.undoing.served import SERVED
from engine.undoing.tracked import TRACKED
from engine.undoing.watched import WATCHED

if TYPE_CHECKING:
    from collections.abc import Mapping

REGISTRY: Mapping[tuple[str, str], Answer] = {**TRACKED, **REGISTERED, **SERVED, **WATCHED}
"""By kind and verb."""

_NOTHING_CHANGED = Never("It was refused: nothing was changed.")
_UNKNOWN = Never("This Quarterdeck does not know how.")


def answer(kind: str, verb: str) -> Answer:
    """How a sort of change is undone, or why it cannot be.

    Args:
        kind: The kind of object.
        verb: What was done.

    Returns:
        What the registry says; refusals of every kind changed nothing.
    """
    return _NOTHING_CHANGED if verb == REFUSED else REGISTRY.get((kind, verb), _UNKNOWN)


def why_final(kind: str, verb: str) -> str:
    """What to say to somebody before they do something that cannot be undone, or not wholly.

    Args:
        kind: The kind of object, as the audit log will call it.
        verb: What is about to be done.

    Returns:
        A sentence; empty when it can be undone.
    """
    found = _alone(kind, verb)
    return found.why if isinstance(found, Never) else found.loses


def can_be_undone(kind: str, verb: str) -> bool:
    """Whether there is an inverse of a sort of change at all.

    Args:
        kind: The kind of object.
        verb: What is done.
    """
    return isinstance(_alone(kind, verb), Inverse)


def _alone(kind: str, verb: str) -> Inverse | Never:
    found = answer(kind, verb)
    return found.alone if isinstance(found, Part) else found
