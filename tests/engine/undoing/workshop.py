"""A desk whose builds are told, but whose pickles are answered for in earnest."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from engine.api import Engine
from tests.engine.endpoints.desk import Desk

if TYPE_CHECKING:
    from engine.endpoints.builds import Builds


class Workshop(Desk):
    """A workspace with people, versions, endpoints, and what else can be changed."""

    def engine(self, name: str = "root", on_behalf_of: str = "", *, read_only: bool = False) -> Engine:
        """The workspace as opened by somebody now."""
        made = super().engine(name, on_behalf_of, read_only=read_only)
        builds = vars(Engine)["builds"]
        assert isinstance(builds, cached_property)
        real: Builds = builds.func(made)
        for operation in ("pickle_allowed", "allow_pickle", "forbid_pickle"):
            setattr(made.builds, operation, getattr(real, operation))
        return made
