"""Recording traces as programs send them, and changing what is stored of them."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.audit.service import record as record_audit
from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.core.text import clean
from engine.traces import assessment_store, store
from engine.traces.lookup import TraceService, known
from engine.traces.redacting import redacted_batch, redacted_report
from engine.traces.rules import (
    MAX_LINKED,
    MAX_NAME,
    PRUNED_SPANS,
    PRUNED_TRACES,
    PRUNING_REST_S,
    PRUNING_S,
    check_id,
    check_time,
)
from engine.traces.tree import add_tokens
from engine.tracking.rules import MAX_TAG, check_key, check_pairs, check_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.db.transaction import Snapshot, Transaction
    from engine.traces.model import SpanBatch, TraceFacts, TraceReport, TraceState

_MANY = 8  # from here on, one piece of news says that traces have changed, not which
_ADDED_UP = 10_000  # spans of a trace whose tokens are added up along its tree; for larger ones the latest sum stays
_AUDITED_IDS = 20
_ALL = 2**62


class TraceRecording(TraceService):
    """Records and changes traces."""

    def record(self, batch: SpanBatch, experiment: int, run_id: str | None = None) -> int:
        """Record spans; one that is stored and has ended is not stored again.

        Args:
            batch: The spans, and what they say of their traces.
            experiment: Integer key of the experiment of traces that are new.
            run_id: The run that traces belong to whose first span is among these.

        Returns:
            How many spans were new, or had been running and have ended now.

        Raises:
            NotFound: there is no such experiment.
            Conflict: it is deleted.
            InvalidInput: a text or number cannot be stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor may not log.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        actor = self._access.require_still(Role.WRITER, "traces record")
        batch = redacted_batch(batch, self._redaction)
        runs = _runs(run_id)
        with self._database.transaction(actor) as tx:
            _check_experiment(tx, experiment)
            newest = store.newest(tx)
            keys = store.merge_facts(tx, experiment, batch.traces)
            stored = store.insert_spans(tx, keys, batch.spans)
            _set_tags(tx, keys, batch.traces)
            for trace_id, facts in batch.traces.items():
                if facts.has_tokens:
                    _sum_up(tx, keys[trace_id])
            if runs:
                store.link(tx, [keys[trace_id] for trace_id, facts in batch.traces.items() if facts.name], "run", runs)
            _tell(tx, keys, newest)
        return stored

    def report(self, given: TraceReport) -> None:
        """Record what a program says of a whole trace; sent twice it changes nothing.

        Args:
            given: The trace; it holds over what was read off its spans.

        Raises:
            NotFound: there is no such experiment.
            Conflict: it is deleted.
            InvalidInput: the id, a time, a tag or an assessment cannot be stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor may not log.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        actor = self._access.require_still(Role.WRITER, "traces record")
        check_id(given.trace_id)
        check_time(given.start_ms, "The start of the trace")
        check_time(given.end_ms, "The end of the trace")
        check_text(given.name or "", "The trace's name", MAX_TAG)
        check_pairs(given.tags, "tag", MAX_TAG)
        check_pairs(given.metadata, "metadata", MAX_TAG)
        given = redacted_report(given, self._redaction)
        with self._database.transaction(actor) as tx:
            _check_experiment(tx, given.experiment)
            newest = store.newest(tx)
            key = store.report(tx, given)
            store.set_tags(tx, [(key, name, value) for name, value in given.tags.items()])
            store.set_metadata(tx, key, given.metadata)
            store.link(tx, [key], "run", given.runs)
            for each in given.assessments:
                assessment_store.save(tx, key, each)
            _tell(tx, {given.trace_id: key}, newest)

    def start(
        self, experiment: int, start_ms: int, tags: Mapping[str, str], metadata: Mapping[str, str], *, name: str = ""
    ) -> str:
        """Record a trace that has begun.

        Args:
            experiment: Integer key of its experiment.
            start_ms: When it began, in milliseconds since the epoch.
            tags: Its tags.
            metadata: What the program says of itself.
            name: What it is called; empty where nothing says so.

        Returns:
            Its public id.

        Raises:
            InvalidInput: the name, the time, a tag or metadata cannot be stored.
            NotFound: there is no such experiment.
            Conflict: it is deleted.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor may not log.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        from engine.traces.model import ID_PREFIX, TraceReport, TraceState

        trace_id = ID_PREFIX + self._ids.new()
        state = TraceState.IN_PROGRESS
        check_text(name, "The trace's name", MAX_NAME)
        given = TraceReport(trace_id, experiment, start_ms, state=state, tags=tags, metadata=metadata, final=False)
        self.report(replace(given, name=name) if name else given)
        return trace_id

    def end(
        self,
        trace_id: str,
        end_ms: int,
        state: TraceState,
        tags: Mapping[str, str],
        metadata: Mapping[str, str],
        *,
        name: str = "",
    ) -> None:
        """Record how a trace that was begun has ended.

        Args:
            trace_id: Its public id.
            end_ms: When it ended, in milliseconds since the epoch.
            state: How it went.
            tags: Further tags.
            metadata: Further metadata.
            name: What it is called from now on; empty leaves its name.

        Raises:
            NotFound: there is no such trace.
            InvalidInput: the name, the time, a tag or metadata cannot be stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor may not log.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        actor = self._access.require_still(Role.WRITER, "traces record")
        check_time(end_ms, "The end of the trace")
        check_text(name, "The trace's name", MAX_NAME)
        tags = self._redaction.pairs(check_pairs(tags, "tag", MAX_TAG))
        metadata = self._redaction.pairs(check_pairs(metadata, "metadata", MAX_TAG))
        with self._database.transaction(actor) as tx:
            key = known(tx, trace_id)
            store.end(tx, key, end_ms, state.value)
            if name:
                store.set_name(tx, key, name)
            store.set_tags(tx, [(key, name, value) for name, value in tags.items()])
            store.set_metadata(tx, key, metadata)
            tx.emit(kind="trace", change="logged", key=trace_id, row_id=key)

    def rename(self, trace_id: str, name: str) -> None:
        """Call a trace something else.

        Args:
            trace_id: Its public id.
            name: The name; empty takes it away.

        Raises:
            NotFound: there is no such trace.
            InvalidInput: the name cannot be stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor may not log.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        actor = self._access.require_still(Role.WRITER, "traces tag")
        check_text(name, "The trace's name", MAX_NAME)
        with self._database.transaction(actor) as tx:
            key = known(tx, trace_id)
            store.set_name(tx, key, name)
            tx.emit(kind="trace", change="changed", key=trace_id, row_id=key)

    def set_tag(self, trace_id: str, key: str, value: str | None) -> None:
        """Set a tag of a trace.

        Args:
            trace_id: Its public id.
            key: The tag's key, at most 250 characters.
            value: Its value, at most 8,000 characters; `None` removes it.

        Raises:
            NotFound: there is no such trace, or it does not have the tag to remove.
            InvalidInput: the key or value cannot be stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor may not log.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        actor = self._access.require_still(Role.WRITER, "traces tag")
        check_key(key, "tag")
        if value is not None:
            value = self._redaction.value(key, check_text(value, "The tag's value", MAX_TAG))
        with self._database.transaction(actor) as tx:
            trace = known(tx, trace_id)
            if value is not None:
                store.set_tags(tx, [(trace, key, value)])
            elif not store.delete_tag(tx, trace, key):
                raise NotFound(f"No trace tag with key '{clean(key)}' for trace with ID '{trace_id}'")
            tx.emit(kind="trace", change="changed", key=trace_id, row_id=trace)

    def link(self, trace_ids: Sequence[str], *, run_id: str | None = None, prompts: Sequence[str] = ()) -> None:
        """Note that traces belong to a run, or use prompts.

        Args:
            trace_ids: Public ids, at most 100; those that do not exist are passed over.
            run_id: The run.
            prompts: Prompt versions, as `name/version`.

        Raises:
            InvalidInput: there are too many traces, or a name cannot be stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor may not log.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        actor = self._access.require_still(Role.WRITER, "traces link")
        if len(trace_ids) > MAX_LINKED or len(prompts) > MAX_LINKED:
            raise InvalidInput(f"Cannot link more than {MAX_LINKED} traces to a run in a single request.")
        runs = _runs(run_id)
        for prompt in prompts:
            check_text(prompt, "The prompt version", MAX_NAME * 2, may_be_empty=False)
        with self._database.transaction(actor) as tx:
            keys = store.keys(tx, trace_ids)
            store.link(tx, keys.values(), "run", runs)
            store.link(tx, keys.values(), "prompt", prompts)
            _tell(tx, keys, newest=store.newest(tx))

    def delete(
        self,
        experiment: int,
        *,
        trace_ids: Sequence[str] | None = None,
        until_ms: int | None = None,
        most: int | None = None,
    ) -> int:
        """Delete traces of one experiment for ever, the oldest first.

        Args:
            experiment: Its integer key.
            trace_ids: Only these; public ids.
            until_ms: Only those begun by then, in milliseconds since the epoch.
            most: At most so many.

        Returns:
            How many are gone.

        Raises:
            InvalidInput: nothing says which, or a number does not fit.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "traces delete")
        if not trace_ids and until_ms is None:
            raise InvalidInput(
                "Either `max_timestamp_millis` or `trace_ids` must be specified, but not both.",
                hint="Say which traces to delete.",
            )
        with self._database.transaction(actor) as tx:
            found = store.to_delete(
                tx, experiment, trace_ids=trace_ids or None, until_ms=until_ms, limit=_ALL if most is None else most
            )
            self._take_away(tx, found, verb="delete")
        return len(found)

    def delete_one(self, trace_id: str) -> None:
        """Delete one trace for ever.

        Args:
            trace_id: Its public id, or a beginning of it that no other shares.

        Raises:
            NotFound: there is none.
            InvalidInput: several begin so.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        from engine.traces.lookup import resolve

        actor = self._access.require(Role.OPERATOR, "traces delete")
        with self._database.transaction(actor) as tx:
            key = resolve(tx, trace_id)
            self._take_away(tx, [(key, store.rows(tx, [key])[key].trace_id)], verb="delete")

    def prune(self, older_than_ms: int, *, stop: threading.Event | None = None) -> int:
        """Delete old traces, in transactions so short, and with such rests between them, that others can log meanwhile.

        Args:
            older_than_ms: Those begun before this time, in milliseconds since the epoch.
            stop: Set by another thread, it ends the pruning early; what is gone by then is audited.

        Returns:
            How many are gone.

        Raises:
            InvalidInput: the time is out of range.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not an operator.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        actor = self._access.require(Role.OPERATOR, "traces prune")
        check_time(older_than_ms, "The time")
        stop = stop or threading.Event()
        gone = 0
        while True:
            with self._database.transaction(actor) as tx:
                taken, last = _take_old(tx, older_than_ms)
                gone += taken
                last = last or stop.is_set()
                if taken:
                    tx.emit(kind="trace", change="deleted", key="")
                if last and gone:
                    after = {"traces": gone, "begun_before_ms": older_than_ms}
                    record_audit(tx, verb="prune", kind="trace", key="traces", before=None, after=after)
            if last:
                return gone
            stop.wait(PRUNING_REST_S)

    @staticmethod
    def _take_away(tx: Transaction, found: Sequence[tuple[int, str]], *, verb: str) -> None:
        if not found:
            return
        spans = store.delete(tx, [key for key, _ in found])
        ids = [trace_id for _, trace_id in found]
        before: dict[str, object] = {"traces": len(ids), "spans": spans, "ids": ids[:_AUDITED_IDS]}
        record_audit(tx, verb=verb, kind="trace", key=ids[0], before=before, after=None)
        tx.emit(kind="trace", change="deleted", key=ids[0] if len(ids) == 1 else "")


def _take_old(tx: Transaction, older_than_ms: int) -> tuple[int, bool]:
    """Take old traces away for a while; how many went, and whether none is left."""
    until = time.monotonic() + PRUNING_S
    gone = 0
    while True:
        keys = store.begun_before(tx, older_than_ms, PRUNED_TRACES)
        if store.delete_spans(tx, keys, PRUNED_SPANS) < PRUNED_SPANS:
            store.delete(tx, keys)
            gone += len(keys)
            if len(keys) < PRUNED_TRACES:
                return gone, True
        if time.monotonic() > until:
            return gone, False


def _runs(run_id: str | None) -> tuple[str, ...]:
    return () if run_id is None else (check_text(run_id, "The run id", MAX_NAME, may_be_empty=False),)


def _check_experiment(view: Snapshot, experiment: int) -> None:
    is_open = store.experiment_is_open(view, experiment)
    if is_open is None:
        raise NotFound(f"No Experiment with id={experiment} exists", hint="Make the experiment first.")
    if not is_open:
        raise Conflict(f"The experiment {experiment} must be in the 'active' state. Current state is deleted.")


def _set_tags(tx: Transaction, keys: Mapping[str, int], traces: Mapping[str, TraceFacts]) -> None:
    resource = [(keys[each], *pair) for each, facts in traces.items() for pair in facts.resource.items()]
    store.set_tags(tx, resource, keep=True)
    if given := [(keys[each], *pair) for each, facts in traces.items() for pair in facts.tags.items()]:
        store.set_tags(tx, given)


def _sum_up(tx: Transaction, trace: int) -> None:
    nodes = store.token_nodes(tx, trace, _ADDED_UP)
    tokens = add_tokens(nodes)
    if tokens is not None and len(nodes) < _ADDED_UP:
        store.set_tokens(tx, trace, tokens)


def _tell(tx: Transaction, keys: Mapping[str, int], newest: int) -> None:
    """Tell of traces; those above what was the newest before have just been made."""
    if len(keys) > _MANY:
        tx.emit(kind="trace", change="logged", key="")
        return
    for trace_id, key in keys.items():
        tx.emit(kind="trace", change="created" if key > newest else "logged", key=trace_id, row_id=key)
