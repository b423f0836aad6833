"""What data planes have taken over: they say so, and who changed something waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.core.errors import InvalidInput, NotAcknowledged
from engine.core.names import in_shell
from engine.endpoints import planes, store
from engine.endpoints.keeping import EndpointKeeping
from engine.endpoints.reading import failing, find_row
from engine.registry.names import MAX_TEXT, check_word

if TYPE_CHECKING:
    from engine.endpoints.model import Endpoint

_DAY_MS = 86_400_000
_LOOK_S = 0.02


class EndpointWatching(EndpointKeeping):
    """Writes down what data planes say, and waits for it; the arguments are those of `EndpointKeeping`."""

    def acknowledge(self, name: str, plane: str, generation: int, *, problem: str = "") -> None:
        """Write down what a data plane serves of an endpoint.

        Args:
            name: The endpoint's name.
            plane: Which data plane.
            generation: The last generation it has taken over completely; 0 before the first.
            problem: Why it has not taken over a newer one; empty otherwise, cut at 500 characters.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such endpoint any more.
            InvalidInput: the number is negative, or a text cannot be stored.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        actor = self._access.require_still(Role.OPERATOR, "serving")
        check_word(plane, "data plane's name")
        check_word(problem, "problem", MAX_TEXT)
        if generation < 0:
            raise InvalidInput("No generation has that number.")
        living = [each.id for each in planes.living(self._workspace)]
        with self._database.transaction(actor) as tx:
            row_id = find_row(tx, name)
            store.forget(tx, tx.now_ms - _DAY_MS, (*living, plane))
            store.acknowledge(tx, row_id, plane, generation, problem[:500])
            tx.emit(kind="endpoint", change="acknowledged", key=name, row_id=row_id)

    def wait(
        self,
        name: str,
        generation: int,
        *,
        timeout_s: float = 10.0,
        progress: Callable[[Endpoint], None] | None = None,
    ) -> Endpoint:
        """Wait until every living data plane serves a generation, or a newer one.

        Args:
            name: The endpoint's name.
            generation: The generation's number.
            timeout_s: How long to wait, in seconds.
            progress: Called with the endpoint whenever what is observed of it has changed.

        Returns:
            The endpoint: `observed` is at least `generation`, or `None` when no data plane lives.

        Raises:
            NotFound: the endpoint was deleted meanwhile.
            NotAcknowledged: not all have said in time that they serve it, or one has said that it cannot; the details
                say who.
        """
        until = time.monotonic() + timeout_s
        seen: object = ()
        while True:
            found = self.get(name)
            if found.observed is None or found.observed >= generation:
                return found
            said = [(each.plane, each.generation, each.problem) for each in found.acknowledgements if each.alive]
            if progress is not None and said != seen:
                progress(found)
            seen = said
            problem = failing(found)
            if problem or time.monotonic() > until:
                raise _not_acknowledged(found, generation, problem, timeout_s)
            time.sleep(_LOOK_S)


def _not_acknowledged(endpoint: Endpoint, generation: int, problem: str, timeout_s: float) -> NotAcknowledged:
    behind = {each.plane: each.generation for each in endpoint.acknowledgements if each.alive}
    from engine.core.text import clean  # only a failure needs it

    why = (
        f"a data plane cannot take it over: {clean(problem, limit=300)}."
        if problem
        else f"not every data plane has taken it over within {timeout_s:g} s."
    )
    return NotAcknowledged(
        f"Generation {generation} of {endpoint.name} is recorded, but {why}",
        hint=f"`qd endpoints show {in_shell(endpoint.name)}` tells what serves now; `qd endpoints undo` takes it back.",
        details={"desired": generation, "observed": endpoint.observed, "planes": behind},
    )
