"""What windows are compared with: the baseline of a version, other files, the window before, or a season ago."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from engine.core.errors import NotFound
from engine.drift.captured import PREDICTION
from engine.drift.model import Side
from engine.monitoring.batch import array_of
from engine.monitoring.model import Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from engine.drift.baseline_model import Baseline
    from engine.monitoring.batch import Batch
    from engine.monitoring.looking import Look
    from engine.monitoring.memory import Memory
    from engine.profiles.reference import Reference

LEAST_ROWS = 50
"""Rows below which nothing is taken as a reference."""

PART = "{part}"
"""In a glob of references: what stands behind the last hyphen of the window's file, such as `Q3` of `2015-Q3.csv`."""

_MOST_KEPT = 16


class Baselines(Protocol):
    """Knows the baselines of versions."""

    def baselines(self, model: str, version: int) -> tuple[Baseline, ...]:
        """The baselines of a version, the one in force first.

        Raises:
            NotFound: no such model or version.
        """
        ...

    def reference(self, model: str, version: int, number: int | None = None) -> tuple[Baseline, Reference]:
        """A baseline with its content.

        Raises:
            NotFound: no such model, version or baseline.
            IntegrityError: its content is gone, or its bytes have changed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Against:
    """What a window is compared with.

    Args:
        content: The counts.
        side: What is said of it.
        predictions: Its columns of what the model answered.
        labels: Its columns of what turned out to be true.
        missing: Why there is nothing to compare with; then the rest means nothing.
        next_step: What to do about that.
    """

    content: Reference | None
    side: Side
    predictions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    missing: str = ""
    next_step: str = ""


class References:
    """Finds what windows are compared with, and keeps what was read.

    Args:
        baselines: Gives what knows the baselines of versions.
        folder: The workspace's directory, where globs begin.
    """

    def __init__(self, baselines: Callable[[], Baselines], folder: Path) -> None:
        self._baselines = baselines
        self._folder = folder
        self._kept: dict[str, Against] = {}

    def find(self, look: Look, memory: Memory) -> Against:
        """What a window is compared with.

        Args:
            look: The window.
            memory: Holds the window before, where that is the reference; this one takes its place.

        Returns:
            The reference, or why there is none.

        Raises:
            QuarterdeckError: it cannot be read.
        """
        if look.settings.against.startswith("files "):
            return self._of_files(_named(look), _pattern(look))
        if look.settings.reference == "previous":
            return self._previous(look, memory)
        if look.settings.reference == "season":
            return self._season(look)
        return self.baseline(look)

    def every_season(self, look: Look) -> Against | None:
        """All files of a reference that is told apart by season; `None` where it is not.

        Args:
            look: The window.

        Raises:
            QuarterdeckError: they cannot be read.
        """
        pattern = _pattern(look)
        if look.settings.against.startswith("files ") and PART in pattern:
            return self._of_files(pattern.replace(PART, "*"), pattern)
        return None

    def baseline(self, look: Look) -> Against:
        """The baseline of the version that answers, or of the one that the settings name.

        Args:
            look: The window.

        Raises:
            QuarterdeckError: it cannot be read.
        """
        return self.of_version(look.settings.against or look.subject.key)

    def of_version(self, key: str) -> Against:
        """The baseline in force of a version.

        Args:
            key: The version's public name, such as `churn/7`; empty for none.

        Returns:
            The baseline, or why there is none.

        Raises:
            QuarterdeckError: it cannot be read.
        """
        model, _, number = key.rpartition("/")
        if not model or not number.isdigit():
            return _nothing("Nothing says what to compare with.", 'Set against = "MODEL/VERSION" or "files GLOB".')
        version = int(number)
        try:
            known = self._baselines().baselines(model, version)
        except NotFound as error:
            return _nothing(error.message, error.hint)
        if not known:
            step = f"`qd drift baseline {model} {version} FILE` makes one, or `--from-production`."
            return _nothing(f"{model}/{version} has no baseline.", step)
        if known[0].digest not in self._kept:
            baseline, content = self._baselines().reference(model, version, known[0].number)
            side = Side(
                baseline.key, baseline.rows, baseline.start_ms, baseline.end_ms, f"{model}/{version}", baseline.number
            )
            self._keep(known[0].digest, Against(content, side, baseline.predictions, baseline.labels))
        return self._kept[known[0].digest]

    def _keep(self, key: str, found: Against) -> None:
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = found

    def _of_files(self, pattern: str, told: str) -> Against:
        from engine.drift.checking import learned_reference
        from engine.tables.source import open_table

        if pattern not in self._kept:
            try:
                content = learned_reference(open_table([str(self._folder / pattern)]))
            except NotFound as error:
                return _nothing(error.message, error.hint)
            side = pattern if PART in told else told
            self._keep(pattern, Against(content, Side(side, content.profile.rows)))
        return self._kept[pattern]

    def _previous(self, look: Look, memory: Memory) -> Against:
        """The window before; of one that is looked at again it is not known any more."""
        from engine.profiles.reference import Reference

        part = f"previous {look.part}"
        kept = None if look.revised else memory.get(part)
        if not look.revised and len(look.batch) >= LEAST_ROWS:
            memory.put(part, learned(look.batch).to_bytes())
        if kept is None:
            return _nothing("There is no window before to compare with.", "")
        content = Reference.from_bytes(kept)
        return Against(content, Side("the window before", content.profile.rows), answers_of(content))

    def _season(self, look: Look) -> Against:
        window, season_ms = look.window, look.settings.season_ms
        if window.last or look.read is None:
            return _nothing("Windows of rows have no season.", 'Set a window of time, such as window = "1d".')
        start_ms, end_ms = window.start_ms - season_ms, window.end_ms - season_ms
        batch = look.read(Window(start_ms, end_ms))
        if len(batch) < LEAST_ROWS:
            return _nothing("There is too little of the season before to compare with.", "")
        content = learned(batch)
        return Against(content, Side("a season ago", len(batch), start_ms, end_ms), answers_of(content))


def _pattern(look: Look) -> str:
    return look.settings.against.removeprefix("files ").strip()


def _named(look: Look) -> str:
    """The glob of a window's reference: `{part}` stands for the end of the window's file name, such as its season."""
    return _pattern(look).replace(PART, PurePath(look.window.file).name.split(".")[0].rpartition("-")[2])


def learned(batch: Batch) -> Reference:
    """A reference of rows.

    Args:
        batch: The rows; at least one.
    """
    from engine.drift.checking import learned_reference
    from engine.tables.source import open_table

    return learned_reference(open_table(columns_of(batch)))


def columns_of(batch: Batch) -> dict[str, NDArray[Any]]:
    """What was asked and answered, as arrays of shape (rows,), called as baselines of production call it.

    Args:
        batch: The rows.
    """
    found = {name: array_of(values) for name, values in batch.columns.items()}
    if batch.answers:
        found[PREDICTION] = array_of(batch.answers)
    if batch.chances is not None:
        found |= {f"{PREDICTION} of {place}": batch.chances[:, place] for place in range(batch.chances.shape[1])}
    return found


def answers_of(content: Reference) -> tuple[str, ...]:
    """Columns of a reference that hold what the model answered."""
    names = (each.name for each in content.layout.features)
    return tuple(name for name in names if name == PREDICTION or name.startswith(f"{PREDICTION} of "))


def _nothing(why: str, step: str) -> Against:
    return Against(None, Side("", 0), missing=why, next_step=step)
