"""The operations on logged models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.artifacts.file_store import MODEL_FILES
from engine.artifacts.files import Files, Owner, Owners
from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.core.paging import Page
from engine.core.text import clean
from engine.db import listing
from engine.tracking import experiment_store, logged_model_store
from engine.tracking.logged_model_model import (
    LIFECYCLES,
    MAX_MODEL_PARAM,
    LoggedModelQuery,
    LoggedModelStatus,
    RunModel,
    check_model_name,
)
from engine.tracking.lookup import RunService, open_whole_run, resolve
from engine.tracking.rules import MAX_NAME, MAX_TAG, check_integer, check_key, check_pairs, check_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from engine.artifacts.model import Artifact, Manifest
    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.logged_model_model import LoggedModel, ModelMetric, NewLoggedModel
    from engine.tracking.logged_model_store import ModelHead

KIND = "logged_model"
"""How events and the audit log name logged models."""


class LoggedModels(RunService):
    """Logged models of a workspace: begin, describe, find, delete; and their files.

    Args:
        database: The control database.
        access: Who acts, with which role.
        artifacts: The artifact files.
        clock: Tells the time.
        ids: Makes model ids.
        redaction: Replaces secrets in parameters and tags.
    """

    @property
    def files(self) -> Files:
        """The files of logged models, as files below anything are kept."""
        return Files(_MODELS, self._database, self._access, self._artifacts)

    def create(self, model: NewLoggedModel) -> LoggedModel:
        """Begin a logged model; its status is `pending` until `set_status` says otherwise.

        Args:
            model: What is known of it.

        Returns:
            The model, with its id.

        Raises:
            InvalidInput: a text cannot be kept.
            NotFound: there is no such experiment or run.
            Conflict: the experiment or the run is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not a writer.
        """
        actor = self._access.require_still(Role.WRITER, "logged models create")
        from dataclasses import replace

        model_id = f"m-{self._ids.new()}"
        model = replace(model, name=model.name or f"model-{model_id[2:10]}")
        check_model_name(check_text(model.name, "The model's name", MAX_NAME))
        check_text(model.model_type, "The model's type", MAX_NAME)
        redacting = self._redacting()
        params = redacting.pairs(check_pairs(model.params, "param", MAX_MODEL_PARAM))
        tags = redacting.pairs(check_pairs(model.tags, "tag", MAX_TAG))
        model = replace(model, params=params, tags=tags)
        with self._database.transaction(actor) as tx:
            _refuse_closed_experiment(tx, model.experiment_id)
            run = None if model.run_id is None else open_whole_run(tx, model.run_id)
            row_id = logged_model_store.insert(tx, model_id, model, None if run is None else run.row_id)
            tx.emit(kind=KIND, change="created", key=model_id, row_id=row_id)
            if run is not None:
                tx.emit(kind="run", change="changed", key=run.run_id, row_id=run.row_id)
            return logged_model_store.models(tx, [row_id])[0]

    def get(self, model_id: str, *, include_deleted: bool = False) -> LoggedModel:
        """One logged model.

        Args:
            model_id: Its id.
            include_deleted: Whether a deleted one is found too.

        Raises:
            NotFound: there is no such model, or it is deleted.
        """
        with self._database.snapshot() as snapshot:
            found = _find_head(snapshot, model_id)
            if found.deleted_ms is not None and not include_deleted:
                raise _no_model(model_id)
            return logged_model_store.models(snapshot, [found.row_id])[0]

    def page(self, query: LoggedModelQuery | None = None) -> Page[LoggedModel]:
        """One page of a search.

        Args:
            query: Which models, in which order; the newest 100 by default.

        Returns:
            The models, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            InvalidInput: the lifecycle is unknown, the limit is out of range, or the token is not of this query.
        """
        query = query or LoggedModelQuery()
        if query.lifecycle not in LIFECYCLES:
            raise InvalidInput(f"The lifecycle must be one of {', '.join(LIFECYCLES)}.")
        keys = tuple(key.text for key in query.order_by)
        asked = listing.Question(query.filter, keys, query.limit, query.page_token)
        with self._database.snapshot() as snapshot:
            subject = logged_model_store.subject(query)
            row_ids, token = listing.answer(snapshot, subject, asked, now_ms=self._clock.now_ms())
            return Page(logged_model_store.models(snapshot, row_ids), token)

    def set_status(self, model_id: str, status: LoggedModelStatus, message: str = "") -> LoggedModel:
        """Say how far a model has come.

        Args:
            model_id: The model.
            status: The status.
            message: More of that.

        Returns:
            The model.

        Raises:
            InvalidInput: the message cannot be kept.
            NotFound: there is no such model, or it is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not a writer.
        """
        actor = self._access.require_still(Role.WRITER, "logged models set status")
        check_text(message, "The status message", MAX_TAG)
        with self._database.transaction(actor) as tx:
            model = _open(tx, model_id)
            logged_model_store.set_status(tx, model.row_id, status.value, message)
            _tell(tx, model)
            return logged_model_store.models(tx, [model.row_id])[0]

    def log_params(self, model_id: str, params: Mapping[str, str]) -> None:
        """Add parameters; each is written once.

        Args:
            model_id: The model.
            params: Key to value.

        Raises:
            InvalidInput: a key or value cannot be kept.
            NotFound: there is no such model, or it is deleted.
            Conflict: a parameter is there already with another value.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not a writer.
        """
        actor = self._access.require_still(Role.WRITER, "logged models log")
        given = self._redacting().pairs(check_pairs(params, "param", MAX_MODEL_PARAM))
        with self._database.transaction(actor) as tx:
            model = _open(tx, model_id)
            there = logged_model_store.current_params(tx, model.row_id, given)
            for key, value in there.items():
                if value != given[key]:
                    raise Conflict(
                        f"The parameter '{clean(key, limit=60)}' of this model is '{clean(value, limit=60)}' already.",
                        hint="Parameters are written once; set a tag for what changes.",
                    )
            new = {key: value for key, value in given.items() if key not in there}
            logged_model_store.put_params(tx, model.row_id, new)
            logged_model_store.touch(tx, model.row_id)
            _tell(tx, model)

    def set_tags(self, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
        """Set tags; what was there under their keys is replaced.

        Args:
            model_id: The model.
            tags: Key to value.

        Returns:
            The model.

        Raises:
            InvalidInput: a key or value cannot be kept.
            NotFound: there is no such model, or it is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not a writer.
        """
        actor = self._access.require_still(Role.WRITER, "logged models tag")
        given = self._redacting().pairs(check_pairs(tags, "tag", MAX_TAG))
        with self._database.transaction(actor) as tx:
            model = _open(tx, model_id)
            logged_model_store.put_tags(tx, model.row_id, given)
            logged_model_store.touch(tx, model.row_id)
            _tell(tx, model)
            return logged_model_store.models(tx, [model.row_id])[0]

    def delete_tag(self, model_id: str, key: str) -> None:
        """Remove a tag.

        Args:
            model_id: The model.
            key: The tag.

        Raises:
            NotFound: there is no such model, or it has no such tag.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not a writer.
        """
        actor = self._access.require_still(Role.WRITER, "logged models tag")
        with self._database.transaction(actor) as tx:
            model = _open(tx, model_id)
            if not logged_model_store.delete_tag(tx, model.row_id, key):
                raise NotFound(f"No tag with key '{clean(key, limit=60)}' found for this model.")
            logged_model_store.touch(tx, model.row_id)
            _tell(tx, model)

    def log_metrics(self, run_id: str, metrics: Sequence[ModelMetric]) -> None:
        """Keep what a run measured of models; an exact duplicate is stored once.

        Args:
            run_id: The run's whole id; that of the metrics is not looked at.
            metrics: The measurements.

        Raises:
            InvalidInput: a key, name, number or digest cannot be kept.
            NotFound: there is no such run or model.
            Conflict: the run is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not a writer.
        """
        actor = self._access.require_still(Role.WRITER, "runs log")
        with self._database.transaction(actor) as tx:
            put_measured(tx, open_whole_run(tx, run_id).row_id, metrics)

    def delete(self, model_id: str) -> LoggedModel:
        """Delete a model; it leaves every list but stays in the workspace, and `restore` brings it back.

        Args:
            model_id: The model.

        Returns:
            The model as deleted.

        Raises:
            NotFound: there is no such model, or it is deleted already.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "logged models delete")
        with self._database.transaction(actor) as tx:
            return _set_lifecycle(tx, _open(tx, model_id), "delete")

    def restore(self, model_id: str) -> LoggedModel:
        """Bring a deleted model back.

        Args:
            model_id: The model.

        Returns:
            The model.

        Raises:
            NotFound: there is no such model.
            Conflict: it is not deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "logged models restore")
        with self._database.transaction(actor) as tx:
            model = _find_head(tx, model_id)
            if model.deleted_ms is None:
                raise Conflict(f"The logged model {clean(model_id, limit=40)} is not deleted.")
            return _set_lifecycle(tx, model, "restore")

    def of_run(self, run_id: str) -> tuple[RunModel, ...]:
        """The logged models beside a run: those that it made, then those that it read.

        Args:
            run_id: The run, or an unambiguous beginning of its id.

        Returns:
            The models, each by step.

        Raises:
            NotFound: there is no such run.
            InvalidInput: several runs' ids begin so.
        """
        with self._database.snapshot() as snapshot:
            rows = logged_model_store.of_run(snapshot, resolve(snapshot, run_id).row_id)
            here = logged_model_store.models(snapshot, [row_id for *_, row_id in rows if row_id is not None])
        known = {model.model_id: model for model in here}
        return tuple(RunModel(model_id, role, step, known.get(model_id)) for model_id, role, step, _ in rows)

    def manifest(self, model_id: str, path: str = "") -> Manifest:
        """What a model is made of, with the digest that stands for all of it.

        Args:
            model_id: The model.
            path: A file or folder among its files; empty for all of them.

        Raises:
            NotFound: there is no such model, or nothing at that path.
            InvalidInput: the path is not safe.
        """
        return self.files.manifest(model_id, path)

    def artifacts(self, model_id: str, path: str = "") -> tuple[Artifact, ...]:
        """What lies in one folder of a model's files: files, and folders in sum.

        Args:
            model_id: The model.
            path: The folder; empty for the top.

        Raises:
            NotFound: there is no such model.
            InvalidInput: the path is not safe.
        """
        return self.files.level(model_id, path)

    def open_artifact(self, model_id: str, path: str) -> BinaryIO:
        """Open one file for reading; its bytes have been checked against its digest.

        Args:
            model_id: The model.
            path: The file.

        Returns:
            The open file; the caller closes it.

        Raises:
            NotFound: there is no such model or file.
            InvalidInput: the path is not safe, or names a folder.
            IntegrityError: the stored bytes are missing or have changed.
        """
        return self.files.open(model_id, path)


def put_measured(tx: Transaction, run: int, metrics: Sequence[ModelMetric]) -> None:
    """Keep what a run measured of models; an exact duplicate is stored once.

    Args:
        tx: The transaction.
        run: The run's integer key.
        metrics: The measurements.

    Raises:
        InvalidInput: a key, name, number or digest cannot be kept.
        NotFound: there is no such model.
    """
    for each in metrics:
        _check_metric(each)
    models = {model_id: _open(tx, model_id) for model_id in {each.model_id for each in metrics}}
    logged_model_store.put_metrics(tx, run, [(models[each.model_id].row_id, each) for each in metrics])
    for model in models.values():
        _tell(tx, model)


def _check_metric(metric: ModelMetric) -> None:
    check_key(metric.key, "metric")
    check_text(metric.data_name, "The dataset's name", MAX_NAME)
    check_text(metric.data_digest, "The dataset's digest", MAX_NAME)
    check_integer(metric.step, "A metric's step")
    check_integer(metric.time_ms, "A metric's time in milliseconds")


def _refuse_closed_experiment(tx: Transaction, experiment_id: int) -> None:
    found = experiment_store.by_id(tx, experiment_id)
    if found is None:
        raise NotFound(f"No Experiment with id={experiment_id} exists.", hint="Run `qd experiments list` to see them.")
    if found[4] is not None:
        raise Conflict(f"The experiment {clean(found[1], limit=60)} is deleted.", hint="Restore it first.")


def _no_model(model_id: str) -> NotFound:
    return NotFound(f"Logged model with ID '{clean(model_id, limit=60)}' not found.")


def _find_head(snapshot: Snapshot, model_id: str) -> ModelHead:
    found = logged_model_store.head(snapshot, model_id)
    if found is None:
        raise _no_model(model_id)
    return found


def _open(snapshot: Snapshot, model_id: str) -> ModelHead:
    found = _find_head(snapshot, model_id)
    if found.deleted_ms is not None:
        raise _no_model(model_id)
    return found


def _owner(snapshot: Snapshot, model_id: str) -> Owner:
    found = _open(snapshot, model_id)
    return Owner(found.row_id, found.model_id)


def _tell(tx: Transaction, model: ModelHead) -> None:
    tx.emit(kind=KIND, change="changed", key=model.model_id, row_id=model.row_id)


def _set_lifecycle(tx: Transaction, model: ModelHead, verb: str) -> LoggedModel:
    deleting = verb == "delete"
    logged_model_store.mark_deleted(tx, model.row_id, tx.now_ms if deleting else None)
    before, after = ("active", "deleted") if deleting else ("deleted", "active")
    record(tx, verb=verb, kind=KIND, key=model.model_id, before={"lifecycle": before}, after={"lifecycle": after})
    _tell(tx, model)
    return logged_model_store.models(tx, [model.row_id])[0]


def _record(tx: Transaction, verb: str, owner: Owner, before: dict[str, object], after: dict[str, object]) -> None:
    record(tx, verb=verb, kind=KIND, key=owner.public_id, before=before, after=after)


_MODELS = Owners(KIND, "logged model", MODEL_FILES, _owner, _owner, _record)
