"""What people and programs think of traces: recording, changing and taking it back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.core.text import clean
from engine.traces import assessment_store as store
from engine.traces.lookup import TraceService, known
from engine.traces.rules import MAX_JSON, check_id, check_time
from engine.tracking.rules import MAX_KEY, MAX_NOTE, MAX_TAG, check_pairs, check_text

if TYPE_CHECKING:
    from engine.db.transaction import Snapshot, Transaction
    from engine.traces.assessment_model import Assessment, AssessmentChange

_ID_PREFIX = "a-"


class Assessing(TraceService):
    """Records assessments of traces."""

    def assess(self, trace_id: str, given: Assessment) -> Assessment:
        """Record what somebody thinks of a trace.

        Args:
            trace_id: Public id of the trace.
            given: The assessment; one without an id or times gets them.

        Returns:
            The assessment as stored.

        Raises:
            NotFound: there is no such trace, or none of the assessments that it takes the place of.
            Conflict: its id is another trace's.
            InvalidInput: a text, time or value cannot be stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor may not log.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        actor = self._access.require_still(Role.WRITER, "traces assess")
        given = self.complete(given, trace_id)
        with self._database.transaction(actor) as tx:
            trace = known(tx, trace_id)
            if given.overrides and not store.set_valid(tx, trace, given.overrides, valid=False):
                raise _missing(trace_id, given.overrides)
            if not store.save(tx, trace, given):
                raise Conflict(f"The assessment id {clean(given.assessment_id, limit=60)} is another trace's.")
            _tell(tx, trace_id, trace)
        return given

    def complete(self, given: Assessment, trace_id: str) -> Assessment:
        """An assessment with an id and times, checked.

        Args:
            given: The assessment.
            trace_id: Public id of its trace.

        Raises:
            InvalidInput: a text, time or value cannot be stored.
        """
        now_ms = self._clock.now_ms()
        whole = replace(
            given,
            trace_id=trace_id,
            assessment_id=given.assessment_id or _ID_PREFIX + self._ids.new(),
            created_ms=given.created_ms or now_ms,
            updated_ms=given.updated_ms or now_ms,
        )
        _check(whole)
        return whole

    def assessment(self, trace_id: str, assessment_id: str) -> Assessment:
        """One assessment of a trace.

        Args:
            trace_id: Public id of the trace.
            assessment_id: Id of the assessment.

        Raises:
            NotFound: there is no such trace, or it has no such assessment.
        """
        with self._database.snapshot() as view:
            return _found(view, known(view, trace_id), trace_id, assessment_id)

    def change_assessment(self, trace_id: str, assessment_id: str, change: AssessmentChange) -> Assessment:
        """Change an assessment; who says so and what it is about stay.

        Args:
            trace_id: Public id of the trace.
            assessment_id: Id of the assessment.
            change: What is to be changed.

        Returns:
            The assessment as it is now.

        Raises:
            NotFound: there is no such trace, or it has no such assessment.
            InvalidInput: the value is of another kind, or cannot be stored.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor may not log.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        actor = self._access.require_still(Role.WRITER, "traces assess")
        with self._database.transaction(actor) as tx:
            trace = known(tx, trace_id)
            changed = _changed(_found(tx, trace, trace_id, assessment_id), change, self._clock.now_ms())
            _check(changed)
            store.save(tx, trace, changed)
            _tell(tx, trace_id, trace)
        return changed

    def delete_assessment(self, trace_id: str, assessment_id: str) -> None:
        """Take an assessment back; one whose place it took holds again. One that is gone already stays gone.

        Args:
            trace_id: Public id of the trace.
            assessment_id: Id of the assessment.

        Raises:
            NotFound: there is no such trace.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor may not log.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        actor = self._access.require_still(Role.WRITER, "traces assess")
        with self._database.transaction(actor) as tx:
            trace = known(tx, trace_id)
            found = store.find(tx, trace, assessment_id)
            if found is None:
                return
            if found.overrides:
                store.set_valid(tx, trace, found.overrides, valid=True)
            store.delete(tx, trace, assessment_id)
            _tell(tx, trace_id, trace)


def _found(view: Snapshot, trace: int, trace_id: str, assessment_id: str) -> Assessment:
    found = store.find(view, trace, assessment_id)
    if found is None:
        raise _missing(trace_id, assessment_id)
    return found


def _missing(trace_id: str, assessment_id: str) -> NotFound:
    return NotFound(f"Assessment with ID '{clean(assessment_id, limit=60)}' not found for trace '{clean(trace_id)}'")


def _changed(existing: Assessment, change: AssessmentChange, now_ms: int) -> Assessment:
    if change.value is not None and change.kind is not None and change.kind is not existing.kind:
        raise InvalidInput(f"Cannot update {change.kind.value} value on an assessment that is {existing.kind.value}.")
    changed = replace(
        existing,
        name=existing.name if change.name is None else change.name,
        rationale=existing.rationale if change.rationale is None else change.rationale,
        metadata={**existing.metadata, **(change.metadata or {})},
        updated_ms=now_ms,
    )
    return changed if change.value is None else replace(changed, value=change.value[0], error=change.error)


def _check(given: Assessment) -> None:
    check_id(given.assessment_id, "An assessment id")
    check_text(given.name, "The assessment's name", MAX_KEY, may_be_empty=False)
    for text, what in ((given.source_type, "source type"), (given.source_id, "source"), (given.span_id or "", "span")):
        check_text(text, f"The assessment's {what}", MAX_KEY)
    check_text(given.rationale or "", "The rationale", MAX_NOTE)
    check_text(given.overrides or "", "The id of the assessment that it overrides", MAX_KEY)
    check_pairs(given.metadata, "metadata", MAX_TAG)
    check_time(given.created_ms, "The time of the assessment")
    check_time(given.updated_ms, "The time of the assessment")
    try:
        size = len(json.dumps([given.value, given.error]))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput("The assessment's value is no JSON value.") from error
    if size > MAX_JSON:
        raise InvalidInput(f"The assessment's value has {size} bytes; at most {MAX_JSON} are kept.")


def _tell(tx: Transaction, trace_id: str, trace: int) -> None:
    tx.emit(kind="trace", change="changed", key=trace_id, row_id=trace)
