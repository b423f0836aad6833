"""What the registry, which knows no endpoints, is handed: what may not be deleted, and where a version is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import Conflict
from engine.core.names import in_shell
from engine.endpoints import store
from engine.endpoints.rules import share_of

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot

_NAMED = 5


def refuse_held(view: Snapshot, model: str, number: int | None) -> None:
    """Refuse to let go of what endpoints serve.

    Args:
        view: The transaction that would delete it.
        model: The model's name.
        number: The version's number; `None` for the model with all its versions.

    Raises:
        Conflict: the version is loaded behind an endpoint, or the model has endpoints.
    """
    if number is None:
        names = store.names_of_model(view, model)
        if names:
            raise Conflict(
                f"{model} is served by {_listed(names)} and cannot be deleted.",
                hint=f"Delete the endpoint first: qd endpoints delete {in_shell(names[0])}.",
                details={"endpoints": list(names)},
            )
        return
    names = tuple(name for name, _ in store.routed(view, model, number))
    if names:
        raise Conflict(
            f"{model}/{number} is deployed to {_listed(names)} and cannot be deleted.",
            hint=f"Take it out first: qd endpoints retire {in_shell(names[0])} {number}.",
            details={"endpoints": list(names)},
        )


def serving(view: Snapshot, model: str, number: int) -> tuple[tuple[str, str], ...]:
    """The endpoints that have a version loaded.

    Args:
        view: The caller's snapshot.
        model: The model's name.
        number: The version's number.

    Returns:
        Each endpoint's name and what it gives the version, such as `live`.
    """
    found: list[tuple[str, str]] = []
    for name, deployment in store.routed(view, model, number):
        row_id = store.row_id(view, name)
        newest = None if row_id is None else store.newest(view, row_id)
        share = None if newest is None else share_of(newest.routes, deployment)
        if share is not None:
            found.append((name, share.value))
    return tuple(found)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
