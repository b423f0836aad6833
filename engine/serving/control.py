"""The control plane as a data plane sees it: the workspace's database and artifacts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from engine.core.errors import NotFound
from engine.core.suggest import did_you_mean
from engine.runtimes.model import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from engine.api import Engine
    from engine.db.feed import ChangeFeed
    from engine.endpoints.model import DesiredDeployment, DesiredEndpoint
    from engine.runtimes.model import Field, Runtime

_WARM_CALLS = 20
_WARM_ROWS = 16
_ACKNOWLEDGED = "acknowledged"


class Workspace:
    """Follows the endpoints of a workspace.

    Args:
        engine: The workspace.
        names: Only these endpoints; all when empty.
        plane: What this data plane is called.
    """

    def __init__(self, engine: Engine, names: Sequence[str], plane: str) -> None:
        self._engine = engine
        self._names = frozenset(names)
        self._plane = plane
        self._feed: ChangeFeed | None = None

    def check_names(self) -> None:
        """Refuse to serve what is not there.

        Raises:
            NotFound: there is no endpoint of a name that was given.
        """
        there = {each.name for each in self._engine.endpoints.desired()}
        for name in sorted(self._names - there):
            raise NotFound(f"There is no endpoint {name!r}.", hint=did_you_mean(name, there))

    def changed(self) -> bool:
        """Whether endpoints may have changed since the last time; see `Control`."""
        if self._feed is None:
            self._feed = self._engine.feed()
            return True
        try:
            changes = self._feed.poll()
        except BaseException:
            self._feed.close()
            self._feed = None  # the next look reads whatever is there by then
            raise
        if changes is None:
            return False
        return changes.missed or any(
            each.kind == "endpoint" and each.change != _ACKNOWLEDGED for each in changes.events
        )

    def desired(self) -> tuple[DesiredEndpoint, ...]:
        """What to serve; see `Control`."""
        found = self._engine.endpoints.desired()
        return tuple(each for each in found if not self._names or each.name in self._names)

    def load(self, wanted: DesiredDeployment) -> Runtime:
        """A version in memory, compared with its digest, and warm; see `Control`."""
        from engine.runtimes.loading import load

        build = wanted.build
        # Not through `Builds`, which knows the whole registry: a start would load all of it for this one path.
        path = self._engine.artifacts.path_of(build.file_digest)
        runtime = load(path, build.kind, build.file_format, build.interface, digest=build.file_digest)
        warm(runtime)
        return runtime

    def acknowledge(self, endpoint: str, generation: int, problem: str) -> None:
        """Say what is served; see `Control`."""
        self._engine.endpoints.acknowledge(endpoint, self._plane, generation, problem=problem)

    def close(self) -> None:
        """Stop following."""
        if self._feed is not None:
            self._feed.close()


def warm(runtime: Runtime) -> None:
    """Call a model until it is as quick as it gets; what it says to made-up rows does not matter.

    Args:
        runtime: The model.
    """
    with suppress(Exception):
        for size in (*(1 for _ in range(_WARM_CALLS)), _WARM_ROWS):
            runtime.predict(plausible(runtime, size))


def plausible(runtime: Runtime, size: int) -> Rows:
    """Rows that a model might be given.

    Args:
        runtime: The model.
        size: How many.
    """
    import numpy as np

    interface = runtime.interface
    columns = {each.name: _values(each, size) for each in interface.inputs}
    if interface.numeric:
        return Rows(size, np.column_stack([each.astype(np.float64) for each in columns.values()]))
    return Rows(size, None, columns)


def _values(field: Field, size: int) -> NDArray[np.generic]:
    import numpy as np

    shape = (size, *field.shape)
    if field.dtype == "str":
        return np.full(shape, "", dtype=object)
    low = 0.0 if field.low is None else field.low
    high = low if field.high is None else field.high
    return np.full(shape, min(max(0.0, low), high)).astype(field.dtype)
