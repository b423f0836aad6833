"""Endpoints of others beside ours: one list, one order, and nothing that could be changed of theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from console.actions import Action, Needs
from console.endpoints.standing import WELL, Standing, read_all, read_one
from console.resources.memory import all_pages
from engine.core.errors import NotFound
from engine.probing.model import HealthState, Watched

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from engine.api import Engine

Beside = Standing | Watched
"""An endpoint of ours as it stands, or one of others as probes find it."""

THEIRS = "Somebody else serves it: it is only looked at from here. Enter shows what probes found."


def name_of(shown: Beside) -> str:
    """The endpoint's name; no two of them share one."""
    return shown.endpoint.name


def well(shown: Beside) -> bool:
    """Whether nobody need look at it."""
    return shown.health in WELL if isinstance(shown, Standing) else shown.health.state is HealthState.HEALTHY


def read_beside(engine: Engine) -> list[Beside]:
    """Read how all endpoints do, ours and those of others, by name.

    Args:
        engine: The open workspace.

    Raises:
        QuarterdeckError: the workspace cannot be read.
    """
    theirs = all_pages(lambda token: engine.probing.page(limit=1_000, page_token=token))
    return sorted([*read_all(engine), *theirs], key=name_of)


def read_one_beside(engine: Engine, name: str) -> Beside:
    """Read how one endpoint does, whoever serves it.

    Args:
        engine: The open workspace.
        name: Its name.

    Raises:
        NotFound: nobody serves one of that name.
        QuarterdeckError: the workspace cannot be read.
    """
    try:
        return read_one(engine, name)
    except NotFound:
        return engine.probing.get(name)


def of_ours(action: Action) -> Action:
    """An action on endpoints of ours, which says of others' that it cannot be done.

    Args:
        action: Takes a `Standing`.
    """
    if action.needs is Needs.NOTHING:
        return action
    return replace(action, enabled=_only_ours(action.enabled))


def _only_ours(enabled: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    return lambda shown: THEIRS if isinstance(shown, Watched) else enabled(shown)
