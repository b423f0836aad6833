"""Prompts that come from elsewhere: the times they have there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.prompts import store
from engine.prompts.reading import find, find_version
from engine.tracking.rules import check_integer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.core.access import Access
    from engine.db.database import Database


@dataclass(frozen=True, slots=True)
class Times:
    """When something was made and last changed.

    Args:
        created_ms: In milliseconds since the epoch.
        updated_ms: The same, not before.
    """

    created_ms: int
    updated_ms: int


class PromptImports:
    """Gives prompts that were imported the times of their source.

    Args:
        database: The control database.
        access: Who acts, with which role.
    """

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def set_times(self, name: str, times: Times, versions: Mapping[int, Times]) -> None:
        """Say when a prompt and its versions were made and last changed.

        Args:
            name: The prompt.
            times: Its times.
            versions: Those of its versions, by number; the others keep theirs.

        Raises:
            NotFound: there is no such prompt or version.
            InvalidInput: a time cannot be kept.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no operator.
        """
        actor = self._access.require(Role.OPERATOR, "prompts import")
        for each in (times, *versions.values()):
            check_integer(each.created_ms, "The time of a prompt")
            check_integer(each.updated_ms, "The time of a prompt")
        with self._database.transaction(actor) as tx:
            prompt = find(tx, name)
            for number, each in versions.items():
                version = find_version(tx, name, number)
                store.set_version_times(tx, version.row_id, each.created_ms, max(each.created_ms, each.updated_ms))
            store.set_times(tx, prompt.row_id, times.created_ms, max(times.created_ms, times.updated_ms))
            after = {"created_ms": times.created_ms, "versions": len(versions)}
            record(tx, verb="import", kind="prompt", key=name, before={"created_ms": prompt.created_ms}, after=after)
            tx.emit(kind="prompt", change="changed", key=name, row_id=prompt.row_id)
