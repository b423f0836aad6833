"""The files of registered versions, read as the files of anything else and never changed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from engine.artifacts.file_store import VERSION_FILES
from engine.artifacts.files import Owner, Owners
from engine.core.errors import Conflict, NotFound
from engine.registry import store

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot, Transaction

_ID = re.compile(r"v-([0-9]{1,18})", re.ASCII)


def _find(view: Snapshot, files_id: str) -> Owner:
    found = _ID.fullmatch(files_id)
    if found is None or not store.exists(view, int(found[1])):
        raise NotFound("There is no such registered version.", hint="`qd versions list` shows all versions.")
    return Owner(int(found[1]), files_id)


def _refuse(_view: Snapshot, _files_id: str) -> NoReturn:
    raise Conflict("The files of a registered version do not change.", hint="Register another version.")


def _record(_tx: Transaction, _verb: str, _owner: Owner, _before: dict[str, object], _after: dict[str, object]) -> None:
    """Nothing changes, so nothing is recorded."""


VERSIONS_OWN = Owners("version", "registered version", VERSION_FILES, _find, _refuse, _record)
"""Registered versions, as what files belong to."""
