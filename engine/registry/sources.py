"""Where a version comes from: the files, numbers and settings that registering copies, whoever made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from engine.core.frozen import frozen
from engine.registry.packaging import NOTHING_SAID, Package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.artifacts.model import ManifestEntry
    from engine.tracking.model import DatasetInput

MAX_WORDING = 2_000
"""Longest wording of a source, in characters."""

_TRAINING = ("training", "train")


@frozen
class RunSource:
    """Files that a run left behind.

    Args:
        run_id: The run, or an unambiguous beginning of its id.
        path: The file or folder among its artifacts, or else the name of a model that it logged; empty for all of its
            artifacts.
        wording: The source in the words of whoever registers; kept as it is.
        may_be_empty: Whether a version without files will do; it never leaves the stage Registered.
    """

    run_id: str
    path: str = "model"
    wording: str = ""
    may_be_empty: bool = False


@frozen
class LoggedSource:
    """The files of a logged model.

    Args:
        model_id: The logged model's id.
        run_id: The run to name beside it; the one that logged it when empty.
        path: The file or folder among its files; empty for all of them.
        wording: The source in the words of whoever registers; kept as it is.
        may_be_empty: Whether a version without files will do; it never leaves the stage Registered.
    """

    model_id: str
    run_id: str = ""
    path: str = ""
    wording: str = ""
    may_be_empty: bool = False


@frozen
class CopySource:
    """The files of a version that is registered already, under this name or another.

    Args:
        model: Its model's name.
        version: Its number.
        wording: The source in the words of whoever registers; kept as it is.
    """

    model: str
    version: int
    wording: str = ""


VersionSource: TypeAlias = RunSource | LoggedSource | CopySource
"""Anything a version can be registered from."""


@frozen
class Origin:
    """What a source holds.

    Args:
        run_id: The run that made it, 32 hex digits, or `None`.
        model_id: The logged model it is, or `None`.
        path: Where the files lay in their source.
        digest: The digest that stands for all of them, 64 hex digits.
        size_bytes: Bytes in all.
        files: The files, by path.
        params: Parameters it was made with.
        metrics: The latest of what was measured.
        inputs: The data it was made from.
        package: What the files say of themselves.
        wording: The source in the words of whoever registers.
    """

    run_id: str | None
    model_id: str | None
    path: str
    digest: str
    size_bytes: int
    files: tuple[ManifestEntry, ...]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    inputs: tuple[DatasetInput, ...] = ()
    package: Package = NOTHING_SAID
    wording: str = ""

    def training_data(self, digest: str | None) -> tuple[str, str]:
        """Name and digest of the data it was trained on: as said, else the training input, else the only one.

        Args:
            digest: What the registering person says, or `None`.
        """
        if digest is not None:
            return next((each.name for each in self.inputs if each.digest == digest), ""), digest
        training = [each for each in self.inputs if each.context.lower() in _TRAINING]
        candidates = training or (list(self.inputs) if len(self.inputs) == 1 else [])
        return (candidates[0].name, candidates[0].digest) if candidates else ("", "")
