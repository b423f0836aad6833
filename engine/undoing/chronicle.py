"""What the audit log tells of one record: what it is a part of, what undid it, what came after, its name now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.audit.model import AuditFilter
from engine.core.paging import encode_token
from engine.undoing.inverse import Inverse, Never, Part, touched
from engine.undoing.model import KIND
from engine.undoing.registry import answer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from engine.audit.model import AuditEntry
    from engine.audit.service import AuditLog
    from engine.undoing.inverse import Lead

REACH = 64
"""How many records away the other records of one act are looked for."""

MOST = 2_000
"""How many later records are looked through for what changed the same."""

_EVER = 2**62


class Chronicle:
    """Reads the audit log for undoing.

    Args:
        audit: The log.
    """

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def entry(self, seq: int) -> AuditEntry:
        """One record.

        Args:
            seq: Its number.

        Raises:
            NotFound: there is none.
            IntegrityError: it has been damaged.
        """
        return self._audit.entry(seq)

    def leading(self, entry: AuditEntry) -> tuple[AuditEntry, Inverse | Never | None]:
        """The record that is undone when this one is asked for, and how.

        Args:
            entry: A record.

        Returns:
            The record itself or the one of the act that it is a part of; how that sort is undone, `None` for an undo.

        Raises:
            IntegrityError: a record nearby has been damaged.
        """
        if entry.kind == KIND:
            return entry, None
        near = self._around(entry.seq)
        undo = next((each for each in near if each.kind == KIND and entry.seq in records_of(each)), None)
        if undo is not None:
            return undo, None
        return lead(entry, near)

    def parts(self, undo: AuditEntry) -> Iterator[tuple[AuditEntry, Inverse | Never]]:
        """The acts that an undo carried out, the last one first.

        Args:
            undo: Its record.
        """
        seen: set[int] = set()
        for left in reversed(_whole(self.entry(seq) for seq in records_of(undo))):
            seq = left.seq
            if seq in seen:
                continue
            entry, how = lead(left, self._around(seq))
            if entry.seq not in seen:
                yield entry, how
            seen |= {seq, entry.seq}

    def undone_by(self, seq: int) -> AuditEntry | None:
        """The undo of a record that holds; `None` when there is none, or it was undone itself."""
        undos = self._audit.entries_for(KIND, str(seq), _EVER)
        return next((each for each in reversed(undos) if self.undone_by(each.seq) is None), None)

    def standing(self, entry: AuditEntry) -> AuditEntry:
        """The record by which a change stands: the newest redo of it, or itself."""
        undos = self._audit.entries_for(KIND, str(entry.seq), _EVER)
        for undo in reversed(undos):
            redo = self.undone_by(undo.seq)
            if redo is not None:
                return self.standing(redo)
        return entry

    def name_now(self, entry: AuditEntry) -> str:
        """What a record's object is called now, after renames since; for promotions the version."""
        if entry.kind == "promotion":
            return self._followed("model", str((entry.after or {}).get("version", "")), entry)
        if entry.verb == "rename" and entry.kind in ("model", "experiment"):
            return self._followed(entry.kind, str((entry.after or {}).get("name", entry.key)), entry)
        kind = {"version": "model"}.get(entry.kind, entry.kind)
        return self._followed(kind, entry.key, entry) if kind in ("model", "experiment") else entry.key

    def later(self, entry: AuditEntry, keys: Collection[tuple[str, str]], fields: Collection[str]) -> int | None:
        """The newest later record that changed one of these fields.

        Args:
            entry: The record.
            keys: Kinds and names of its object.
            fields: The fields.
        """
        where = AuditFilter(since_ms=entry.time_ms)
        for other in self._audit.page(where, limit=MOST).items:
            if other.seq <= entry.seq:
                break
            if (other.kind, other.key) in keys and set(fields) & set(touched(other.before, other.after)):
                return other.seq
        return None

    def by(self, actor: str, limit: int) -> Sequence[AuditEntry]:
        """What somebody did last, the newest first."""
        return self._audit.page(AuditFilter(actor=actor), limit=limit).items

    def undos_by(self, actor: str, limit: int) -> Sequence[AuditEntry]:
        """What somebody undid or did again last, the newest first."""
        return self._audit.page(AuditFilter(kind=KIND, actor=actor), limit=limit).items

    def size(self) -> int:
        """How many records there are."""
        return self._audit.head().size

    def since(self, size: int) -> tuple[AuditEntry, ...]:
        """The records after the first `size` ones, oldest first; at most `MOST`."""
        page = self._audit.page(limit=min(max(self.size() - size, 1), MOST))
        return tuple(each for each in reversed(page.items) if each.seq > size)

    def _around(self, seq: int) -> Sequence[AuditEntry]:
        return self._audit.page(limit=2 * REACH + 1, page_token=encode_token(seq + REACH + 1)).items

    def _followed(self, kind: str, name: str, entry: AuditEntry) -> str:
        """The name after all renames since; of a version, that of its model."""
        name, slash, number = name.partition("/")
        renames = self._audit.page(AuditFilter(kind=kind, verb="rename", since_ms=entry.time_ms), limit=MOST)
        for each in reversed(renames.items):
            if each.seq > entry.seq and (each.before or {}).get("name") == name:
                name = str((each.after or {}).get("name", name))
        return f"{name}{slash}{number}"


def records_of(undo: AuditEntry) -> tuple[int, ...]:
    """The numbers of the records that an undo's changes left."""
    told = (undo.after or {}).get("records", ())
    return tuple(each for each in told if isinstance(each, int)) if isinstance(told, list | tuple) else ()


def _whole(entries: Iterable[AuditEntry]) -> list[AuditEntry]:
    """The records of an undo, without those about something that it had made itself: they go with it."""
    kept: list[AuditEntry] = []
    made: set[tuple[str, str]] = set()
    for entry in entries:
        if (entry.kind, entry.key) not in made:
            kept.append(entry)
        if entry.before is None:
            made.add((entry.kind, entry.key))
    return kept


def lead(entry: AuditEntry, near: Sequence[AuditEntry]) -> tuple[AuditEntry, Inverse | Never]:
    """The leading record of the act that a record is a part of, and how it is undone.

    Args:
        entry: The record.
        near: The records around it, the newest first.

    Returns:
        The leading record or the record itself.
    """
    found = answer(entry.kind, entry.verb)
    if not isinstance(found, Part):
        return entry, found
    for each in found.leads:
        leader = _leader(entry, near, each)
        if leader is not None:
            return lead(leader, near)
    return entry, found.alone


def _leader(entry: AuditEntry, near: Sequence[AuditEntry], wanted: Lead) -> AuditEntry | None:
    if not entry.reason.endswith(wanted.said):
        return None
    way = sorted(near, key=lambda each: each.seq, reverse=not wanted.after)
    for each in way:
        if (each.seq > entry.seq) is not wanted.after or each.seq == entry.seq:
            continue
        if (each.time_ms, each.actor, each.via) != (entry.time_ms, entry.actor, entry.via):
            return None  # another transaction
        if each.kind == wanted.kind and each.verb in wanted.verbs:
            return each
    return None
