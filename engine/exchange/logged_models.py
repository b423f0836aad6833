"""Logged models: storing those of a source, and the rows that both sides are compared by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound
from engine.tracking.logged_model_importing import LoggedModelImport, LoggedModelImports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.api import Engine
    from engine.exchange.comparing import Ledger, Rows
    from engine.exchange.files import FileIntake
    from engine.exchange.mlflow_logged_models import SourceLoggedModel
    from engine.exchange.model import SkippedList

_AT_ONCE = 50
KIND = "logged models"


class LoggedModelIntake:
    """Stores the logged models of a source.

    Args:
        engine: The workspace.
        files: Stores files; `None` leaves them where they are.
        skipped: Takes what is left out.
        ledger: Takes the rows of what the source has.
    """

    def __init__(self, engine: Engine, files: FileIntake | None, skipped: SkippedList, ledger: Ledger) -> None:
        self._imports = LoggedModelImports(engine.database, engine.access)
        self._files = files
        self._skipped = skipped
        self._ledger = ledger
        self._seen: dict[str, LoggedModelImport] = {}

    def store(self, models: Sequence[SourceLoggedModel], runs: frozenset[str]) -> int:
        """Store those that are new or have changed; how many.

        Args:
            models: The models, as the source gives them.
            runs: The runs that the source has; what was measured by others cannot be kept.
        """
        changed = [each for each in models if self._seen.get(each.model.model_id) != each.model]
        stored = 0
        for begin in range(0, len(changed), _AT_ONCE):
            part = changed[begin : begin + _AT_ONCE]
            here = {each.model_id: each for each in self._imports.export_models([one.model.model_id for one in part])}
            wanted = []
            for each in part:
                model = self._complete(each, here.get(each.model.model_id), runs)
                self._ledger.enter(model.model_id, logged_model_rows(model))
                known = here.get(model.model_id)
                if known is None or logged_model_rows(known) != logged_model_rows(model):
                    wanted.append(model)
            stored += self._import(wanted)
            self._seen.update((each.model.model_id, each.model) for each in part)
        return stored

    def rows_here(self, model_ids: Sequence[str]) -> Iterator[tuple[str, Rows]]:
        """The canonical rows of models as they are here."""
        for begin in range(0, len(model_ids), _AT_ONCE):
            for each in self._imports.export_models(model_ids[begin : begin + _AT_ONCE]):
                yield each.model_id, logged_model_rows(each)

    def _import(self, models: Sequence[LoggedModelImport]) -> int:
        try:
            self._imports.import_models(models)
        except (InvalidInput, NotFound) as error:
            if len(models) == 1:
                self._skipped.add("logged model", models[0].model_id, error.message)
                return 0
            return sum(self._import([each]) for each in models)
        return len(models)

    def _complete(
        self, each: SourceLoggedModel, known: LoggedModelImport | None, runs: frozenset[str]
    ) -> LoggedModelImport:
        """The model with its files, without what belongs to runs that are not there."""
        model = replace(
            each.model,
            run_id=each.model.run_id if each.model.run_id in runs else None,
            metrics=[metric for metric in each.model.metrics if metric.run_id in runs],
            made_by=[use for use in each.model.made_by if use[0] in runs],
            read_by=[run_id for run_id in each.model.read_by if run_id in runs],
        )
        had = () if known is None else known.files
        if self._files is None or not each.root:
            return replace(model, files=had)
        return replace(model, files=self._files.of_root(model.model_id, each.root, had))


def logged_model_rows(model: LoggedModelImport) -> Rows:
    """The canonical rows of a logged model."""
    state = [model.experiment, model.name, model.model_type, model.status.value, model.status_message, model.run_id]
    return {
        KIND: [[*state, model.created_ms, model.deleted_ms is not None]],
        "logged model params": sorted([key, value] for key, value in model.params.items()),
        "logged model tags": sorted([key, value] for key, value in model.tags.items()),
        "logged model metrics": sorted(
            [each.key, each.step, each.time_ms, repr(each.value + 0.0), each.run_id, each.data_name, each.data_digest]
            for each in model.metrics
        ),
        "logged model runs": [*sorted([*use] for use in model.made_by), *sorted(model.read_by)],
        "logged model files": sorted([file.path, file.digest, file.size_bytes] for file in model.files),
    }
