"""Storing logged models from elsewhere as they are, and giving them back in the same shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.artifacts import file_store
from engine.artifacts.file_store import MODEL_FILES
from engine.artifacts.model import Artifact
from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import InvalidInput, NotFound
from engine.tracking import detail_store, experiment_store, import_store, logged_model_store
from engine.tracking.logged_model_model import (
    MAX_MODEL_PARAM,
    LoggedModelStatus,
    ModelMetric,
    NewLoggedModel,
    check_model_name,
)
from engine.tracking.model import ModelUse
from engine.tracking.rules import MAX_NAME, MAX_TAG, check_integer, check_key, check_pairs, check_text

if TYPE_CHECKING:
    from engine.core.access import Access
    from engine.db.database import Database
    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.logged_model_model import LoggedModel

MAX_MODEL_ID = 64
"""Longest id of a logged model, in characters."""


@dataclass(frozen=True, slots=True)
class LoggedModelImport:
    """A logged model from elsewhere, to be stored as it is.

    Args:
        model_id: Its public id.
        experiment: Its experiment's name.
        name: What its program calls it.
        created_ms: When it was begun, in milliseconds since the epoch.
        updated_ms: When it was last changed.
        run_id: The run that made it; passed over when that is not here.
        model_type: What kind of thing it is; may be empty.
        status: How far it has come.
        status_message: More of that; may be empty.
        deleted_ms: When it was deleted, if it is.
        params: What it was made with.
        tags: Its tags.
        metrics: What was measured of it; those of runs that are not here are passed over.
        files: Its files, whose bytes are stored already.
        made_by: The runs that made it: id and step each.
        read_by: The runs that read it.
    """

    model_id: str
    experiment: str
    name: str
    created_ms: int
    updated_ms: int
    run_id: str | None = None
    model_type: str = ""
    status: LoggedModelStatus = LoggedModelStatus.READY
    status_message: str = ""
    deleted_ms: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[ModelMetric] = ()
    files: Sequence[Artifact] = ()
    made_by: Sequence[tuple[str, int]] = ()
    read_by: Sequence[str] = ()


class LoggedModelImports:
    """Stores logged models from elsewhere.

    Args:
        database: The control database.
        access: Who acts, with which role.
    """

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def import_models(self, models: Sequence[LoggedModelImport]) -> int:
        """Store logged models, and bring those that are here already up to what is said of them.

        A known model gets the status and deletion that are given, the tags, and the parameters, metrics and files that
        it has not. All is one transaction with one audit record: hand over few at a time.

        Args:
            models: The models; their experiments are here.

        Returns:
            How many of them were not here before.

        Raises:
            InvalidInput: something in a model cannot be kept; nothing was stored.
            NotFound: an experiment is not here; nothing was stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no operator.
        """
        actor = self._access.require(Role.OPERATOR, "logged models import")
        for each in models:
            check_import(each)
        if not models:
            return 0
        new = 0
        with self._database.transaction(actor) as tx:
            runs = {run_id: found.row_id for run_id, found in import_store.known(tx, _runs_of(models)).items()}
            for each in models:
                new += int(_store(tx, each, runs))
            after = {"logged_models": len(models), "new": new}
            record(tx, verb="import", kind="logged_model", key=models[0].model_id, before=None, after=after)
        return new

    def export_models(self, model_ids: Sequence[str]) -> tuple[LoggedModelImport, ...]:
        """Everything that is known of logged models, as `import_models` takes it.

        Args:
            model_ids: The models; those that are not here are left out.

        Returns:
            The models, by id.
        """
        with self._database.snapshot() as snapshot:
            heads = [logged_model_store.head(snapshot, model_id) for model_id in sorted(set(model_ids))]
            rows = {head.row_id: head.deleted_ms for head in heads if head is not None}
            uses = import_store.model_uses(snapshot, model_ids)
            return tuple(
                _exported(snapshot, each.row_id, rows[each.row_id], uses.get(each.model_id, []), each)
                for each in logged_model_store.models(snapshot, list(rows))
            )


def check_import(each: LoggedModelImport) -> None:
    """Refuse a logged model that cannot be kept.

    Raises:
        InvalidInput: an id, name, text or number cannot be kept.
    """
    check_text(each.model_id, "The model's id", MAX_MODEL_ID, may_be_empty=False)
    if not each.model_id.isascii() or not each.model_id.replace("-", "").replace("_", "").isalnum():
        raise InvalidInput("A logged model's id is letters, digits, `-` and `_`.")
    check_model_name(each.name)
    check_text(each.model_type, "The model's type", MAX_NAME)
    check_text(each.status_message, "The model's status message", MAX_TAG)
    check_pairs(each.params, "param", MAX_MODEL_PARAM)
    check_pairs(each.tags, "tag", MAX_TAG)
    for time_ms in (each.created_ms, each.updated_ms, each.deleted_ms or 0):
        check_integer(time_ms, "The model's time")
    for metric in each.metrics:
        check_key(metric.key, "metric")
        check_integer(metric.step, "A metric's step")
        check_integer(metric.time_ms, "A metric's time")


def _runs_of(models: Sequence[LoggedModelImport]) -> set[str]:
    found = {each.run_id for each in models if each.run_id is not None}
    for each in models:
        found |= {metric.run_id for metric in each.metrics} | {run_id for run_id, _ in each.made_by} | {*each.read_by}
    return found


def _store(tx: Transaction, each: LoggedModelImport, runs: Mapping[str, int]) -> bool:
    """Store one model; whether it was not here."""
    head = logged_model_store.head(tx, each.model_id)
    if head is None:
        experiment = experiment_store.find(tx, each.experiment)
        if experiment is None:
            raise NotFound(f"The experiment of the logged model {each.model_id} is not here.")
        new = NewLoggedModel(experiment[0], each.name, None, each.model_type, each.params, each.tags)
        row_id = logged_model_store.insert(tx, each.model_id, new, runs.get(each.run_id or ""))
    else:
        row_id = head.row_id
        had = logged_model_store.current_params(tx, row_id, each.params)
        fresh = {key: value for key, value in each.params.items() if key not in had}
        logged_model_store.put_params(tx, row_id, fresh)
        logged_model_store.put_tags(tx, row_id, each.tags)
    state = (each.status.value, each.status_message, each.created_ms, each.updated_ms, each.deleted_ms)
    import_store.set_model_state(tx, row_id, state)
    for metric in each.metrics:
        if metric.run_id in runs:
            logged_model_store.put_metrics(tx, runs[metric.run_id], [(row_id, metric)])
    file_store.add(tx, MODEL_FILES, row_id, each.files)
    for run_id, step in each.made_by:
        if run_id in runs:
            detail_store.add_models(tx, runs[run_id], "output", [ModelUse(each.model_id, step)])
    for run_id in each.read_by:
        if run_id in runs:
            detail_store.add_models(tx, runs[run_id], "input", [ModelUse(each.model_id)])
    tx.emit(kind="logged_model", change="created" if head is None else "changed", key=each.model_id, row_id=row_id)
    return head is None


def _exported(
    snapshot: Snapshot,
    row_id: int,
    deleted_ms: int | None,
    uses: Sequence[tuple[str, str, int]],
    found: LoggedModel,
) -> LoggedModelImport:
    return LoggedModelImport(
        model_id=found.model_id,
        experiment=found.experiment,
        name=found.name,
        created_ms=found.created_ms,
        updated_ms=found.updated_ms,
        run_id=found.run_id,
        model_type=found.model_type,
        status=found.status,
        status_message=found.status_message,
        deleted_ms=deleted_ms,
        params=found.params,
        tags=found.tags,
        metrics=tuple(replace(metric, model_id=found.model_id) for metric in found.metrics),
        files=tuple(Artifact(*file) for file in file_store.files(snapshot, MODEL_FILES, row_id)),
        made_by=tuple((run_id, step) for run_id, kind, step in uses if kind == "output"),
        read_by=tuple(run_id for run_id, kind, _ in uses if kind == "input"),
    )
