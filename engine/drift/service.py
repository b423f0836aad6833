"""Baselines of versions, and comparing data with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import IntegrityError, InvalidInput, NotFound
from engine.core.text import clean
from engine.drift import store
from engine.drift.baseline_model import MAX_SOURCE, Baseline, BaselineKind, Stretch
from engine.drift.model import Wanted
from engine.registry.stages import read_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.artifacts.store import ArtifactStore
    from engine.compute.model import Executor
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.drift.captured import Capture
    from engine.drift.model import DriftReport
    from engine.drift.training import RunFiles
    from engine.profiles.reference import Reference
    from engine.registry.model import Version
    from engine.registry.reading import ModelReading
    from engine.tables.model import Table

_NOW = Wanted()
_AT_ONCE = 100
_NO_WEIGHTS: Mapping[str, float] = {}


class _Made(NamedTuple):
    """What there is to say of a baseline besides what is in it."""

    kind: BaselineKind
    source: str
    reason: str
    predictions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    stretch: tuple[int | None, int | None] = (None, None)
    importance: Mapping[str, float] = _NO_WEIGHTS
    inflations: Mapping[str, float] = _NO_WEIGHTS
    first: bool = False


class Drift:
    """Baselines, and what drifted from them.

    Args:
        database: The control database.
        access: Who acts, with which role.
        models: The versions and their files.
        runs: Gives what knows the artifacts of runs.
        artifacts: Where the content of baselines lies.
        clock: Tells the time of a baseline.
        capture: Gives what knows what endpoints were asked.
        endpoints_of: Names the endpoints of a model.
    """

    def __init__(  # noqa: PLR0913 the composition root alone calls it; each is one thing it stands on
        self,
        database: Database,
        access: Access,
        models: ModelReading,
        artifacts: ArtifactStore,
        clock: Clock,
        *,
        runs: Callable[[], RunFiles],
        capture: Callable[[], Capture],
        endpoints_of: Callable[[str], tuple[str, ...]],
    ) -> None:
        self._database = database
        self._access = access
        self._models = models
        self._artifacts = artifacts
        self._clock = clock
        self._runs = runs
        self._capture = capture
        self._endpoints_of = endpoints_of
        self._looked_at = 0

    def baselines(self, model: str, version: int) -> tuple[Baseline, ...]:
        """The baselines of a version, the one in force first.

        Args:
            model: The model's name.
            version: The version's number.

        Raises:
            NotFound: no such model or version.
        """
        with self._database.snapshot() as view:
            return store.of_version(view, read_version(view, model, version).row_id)

    def reference(self, model: str, version: int, number: int | None = None) -> tuple[Baseline, Reference]:
        """A baseline with its content.

        Args:
            model: The model's name.
            version: The version's number.
            number: The baseline's number; `None` for the one in force.

        Returns:
            The baseline, and what data is compared with.

        Raises:
            NotFound: no such model, version or baseline.
            IntegrityError: its content is gone, or its bytes have changed.
        """
        from engine.profiles.reference import Reference

        with self._database.snapshot() as view:
            found = store.get(view, read_version(view, model, version).row_id, number)
        if found is None:
            what = "no baseline" if number is None else f"no baseline {number}"
            raise NotFound(
                f"{clean(model, limit=100)}/{version} has {what}.",
                hint=f"`qd drift baseline {clean(model, limit=100)} {version} FILE` makes one.",
            )
        with self._artifacts.open(found.digest) as stream:
            data = stream.read()
        try:
            return found, Reference.from_bytes(data)
        except InvalidInput as error:
            raise IntegrityError(f"{found.key} cannot be read: {error.message}", hint="Make another.") from error

    def baseline(  # noqa: PLR0913 each is one fact of a baseline; all but three have defaults
        self,
        model: str,
        version: int,
        sources: Sequence[str],
        *,
        predictions: Sequence[str] = (),
        labels: Sequence[str] = (),
        importance: Mapping[str, float] = _NO_WEIGHTS,
        reason: str = "",
        executor: Executor | None = None,
    ) -> Baseline:
        """Make the next baseline of a version from files; from then on it is the one in force.

        Args:
            model: The model's name.
            version: The version's number.
            sources: CSV, gzip CSV, Parquet: files, folders, globs.
            predictions: Columns that hold what the model answered.
            labels: Columns that hold what turned out to be true.
            importance: How much the model relies on columns, by name: any weights at least 0.
            reason: Why, for the audit log.
            executor: What reads; this process without.

        Returns:
            The baseline.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such model or version, or no such files.
            InvalidInput: a file cannot be read, or has no rows or not the named columns.
            Conflict: a file changed while it was read.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        from engine.tables.source import open_table

        self._access.require(Role.OPERATOR, "drift baseline")
        found = self._models.version(model, version)
        table = open_table(list(sources))
        made = _Made(
            BaselineKind.DATA, ", ".join(sources), reason, tuple(predictions), tuple(labels), importance=importance
        )
        return self._make(found, table, made, executor)

    def baseline_from_production(self, model: str, version: int, stretch: Stretch, *, reason: str = "") -> Baseline:
        """Make the next baseline of a version from what it was asked in production.

        Args:
            model: The model's name.
            version: The version's number.
            stretch: From when until when, and of which endpoint.
            reason: Why, for the audit log.

        Returns:
            The baseline.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such model, version or endpoint, or nothing was captured then.
            InvalidInput: the stretch ends before it begins.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed, or the telemetry database cannot be read.
        """
        from engine.core.timetext import format_time
        from engine.drift.captured import inflations_of, predicted, rows_of
        from engine.tables.source import open_table

        self._access.require(Role.OPERATOR, "drift baseline")
        found = self._models.version(model, version)
        names = (stretch.endpoint,) if stretch.endpoint else self._endpoints_of(model)
        columns = rows_of(self._capture(), names, version, stretch)
        end_ms = stretch.end_ms if stretch.end_ms is not None else self._clock.now_ms()
        told = f"production from {format_time(stretch.start_ms)} to {format_time(end_ms)}"
        source = f"{told}, endpoint {stretch.endpoint}" if stretch.endpoint else told
        stood = (stretch.start_ms, end_ms)
        inflations = inflations_of(columns)
        made = _Made(BaselineKind.PRODUCTION, source, reason, predicted(columns), stretch=stood, inflations=inflations)
        return self._make(found, open_table(columns), made, None)

    def baseline_from_training(self, model: str, version: int, *, reason: str = "") -> Baseline:
        """Make the next baseline of a version from the reference data that its run or its own files hold.

        Args:
            model: The model's name.
            version: The version's number.
            reason: Why, for the audit log.

        Returns:
            The baseline.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no writer.
            NotFound: no such model or version, or they hold no such file; the hint says how it must be called.
            InvalidInput: the file cannot be read, or has no rows.
            IntegrityError: its bytes have changed.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        self._access.require(Role.WRITER, "drift baseline")
        return self._from_training(self._models.version(model, version), reason)

    def at_registration(self, version: Version) -> Baseline | None:
        """Make the first baseline of a version that was just registered, if there is reference data to make it from.

        Args:
            version: The version.

        Returns:
            The baseline; `None` when it has one, its run and files hold no reference data, or that cannot be read.

        Raises:
            ReadOnlyMode: the engine was opened read-only, and there is such data.
            PermissionDenied: the actor is no writer, and there is such data.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        from engine.drift.training import reference_file

        if self.baselines(version.model, version.version):
            return None
        if reference_file(self._models, self._runs(), version) is None:
            return None
        try:
            return self._from_training(version, "registered", first=True)
        except (NotFound, InvalidInput, IntegrityError):
            return None

    def make_missing(self) -> tuple[Baseline, ...]:
        """Make the first baselines of versions that were registered since this was last asked, by whatever front.

        Returns:
            The baselines.

        Raises:
            ReadOnlyMode: the engine was opened read-only, and there is data to make one from.
            PermissionDenied: the actor is no writer, and there is such data.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        made = []
        with self._database.snapshot() as view:
            found = store.without(view, self._looked_at, _AT_ONCE)
        for row_id, model, number in found:
            try:
                baseline = self.at_registration(self._models.version(model, number))
            except NotFound:  # deleted since
                baseline = None
            self._looked_at = row_id
            made += [] if baseline is None else [baseline]
        return tuple(made)

    def check(
        self, reference: str, source: str, wanted: Wanted = _NOW, *, executor: Executor | None = None
    ) -> DriftReport:
        """Compare files with the baseline in force of a version.

        Args:
            reference: The version, such as `churn/7` or `churn@production`.
            source: CSV, gzip CSV or Parquet: a file, a folder, a glob.
            wanted: What is asked of the comparison; the exact path needs the rows, which a baseline does not keep.
            executor: What reads; this process without.

        Returns:
            The report.

        Raises:
            NotFound: no such version, baseline or files.
            InvalidInput: a file cannot be read, or the exact path is asked for.
            Conflict: a file changed while it was read.
            IntegrityError: the baseline's content is gone, or its bytes have changed.
        """
        from engine.drift.checking import against
        from engine.tables.source import open_table

        version = self._models.resolve(reference)
        baseline, content = self.reference(version.model, version.version)
        return against(baseline, content, open_table([source]), source, wanted, executor=executor)

    def skew(self, model: str, version: int, stretch: Stretch, wanted: Wanted = _NOW) -> DriftReport:
        """Compare what a version is asked in production with the baseline it was made from: training-serving skew.

        The comparison is with the oldest baseline of training or other data, since later ones may hold production.

        Args:
            model: The model's name.
            version: The version's number.
            stretch: From when until when, and of which endpoint.
            wanted: What is asked of the comparison.

        Returns:
            The report.

        Raises:
            NotFound: no such version or endpoint, it has no such baseline, or nothing was captured then.
            InvalidInput: the stretch ends before it begins, or the exact path is asked for.
            IntegrityError: the baseline's content is gone, or its bytes have changed.
            WorkspaceError: the telemetry database cannot be read.
        """
        from engine.drift.captured import predicted, rows_of
        from engine.drift.checking import against
        from engine.tables.source import open_table

        made = [each for each in self.baselines(model, version) if each.kind is not BaselineKind.PRODUCTION]
        baseline, content = self.reference(model, version, made[-1].number if made else None)
        names = (stretch.endpoint,) if stretch.endpoint else self._endpoints_of(model)
        columns = rows_of(self._capture(), names, version, stretch)
        answers = set(predicted(columns)) - set(baseline.predictions)
        kept = {name: values for name, values in columns.items() if name not in answers}
        return against(baseline, content, open_table(kept), f"production of {model}/{version}", wanted)

    def _from_training(self, version: Version, reason: str, *, first: bool = False) -> Baseline:
        from engine.drift.training import HINT, opened, reference_file

        self._access.require(Role.WRITER, "drift baseline")
        file = reference_file(self._models, self._runs(), version)
        if file is None:
            raise NotFound(f"Neither {version.key} nor its run holds reference data.", hint=HINT)
        made = _Made(BaselineKind.TRAINING, file.path, reason, first=first)
        with opened(self._artifacts, file) as table:
            return self._make(version, table, made, None)

    def _make(self, version: Version, table: Table, made: _Made, executor: Executor | None) -> Baseline:
        from engine.drift.checking import learned_reference

        content = replace(
            learned_reference(table, executor, distinct=True),
            importance=dict(made.importance),
            inflations=dict(made.inflations),
        )
        names = {each.name for each in content.layout.features}
        missing = [name for name in (*made.predictions, *made.labels, *made.importance) if name not in names]
        if missing:
            raise InvalidInput(f"The data has no column {clean(missing[0], limit=100)}.", hint="Check the spelling.")
        if not content.profile.rows:
            raise InvalidInput("The data has no rows.", hint="Name data to compare production with.")
        blob = self._artifacts.put_bytes(content.to_bytes())
        with self._database.transaction(self._access.actor) as tx:
            current = read_version(tx, version.model, version.version)
            there = store.get(tx, current.row_id) if made.first else None
            if there is not None:  # somebody else was quicker
                return there
            baseline = Baseline(
                model=version.model,
                version=version.version,
                number=store.next_number(tx, current.row_id),
                digest=blob.digest,
                size_bytes=blob.size_bytes,
                kind=made.kind,
                source=made.source[:MAX_SOURCE],
                rows=content.profile.rows,
                features=len(names),
                predictions=made.predictions,
                labels=made.labels,
                start_ms=made.stretch[0],
                end_ms=made.stretch[1],
                reason=made.reason,
                created_ms=tx.now_ms,
                created_by=tx.actor.name,
            )
            store.add(tx, current.row_id, baseline)
            after = {"baseline": baseline.number, "digest": baseline.digest, "rows": baseline.rows}
            after |= {"kind": baseline.kind.value, "source": baseline.source}
            record(tx, verb="baseline", kind="version", key=current.key, before=None, after=after, reason=made.reason)
            tx.emit(kind="version", change="changed", key=current.key)
        return baseline
