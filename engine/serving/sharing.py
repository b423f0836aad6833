"""What the workers of one port have answered, so that whichever of them is asked tells it of all."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from os import getpid
from typing import TYPE_CHECKING, Any

import msgspec

from engine.serving.counting import Sums, Whose
from engine.telemetry.histogram import add

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_SUFFIX = ".sums"


class Shared:
    """Files of sums beside the locks of the planes: each worker writes its own, and reads those of the others.

    What a worker left that has ended still counts, for totals must never fall; all go with their supervisor.

    Args:
        folder: `Workspace.planes`.
        group: The supervisor's process number.
    """

    def __init__(self, folder: Path, group: int) -> None:
        self._folder = folder
        self._group = group
        self._path = folder / f"{group}-{getpid()}{_SUFFIX}"
        self._written = 0

    def publish(self, sums: Mapping[Whose, Sums]) -> None:
        """Write down what this worker has answered, if that has changed; a full disk makes it old, no more.

        Args:
            sums: Since it began.
        """
        now = sum(each.requests + each.unmirrored + each.compared for each in sums.values())
        if now == self._written:
            return
        told = msgspec.msgpack.encode([(whose, asdict(each)) for whose, each in sums.items()])
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
        others = (_read(path) for path in files(self._folder, self._group) if path != self._path)
        found: dict[Whose, Sums] = {}
        for each in (own.items(), *others):
            _merge(found, each)
        return found


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


def _read(path: Path) -> Iterable[tuple[Whose, Sums]]:
    try:
        told: list[Any] = msgspec.msgpack.decode(path.read_bytes(), strict=False)
        return [(Whose(*whose), Sums(**each)) for whose, each in told]
    except (OSError, msgspec.DecodeError, TypeError, ValueError):
        return []


def _merge(into: dict[Whose, Sums], sums: Iterable[tuple[Whose, Sums]]) -> None:
    for whose, each in sums:
        total = into.setdefault(whose, Sums())
        add(total.latency, each.latency)
        for name in ("requests", "errors", "refused", "latency_us", "unmirrored", "compared", "agreed"):
            setattr(total, name, getattr(total, name) + getattr(each, name))
