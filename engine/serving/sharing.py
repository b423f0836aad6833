"""What the workers of one port have answered and how they stand, so that whichever is asked tells it of all."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from os import getpid, kill
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from engine.serving.counting import Sums, Whose
from engine.telemetry.histogram import add

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_SUFFIX = ".sums"


class Standing(NamedTuple):
    """How a worker stands at one moment.

    Args:
        waiting: Requests that wait for a model.
        stale_s: For how long it has not heard of the control plane, in whole seconds; 0 when it has.
    """

    waiting: int = 0
    stale_s: int = 0


class Shared:
    """Files of sums beside the locks of the planes: each worker writes its own, and reads those of the others.

    What a worker left that has ended still counts, for totals must never fall; how it stood does not. All go with their
    supervisor.

    Args:
        folder: `Workspace.planes`.
        group: The supervisor's process number.
    """

    def __init__(self, folder: Path, group: int) -> None:
        self._folder = folder
        self._group = group
        self._path = folder / f"{group}-{getpid()}{_SUFFIX}"
        self._written: tuple[int, Standing] = (0, Standing())

    def publish(self, sums: Mapping[Whose, Sums], standing: Standing) -> None:
        """Write down what this worker has answered and how it stands, if that has changed.

        A full disk makes what the others read old, no more.

        Args:
            sums: Since it began.
            standing: Now.
        """
        now = sum(each.requests + each.unmirrored + each.compared for each in sums.values()), standing
        if now == self._written:
            return
        told = msgspec.msgpack.encode(([(whose, asdict(each)) for whose, each in sums.items()], standing))
        part = self._path.with_suffix(".part")
        with suppress(OSError):
            part.write_bytes(told)
            part.replace(self._path)
            self._written = now

    def all(self, own: Mapping[Whose, Sums]) -> dict[Whose, Sums]:
        """What all workers have answered.

        Args:
            own: What this one has.
        """
        found: dict[Whose, Sums] = {}
        for each in (own.items(), *(_read(path)[0] for path in self._others())):
            _merge(found, each)
        return found

    def standing(self, own: Standing) -> Standing:
        """How all workers stand that live: what waits with all of them, and the longest silence.

        Args:
            own: How this one does.
        """
        found = [own, *(_read(path)[1] for path in self._others() if _lives(path))]
        return Standing(sum(each.waiting for each in found), max(each.stale_s for each in found))

    def _others(self) -> list[Path]:
        return [path for path in files(self._folder, self._group) if path != self._path]


def files(folder: Path, group: int) -> list[Path]:
    """The files of a group of workers.

    Args:
        folder: `Workspace.planes`.
        group: The supervisor's process number.
    """
    return sorted(folder.glob(f"{group}-*{_SUFFIX}"))


def forget(folder: Path, group: int) -> None:
    """Remove the files of a group: at its start those of a group of old that had the same number, and at its end.

    Args:
        folder: `Workspace.planes`.
        group: The supervisor's process number.
    """
    for path in files(folder, group):
        with suppress(OSError):
            path.unlink()


def _lives(path: Path) -> bool:
    """Whether the worker that wrote a file is there."""
    try:
        kill(int(path.stem.rpartition("-")[2]), 0)
    except (ValueError, OverflowError, OSError):
        return False
    return True


def _read(path: Path) -> tuple[Iterable[tuple[Whose, Sums]], Standing]:
    try:
        told: tuple[list[Any], list[int]] = msgspec.msgpack.decode(path.read_bytes(), strict=False)
        sums, standing = told
        return [(Whose(*whose), Sums(**each)) for whose, each in sums], Standing(*map(int, standing))
    except (OSError, msgspec.DecodeError, TypeError, ValueError):
        return [], Standing()


def _merge(into: dict[Whose, Sums], sums: Iterable[tuple[Whose, Sums]]) -> None:
    for whose, each in sums:
        total = into.setdefault(whose, Sums())
        add(total.latency, each.latency)
        for name in ("requests", "errors", "refused", "latency_us", "unmirrored", "compared", "agreed"):
            setattr(total, name, getattr(total, name) + getattr(each, name))
