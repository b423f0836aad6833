"""From the audit log to messages: which record is which event, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from engine.audit.model import AuditEntry

Data: TypeAlias = dict[str, Any]


class Occurrence(NamedTuple):
    """Something that webhooks may listen for.

    Args:
        event: What happened, as `entity.action`.
        data: The facts.
    """

    event: str
    data: Data


def occurrences(entry: AuditEntry) -> Iterator[Occurrence]:
    """What webhooks are told of an audit record.

    Args:
        entry: The record.

    Yields:
        What happened, with who did it and why.
    """
    rule = _RULES.get((entry.kind, entry.verb)) or _BY_KIND.get(entry.kind)
    for event, data in rule(entry) if rule else ():
        by = {"actor": entry.actor, "reason": entry.reason, "audit_seq": entry.seq}
        yield Occurrence(event, {**data, **by})


Found: TypeAlias = Iterator[tuple[str, Data]]
Rule: TypeAlias = Callable[["AuditEntry"], Found]


def _after(entry: AuditEntry) -> Mapping[str, Any]:
    return entry.after or {}


def _before(entry: AuditEntry) -> Mapping[str, Any]:
    return entry.before or {}


def _numbered(entry: AuditEntry) -> Data:
    name, _, number = entry.key.rpartition("/")
    return {"name": name, "version": number}


def _named(entry: AuditEntry) -> Data:
    after = _after(entry)
    return {"name": entry.key, "tags": after.get("tags", {}), "description": after.get("description") or None}


def _created(entity: str) -> Rule:
    def rule(entry: AuditEntry) -> Found:
        yield f"{entity}.created", _named(entry)

    return rule


def _registered(entity: str, *fields: str) -> Rule:
    def rule(entry: AuditEntry) -> Found:
        after = _after(entry)
        facts = {field: after.get(field) or None for field in fields}
        yield f"{entity}.created", {**_numbered(entry), **facts, "tags": after.get("tags", {})}

    return rule


def _deleted(entity: str, facts: Callable[[AuditEntry], Data]) -> Rule:
    def rule(entry: AuditEntry) -> Found:
        yield f"{entity}.deleted", facts(entry)

    return rule


def _tagged(entity: str, facts: Callable[[AuditEntry], Data]) -> Rule:
    def rule(entry: AuditEntry) -> Found:
        for key, value in _after(entry).get("tags", {}).items():
            if value is None:
                yield f"{entity}.deleted", {**facts(entry), "key": key}
            else:
                yield f"{entity}.set", {**facts(entry), "key": key, "value": value}

    return rule


def _aliased(entity: str) -> Rule:
    def rule(entry: AuditEntry) -> Found:
        for alias, number in _after(entry).get("aliases", {}).items():
            if number is None:
                yield f"{entity}.deleted", {"name": entry.key, "alias": alias}
            else:
                yield f"{entity}.created", {"name": entry.key, "alias": alias, "version": str(number)}

    return rule


def _name_alone(entry: AuditEntry) -> Data:
    return {"name": entry.key}


def _renamed(entry: AuditEntry) -> Found:
    yield "registered_model.renamed", {"name": entry.key, "new_name": _after(entry).get("name")}


def _retraining(entry: AuditEntry) -> Found:
    yield "registered_model.retraining_asked", {"name": entry.key, "version": _after(entry).get("version")}


def _moved(entry: AuditEntry) -> Found:
    """A version's stage, whatever the act is called: promote, archive, demote, roll back."""
    before, after = _before(entry).get("stage"), _after(entry).get("stage")
    if before is not None and after is not None and before != after:
        yield "model_version.stage_changed", {**_numbered(entry), "from_stage": before, "to_stage": after}


def _refused(entry: AuditEntry) -> Found:
    yield "promotion.refused", {**_numbered(entry), **_after(entry)}


def _promoted(entry: AuditEntry) -> Found:
    yield "promotion.made", {"id": entry.key, "act": entry.verb, **_after(entry)}


def _approval(entry: AuditEntry) -> Found:
    yield "approval.changed", {"id": entry.key, "act": entry.verb, **_after(entry)}


def _alert(change: str) -> Rule:
    def rule(entry: AuditEntry) -> Found:
        after = _after(entry)
        if not after.get("silenced"):
            yield f"alert.{change}", {"id": entry.key, **after}

    return rule


_RULES: Mapping[tuple[str, str], Rule] = {
    ("model", "create"): _created("registered_model"),
    ("model", "rename"): _renamed,
    ("model", "ask retraining"): _retraining,
    ("model", "delete"): _deleted("registered_model", _name_alone),
    ("model", "set alias"): _aliased("model_version_alias"),
    ("model", "remove alias"): _aliased("model_version_alias"),
    ("version", "register"): _registered("model_version", "source", "run_id", "description"),
    ("version", "delete"): _deleted("model_version", _numbered),
    ("version", "tag"): _tagged("model_version_tag", _numbered),
    ("version", "refuse"): _refused,
    ("prompt", "create"): _created("prompt"),
    ("prompt", "tag"): _tagged("prompt_tag", _name_alone),
    ("prompt", "set alias"): _aliased("prompt_alias"),
    ("prompt", "remove alias"): _aliased("prompt_alias"),
    ("prompt version", "register"): _registered("prompt_version", "commit_message"),
    ("prompt version", "tag"): _tagged("prompt_version_tag", _numbered),
    ("alert", "open"): _alert("opened"),
    ("alert", "worsen"): _alert("worsened"),
    ("alert", "escalate"): _alert("escalated"),
    ("alert", "acknowledge"): _alert("acknowledged"),
    ("alert", "reopen"): _alert("reopened"),
    ("alert", "resolve"): _alert("resolved"),
}
_BY_KIND: Mapping[str, Rule] = {"version": _moved, "promotion": _promoted, "approval": _approval}
