"""What the audit log holds, what it proves, and the one line that keeps its head elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.audit.merkle import EMPTY_ROOT, verify_consistency, verify_inclusion
from engine.core.errors import IntegrityError, InvalidInput
from engine.core.frozen import frozen

FORMAT = "qd-audit-1"
"""Names the leaf layout and the head line; a change of either gets a new name."""

MAX_SIZE = 2**63 - 1

Columns = tuple[int, int, str, str, str, str, str, str, str, str | None, str | None, str]
"""A record as stored: seq, time_ms, actor, origin, via, on_behalf_of, verb, kind, key, before, after, reason."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_SIZE = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@frozen
class AuditEntry:
    """One record: somebody did something to one object.

    Args:
        seq: Its number, from 1, without gaps.
        time_ms: When, in milliseconds since the epoch.
        actor: Who.
        origin: From where: `local` or `ssh:<address>`.
        via: The front used: `cli`, `console`, `api` or `http`.
        on_behalf_of: The real user's name when `--as` was used, else empty.
        verb: What was done, such as `promote`.
        kind: The kind of object, such as `version`.
        key: The object's public name, such as `churn/7`.
        before: The object's state before, as far as the act touches it; `None` when it did not exist.
        after: Its state after; `None` when it no longer exists.
        reason: Why, in the actor's words; may be empty.
    """

    seq: int
    time_ms: int
    actor: str
    origin: str
    via: str
    on_behalf_of: str
    verb: str
    kind: str
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    reason: str


@frozen
class AuditFilter:
    """Which records to list; a field left at `None` does not restrict.

    Args:
        kind: Only this kind of object.
        key: Only the object of this public name.
        actor: Only what this person did.
        verb: Only this act.
        since_ms: Not before this time, in milliseconds since the epoch.
        until_ms: Not after this time, in milliseconds since the epoch.
    """

    kind: str | None = None
    key: str | None = None
    actor: str | None = None
    verb: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


@frozen
class TreeHead:
    """The whole log in one hash. Kept elsewhere, it finds every later edit of what it covers.

    Args:
        size: Records covered: 1 to `size`.
        root_hash: The Merkle root over them, 32 bytes.
        time_ms: When the head was taken, in milliseconds since the epoch.
    """

    size: int
    root_hash: bytes
    time_ms: int


EMPTY_HEAD = TreeHead(0, EMPTY_ROOT, 0)


@frozen
class Verification:
    """What a check of the whole log found.

    Args:
        ok: True when every record, the tree and the kept head agree.
        size: Records found good before the check ended.
        head: The head recomputed over those records.
        first_bad: The first record that does not fit what else is stored, or the first of the range that `problem`
            names. `None` when the records alone cannot tell, or when all is well.
        problem: What is wrong, as a sentence; empty when all is well.
    """

    ok: bool
    size: int
    head: TreeHead
    first_bad: int | None
    problem: str


@frozen
class InclusionProof:
    """Proves that one record is part of a log, without the rest of the log.

    Args:
        seq: The record's number, from 1.
        size: Records in the log.
        leaf_hash: The record's hash, 32 bytes.
        path: The hashes from the record up to the root, 32 bytes each.
    """

    seq: int
    size: int
    leaf_hash: bytes
    path: tuple[bytes, ...]

    def holds(self, head: TreeHead) -> bool:
        """Whether the record with this leaf hash is part of the log that `head` stands for."""
        return self.size == head.size and verify_inclusion(
            self.seq - 1, self.size, self.leaf_hash, self.path, head.root_hash
        )


@frozen
class ConsistencyProof:
    """Proves that an earlier log is a prefix of a later one: nothing was changed, removed or moved.

    Args:
        old_size: Records in the earlier log.
        new_size: Records in the later log.
        path: The hashes that rebuild both roots, 32 bytes each.
    """

    old_size: int
    new_size: int
    path: tuple[bytes, ...]

    def holds(self, old: TreeHead, new: TreeHead) -> bool:
        """Whether the log that `new` stands for continues the one that `old` stands for."""
        return (self.old_size, self.new_size) == (old.size, new.size) and verify_consistency(
            old.size, new.size, old.root_hash, new.root_hash, self.path
        )


def leaf_data(columns: Columns) -> bytes:
    """The bytes that a record's leaf hash covers: a JSON array of the format's name and every column in order.

    `before` and `after` stand in it as the strings they are stored as, so that not even their white space can change.

    Args:
        columns: The record as stored.

    Returns:
        UTF-8 text.

    Raises:
        UnicodeEncodeError: a text holds a lone surrogate.
        TypeError: a column is not text, a number or `None`; only a tampered row can be so.
    """
    return _encode((FORMAT, *columns)).encode()


def entry_from_columns(columns: Columns) -> AuditEntry:
    """Read a stored record.

    Args:
        columns: The record as stored.

    Returns:
        The record with `before` and `after` decoded.

    Raises:
        IntegrityError: `before` or `after` is not the JSON object that was written.
    """
    seq, time_ms, actor, origin, via, on_behalf_of, verb, kind, key, before, after, reason = columns
    return AuditEntry(
        seq=seq,
        time_ms=time_ms,
        actor=actor,
        origin=origin,
        via=via,
        on_behalf_of=on_behalf_of,
        verb=verb,
        kind=kind,
        key=key,
        before=_state(seq, before),
        after=_state(seq, after),
        reason=reason,
    )


def _state(seq: int, text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise IntegrityError(
            f"Record {seq} of the audit log has been damaged.",
            hint="Run `qd audit verify` to see what was changed.",
        )
    return value


def format_head(head: TreeHead) -> str:
    """Write a head as one line to be kept elsewhere: `qd-audit-1 1234 <64 hex digits> 2026-11-03T09:00:00.000Z`."""
    taken = (_EPOCH + timedelta(milliseconds=head.time_ms)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{FORMAT} {head.size} {head.root_hash.hex()} {taken}.{head.time_ms % 1000:03d}Z"


def parse_head(text: str) -> TreeHead:
    """Read a line that `format_head` wrote; white space around and between the fields does not matter.

    Args:
        text: The line.

    Returns:
        The head.

    Raises:
        InvalidInput: it is not such a line; the message says which field is wrong.
    """
    fields = text.split()
    if len(fields) != 4 or fields[0] != FORMAT:
        raise _not_a_head(f"it must have four fields and begin with {FORMAT}")
    size, root, taken = fields[1:]
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise _not_a_head("the second field must be the number of records")
    if not _HASH.fullmatch(root):
        raise _not_a_head("the third field must be 64 lower-case hex digits")
    return TreeHead(int(size), bytes.fromhex(root), _parse_time_ms(taken))


def _parse_time_ms(taken: str) -> int:
    try:
        if _TIME.fullmatch(taken):
            return (datetime.fromisoformat(taken) - _EPOCH) // timedelta(milliseconds=1)
    except ValueError:
        pass  # the shape is right but there is no such day or hour
    raise _not_a_head("the fourth field must be a time such as 2026-11-03T09:00:00.000Z")


def _not_a_head(why: str) -> InvalidInput:
    return InvalidInput(
        f"This is not a kept audit head: {why}.", hint="Give the whole line that `qd audit head` printed."
    )
