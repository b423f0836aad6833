"""How a trace is named, and what every group of operations on traces stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound
from engine.core.text import clean
from engine.traces import store
from engine.traces.model import ID_PREFIX
from engine.tracking.redaction import Redaction

if TYPE_CHECKING:
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.core.ids import Ids
    from engine.db.database import Database
    from engine.db.transaction import Snapshot

_SHORTEST_PREFIX = 4


class TraceService:
    """What operations on traces work with.

    Args:
        database: The control database.
        access: Who acts, with which role.
        clock: Tells the time.
        ids: Makes ids of assessments and of traces that come without one.
        redaction: Replaces secrets before they are stored.
    """

    def __init__(
        self, database: Database, access: Access, clock: Clock, ids: Ids, *, redaction: Redaction | None = None
    ) -> None:
        self._database = database
        self._access = access
        self._clock = clock
        self._ids = ids
        self._redaction = redaction or Redaction()


def known(view: Snapshot, trace_id: str) -> int:
    """The integer key of the trace of exactly that id.

    Raises:
        NotFound: there is none.
    """
    key = store.keys(view, [trace_id]).get(trace_id)
    if key is None:
        raise NotFound(f"Trace with ID '{clean(trace_id, limit=60)}' not found.", hint="Run `qd traces list`.")
    return key


def resolve(view: Snapshot, trace_id: str) -> int:
    """The integer key of the trace of that id, or of the only one whose id begins so, with or without `tr-`.

    Raises:
        NotFound: there is none.
        InvalidInput: several traces' ids begin so; the message lists them.
    """
    if trace_id in (found := store.keys(view, [trace_id])):
        return found[trace_id]
    prefix = trace_id if trace_id.startswith(ID_PREFIX) else ID_PREFIX + trace_id.lower()
    matches = store.with_prefix(view, prefix, 6) if len(prefix) >= len(ID_PREFIX) + _SHORTEST_PREFIX else []
    if len(matches) > 1:
        listed = ", ".join(matches[:5]) + (", …" if len(matches) > 5 else "")
        raise InvalidInput(f"Several traces begin with {clean(prefix)}: {listed}.", hint="Give more digits.")
    return known(view, matches[0] if matches else trace_id)
