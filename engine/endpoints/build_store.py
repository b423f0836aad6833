"""SQL of builds and of the words that approvers give for pickled models."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.endpoints.model import Build
from engine.runtimes.model import Field, Interface, ParityCheck, ParityReport, RuntimeKind

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot, Transaction

_COLUMNS = "digest, kind, interface, file_digest, file_format, parity, size_bytes, built_ms"


def get(view: Snapshot, digest: str) -> Build | None:
    """The build of a version's bytes, or `None`."""
    row = view.execute(f"SELECT {_COLUMNS} FROM build WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    digest, kind, interface, file_digest, file_format, parity, size_bytes, built_ms = row
    reports = tuple(_report(each) for each in json.loads(parity))
    return Build(
        digest,
        RuntimeKind(kind),
        _interface(json.loads(interface)),
        file_digest,
        file_format,
        reports,
        size_bytes,
        built_ms,
    )


def put(tx: Transaction, build: Build) -> None:
    """Store a build in the place of an earlier one of the same bytes."""
    sql = f"""INSERT INTO build ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (digest) DO UPDATE SET kind = excluded.kind, interface = excluded.interface,
        file_digest = excluded.file_digest, file_format = excluded.file_format, parity = excluded.parity,
        size_bytes = excluded.size_bytes, built_ms = excluded.built_ms"""
    interface = json.dumps(asdict(build.interface))
    parity = json.dumps([asdict(each) for each in build.parity])
    values = (build.file_digest, build.file_format, parity, build.size_bytes, build.built_ms)
    tx.execute(sql, (build.digest, build.kind.value, interface, *values))


def is_allowed(view: Snapshot, digest: str) -> bool:
    """Whether an approver answers for the pickle in a version's bytes."""
    return view.execute("SELECT 1 FROM allowance WHERE digest = ?", (digest,)).fetchone() is not None


def allow(tx: Transaction, digest: str, reason: str) -> None:
    """Write down that the actor answers for the pickle in a version's bytes."""
    sql = """INSERT INTO allowance (digest, actor, on_behalf_of, reason, time_ms) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (digest) DO UPDATE SET actor = excluded.actor, on_behalf_of = excluded.on_behalf_of,
        reason = excluded.reason, time_ms = excluded.time_ms"""
    tx.execute(sql, (digest, tx.actor.name, tx.actor.on_behalf_of, reason, tx.now_ms))


def forbid(tx: Transaction, digest: str) -> bool:
    """Take that word back; whether there was one."""
    return tx.execute("DELETE FROM allowance WHERE digest = ?", (digest,)).rowcount == 1


def forbidden(view: Snapshot, digest: str) -> bool:
    """Whether a build needs an approver's word, and has none any more."""
    sql = "SELECT 1 FROM build WHERE digest = ? AND kind = ? AND digest NOT IN (SELECT digest FROM allowance)"
    return view.execute(sql, (digest, RuntimeKind.ISOLATED.value)).fetchone() is not None


def keys_of(view: Snapshot, digest: str) -> tuple[tuple[str, int], ...]:
    """The versions that have these bytes: model and number."""
    sql = """SELECT m.name, v.number FROM model_version v JOIN model m ON m.id = v.model
             WHERE v.digest = ? ORDER BY m.name, v.number"""
    return tuple(view.execute(sql, (digest,)))


def _interface(value: dict[str, Any]) -> Interface:
    inputs, outputs = (tuple(_field(each) for each in value[side]) for side in ("inputs", "outputs"))
    return Interface(inputs, outputs, tuple(value["classes"]))


def _field(value: dict[str, Any]) -> Field:
    return Field(**(value | {"shape": tuple(value["shape"])}))


def _report(value: dict[str, Any]) -> ParityReport:
    checks = tuple(ParityCheck(**each) for each in value["checks"])
    return ParityReport(**(value | {"kind": RuntimeKind(value["kind"]), "checks": checks}))
