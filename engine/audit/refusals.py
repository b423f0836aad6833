"""What the policy said no to is written down as well: who tried what, and why it was refused."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.errors import NotServable, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.core.access import Actor
    from engine.db.database import Database

VERB = "refuse"
"""What the audit log calls it."""


@contextmanager
def refusals_recorded(
    database: Database, actor: Actor, *, kind: str, key: str, attempt: Mapping[str, object], reason: str = ""
) -> Iterator[None]:
    """Record it when the block is refused, in a transaction of its own; what the block wrote is undone by then.

    Args:
        database: The control database; no transaction of this thread is open around the block.
        actor: Who tries.
        kind: The kind of object, such as `version`.
        key: The object's public name, such as `churn/7`.
        attempt: What is tried (JSON values); it names no state that the object would have.
        reason: Why, in the actor's words.

    Raises:
        Refused: as the block did.
        NotServable: as the block did; that nothing answers as the version does is a no like any other.
    """
    try:
        yield
    except (Refused, NotServable) as refusal:
        with database.transaction(actor) as tx:
            after = {"attempt": dict(attempt), "refused": refusal.message, "code": refusal.code}
            record(tx, verb=VERB, kind=kind, key=key, before=None, after=after, reason=reason)
        raise
