"""The `source` of a model version: which of MLflow's URIs are taken, and what they name.

Only files that this server keeps can be registered: those of the run, the logged model or the version that the caller
names. Everything else (local paths, other schemes, a way up and out) is refused, however often it is percent-encoded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from engine.artifacts.roots import RootKind, resolve_root
from engine.core.errors import InvalidInput
from engine.registry.sources import CopySource, LoggedSource, RunSource, VersionSource
from engine.server.answers import said

if TYPE_CHECKING:
    from collections.abc import Callable

_RUN = re.compile(r"runs:/{1,3}([A-Za-z0-9][\w-]{0,255})(?:/(.*))?", re.ASCII | re.DOTALL)
_MODEL = re.compile(r"models:/{1,3}(m-[\w-]{1,64})/?", re.ASCII)
_VERSION = re.compile(r"models:/{1,3}([^/@]+)(?:/([^/@]+)|@([^/@]+))")
_ARTIFACTS = re.compile(r"mlflow-artifacts:/(?:/{2})?([^/].*)", re.DOTALL)
_MOST_UNQUOTING = 10
_REFUSED = re.compile(r"[\x00-\x1f\x7f\\]")
_STAGES = frozenset(("none", "staging", "production", "archived"))


class Named(NamedTuple):
    """What a request names as the origin of a version.

    Args:
        source: The URI.
        run_id: The run, or empty.
        model_id: The logged model, or empty.
    """

    source: str
    run_id: str
    model_id: str

    @property
    def shown(self) -> str:
        """The source as it may be told."""
        return said(self.source[:75])


def source_of(named: Named, resolve: Callable[[str], tuple[str, int]]) -> VersionSource:
    """What a source names.

    Args:
        named: What the request names.
        resolve: Finds the model and number that a reference such as `churn@champion` names.

    Returns:
        The source.

    Raises:
        InvalidInput: it is none of the URIs that are taken, or not of the run or logged model that is named.
    """
    text = _plain(named)
    if found := _RUN.fullmatch(text):
        return _of_run(named, found[1], found[2] or "")
    if found := _MODEL.fullmatch(text):
        return _of_logged(named, found[1], "")
    if found := _VERSION.fullmatch(text):
        return _of_version(found, resolve)
    if found := _ARTIFACTS.fullmatch(text):
        return _of_artifacts(named, found[1])
    raise _refused(
        named,
        "A source is a runs:/, models:/ or mlflow-artifacts:/ URI; to use a local path as a model version source, log "
        "its files to a run first.",
    )


def _plain(named: Named) -> str:
    """The source as it reads once nothing in it is percent-encoded; one that would lead up or out is refused."""
    text, unquoted = named.source, unquote(named.source)
    for _ in range(_MOST_UNQUOTING):
        if unquoted == text:
            break
        text, unquoted = unquoted, unquote(unquoted)
    else:
        raise _refused(named, "It is percent-encoded too often.")
    if _REFUSED.search(text) or ".." in text.split("/"):
        raise _refused(named, "Please provide an absolute path without relative path references.")
    return text


def _of_run(named: Named, run_id: str, path: str) -> RunSource:
    if named.run_id and named.run_id != run_id:
        raise _foreign(named, "run_id")
    if named.model_id:
        raise _foreign(named, "model_id")
    return RunSource(run_id, path.strip("/"), named.source, may_be_empty=True)


def _of_logged(named: Named, model_id: str, path: str) -> LoggedSource:
    if named.model_id and named.model_id != model_id:
        raise _foreign(named, "model_id")
    return LoggedSource(model_id, named.run_id, path, named.source, may_be_empty=True)


def _of_version(found: re.Match[str], resolve: Callable[[str], tuple[str, int]]) -> CopySource:
    name, number, alias = found[1], found[2], found[3]
    if alias or (number and number.lower() in _STAGES):
        word = alias or ("registered" if number.lower() == "none" else number)
        model, version = resolve(f"{name}@{word}")
    else:
        model, version = resolve(f"{name}/{number}")
    return CopySource(model, version, f"models:/{model}/{version}")


def _of_artifacts(named: Named, path: str) -> VersionSource:
    try:
        root = resolve_root(path)
    except InvalidInput as error:
        raise _refused(named, error.message) from error
    if root.kind is RootKind.MODEL and named.model_id == root.owner_id:
        return _of_logged(named, root.owner_id, root.path)
    if root.kind is RootKind.RUN and named.run_id == root.owner_id and not named.model_id:
        return RunSource(root.owner_id, root.path, named.source, may_be_empty=True)
    raise _foreign(named, "model_id" if named.model_id else "run_id")


def _foreign(named: Named, field: str) -> InvalidInput:
    return _refused(named, f"The {field} request parameter must identify the resource that contains the source.")


def _refused(named: Named, why: str) -> InvalidInput:
    return InvalidInput(f"Invalid model version source: '{named.shown}'. {why}")
