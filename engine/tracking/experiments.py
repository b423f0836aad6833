"""Operations on experiments."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from engine.core.paging import Page, decode_token, encode_token
from engine.core.text import clean
from engine.tracking import experiment_store as store
from engine.tracking.experiment_search import matching, search
from engine.tracking.model import DEFAULT_EXPERIMENT, DEFAULT_EXPERIMENT_ID, Experiment, ExperimentRecord
from engine.tracking.rules import MAX_EXPERIMENT_TAG, MAX_NAME, check_key, check_pairs, check_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Snapshot, Transaction
    from engine.tracking.model import ExperimentQuery
    from engine.tracking.redaction import Redaction

MAX_PAGE = 10_000
MAX_SEARCH = 50_000


class Experiments:
    """Makes, lists and changes experiments.

    Args:
        database: The control database.
        access: Who acts, with which role.
        clock: Tells the time, for ages in filters.
        redaction: Replaces secrets in tags.
    """

    def __init__(self, database: Database, access: Access, clock: Clock, *, redaction: Redaction | None = None) -> None:
        self._database = database
        self._access = access
        self._clock = clock
        self._redaction = redaction

    def create(self, name: str, tags: Mapping[str, str] | None = None) -> Experiment:
        """Make an experiment.

        Args:
            name: Its name, 1 to 500 characters, unique also among deleted ones.
            tags: Its first tags.

        Returns:
            The experiment.

        Raises:
            AlreadyExists: the name is taken.
            InvalidInput: the name or a tag cannot be kept.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no writer.
        """
        actor = self._access.require(Role.WRITER, "experiments create")
        with self._database.transaction(actor) as tx:
            create(tx, name, self._kept(tags) if tags else {})
            return _load(tx, name)

    def get(self, name: str) -> Experiment:
        """One experiment, deleted or not.

        Args:
            name: Its name.

        Raises:
            NotFound: there is none of that name; the hint suggests the nearest.
        """
        with self._database.snapshot() as snapshot:
            return _load(snapshot, name)

    def find(self, name: str) -> ExperimentRecord | None:
        """One experiment, deleted or not; `None` when there is none of that name."""
        with self._database.snapshot() as snapshot:
            found = store.find(snapshot, name)
            return None if found is None else _records(snapshot, [found])[0]

    def get_by_id(self, experiment_id: int) -> ExperimentRecord:
        """One experiment by its integer key, deleted or not.

        Raises:
            NotFound: there is none.
        """
        with self._database.snapshot() as snapshot:
            found = store.by_id(snapshot, experiment_id)
            if found is None:
                raise NotFound(f"No Experiment with id={experiment_id} exists")
            return _records(snapshot, [found])[0]

    def ensure_default(self) -> None:
        """Make the experiment that runs without one go to, under the integer key 0, unless that key is taken.

        Raises:
            ReadOnlyMode: the session is read-only.
            WorkspaceError: the disk failed.
        """
        with self._database.transaction(self._access.actor) as tx:
            if store.by_id(tx, DEFAULT_EXPERIMENT_ID) is not None:
                return
            name = DEFAULT_EXPERIMENT
            while store.find(tx, name) is not None:  # somebody has renamed another experiment so
                name += " (0)"
            create(tx, name, {}, experiment_id=DEFAULT_EXPERIMENT_ID)

    def page(
        self,
        filter: str = "",  # noqa: A002 the word users write
        *,
        limit: int = 100,
        page_token: str | None = None,
        include_deleted: bool = False,
    ) -> Page[Experiment]:
        """List experiments, newest first.

        Args:
            filter: In the filter language over `name`, `created`, `updated` and `tags.`; empty for all.
            limit: Experiments per page, 1 to 10,000.
            page_token: Continues an earlier page.
            include_deleted: List deleted ones too.

        Returns:
            The experiments, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter does not parse; `details["column"]` says where.
            InvalidInput: the limit is out of range, or the token is not valid.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        with self._database.snapshot() as snapshot:
            lifecycle = "all" if include_deleted else "active"
            found = matching(snapshot, filter, self._clock.now_ms(), lifecycle=lifecycle)
            after = None if page_token is None else _position(page_token)
            rest = [row for row in found if after is None or (-row[2], -row[0]) > after]
            items = _experiments(snapshot, rest[:limit])
        last = rest[limit - 1] if len(rest) > limit else None
        return Page(items, None if last is None else encode_token([-last[2], -last[0]]))

    def search(self, query: ExperimentQuery) -> Page[ExperimentRecord]:
        """One page of a search in any order.

        Args:
            query: Which experiments, in which order.

        Returns:
            The experiments, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            InvalidInput: the limit or lifecycle is not valid, or the token is not of this query.
        """
        if not 1 <= query.limit <= MAX_SEARCH:
            raise InvalidInput(f"The limit must be from 1 to {MAX_SEARCH}.")
        with self._database.snapshot() as snapshot:
            rows, token = search(snapshot, query, self._clock.now_ms())
            return Page(_records(snapshot, rows), token)

    def rename(self, name: str, new: str) -> Experiment:
        """Give an experiment another name.

        Args:
            name: Its name now.
            new: Its name from now on.

        Returns:
            The experiment.

        Raises:
            NotFound: there is none of that name.
            AlreadyExists: the new name is taken.
            InvalidInput: the new name cannot be kept.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "experiments rename")
        _check_name(new)
        with self._database.transaction(actor) as tx:
            found = _find(tx, name)
            if new != name:
                try:
                    store.rename(tx, found[0], new)
                except sqlite3.IntegrityError as error:
                    raise _taken(new) from error
                record(tx, verb="rename", kind="experiment", key=new, before={"name": name}, after={"name": new})
                tx.emit(kind="experiment", change="changed", key=new)
            return _load(tx, new)

    def set_tag(self, name: str, key: str, value: str | None) -> Experiment:
        """Set a tag.

        Args:
            name: The experiment.
            key: The tag's key, at most 250 characters.
            value: Its value, at most 20,000 characters; `None` removes it.

        Returns:
            The experiment.

        Raises:
            NotFound: there is no such experiment.
            InvalidInput: the key or value cannot be kept.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is no writer.
        """
        actor = self._access.require(Role.WRITER, "experiments tag")
        check_key(key, "tag")
        if value is not None:
            value = self._kept({key: check_text(value, "The tag's value", MAX_EXPERIMENT_TAG)})[key]
        with self._database.transaction(actor) as tx:
            found = _find(tx, name)
            before = store.tags(tx, found[0]).get(key)
            if before != value:
                store.set_tag(tx, found[0], key, value)
                record(tx, verb="tag", kind="experiment", key=name, before={key: before}, after={key: value})
                tx.emit(kind="experiment", change="changed", key=name)
            return _load(tx, name)

    def _kept(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Tags as they may be stored: secrets replaced."""
        from engine.tracking.redaction import Redaction  # lists do without

        checked = check_pairs(tags, "tag", MAX_EXPERIMENT_TAG)
        return (self._redaction or Redaction()).pairs(checked)

    def delete(self, name: str) -> Experiment:
        """Delete an experiment together with its runs; `restore` brings both back.

        Args:
            name: The experiment.

        Returns:
            The experiment as deleted.

        Raises:
            NotFound: there is no such experiment.
            Conflict: it is deleted already.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "experiments delete")
        with self._database.transaction(actor) as tx:
            experiment, _, _, _, deleted_ms = _find(tx, name)
            if deleted_ms is not None:
                raise Conflict(f"The experiment {clean(name)} is deleted already.")
            runs = store.delete(tx, experiment)
            _record_lifecycle(tx, "delete", name, runs, ("active", "deleted"))
            return _load(tx, name)

    def restore(self, name: str) -> Experiment:
        """Bring a deleted experiment back, with the runs that were deleted together with it.

        Args:
            name: The experiment.

        Returns:
            The experiment.

        Raises:
            NotFound: there is no such experiment.
            Conflict: it is not deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
        """
        actor = self._access.require(Role.OPERATOR, "experiments restore")
        with self._database.transaction(actor) as tx:
            experiment, _, _, _, deleted_ms = _find(tx, name)
            if deleted_ms is None:
                raise Conflict(f"The experiment {clean(name)} is not deleted.")
            runs = store.restore(tx, experiment, deleted_ms)
            _record_lifecycle(tx, "restore", name, runs, ("deleted", "active"))
            return _load(tx, name)


def create(tx: Transaction, name: str, tags: Mapping[str, str], *, experiment_id: int | None = None) -> int:
    """Make an experiment inside a caller's transaction, with its audit record and event.

    Args:
        tx: The transaction.
        name: Its name.
        tags: Its first tags.
        experiment_id: Its integer key; the next one when `None`.

    Returns:
        Its integer key.

    Raises:
        AlreadyExists: the name is taken.
        InvalidInput: the name or a tag cannot be kept.
    """
    _check_name(name)
    checked = check_pairs(tags, "tag", MAX_EXPERIMENT_TAG)
    if experiment_id is None and name == DEFAULT_EXPERIMENT and store.by_id(tx, DEFAULT_EXPERIMENT_ID) is None:
        experiment_id = DEFAULT_EXPERIMENT_ID
    try:
        experiment = store.insert(tx, name, checked, experiment_id)
    except sqlite3.IntegrityError as error:
        raise _taken(name) from error
    record(tx, verb="create", kind="experiment", key=name, before=None, after={"name": name, "tags": checked})
    tx.emit(kind="experiment", change="created", key=name)
    return experiment


def ensure(tx: Transaction, name: str) -> int:
    """The integer key of the experiment of that name, made when missing.

    Raises:
        Conflict: it is deleted.
        InvalidInput: the name cannot be kept.
    """
    found = store.find(tx, name)
    if found is None:
        return create(tx, name, {})
    if found[4] is not None:
        raise Conflict(
            f"The experiment {clean(name)} is deleted.", hint="Restore it first, or log into another experiment."
        )
    return found[0]


def require_active(snapshot: Snapshot, experiment_id: int) -> int:
    """The integer key of an experiment that takes runs.

    Raises:
        NotFound: there is none of that key.
        Conflict: it is deleted.
    """
    found = store.by_id(snapshot, experiment_id)
    if found is None:
        raise NotFound(f"No Experiment with id={experiment_id} exists")
    if found[4] is not None:
        raise Conflict(f"The experiment {experiment_id} must be in the 'active' state. Current state is deleted.")
    return experiment_id


def _record_lifecycle(tx: Transaction, verb: str, name: str, runs: int, change: tuple[str, str]) -> None:
    before, after = ({"lifecycle": lifecycle, "runs": runs} for lifecycle in change)
    record(tx, verb=verb, kind="experiment", key=name, before=before, after=after)
    tx.emit(kind="experiment", change="deleted" if verb == "delete" else "changed", key=name)


def _check_name(name: str) -> None:
    check_text(name, "The experiment's name", MAX_NAME, may_be_empty=False)


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(
        f"The experiment {clean(name)} already exists.",
        hint="Choose another name; deleted experiments keep theirs until they are restored and renamed.",
    )


def _find(snapshot: Snapshot, name: str) -> store.ExperimentRow:
    found = store.find(snapshot, name)
    if found is None:
        from engine.core.suggest import did_you_mean  # only a wrong name needs it

        raise NotFound(f"There is no experiment called {clean(name)}.", hint=did_you_mean(name, store.names(snapshot)))
    return found


def _load(snapshot: Snapshot, name: str) -> Experiment:
    return _experiment(snapshot, _find(snapshot, name))


def _experiment(snapshot: Snapshot, row: store.ExperimentRow) -> Experiment:
    return _experiments(snapshot, [row])[0]


def _experiments(snapshot: Snapshot, rows: Sequence[store.ExperimentRow]) -> tuple[Experiment, ...]:
    counts = store.run_counts(snapshot, [row[0] for row in rows])
    return tuple(
        Experiment(each.id, each.name, each.lifecycle, each.tags, each.created_ms, each.updated_ms, counts[each.id])
        for each in _records(snapshot, rows)
    )


def _records(snapshot: Snapshot, rows: Sequence[store.ExperimentRow]) -> tuple[ExperimentRecord, ...]:
    """The same without the number of runs, which costs as much as there are."""
    tags = store.tags_of(snapshot, [row[0] for row in rows])
    return tuple(
        ExperimentRecord(
            id=experiment,
            name=name,
            lifecycle="active" if deleted_ms is None else "deleted",
            tags=tags.get(experiment, {}),
            created_ms=created_ms,
            updated_ms=updated_ms,
        )
        for experiment, name, created_ms, updated_ms, deleted_ms in rows
    )


def _position(page_token: str) -> tuple[int, int]:
    position = decode_token(page_token)
    if not isinstance(position, list) or len(position) != 2 or not all(type(part) is int for part in position):
        raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
    return position[0], position[1]
