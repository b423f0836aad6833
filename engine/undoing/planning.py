"""From a record to the plan of its undo: what changes, what changed since, who may, what the policy says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.audit.canonical import canonical_text
from engine.core.access import Role
from engine.core.errors import NotFound, PermissionDenied, QuarterdeckError
from engine.core.plain import plain
from engine.core.text import clean
from engine.undoing.inverse import Case, Inverse, Never, flat, touched
from engine.undoing.model import KIND, REDO, UNDO, FieldChange, UndoPlan
from engine.undoing.registry import why_final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.audit.model import AuditEntry
    from engine.core.access import Access
    from engine.undoing.chronicle import Chronicle
    from engine.undoing.inverse import Services, State


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and what carries it out.

    Args:
        plan: What people are shown.
        target: The record that the undo will name: the one asked for, or the redo by which it stands.
        steps: What is to be done, in this order.
        hard: Blockers that no operation would refuse by itself.
    """

    plan: UndoPlan
    target: AuditEntry
    steps: tuple[tuple[Inverse, Case], ...]
    hard: tuple[str, ...]

    @property
    def slow(self) -> bool:
        """Whether a step takes long or opens transactions of its own."""
        return any(inverse.slow for inverse, _ in self.steps)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one step finds.

    Args:
        changes: The fields that it changes.
        hard: What stands in its way.
        later: The later record that changed the same.
    """

    changes: tuple[FieldChange, ...] = ()
    hard: tuple[str, ...] = ()
    later: int | None = None


def prepare(services: Services, chronicle: Chronicle, seq: int, passed: tuple[str, ...] = ()) -> Prepared:
    """Plan the undo of a record.

    Args:
        services: The engine.
        chronicle: Its audit log.
        seq: The record's number.
        passed: What was passed over to get to it.

    Returns:
        The plan and its steps; no steps when it cannot be undone at all.

    Raises:
        NotFound: there is no such record.
        IntegrityError: a record has been damaged.
        PolicyInvalid: `quarterdeck.toml` is wrong.
    """
    entry, how = chronicle.leading(chronicle.entry(seq))
    target = chronicle.standing(entry)
    undo = chronicle.undone_by(entry.seq)
    found = [(entry, how)] if how is not None and target is entry else list(chronicle.parts(target))
    never = [each.why for _, each in found if isinstance(each, Never)]
    steps = tuple((each, Case(services, of, chronicle.name_now(of))) for of, each in found if isinstance(each, Inverse))
    if undo is not None:
        never = [f"It was undone already, by {undo.actor} in record {undo.seq}; undo that to do it again."]
    looks = [] if never else [_looked(chronicle, inverse, case) for inverse, case in steps]
    hard = (*never, *(line for look in looks for line in look.hard))
    role = max((inverse.role for inverse, _ in steps), default=Role.VIEWER)
    soft = (*_standing_against(services.access, role), *(() if hard else _policy(steps)))
    changes = tuple(change for look in looks for change in look.changes)
    redo = entry.kind == KIND and entry.verb == UNDO
    plan = UndoPlan(
        record=entry,
        asked=seq,
        changes=changes,
        redo=redo,
        role=role,
        danger=1 if hard else max((inverse.danger(case) for inverse, case in steps), default=1),
        blockers=(*hard, *soft),
        later=next((look.later for look in looks if look.later is not None), None),
        loses=" ".join(inverse.loses for inverse, _ in steps if inverse.loses),
        final=" ".join(filter(None, (_final(inverse, case) for inverse, case in steps))),
        passed=passed,
        expect=_fingerprint(target, changes),
    )
    return Prepared(plan, target, steps if not never else (), hard)


def _looked(chronicle: Chronicle, inverse: Inverse, case: Case) -> _Look:
    """Compare what was left with what is there."""
    try:
        refused = inverse.refuse(case)
        before, after = inverse.states(case)
        now = inverse.now(case)
    except NotFound as error:
        refused, (before, after), now = "", _states(inverse, case), None
        if after is not None:
            return _Look(hard=(f"{_called(case)} is gone. {error.message}",))
    except PermissionDenied as error:  # not everybody may see tokens and webhooks
        return _Look(hard=(str(error),))
    if refused:
        return _Look(hard=(refused,))
    if (now is None) is not (after is None):
        gone = (
            f"{_called(case)} is gone." if now is None else f"{_called(case)} is there again, made by somebody since."
        )
        return _Look(hard=(gone,))
    return _compared(chronicle, inverse, case, before, now, after)


def _compared(chronicle: Chronicle, inverse: Inverse, case: Case, before: State, now: State, after: State) -> _Look:
    fields = touched(before, after)
    there, left, was = flat(now), flat(after), flat(before)
    changes = tuple(FieldChange(field, there.get(field), was.get(field)) for field in fields)
    if all(there.get(field) == left.get(field) for field in fields):
        return _Look(changes, tuple(inverse.blockers(case)))
    if all(there.get(field) == was.get(field) for field in fields):
        return _Look(hard=(f"{_called(case)} is as it was before already.",))
    return _conflict(chronicle, case, [field for field in fields if there.get(field) != left.get(field)])


def _states(inverse: Inverse, case: Case) -> tuple[State, State]:
    try:
        return inverse.states(case)
    except NotFound:
        return case.entry.before, case.entry.after


def _conflict(chronicle: Chronicle, case: Case, fields: Sequence[str]) -> _Look:
    entry = case.entry
    keys = {(entry.kind, entry.key), (entry.kind, case.key)}
    wanted = {*fields}
    if entry.kind == "promotion":
        keys = {("version", field) for field in fields} | {("version", case.key)}
        wanted.add("stage")
    later = chronicle.later(entry, keys, wanted)
    names = ", ".join(clean(field, limit=60) for field in fields)
    which = f", in record {later}" if later is not None else ""
    return _Look(hard=(f"{_called(case)} has changed since in {names}{which}; undo that first.",), later=later)


def _called(case: Case) -> str:
    kind = "version" if case.entry.kind == "promotion" else case.entry.kind.replace("_", " ")
    return f"The {kind} {clean(case.key, limit=100)}"


def _standing_against(access: Access, role: Role) -> Iterator[str]:
    if access.read_only:
        yield "This session is read-only. Open the workspace without --readonly."
    elif access.role < role:
        yield f"It needs the role {role.label}; {access.actor.name} is {access.role.label}."


def _policy(steps: Sequence[tuple[Inverse, Case]]) -> Iterator[str]:
    """What the operations' own plans say."""
    for inverse, case in steps:
        try:
            yield from inverse.policy(case)
        except QuarterdeckError as error:
            yield str(error)


def _final(inverse: Inverse, case: Case) -> str:
    kind = "silence" if inverse.becomes == "unsilence" else case.entry.kind
    return why_final("alert" if inverse.becomes == "silence" else kind, inverse.becomes)


def _fingerprint(target: AuditEntry, changes: Sequence[FieldChange]) -> str:
    from hashlib import sha256

    told = {"target": target.seq, "verb": REDO, "changes": plain(changes)}
    return sha256(canonical_text(told).encode()).hexdigest()[:16]
