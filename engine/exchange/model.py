"""What importing speaks of: what a source gives, what was left out, and the report at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.tracking.model import RunImport

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LISTED = 1_000
"""Left-out things that a report lists; more are only counted, for a damaged source may hold millions."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something of a source that was left out.

    Args:
        kind: What it is, such as `run`, `param` or `artifact`.
        key: Which one, such as a run id and a key; logged text.
        why: Why, as a sentence.
    """

    kind: str
    key: str
    why: str


class SkippedList:
    """Collects what was left out: counts all of it by kind and keeps the first `MAX_LISTED`."""

    __slots__ = ("_seen", "counts", "items")

    def __init__(self) -> None:
        self.items: list[Skipped] = []
        self.counts: dict[str, int] = {}
        self._seen: set[tuple[str, str]] = set()

    def add(self, kind: str, key: str, why: str) -> None:
        """Note something that was left out; the same thing again, in a later pass, counts once.

        Args:
            kind: What it is.
            key: Which one.
            why: Why.
        """
        if (kind, key) in self._seen:
            return
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if len(self.items) < MAX_LISTED:
            self._seen.add((kind, key))
            self.items.append(Skipped(kind, key, why))


@dataclass(frozen=True, slots=True)
class SourceRun:
    """A run as a source gives it, already without what cannot be kept.

    Args:
        run: The run, without its files.
        root: Where its files lie, as the source writes it; empty when it does not say.
        stamp: Changes when anything of the run does; compared with what an earlier pass saw.
        latest: The latest value of each metric as the source says; `None` when it does not.
    """

    run: RunImport
    root: str
    stamp: str
    latest: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class SourceVersion:
    """A registered version as a source gives it.

    Args:
        number: Its number, from 1.
        stage: Its stage in the source's words, such as `None` or `Production`.
        created_ms: When it was registered, in milliseconds since the epoch.
        updated_ms: When it was last changed.
        run_id: The run that made it, if that is told.
        source: Where its files came from, as the source writes it.
        root: Where its files lie now; empty when the source does not say.
        user: Who registered it; may be empty.
        description: Free text.
        tags: Its tags.
        model_id: The logged model it was made from, if any.
        run_link: Where its run is shown; may be empty.
    """

    number: int
    stage: str
    created_ms: int
    updated_ms: int
    run_id: str | None = None
    source: str = ""
    root: str = ""
    user: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    model_id: str | None = None
    run_link: str = ""


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A registered model as a source gives it.

    Args:
        name: Its name.
        created_ms: When it was made, in milliseconds since the epoch.
        updated_ms: When it was last changed.
        description: Free text.
        tags: Its tags.
        aliases: Version number by alias.
        versions: Its versions.
    """

    name: str
    created_ms: int
    updated_ms: int
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    versions: tuple[SourceVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class KindReport:
    """One kind of thing, in the source and here.

    Args:
        kind: What is compared, such as `runs` or `metrics`.
        source: How many the source has, without those that were left out.
        here: How many of the same runs and models are here.
        source_digest: SHA-256 over the source's sorted rows, 64 hex digits.
        digest: The same over the rows that are here.
        differences: What differs, as sentences; the first few.
    """

    kind: str
    source: int
    here: int
    source_digest: str
    digest: str
    differences: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both are the same."""
        return self.source_digest == self.digest


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, and how the workspace compares with the source afterwards.

    Args:
        source: Where from.
        stored: How many things were new or changed, by kind; empty when the workspace had everything.
        kinds: The comparison, kind by kind.
        skipped: What was left out, at most `MAX_LISTED`.
        skipped_counts: How many were left out, by kind.
        seconds: How long it took.
    """

    source: str
    stored: Mapping[str, int]
    kinds: tuple[KindReport, ...]
    skipped: tuple[Skipped, ...]
    skipped_counts: Mapping[str, int]
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether everything that could be kept is here as it is in the source."""
        return all(each.equal for each in self.kinds)
