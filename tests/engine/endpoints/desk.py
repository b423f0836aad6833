"""A workspace with versions that can be deployed: builds are told, not made, since what they hold is no matter here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.endpoints import build_store
from engine.endpoints.model import Build, Endpoint, Plane
from engine.endpoints.planes import PlaneLock
from engine.runtimes.model import Field, Interface, RuntimeKind
from tests.engine.deployment.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from engine.api import Engine
    from engine.endpoints.service import Endpoints

INTERFACE = Interface((Field("x", "float64"),), (Field("predict", "float64"),))


class ToldBuilds:
    """Knows a build for every version, but those of the digests in `refused`.

    Args:
        engine: Whose versions.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.refused: dict[str, Exception] = {}
        self.asked: list[tuple[str, int]] = []

    def build(self, model: str, version: int) -> Build:
        """Store a build of a version, or raise what was told."""
        self.asked.append((model, version))
        found = self._engine.models.version(model, version)
        if found.digest in self.refused:
            raise self.refused[found.digest]
        stored = self._engine.artifacts.put_bytes(b"told")
        build = Build(found.digest, RuntimeKind.LINEAR, INTERFACE, stored.digest, "folded", (), 4, 0)
        with self._engine.database.transaction(self._engine.access.actor) as tx:
            build_store.put(tx, build)
        return build

    def get(self, digest: str) -> Build | None:
        """The build that was stored."""
        with self._engine.database.snapshot() as view:
            return build_store.get(view, digest)


class Desk(World):
    """A world whose engines have told builds; `bob` is an operator."""

    def engine(self, name: str = "bob", on_behalf_of: str = "", *, read_only: bool = False) -> Engine:
        """The workspace as opened by somebody now."""
        engine = super().engine(name, on_behalf_of, read_only=read_only)
        engine.__dict__["builds"] = ToldBuilds(engine)
        engine.__dict__["acting"] = lambda actor, _role: self.engine(actor.name, actor.on_behalf_of)
        return engine

    @property
    def endpoints(self) -> Endpoints:
        """Endpoints as an operator uses them."""
        return self.endpoints_of("bob")

    def endpoints_of(self, name: str) -> Endpoints:
        """Endpoints as somebody uses them."""
        return self.engine(name).endpoints

    def versions(self, count: int, *, model: str = "churn") -> None:
        """Register so many versions."""
        for _ in range(count):
            self.register(model=model)

    def endpoint(self, versions: int = 3, name: str = "churn", *, live: int | None = 1) -> Endpoint:
        """An endpoint of the model churn with so many versions, one of them live."""
        self.versions(versions)
        self.endpoints.create(name, "churn")
        if live is not None:
            self.endpoints.deploy(name, live, reason="first")
        return self.endpoints.get(name)

    def plane(self, name: str = "gate-1:4711", *endpoints: str) -> PlaneLock:
        """A data plane that lives as long as this context manager."""
        told = Plane(name, 4711, "gate-1", "http://127.0.0.1:8080", 1, "bob", self.clock.now_ms(), "0.0", endpoints)
        return PlaneLock(self.workspace, told).take()

    def shares(self, name: str = "churn") -> dict[int, tuple[str, int]]:
        """What is routed: share and weight by version."""
        routed = (each for each in self.endpoints.get(name).deployments if each.share is not None)
        return {each.version: (each.share.value, each.weight) for each in routed if each.share is not None}

    def audited(self, verb: str) -> list[dict[str, Any]]:
        """What the audit log keeps of a verb on endpoints, the oldest first."""
        found = self.engine().audit.page(limit=10_000).items
        return [
            json.loads(json.dumps(each.after))
            for each in reversed(found)
            if (each.kind, each.verb) == ("endpoint", verb)
        ]


def make(path: Path, policy: str = "") -> Desk:
    """A desk in a folder."""
    return Desk(path, policy)
