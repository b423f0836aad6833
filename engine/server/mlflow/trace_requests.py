"""What MLflow's clients say of traces, as values of ours."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.errors import InvalidInput
from engine.server.mlflow import trace_names as names
from engine.server.mlflow.decoding import missing, needed, wrong
from engine.server.mlflow.shapes import experiment_key
from engine.traces.assessment_model import Assessment, AssessmentChange, AssessmentKind
from engine.traces.content import cut
from engine.traces.conventions import MAX_PREVIEW, tokens_in
from engine.traces.model import TraceReport, TraceState
from engine.tracking.rules import MAX_KEY, MAX_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DURATION = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s", re.ASCII)
_LONGEST = MAX_TAG - MAX_KEY  # what is cut says so at its end
_STATES = {
    "STATE_UNSPECIFIED": TraceState.UNSPECIFIED,
    "TRACE_STATUS_UNSPECIFIED": TraceState.UNSPECIFIED,
    "OK": TraceState.OK,
    "ERROR": TraceState.ERROR,
    "IN_PROGRESS": TraceState.IN_PROGRESS,
}
_NUMBERED = ("STATE_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS")


class Pair(msgspec.Struct):
    """A key and a value."""

    key: str
    value: str = ""


class _Experiment(msgspec.Struct):
    experiment_id: str = ""


class Location(msgspec.Struct):
    """Where traces are."""

    mlflow_experiment: _Experiment | None = None


class _Source(msgspec.Struct):
    source_type: str | int = "CODE"
    source_id: str = "default"


class _Serialized(msgspec.Struct):
    value: str = "null"


class _Feedback(msgspec.Struct):
    value: Any = None
    error: dict[str, Any] | None = None


class _Expectation(msgspec.Struct):
    value: Any = None
    serialized_value: _Serialized | None = None


class _Issue(msgspec.Struct):
    issue_name: str = ""


class GivenAssessment(msgspec.Struct):
    """An assessment as sent."""

    assessment_name: str = ""
    assessment_id: str = ""
    span_id: str = ""
    source: _Source = msgspec.field(default_factory=_Source)
    create_time: str = ""
    last_update_time: str = ""
    feedback: _Feedback | None = None
    expectation: _Expectation | None = None
    issue: _Issue | None = None
    rationale: str | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    overrides: str = ""
    valid: bool = True


class GivenInfo(msgspec.Struct):
    """A trace without its spans as sent."""

    trace_id: str
    trace_location: Location | None = None
    client_request_id: str | None = None
    request_time: str = ""
    execution_duration: str | None = None
    state: str | int = "STATE_UNSPECIFIED"
    request_preview: str | None = None
    response_preview: str | None = None
    trace_metadata: dict[str, str] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    assessments: list[GivenAssessment] = msgspec.field(default_factory=list)


def trace_report(given: GivenInfo, assessments: tuple[Assessment, ...]) -> TraceReport:
    """What a program says of a whole trace.

    Args:
        given: As sent.
        assessments: Those in it, complete.

    Raises:
        InvalidInput: an id, a time or a state is none.
    """
    location = given.trace_location.mlflow_experiment if given.trace_location else None
    place = location.experiment_id if location else None
    metadata, tags = given.trace_metadata, given.tags
    start_ms = milliseconds(needed(given.request_time, "trace.trace_info.request_time"), "request_time")
    run_id = metadata.get(names.SOURCE_RUN)
    return TraceReport(
        trace_id=needed(given.trace_id, "trace.trace_info.trace_id"),
        experiment=experiment_key(needed(place, "trace.trace_info.trace_location")),
        start_ms=start_ms,
        end_ms=None if given.execution_duration is None else start_ms + _duration(given.execution_duration),
        state=state(given.state),
        name=name_in(tags),
        client_request_id=_short(given.client_request_id),
        request=_preview(given.request_preview),
        response=_preview(given.response_preview),
        session=_short(metadata.get(names.SESSION)),
        user=_short(metadata.get(names.USER)),
        tokens=tokens_in(metadata.get(names.TOKENS)),
        tags=kept_tags(tags),
        metadata=kept_metadata(metadata),
        runs=(run_id,) if run_id else (),
        assessments=assessments,
    )


def name_in(tags: Mapping[str, str]) -> str | None:
    """The name of a trace, which MLflow keeps in a tag; `None` when it does not say."""
    return cut(tags[names.NAME], MAX_KEY) if names.NAME in tags else None


def kept_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that are tags here too; too long values are cut, as MLflow cuts them."""
    return {key: cut(value, _LONGEST) for key, value in tags.items() if key not in names.OWN_TAGS}


def kept_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata that is kept as such."""
    return {key: cut(value, _LONGEST) for key, value in metadata.items() if key != names.FINAL}


def pairs(given: Iterable[Pair]) -> dict[str, str]:
    """Tags or metadata given as a list."""
    return {each.key: each.value for each in given}


def state(given: str | int) -> TraceState:
    """The state of a trace, given by name or number.

    Raises:
        InvalidInput: it is none.
    """
    name = given if isinstance(given, str) else _NUMBERED[given] if 0 <= given < len(_NUMBERED) else ""
    found = _STATES.get(name)
    if found is None:
        raise wrong(given, "state", f": it must be one of {', '.join(_NUMBERED)}.")
    return found


def milliseconds(text: str, field: str) -> int:
    """A time as protobuf's JSON writes it, in milliseconds since the epoch.

    Args:
        text: The time.
        field: What it is called in a request.

    Raises:
        InvalidInput: it is none.
    """
    found = _MOMENT.fullmatch(text)
    try:
        seconds = datetime.fromisoformat(f"{found[1]}{found[3]}").astimezone(UTC).timestamp() if found else None
    except (ValueError, OverflowError):
        seconds = None
    if found is None or seconds is None:
        raise wrong(text, field, ": it must be a time such as 2026-01-31T12:00:00.000Z.")
    return int(seconds) * 1000 + int((found[2] or "0").ljust(3, "0")[:3])


def _duration(text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise wrong(text, "execution_duration", ": it must be a duration such as 0.25s.")
    duration = int(found[2]) * 1000 + int((found[3] or "0").ljust(3, "0")[:3])
    return -duration if found[1] else duration


def _short(text: str | None) -> str | None:
    return None if text is None else cut(text, MAX_KEY)


def _preview(text: str | None) -> str | None:
    return None if text is None else cut(text, MAX_PREVIEW)


def assessment(given: GivenAssessment) -> Assessment:
    """An assessment as sent.

    Raises:
        InvalidInput: its value or a time is none.
    """
    kind, value, error = _value(given)
    source = given.source.source_type
    return Assessment(
        name=needed(given.assessment_name, "assessment.assessment_name"),
        kind=kind,
        value=value,
        source_type=source if isinstance(source, str) else "SOURCE_TYPE_UNSPECIFIED",
        source_id=given.source.source_id,
        assessment_id=given.assessment_id,
        span_id=given.span_id or None,
        created_ms=milliseconds(given.create_time, "create_time") if given.create_time else 0,
        updated_ms=milliseconds(given.last_update_time, "last_update_time") if given.last_update_time else 0,
        error=error,
        rationale=given.rationale,
        metadata=given.metadata,
        overrides=given.overrides or None,
        valid=given.valid,
    )


def assessment_change(given: GivenAssessment, mask: str) -> AssessmentChange:
    """What is to be changed of an assessment.

    Args:
        given: As sent.
        mask: The names of the fields to take from it, with commas between them.

    Raises:
        InvalidInput: its value is none.
    """
    fields = {field.strip().replace("_", "").lower() for field in mask.split(",")}
    value_given = bool(fields & {"feedback", "expectation"})
    kind, value, error = _value(given) if value_given else (None, None, None)
    return AssessmentChange(
        kind=kind,
        name=given.assessment_name if "assessmentname" in fields else None,
        value=(value,) if value_given else None,
        error=error,
        rationale=given.rationale if "rationale" in fields else None,
        metadata=given.metadata if "metadata" in fields else None,
    )


def _value(given: GivenAssessment) -> tuple[AssessmentKind, object, dict[str, Any] | None]:
    if given.feedback is not None:
        return AssessmentKind.FEEDBACK, given.feedback.value, given.feedback.error
    if given.issue is not None:
        return AssessmentKind.ISSUE, given.issue.issue_name, None
    if given.expectation is None:
        raise missing("assessment.feedback")
    written = given.expectation.serialized_value
    if written is None:
        return AssessmentKind.EXPECTATION, given.expectation.value, None
    try:
        return AssessmentKind.EXPECTATION, json.loads(written.value), None
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The expectation's serialized value is not JSON.") from error
