"""Waiting until data planes serve what was recorded: no command says that traffic has moved before they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.diagnostics import narrate

if TYPE_CHECKING:
    from engine.cli.session import Session
    from engine.endpoints.model import Endpoint

WAIT_S = 10.0
"""How long a command waits unless told otherwise, in seconds."""


def until_served(session: Session, name: str, number: int, *, wait_s: float = WAIT_S) -> Endpoint:
    """Wait until every living data plane serves a generation, and say how far they are.

    Args:
        session: The command's session.
        name: The endpoint's name.
        number: The generation's number.
        wait_s: How long to wait, in seconds; 0 does not.

    Returns:
        The endpoint as it is then.

    Raises:
        NotFound: the endpoint was deleted meanwhile.
        NotAcknowledged: not all have said in time that they serve it.
    """
    endpoints = session.engine().endpoints
    found = endpoints.get(name)
    if found.observed is not None and wait_s:

        def progress(seen: Endpoint) -> None:
            narrate(f"desired {number}, observed {seen.observed} …")

        found = endpoints.wait(name, number, timeout_s=wait_s, progress=progress)
    if found.observed is None:
        narrate(f"Generation {number} is recorded; no data plane runs: start one with `qd serve`.")
    elif found.observed < number:
        narrate(f"Generation {number} is recorded; generation {found.observed} is served.")
    else:
        narrate(f"Generation {number} is served.")
    return found
