"""Where an artifact path of the wire leads: the one resolver of what clients call an artifact's place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.artifacts.model import safe_path
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

FILES = "artifacts"
"""The part of a path after which the files begin."""

_RUN = re.compile(r"[A-Za-z0-9][\w-]{0,255}", re.ASCII)
_BELOW_EXPERIMENT = {
    "models": re.compile(r"m-[\w-]{1,64}", re.ASCII),
    "traces": re.compile(r"tr-[\w-]{1,64}", re.ASCII),
    "versions": re.compile(r"v-[0-9]{1,18}", re.ASCII),
}


class RootKind(StrEnum):
    """What artifacts belong to."""

    RUN = "run"
    MODEL = "model"
    TRACE = "trace"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class ArtifactRoot:
    """An artifact's place.

    Args:
        kind: What it belongs to.
        owner_id: The public id of that run, logged model, trace or registered version; whether there is one, the path
            does not tell.
        path: The logical path below it, checked; empty for all of its artifacts.
    """

    kind: RootKind
    owner_id: str
    path: str


def resolve_root(path: str) -> ArtifactRoot:
    """Say where a path leads.

    Args:
        path: `<experiment>/<run>/artifacts/<path>`, `<experiment>/models/<model>/artifacts/<path>`,
            `<experiment>/traces/<trace>/artifacts/<path>` or `<anything>/versions/<version>/artifacts/<path>`,
            relative to the root of all artifacts and percent-decoded once; a `/` at the end is dropped.

    Returns:
        Whose it is, and the path below that.

    Raises:
        InvalidInput: it leads anywhere else: it is absolute, holds `..`, a backslash or a control character, also
            behind percents, or has none of these forms.
    """
    parts = safe_path(path).split("/")
    for begin, kind, owner in _owners(parts):
        if parts[begin : begin + 1] == [FILES]:
            below = "/".join(parts[begin + 1 :])
            return ArtifactRoot(kind, owner, safe_path(below) if below else "")
    raise InvalidInput(
        "The artifact path belongs to no run, logged model or trace.",
        hint="Write it as <experiment>/<run>/artifacts/<path>.",
    )


def _owners(parts: Sequence[str]) -> list[tuple[int, RootKind, str]]:
    found: list[tuple[int, RootKind, str]] = []
    pattern = _BELOW_EXPERIMENT.get(parts[1]) if len(parts) > 2 else None
    if pattern is not None and pattern.fullmatch(parts[2]):
        found.append((3, RootKind(parts[1].removesuffix("s")), parts[2]))
    if len(parts) > 1 and _RUN.fullmatch(parts[1]):
        found.append((2, RootKind.RUN, parts[1]))
    return found


def location(kind: RootKind, experiment_id: int, owner_id: str) -> str:
    """Where the artifacts of something are, as `resolve_root` takes it.

    Args:
        kind: What it is.
        experiment_id: The integer key of its experiment.
        owner_id: Its public id.

    Returns:
        Such as `1/0a1b…/artifacts`.
    """
    between = "" if kind is RootKind.RUN else f"{kind}s/"
    return f"{experiment_id}/{between}{owner_id}/{FILES}"
