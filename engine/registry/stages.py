"""Moving a version between stages inside a caller's transaction: the write, its audit record, its aliases, its news.

No policy is decided here; `engine.deployment` decides and composes these. It is the only way a stage changes.
"""

from __future__ import annotations

from engine.audit.service import record
from engine.core.errors import Conflict
from engine.db.transaction import Snapshot, Transaction
from engine.policy.model import Policy
from engine.registry import lookup, model_store, store
from engine.registry.model import Stage, Version


def read_version(view: Snapshot, model: str, number: int) -> Version:
    """The version of that number, as the transaction sees it.

    Args:
        view: The caller's transaction or snapshot.
        model: The model's name.
        number: The version's number.

    Returns:
        The version.

    Raises:
        NotFound: no such model or version; the hint names the nearest.
    """
    return lookup.version(view, model, number)


def production_versions(view: Snapshot, model: str) -> tuple[Version, ...]:
    """The versions of a model in Production, the one that entered last first; none for an unknown model."""
    return store.in_stage(view, model, Stage.PRODUCTION)


def move_stage(
    tx: Transaction, version: Version, to: Stage, *, policy: Policy, verb: str = "promote", reason: str = ""
) -> Version:
    """Move a version to another stage: the row, one audit record, one event, and the aliases the policy protects.

    A protected alias of a version that leaves Production moves to the version that entered Production last, or goes
    when there is none. So move the new version in first, then the old ones out.

    Args:
        tx: The caller's transaction.
        version: What the transaction read with `read_version`; its stage must still be that.
        to: Where it goes; another stage than its own.
        policy: Says which aliases are protected.
        verb: What the audit log calls it, such as `promote`, `roll back`, `archive`.
        reason: Why, in the actor's words.

    Returns:
        The version as it stands afterwards.

    Raises:
        NotFound: the version was deleted.
        Conflict: it is not in the stage that `version` says, or already in `to`.
    """
    current = lookup.version(tx, version.model, version.version)
    if current.stage is not version.stage or current.stage is to:
        raise Conflict(
            f"{version.key} is in {current.stage} now.",
            hint="Look at it again before moving it.",
            details={"model": version.model, "version": version.version, "stage": current.stage.value},
        )
    store.set_stage(tx, current.row_id, to)
    model_store.touch(tx, current.model)
    record(
        tx,
        verb=verb,
        kind="version",
        key=current.key,
        before={"stage": current.stage.value},
        after={"stage": to.value, "digest": current.digest},
        reason=reason,
    )
    tx.emit(kind="version", change="stage", key=current.key)
    if to is not Stage.PRODUCTION and (current.stage is Stage.PRODUCTION or not policy.missing):
        _hand_over_aliases(tx, current, policy=policy, reason=f"{current.key} left Production")
    return lookup.version(tx, current.model, current.version)


def _hand_over_aliases(tx: Transaction, version: Version, *, policy: Policy, reason: str) -> None:
    heir = next(iter(store.in_stage(tx, version.model, Stage.PRODUCTION)), None)
    for alias in version.aliases:
        if policy.protects(alias):
            write_alias(tx, version.model, alias, heir, reason=reason)


def write_alias(tx: Transaction, model: str, alias: str, version: Version | None, *, reason: str = "") -> None:
    """Point an alias to a version, or remove it, with its audit record and news. Nothing is asked of the policy.

    Args:
        tx: The caller's transaction.
        model: The model's name; it exists.
        alias: A valid alias.
        version: A version of that model, or `None` to remove the alias.
        reason: Why, in the actor's words.
    """
    before = model_store.alias_target(tx, model, alias)
    after = None if version is None else version.version
    if before == after:
        return
    model_store.point_alias(tx, model, alias, None if version is None else version.row_id)
    model_store.touch(tx, model)
    record(
        tx,
        verb="remove alias" if version is None else "set alias",
        kind="model",
        key=model,
        before={"aliases": {alias: before}},
        after={"aliases": {alias: after}},
        reason=reason,
    )
    tx.emit(kind="model", change="changed", key=model)
    for number in (before, after):
        if number is not None:
            tx.emit(kind="version", change="changed", key=f"{model}/{number}")
