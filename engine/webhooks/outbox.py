"""The messages that wait: made of what the audit log says, sent, and tried again; it outlives every process."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from engine.core.timetext import format_time
from engine.webhooks import store
from engine.webhooks.model import after_attempt, envelope
from engine.webhooks.translation import occurrences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.audit.model import AuditEntry
    from engine.audit.service import AuditLog
    from engine.core.access import Actor
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.policy.file import PolicyFile
    from engine.webhooks.sending import Sender

AT_ONCE = 200
"""Audit records looked at in one transaction."""

MOST_SENT = 16
"""Messages sent at once."""


class Outbox:
    """Makes and sends messages. One process at a time uses it: the server, of which a workspace has one.

    Args:
        database: The control database.
        audit: The audit log.
        policy_file: Says whom messages may be brought to.
        clock: Tells the time.
        actor: In whose name it is written down.
        sender: Sends messages.
    """

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        policy_file: PolicyFile,
        clock: Clock,
        *,
        actor: Actor,
        sender: Sender,
    ) -> None:
        self._database = database
        self._audit = audit
        self._policy_file = policy_file
        self._clock = clock
        self._actor = actor
        self._sender = sender

    def fill(self) -> int | None:
        """Make messages of what happened since the last time.

        Returns:
            When the next message is to be sent, in milliseconds since the epoch; `None` when none waits.

        Raises:
            QuarterdeckError: the workspace cannot be read or written.
        """
        with self._database.snapshot() as snapshot:
            wanted = bool(store.active(snapshot))
            seq = store.progress(snapshot)
        while wanted and seq < (size := self._audit.head().size):
            until = min(size, seq + AT_ONCE)
            entries = [self._audit.entry(each) for each in range(seq + 1, until + 1)]
            self._keep(entries, until)
            seq = until
        with self._database.snapshot() as snapshot:
            return store.next_due_ms(snapshot)

    def send(self) -> int:
        """Send what is due, side by side.

        Returns:
            How many messages were tried.

        Raises:
            QuarterdeckError: the workspace cannot be read or written.
        """
        from concurrent.futures import ThreadPoolExecutor  # only with webhooks

        now_ms = self._clock.now_ms()
        with self._database.snapshot() as snapshot:
            found = store.due(snapshot, now_ms, MOST_SENT)
        if not found:
            return 0
        allowed = self._policy_file.read().webhooks
        with ThreadPoolExecutor(len(found), "webhook") as threads:
            tried = threads.map(lambda each: self._sender.send(each.parcel, now_ms=now_ms, allowed=allowed), found)
            outcomes = list(zip(found, tried, strict=True))
        with self._database.transaction(self._actor) as tx:
            for each, outcome in outcomes:
                state, due_ms = after_attempt(outcome, attempts=each.parcel.attempts + 1, now_ms=tx.now_ms)
                store.attempted(tx, each.row_id, outcome, state, due_ms)
            store.forget_old(tx)
        return len(found)

    def _keep(self, entries: list[AuditEntry], until: int) -> None:
        with self._database.transaction(self._actor) as tx:
            rows = store.active(tx)
            store.add_deliveries(tx, (row for entry in entries for row in _messages(entry, rows)))
            store.set_progress(tx, until)


def _messages(entry: AuditEntry, rows: list[store.Row]) -> Iterator[tuple[str, int, str, str]]:
    for event, data in occurrences(entry):
        listening = [row for row in rows if event in row.webhook.events and entry.time_ms >= row.webhook.created_ms]
        if listening:
            payload = json.dumps(envelope(event, format_time(entry.time_ms), data))
            for row in listening:
                yield os.urandom(16).hex(), row.row_id, event, payload
