"""Writing the audit log inside a caller's transaction, and reading, checking and proving it afterwards."""

from __future__ import annotations

from collections.abc import Mapping

from engine.audit import store
from engine.audit.canonical import canonical_text
from engine.audit.merkle import consistency_path, inclusion_path, leaf_hash
from engine.audit.model import (
    MAX_SIZE,
    AuditEntry,
    AuditFilter,
    Columns,
    ConsistencyProof,
    InclusionProof,
    TreeHead,
    Verification,
    entry_from_columns,
    leaf_data,
)
from engine.audit.verification import Progress, verify_log
from engine.core.clock import Clock
from engine.core.errors import InvalidInput, NotFound
from engine.core.paging import Page, decode_number, encode_token
from engine.db.database import Database
from engine.db.transaction import Transaction

ALL = AuditFilter()
"""Every record."""

MAX_PAGE = 10_000

MAX_REASON = 4_000
"""Longest reason that is kept for ever, in characters."""


def record(  # noqa: PLR0913 one argument a column; a wrapper object would only be taken apart again
    tx: Transaction,
    *,
    verb: str,
    kind: str,
    key: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
    reason: str = "",
) -> AuditEntry:
    """Write down what the caller's transaction does; kept or undone together with it.

    Args:
        tx: The caller's transaction; tells who acts and when.
        verb: What is done, such as `promote`.
        kind: The kind of object, such as `version`.
        key: The object's public name, such as `churn/7`.
        before: Its state before, as far as the act touches it (JSON values); `None` when it did not exist.
        after: Its state after; `None` when it no longer exists.
        reason: Why, in the actor's words; up to `MAX_REASON` characters.

    Returns:
        The record as it will be read back.

    Raises:
        InvalidInput: a state holds something JSON does not have, a text is not valid Unicode, or the reason is too long
            or holds a NUL.
        IntegrityError: the log is damaged and cannot be continued.
    """
    if "\0" in reason or len(reason) > MAX_REASON:
        raise InvalidInput(f"A reason has at most {MAX_REASON} characters and no NUL.", hint="Shorten it.")
    edge = store.right_edge(tx)
    actor = tx.actor
    columns: Columns = (
        edge.size + 1,
        tx.now_ms,
        actor.name,
        actor.origin,
        actor.via,
        actor.on_behalf_of,
        verb,
        kind,
        key,
        None if before is None else canonical_text(before),
        None if after is None else canonical_text(after),
        reason,
    )
    try:
        leaf = leaf_hash(leaf_data(columns))
    except UnicodeEncodeError as error:
        raise InvalidInput("A name or a reason holds bytes that are not valid UTF-8 text.") from error
    completed = edge.append(leaf)
    store.append(tx, columns, leaf, completed, edge)
    tx.emit(kind="audit", change="recorded", key=str(edge.size), row_id=edge.size)
    return entry_from_columns(columns)


class AuditLog:
    """Reads, checks and proves the audit log.

    Args:
        database: The control database.
        clock: Tells the time put on tree heads.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def page(self, where: AuditFilter = ALL, *, limit: int = 100, page_token: str | None = None) -> Page[AuditEntry]:
        """List records, newest first.

        Args:
            where: Which records.
            limit: At most so many, 1 to 10,000.
            page_token: Continues an earlier page.

        Returns:
            The records, with a token when there are more.

        Raises:
            InvalidInput: the limit is out of range, or the token is not of this list.
            IntegrityError: a record has been damaged.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        before_seq = None if page_token is None else decode_number(page_token, most=MAX_SIZE)
        with self._database.snapshot() as snapshot:
            rows = store.newest(snapshot, where, before_seq=before_seq, limit=limit + 1)
        token = encode_token(rows[limit - 1][0]) if len(rows) > limit else None
        return Page(tuple(entry_from_columns(row) for row in rows[:limit]), token)

    def entry(self, seq: int) -> AuditEntry:
        """One record.

        Args:
            seq: Its number, from 1.

        Returns:
            The record.

        Raises:
            NotFound: there is no record of that number.
            IntegrityError: the record has been damaged.
        """
        with self._database.snapshot() as snapshot:
            row = store.record(snapshot, seq) if 0 < seq <= MAX_SIZE else None
            if row is None:
                raise _no_record(seq, store.right_edge(snapshot).size)
        return entry_from_columns(row)

    def entries_for(self, kind: str, key: str, until_ms: int) -> tuple[AuditEntry, ...]:
        """All that was done to one object up to a time; tells what its state was then.

        Args:
            kind: The kind of object.
            key: Its public name.
            until_ms: Records at or before this time, in milliseconds since the epoch.

        Returns:
            The records, oldest first.

        Raises:
            IntegrityError: a record has been damaged.
        """
        with self._database.snapshot() as snapshot:
            rows = store.object_history(snapshot, kind, key, until_ms)
        return tuple(entry_from_columns(row) for row in rows)

    def head(self) -> TreeHead:
        """The head of the log now, to be kept elsewhere (`format_head` writes it as one line).

        Raises:
            IntegrityError: the stored tree head is missing or damaged.
        """
        with self._database.snapshot() as snapshot:
            edge = store.right_edge(snapshot)
        return TreeHead(edge.size, edge.root(), self._clock.now_ms())

    def verify(self, kept: TreeHead | None = None, progress: Progress | None = None) -> Verification:
        """Recompute the whole log from its records and compare with what is stored and with a kept head.

        Args:
            kept: An earlier head from outside the workspace; finds even edits by somebody who recomputed every hash.
            progress: Called with (records checked, records in all).

        Returns:
            What was found; naming the first bad record where the records tell it.
        """
        with self._database.snapshot() as snapshot:
            log = store.stored_log(snapshot)
            return verify_log(log, now_ms=self._clock.now_ms(), kept=kept, progress=progress)

    def inclusion(self, seq: int) -> InclusionProof:
        """Prove that a record is part of the log as it is now.

        Args:
            seq: The record's number, from 1.

        Returns:
            The proof; `holds(head)` checks it against a head of the same size.

        Raises:
            NotFound: there is no record of that number.
            IntegrityError: the log is damaged.
        """
        with self._database.snapshot() as snapshot:
            size = store.right_edge(snapshot).size
            if not 1 <= seq <= size:
                raise _no_record(seq, size)
            subtree = store.subtrees(snapshot)
            return InclusionProof(seq, size, subtree(0, seq - 1), inclusion_path(seq - 1, size, subtree))

    def consistency(self, old_size: int) -> ConsistencyProof:
        """Prove that the log as it is now continues the log of `old_size` records.

        Args:
            old_size: Records that the earlier head covers, from 0.

        Returns:
            The proof; `holds(old, new)` checks it against both heads.

        Raises:
            InvalidInput: the log has fewer records than that.
            IntegrityError: the log is damaged.
        """
        with self._database.snapshot() as snapshot:
            size = store.right_edge(snapshot).size
            if not 0 <= old_size <= size:
                raise InvalidInput(f"There is no log of {old_size} records to prove; it has {size} now.")
            path = consistency_path(old_size, size, store.subtrees(snapshot))
        return ConsistencyProof(old_size, size, path)


def _no_record(seq: int, size: int) -> NotFound:
    if size == 0:
        return NotFound(f"There is no audit record {seq}; the log is empty.")
    return NotFound(f"There is no audit record {seq}; the log has 1 to {size}.")
