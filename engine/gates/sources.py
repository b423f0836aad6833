"""What trials stand on: narrow views of the services that build, route and capture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.core.paging import Page
    from engine.db.database import Database
    from engine.db.transaction import Snapshot
    from engine.endpoints.model import Build, Endpoint
    from engine.registry.reading import ModelReading
    from engine.telemetry.model import Prediction, PredictionQuery

    Progress = Callable[[str, int, int], None]


class Building(Protocol):
    """Makes versions ready to serve."""

    def build(self, model: str, version: int, *, progress: Progress | None = None) -> Build:
        """A version made ready to serve.

        Raises:
            QuarterdeckError: it cannot be.
        """
        ...

    def path(self, build: Build) -> Path:
        """The file of a build.

        Raises:
            QuarterdeckError: its digest is none.
        """
        ...

    def pickle_allowed(self, digest: str) -> bool:
        """Whether an approver answers for the pickle in a version's bytes."""
        ...


class Routing(Protocol):
    """Knows which versions are live."""

    def of_model(self, view: Snapshot, model: str) -> tuple[str, ...]:
        """The names of a model's endpoints."""
        ...

    def get(self, name: str) -> Endpoint:
        """An endpoint.

        Raises:
            QuarterdeckError: there is none.
        """
        ...


class Capture(Protocol):
    """Knows what endpoints were asked."""

    def predictions(self, query: PredictionQuery) -> Page[Prediction]:
        """A page of captured predictions, the newest first.

        Raises:
            QuarterdeckError: nobody can tell.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """What trials stand on.

    Args:
        database: The control database.
        models: The versions and their files.
        path_of: Where the bytes of a digest are.
        builds: Gives what makes versions ready to serve.
        endpoints: Gives what knows which versions are live.
        telemetry: Gives what knows what endpoints were asked.
    """

    database: Database
    models: ModelReading
    path_of: Callable[[str], Path]
    builds: Callable[[], Building]
    endpoints: Callable[[], Routing]
    telemetry: Callable[[], Capture]
