"""What people and programs think of a trace."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class AssessmentKind(Enum):
    """What an assessment is."""

    FEEDBACK = "feedback"
    EXPECTATION = "expectation"
    ISSUE = "issue"


@dataclass(frozen=True, slots=True)
class Assessment:
    """What somebody thinks of a trace or of one of its spans.

    Args:
        name: What it is about, such as `quality`.
        kind: Feedback on what happened, an expectation of what should, or an issue it shows.
        value: The value as a JSON value.
        source_type: Who says so: `HUMAN`, `LLM_JUDGE`, `CODE`.
        source_id: Which one.
        assessment_id: Its id; empty makes one.
        trace_id: Public id of the trace.
        span_id: The span it is about; `None` for the whole.
        created_ms: When it was made, in milliseconds since the epoch; 0 takes the present.
        updated_ms: When it was last changed.
        error: Why there is no value, as a JSON object; `None` when there is one.
        rationale: Why, in words.
        metadata: Details.
        overrides: Id of an assessment that it takes the place of.
        valid: False once another one has taken its place; `None` when nobody has said so.
    """

    name: str
    kind: AssessmentKind
    value: object
    source_type: str = "CODE"
    source_id: str = "default"
    assessment_id: str = ""
    trace_id: str = ""
    span_id: str | None = None
    created_ms: int = 0
    updated_ms: int = 0
    error: Mapping[str, object] | None = None
    rationale: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    overrides: str | None = None
    valid: bool = True


@dataclass(frozen=True, slots=True)
class AssessmentChange:
    """What is to be changed of an assessment; what is `None` stays.

    Args:
        kind: What it must be for `value` to be changed.
        name: Another name.
        value: Another value, in a tuple of one so that JSON's null can be given too.
        error: Another reason why there is no value; changed together with `value`.
        rationale: Other words.
        metadata: Details to add.
    """

    kind: AssessmentKind | None = None
    name: str | None = None
    value: tuple[object] | None = None
    error: Mapping[str, object] | None = None
    rationale: str | None = None
    metadata: Mapping[str, str] | None = None
