"""Which path means what: three protocols on one port, any of them by the name of an endpoint or of a model."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

_KEPT = 1_024


class What(Enum):
    """What a path asks for."""

    V2 = auto()
    INVOCATIONS = auto()
    PLAIN = auto()
    STREAM = auto()
    LABELS = auto()
    METRICS = auto()
    LIVE = auto()
    READY = auto()
    PING = auto()
    VERSION = auto()
    SERVER = auto()
    MODEL = auto()
    MODEL_READY = auto()


class Route(NamedTuple):
    """What one request asks for.

    Args:
        what: The kind.
        endpoint: The endpoint or model that the path names, or `None`.
        version: The version that it names, or `None`.
    """

    what: What
    endpoint: str | None = None
    version: str | None = None


_FIXED = {
    "/predict": (("POST",), Route(What.PLAIN)),
    "/invocations": (("POST",), Route(What.INVOCATIONS)),
    "/stream": (("POST",), Route(What.STREAM)),
    "/labels": (("POST",), Route(What.LABELS)),
    "/metrics": (("GET",), Route(What.METRICS)),
    "/health": (("GET",), Route(What.PING)),
    "/ping": (("GET",), Route(What.PING)),
    "/version": (("GET",), Route(What.VERSION)),
    "/v2": (("GET",), Route(What.SERVER)),
    "/v2/health/live": (("GET",), Route(What.LIVE)),
    "/v2/health/ready": (("GET",), Route(What.READY)),
}
_OF_MODEL = {
    (): (("GET",), What.MODEL),
    ("ready",): (("GET",), What.MODEL_READY),
    ("infer",): (("POST",), What.V2),
}
_BY_FIRST = {"invocations": What.INVOCATIONS, "predict": What.PLAIN, "stream": What.STREAM}


class Paths:
    """Finds routes; what was found is remembered."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Route | tuple[str, ...]] = {}

    def find(self, method: str, path: str) -> Route | tuple[str, ...]:
        """What a request asks for.

        Args:
            method: Its method.
            path: Its decoded path.

        Returns:
            The route; else the methods that the path takes, none when there is no such path.
        """
        found = self._known.get((method, path))
        if found is None:
            if len(self._known) >= _KEPT:  # whoever invents paths makes others look theirs up again, no more
                self._known.clear()
            found = self._known[method, path] = _find(method, path)
        return found


def _find(method: str, path: str) -> Route | tuple[str, ...]:
    methods, route = _parsed(path.rstrip("/") if len(path) > 1 else path)
    if "GET" in methods:
        methods = (*methods, "HEAD")
    return route if route is not None and method in methods else methods


def _parsed(path: str) -> tuple[tuple[str, ...], Route | None]:
    fixed = _FIXED.get(path)
    if fixed is not None:
        return fixed
    parts = path.split("/")[1:]
    if "" in parts:
        return (), None
    if parts[:2] == ["v2", "models"] and len(parts) > 2:
        return _of_model(parts[2], parts[3:])
    if len(parts) == 2:
        for first, name in (parts, reversed(parts)):
            if first in _BY_FIRST:
                return ("POST",), Route(_BY_FIRST[first], name)
    return (), None


def _of_model(name: str, rest: list[str]) -> tuple[tuple[str, ...], Route | None]:
    version = None
    if len(rest) > 1 and rest[0] == "versions":
        version, rest = rest[1], rest[2:]
    found = _OF_MODEL.get(tuple(rest))
    return (found[0], Route(found[1], name, version)) if found is not None else ((), None)
