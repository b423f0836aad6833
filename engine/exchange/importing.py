"""Importing: a source's experiments, runs, models and files into a workspace, and the comparison afterwards.

Nothing is remembered between imports. What is here is read back in the shape in which it is stored, compared with what
the source says, and only what is missing is written, in short transactions. So an import that was ended in the middle
goes on where it was, and a second one stores nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.exchange.comparing import Ledger, dataset_rows, experiment_rows, run_rows
from engine.exchange.files import FileIntake
from engine.exchange.logged_models import KIND as LOGGED_MODELS
from engine.exchange.logged_models import LoggedModelIntake
from engine.exchange.model import ImportReport, SkippedList
from engine.exchange.models import ModelIntake, model_rows
from engine.exchange.prompts import KIND as PROMPTS
from engine.exchange.prompts import PromptIntake, is_prompt, prompt_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from engine.api import Engine
    from engine.exchange.comparing import Rows
    from engine.exchange.model import SourceModel, SourceRun
    from engine.exchange.source import Source
    from engine.tracking.model import DatasetInput, ExperimentImport, MetricPoint, RunImport

    Progress = Callable[[str, int, int], None]
    """Told what goes on, how much of it is done, of how much."""

POINTS_PER_TRANSACTION = 8_000
RUNS_PER_TRANSACTION = 100
_RUNS_PER_READ = 200
_LINKS_PER_TRANSACTION = 1_000


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import.

    Args:
        files: Whether to copy artifacts too.
        progress: Told how far it is.
    """

    files: bool = True
    progress: Progress = field(default=lambda _what, _done, _total: None)


class Importer:
    """Brings a workspace up to a source, in one pass or in many.

    Args:
        engine: The workspace.
        source: Where from.
        options: How.

    Raises:
        ReadOnlyMode: the session is read-only.
        PermissionDenied: the actor is not an operator.
    """

    def __init__(self, engine: Engine, source: Source, options: ImportOptions | None = None) -> None:
        engine.access.require(Role.OPERATOR, "import")
        self._engine = engine
        self._source = source
        self._options = options or ImportOptions()
        self._seen: dict[str, str] = {}
        self._skipped = SkippedList()
        self._ledger = Ledger()
        self._files = FileIntake(engine, source, self._skipped)
        self._models = ModelIntake(engine, source, self._files if self._options.files else None, self._skipped)
        logged_files = self._files if self._options.files else None
        self._logged = LoggedModelIntake(engine, logged_files, self._skipped, self._ledger)
        self._prompts = PromptIntake(engine, self._skipped)
        self._seen_models: dict[str, SourceModel] = {}
        self._parents: dict[str, tuple[str, bool]] = {}

    def step(self) -> Mapping[str, int]:
        """Bring the workspace up to the source as it is now.

        Returns:
            How many things were new or changed, by kind; empty when there was nothing to do.

        Raises:
            InvalidInput: the source cannot be read.
            Unreachable: the server cannot be asked.
            PolicyInvalid: the policy file is wrong, so nobody can tell which aliases are protected.
            Busy: another process held the workspace too long.
            WorkspaceError: the workspace cannot be written.
        """
        stored: dict[str, int] = {}
        self._import_experiments(stored)
        done = 0
        total = self._source.run_count()
        for group in self._source.runs(self._seen, self._skipped):
            self._import_runs(group, stored)
            done += len(group)
            self._options.progress("runs", done, max(done, total))
        self._link(stored)
        self._import_logged_models(stored)
        self._import_models(stored)
        return stored

    def report(self, stored: Mapping[str, int]) -> ImportReport:
        """Compare what the source had when it was read with what is here now.

        Args:
            stored: What `step` gave.

        Returns:
            The comparison.

        Raises:
            Busy: another process held the workspace too long.
            WorkspaceError: the workspace cannot be read.
        """
        here = Ledger()
        for experiment in self._engine_experiments():
            here.enter(experiment.name, experiment_rows(experiment))
        owners = self._ledger.owners("runs")
        for done in range(0, len(owners), _RUNS_PER_READ):
            run_ids = owners[done : done + _RUNS_PER_READ]
            latest = self._engine.runs.latest_values(run_ids)
            for run in self._engine.runs.export_runs(run_ids):
                here.enter(run.run_id or "", run_rows(run, latest.get(run.run_id or "")))
                for key, rows in dataset_rows(run).items():
                    here.enter_first(key, rows)
                if run.parent_run_id is not None:
                    here.enter(run.run_id or "", {"parents": [run.parent_run_id]})
            self._options.progress("comparing", min(len(owners), done + _RUNS_PER_READ), len(owners))
        self._enter_models_here(here)
        return ImportReport(
            source=self._source.name,
            stored=stored,
            kinds=self._ledger.compare(here),
            skipped=tuple(self._skipped.items),
            skipped_counts=dict(self._skipped.counts),
        )

    def _enter_models_here(self, here: Ledger) -> None:
        for model_id, rows in self._logged.rows_here(self._ledger.owners(LOGGED_MODELS)):
            here.enter(model_id, rows)
        for name in self._ledger.owners("models"):
            of_model = self._models.rows_here(name)
            if of_model is not None:
                here.enter(name, of_model)
        for name in self._ledger.owners(PROMPTS):
            of_prompt = self._prompts.rows_here(name)
            if of_prompt is not None:
                here.enter(name, of_prompt)

    def _engine_experiments(self) -> Iterator[ExperimentImport]:
        from engine.tracking.model import ExperimentImport

        token: str | None = None
        while True:
            page = self._engine.experiments.page(limit=1_000, page_token=token, include_deleted=True)
            for each in page.items:
                deleted_ms = each.updated_ms if each.lifecycle == "deleted" else None
                yield ExperimentImport(each.name, each.created_ms, each.updated_ms, each.tags, deleted_ms)
            token = page.next_page_token
            if token is None:
                return

    def _import_experiments(self, stored: dict[str, int]) -> None:
        found = self._source.experiments(self._skipped)
        for each in found:
            self._ledger.enter(each.name, experiment_rows(each))
        _count(stored, "experiments", self._engine.runs.import_experiments(found))

    def _import_runs(self, group: Sequence[SourceRun], stored: dict[str, int]) -> None:
        here = {run.run_id: run for run in self._engine.runs.export_runs([each.run.run_id or "" for each in group])}
        missing = []
        for each in group:
            known = here.get(each.run.run_id)
            if each.run.parent_run_id is not None:
                is_linked = known is not None and known.parent_run_id == each.run.parent_run_id
                self._parents[each.run.run_id or ""] = (each.run.parent_run_id, is_linked)
            run = self._files.with_files(each, known) if self._options.files else _with_known_files(each.run, known)
            run = self._without_secrets(run)
            self._enter(each, run)
            wanted = replace(run, parent_run_id=None) if known is None else _missing(run, known)
            if wanted is not None:
                missing.append(wanted)
        for part in _transactions(missing):
            self._merge(part, stored)
        new = [run for run in missing if run.run_id not in here]
        _count(stored, "runs", len(new))
        _count(stored, "changed runs", len(missing) - len(new))
        _count(stored, "metrics", sum(len(run.metrics) for run in missing))
        self._seen.update((each.run.run_id or "", each.stamp) for each in group)

    def _import_logged_models(self, stored: dict[str, int]) -> None:
        found = self._source.logged_models(self._skipped)
        if found:
            _count(stored, "logged models", self._logged.store(found, frozenset(self._ledger.owners("runs"))))

    def _import_models(self, stored: dict[str, int]) -> None:
        for model in self._source.models(self._skipped):
            if self._seen_models.get(model.name) == model:
                continue
            self._seen_models[model.name] = model
            if is_prompt(model):
                self._import_prompt(model, stored)
                continue
            prepared = self._models.prepared(model)
            rows = model_rows(prepared)
            self._ledger.enter(model.name, rows)
            if self._models.rows_here(model.name) != rows:
                _count(stored, "models and versions", self._models.store(prepared))

    def _import_prompt(self, model: SourceModel, stored: dict[str, int]) -> None:
        rows = prompt_rows(model)
        self._ledger.enter(model.name, rows)
        if self._prompts.rows_here(model.name) != rows:
            _count(stored, "prompts and versions", self._prompts.store(model))

    def _without_secrets(self, run: RunImport) -> RunImport:
        """The run as it will be stored; every secret that is replaced is told."""
        kept = self._engine.runs.redacted(run)
        if kept is not run:
            for key in (*run.params, *run.tags):
                if kept.params.get(key) != run.params.get(key) or kept.tags.get(key) != run.tags.get(key):
                    self._skipped.add("secret", f"{run.run_id} {key}", "It looks like one; [redacted] is kept instead.")
        return kept

    def _enter(self, each: SourceRun, run: RunImport) -> None:
        latest = each.latest
        if latest is None:
            latest = {key: value for key, value, _, _ in sorted(run.metrics, key=_by_place)}
        self._ledger.enter(run.run_id or "", run_rows(run, latest))
        for key, rows in dataset_rows(run).items():
            self._ledger.enter_first(key, rows)

    def _link(self, stored: dict[str, int]) -> None:
        """Put runs below their parents, now that both are here, unless that would go in a circle."""
        known = set(self._ledger.owners("runs"))
        wanted = []
        sound: set[str] = set()
        for child, (parent, is_linked) in self._parents.items():
            if parent not in known:
                self._skipped.add("parent", child, "The run it belongs to is not in the source.")
            elif self._is_circular(child, sound):
                self._skipped.add("parent", child, "It would belong to itself, over others.")
            else:
                self._ledger.enter(child, {"parents": [parent]})
                if not is_linked:
                    wanted.append((child, parent))
        for begin in range(0, len(wanted), _LINKS_PER_TRANSACTION):
            part = wanted[begin : begin + _LINKS_PER_TRANSACTION]
            _count(stored, "parents", self._engine.runs.link_runs(part))
            self._parents.update((child, (parent, True)) for child, parent in part)

    def _is_circular(self, child: str, sound: set[str]) -> bool:
        """Whether a run's parents lead back to one of them; `sound` remembers those that do not."""
        passed = [child]
        seen = {child}
        at = self._parents.get(child)
        while at is not None and at[0] not in sound:
            if at[0] in seen:
                return True
            passed.append(at[0])
            seen.add(at[0])
            at = self._parents.get(at[0])
        sound.update(passed)
        return False

    def _merge(self, runs: Sequence[RunImport], stored: dict[str, int]) -> None:
        try:
            self._engine.runs.merge_runs(runs)
        except InvalidInput as error:
            if len(runs) == 1:
                self._skipped.add("run", runs[0].run_id or "", error.message)
                return
            for run in runs:
                self._merge([run], stored)


def import_all(importer: Importer) -> ImportReport:
    """Import everything of a source once.

    Args:
        importer: Knows where from, and where to.

    Returns:
        What was stored, what was left out, and the comparison.

    Raises:
        InvalidInput: the source cannot be read.
        Unreachable: the server cannot be asked.
        PolicyInvalid: the policy file is wrong, so nobody can tell which aliases are protected.
        Busy: another process held the workspace too long.
        WorkspaceError: the workspace cannot be written.
    """
    began = time.monotonic()
    stored = importer.step()
    report = importer.report(stored)
    return replace(report, seconds=round(time.monotonic() - began, 3))


def _count(stored: dict[str, int], kind: str, count: int) -> None:
    if count:
        stored[kind] = stored.get(kind, 0) + count


def _by_place(point: MetricPoint) -> tuple[int, int, int, float]:
    _, value, step, time_ms = point
    return (step, time_ms, 1, 0.0) if value != value else (step, time_ms, 0, value)  # noqa: PLR0124 NaN is not itself


def _with_known_files(run: RunImport, known: RunImport | None) -> RunImport:
    return run if known is None else replace(run, files=known.files)


def _missing(run: RunImport, known: RunImport) -> RunImport | None:
    """What of a run is not here yet; `None` when nothing is."""
    theirs, ours = run_rows(run, None), run_rows(known, None)
    if theirs == ours:
        return None
    here = {(key, step, time_ms, repr(value + 0.0)) for key, value, step, time_ms in known.metrics}
    wanted = replace(
        run,
        parent_run_id=None,
        params={key: value for key, value in run.params.items() if key not in known.params},
        tags={key: value for key, value in run.tags.items() if known.tags.get(key) != value},
        metrics=[point for point in run.metrics if (point[0], point[2], point[3], repr(point[1] + 0.0)) not in here],
        inputs=[each for each in run.inputs if _use(each) not in {_use(other) for other in known.inputs}],
        files=[each for each in run.files if each not in known.files],
    )
    added = wanted.params or wanted.tags or wanted.metrics or wanted.inputs or wanted.files
    return wanted if added or _state(theirs) != _state(ours) else None


def _state(rows: Rows) -> Sequence[object]:
    """What an import may change of a run's own row: all but its experiment, for runs are not moved."""
    (row,) = rows["runs"]
    return row[1:] if isinstance(row, list) else ()


def _use(each: DatasetInput) -> tuple[str, str, str]:
    return each.name, each.digest, each.context


def _transactions(runs: Iterable[RunImport]) -> Iterator[list[RunImport]]:
    """Runs in groups that other writers can wait for; a long history comes in parts."""
    group: list[RunImport] = []
    points = 0
    for run in runs:
        for part in _parts(run):
            if group and (points + len(part.metrics) > POINTS_PER_TRANSACTION or len(group) == RUNS_PER_TRANSACTION):
                yield group
                group, points = [], 0
            group.append(part)
            points += len(part.metrics)
    if group:
        yield group


def _parts(run: RunImport) -> Iterator[RunImport]:
    points = run.metrics
    if len(points) <= POINTS_PER_TRANSACTION:
        yield run
        return
    yield replace(run, metrics=points[:POINTS_PER_TRANSACTION])
    for begin in range(POINTS_PER_TRANSACTION, len(points), POINTS_PER_TRANSACTION):
        more = points[begin : begin + POINTS_PER_TRANSACTION]
        yield replace(run, metrics=more, params={}, tags={}, inputs=(), files=())
