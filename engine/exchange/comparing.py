"""Comparing what a source has with what is here: counts and digests over canonical sorted rows.

The rows of a kind are grouped by what they belong to (a run, a model). Each group is written as sorted JSON without
blanks, and hashed; the digest of a kind is the SHA-256 over the sorted lines `owner digest`. So neither side is held in
memory, the order in which a source gives its runs does not matter, and a difference tells whose it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from math import isfinite
from typing import TYPE_CHECKING

from engine.exchange.model import KindReport

if TYPE_CHECKING:
    from engine.tracking.model import ExperimentImport, MetricPoint, RunImport

_DIFFERENCES = 20

Rows = Mapping[str, Sequence[object]]
"""The rows of one owner, by kind."""


def experiment_rows(found: ExperimentImport) -> Rows:
    """The canonical rows of an experiment."""
    return {
        "experiments": [[found.name, found.deleted_ms is not None]],
        "experiment tags": sorted([key, value] for key, value in found.tags.items()),
    }


def run_rows(run: RunImport, latest: Mapping[str, float] | None) -> Rows:
    """The canonical rows of a run.

    Args:
        run: The run.
        latest: The latest value of each metric, or `None` where nobody says.
    """
    state = [run.experiment, run.name, run.status.value, run.start_ms, run.end_ms, run.user, run.note]
    return {
        "runs": [[*state, run.deleted_ms is not None]],
        "params": sorted([key, value] for key, value in run.params.items()),
        "tags": sorted([key, value] for key, value in run.tags.items()),
        "metrics": _point_rows(run.metrics),
        "latest": sorted([key, _number(value)] for key, value in (latest or {}).items()),
        "inputs": sorted([each.name, each.digest, each.context, sorted(each.tags.items())] for each in run.inputs),
        "artifacts": sorted([file.path, file.digest, file.size_bytes] for file in run.files),
    }


def _point_rows(points: Iterable[MetricPoint]) -> list[tuple[str, int, int, float | str]]:
    """Points in order, each once."""
    rows = {(key, step, time_ms, _number(value)) for key, value, step, time_ms in points}
    try:
        return sorted(rows)
    except TypeError:  # a number and a text at one place of a curve
        return sorted(rows, key=repr)


def _number(value: float) -> float | str:
    """A value as it is written; JSON has no words for NaN and the infinities, so texts stand for them."""
    return value + 0.0 if isfinite(value) else repr(value)


def dataset_rows(run: RunImport) -> dict[str, Rows]:
    """The canonical rows of the datasets that a run read, by what names them."""
    return {
        f"{each.name} {each.digest}": {"datasets": [[each.schema, each.source_type, each.source, each.profile]]}
        for each in run.inputs
    }


class Ledger:
    """Digests of what one side has, owner by owner."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, tuple[int, bytes]]] = {}

    def enter(self, owner: str, rows: Rows) -> None:
        """Note the rows of an owner, in place of those noted before.

        Args:
            owner: A run id or a name.
            rows: Its rows by kind, sorted.
        """
        from msgspec import json  # a tenth of the time of the standard library's, for a million points

        for kind, of_kind in rows.items():
            self._kinds.setdefault(kind, {})[owner] = (len(of_kind), sha256(json.encode(of_kind)).digest())

    def enter_first(self, owner: str, rows: Rows) -> None:
        """Note the rows of an owner unless it has been noted: of some things the first that is told is kept."""
        if not any(owner in self._kinds.get(kind, {}) for kind in rows):
            self.enter(owner, rows)

    def owners(self, kind: str) -> list[str]:
        """Whose rows of that kind were noted."""
        return list(self._kinds.get(kind, ()))

    def agrees(self, owner: str, rows: Rows) -> bool:
        """Whether these are the rows that were noted of an owner."""
        other = Ledger()
        other.enter(owner, rows)
        return all(self._kinds.get(kind, {}).get(owner) == other._kinds[kind][owner] for kind in rows)

    def compare(self, here: Ledger) -> tuple[KindReport, ...]:
        """Compare the source's ledger, this one, with that of the workspace."""
        return tuple(_report(kind, owners, here._kinds.get(kind, {})) for kind, owners in self._kinds.items())


def _report(kind: str, source: Mapping[str, tuple[int, bytes]], here: Mapping[str, tuple[int, bytes]]) -> KindReport:
    differing = [owner for owner in sorted(source) if here.get(owner) != source[owner]]
    differences = [_difference(owner, source[owner], here.get(owner)) for owner in differing[:_DIFFERENCES]]
    if len(differing) > _DIFFERENCES:
        differences.append(f"and {len(differing) - _DIFFERENCES} more")
    return KindReport(
        kind,
        sum(count for count, _ in source.values()),
        sum(here[owner][0] for owner in source if owner in here),
        _digest((owner, digest) for owner, (_, digest) in source.items()),
        _digest((owner, here[owner][1]) for owner in source if owner in here),
        tuple(differences),
    )


def _difference(owner: str, source: tuple[int, bytes], here: tuple[int, bytes] | None) -> str:
    if here is None:
        return f"{owner}: not here"
    return f"{owner}: {source[0]} there, {here[0]} here" + (", with other values" if source[0] == here[0] else "")


def _digest(owners: Iterable[tuple[str, bytes]]) -> str:
    hashed = sha256()
    for owner, digest in sorted(owners):
        hashed.update(f"{owner!r} {digest.hex()}\n".encode())
    return hashed.hexdigest()
