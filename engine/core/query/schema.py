"""What can be asked of each kind of thing: its attributes, their types, and which keyed entities it has."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from engine.core.frozen import frozen
from engine.core.query.tree import Entity, Field, Operator, OrderBy


class Kind(Enum):
    """How an attribute's values are written and compared."""

    TEXT = "text"
    WORD = "word"  # lower-case words such as a status; literals are folded, so `FAILED` finds `failed`
    NUMBER = "number"
    TIME = "time"  # milliseconds since the epoch; also written as ISO text or an age
    DURATION = "duration"  # milliseconds; also written as '10m'
    LOGGED = "logged"  # parameters and tags: text, compared as a number when the literal is one


_NULL = (Operator.IS_NULL, Operator.IS_NOT_NULL)
_SETS = (Operator.IN, Operator.NOT_IN)
_EQUALITY = (Operator.EQUAL, Operator.NOT_EQUAL)
_PATTERNS = (Operator.LIKE, Operator.ILIKE)
_ORDER = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)

TEXT_OPERATORS = frozenset((*_EQUALITY, *_PATTERNS, *_SETS, *_NULL))
"""What may stand between a text and a quoted literal."""

NUMBER_OPERATORS = frozenset((*_EQUALITY, *_ORDER, *_SETS, *_NULL))
"""What may stand between a number, time or duration and its literal."""

ORDERINGS = frozenset(_ORDER)
"""The operators that need numbers."""

DATASET_KEYS = ("name", "digest", "context")
"""What can be asked of a run's datasets; any one dataset may answer."""

SPAN_KEYS = ("name", "type", "status", "content")
"""What can be asked of a trace's spans; conditions joined by AND must hold for one and the same span."""

SPAN_ATTRIBUTES = "attributes."
"""What stands before the key of a span's attribute."""


class Attribute(NamedTuple):
    """A built-in property (a named tuple: fifty are made at import, on every start path).

    Args:
        name: Canonical name; what the tree carries.
        kind: How its values are written and compared.
        aliases: Other spellings users may write.
    """

    name: str
    kind: Kind
    aliases: tuple[str, ...] = ()


@frozen
class Schema:
    """What can be asked of one kind of thing.

    Args:
        name: Plural noun, for messages.
        attributes: The built-in properties.
        entities: The keyed entities it has besides attributes.
        ties: Appended to every order, so that it is total.
        missing_tag_differs: True where `tags.x != 'y'` also holds without the tag, as for MLflow's models.
    """

    name: str
    attributes: tuple[Attribute, ...]
    entities: frozenset[Entity]
    ties: tuple[OrderBy, ...]
    missing_tag_differs: bool = False

    def attribute(self, word: str) -> Attribute | None:
        """The attribute called `word`, by name or alias; `None` when there is none."""
        for attribute in self.attributes:
            if word == attribute.name or word in attribute.aliases:
                return attribute
        return None

    def kind(self, field: Field) -> Kind:
        """How the values of a field of this schema are written and compared.

        Raises:
            KeyError: the field names an attribute that this schema does not have.
        """
        if field.entity is Entity.SPAN and field.key.startswith(SPAN_ATTRIBUTES):
            return Kind.LOGGED
        if field.entity is not Entity.ATTRIBUTE:
            return _ENTITY_KINDS[field.entity]
        attribute = self.attribute(field.key)
        if attribute is None:
            raise KeyError(field.key)
        return attribute.kind

    def operators(self, field: Field) -> frozenset[Operator]:
        """Which operators may follow a field of this schema.

        Raises:
            KeyError: the field names an attribute that this schema does not have.
        """
        kind = self.kind(field)
        if kind is Kind.LOGGED:
            return TEXT_OPERATORS | NUMBER_OPERATORS
        return TEXT_OPERATORS if kind in (Kind.TEXT, Kind.WORD) else NUMBER_OPERATORS


_ENTITY_KINDS = {
    Entity.METRIC: Kind.NUMBER,
    Entity.PARAM: Kind.LOGGED,
    Entity.TAG: Kind.LOGGED,
    Entity.DATASET: Kind.TEXT,
    Entity.METADATA: Kind.LOGGED,
    Entity.SPAN: Kind.TEXT,
    Entity.FEEDBACK: Kind.LOGGED,
    Entity.EXPECTATION: Kind.LOGGED,
}


def _attributes(kind: Kind, *names: str) -> tuple[Attribute, ...]:
    """Attributes of one kind; each of `names` is a name and its aliases, separated by `|`."""
    split = (name.split("|") for name in names)
    return tuple(Attribute(name, kind, tuple(aliases)) for name, *aliases in split)


def _by(name: str, *, descending: bool = False) -> OrderBy:
    return OrderBy(Field(Entity.ATTRIBUTE, name), descending)


RUNS = Schema(
    name="runs",
    attributes=(
        *_attributes(
            Kind.TEXT,
            "run_id|Run ID|run id",
            "run_name|name|Run name|Run Name|run name",
            "artifact_uri",
            "artifact_path",
            "parent_run_id|parent",
            "note",
            "user_id|user|User",
            "experiment",
        ),
        *_attributes(Kind.WORD, "status|Status", "lifecycle_stage"),
        *_attributes(Kind.TIME, "start_time|created|Created", "end_time"),
        *_attributes(Kind.DURATION, "duration|Duration"),
    ),
    entities=frozenset({Entity.METRIC, Entity.PARAM, Entity.TAG, Entity.DATASET}),
    ties=(_by("start_time", descending=True), _by("run_id")),
)
"""Runs: everything can be asked of them. `status` is the stored one, as for MLflow: a lost run still says running."""

EXPERIMENTS = Schema(
    name="experiments",
    attributes=(
        *_attributes(Kind.TEXT, "name", "experiment_id", "owner", "artifact_location"),
        *_attributes(Kind.WORD, "lifecycle_stage"),
        *_attributes(Kind.TIME, "creation_time|created", "last_update_time|updated"),
    ),
    entities=frozenset({Entity.TAG}),
    ties=(_by("creation_time", descending=True), _by("experiment_id")),
)
"""Experiments: names, times and tags."""

MODELS = Schema(
    name="models",
    attributes=(
        *_attributes(Kind.TEXT, "name", "owner", "description"),
        *_attributes(
            Kind.TIME,
            "creation_timestamp|creation_time|created",
            "last_updated_timestamp|last_update_time|updated",
        ),
    ),
    entities=frozenset({Entity.TAG}),
    ties=(_by("name"),),
    missing_tag_differs=True,
)
"""Registered models; a model without a tag differs from every text of it."""

VERSIONS = Schema(
    name="versions",
    attributes=(
        *_attributes(Kind.TEXT, "name|model", "run_id", "source_path|source", "owner", "description", "digest"),
        *_attributes(Kind.WORD, "stage", "status"),
        *_attributes(Kind.NUMBER, "version_number|version", "size_bytes|size"),
        *_attributes(
            Kind.TIME,
            "creation_timestamp|creation_time|created",
            "last_updated_timestamp|last_update_time|updated",
        ),
    ),
    entities=frozenset({Entity.METRIC, Entity.PARAM, Entity.TAG}),
    ties=(_by("name"), _by("version_number", descending=True)),
)
"""Model versions, with the metrics and parameters they were registered with."""

LOGGED_MODELS = Schema(
    name="logged models",
    attributes=(
        *_attributes(Kind.TEXT, "name", "model_id", "model_type", "source_run_id|run_id", "experiment_id"),
        *_attributes(Kind.WORD, "status", "lifecycle_stage"),
        *_attributes(
            Kind.TIME,
            "creation_timestamp|creation_timestamp_ms|creation_time|created",
            "last_updated_timestamp|last_updated_timestamp_ms|last_update_time|updated",
        ),
    ),
    entities=frozenset({Entity.METRIC, Entity.PARAM, Entity.TAG}),
    ties=(_by("creation_timestamp", descending=True), _by("model_id")),
)
"""Models that runs logged, whether or not they were registered."""

AUDIT = Schema(
    name="audit records",
    attributes=(
        *_attributes(Kind.TEXT, "actor|user", "verb", "kind", "name", "reason", "origin", "via"),
        *_attributes(Kind.NUMBER, "seq"),
        *_attributes(Kind.TIME, "time|created"),
    ),
    entities=frozenset(),
    ties=(_by("seq", descending=True),),
)
"""The audit log, newest first."""

TRACES = Schema(
    name="traces",
    attributes=(
        *_attributes(
            Kind.TEXT,
            "trace_id|request_id",
            "name|trace_name",
            "experiment",
            "experiment_id",
            "client_request_id",
            "request|request_preview",
            "response|response_preview",
            "session|session_id",
            "user|user_id",
            "run_id",
            "prompt",
            "text",
        ),
        *_attributes(Kind.WORD, "state|status"),
        *_attributes(Kind.TIME, "start_time|timestamp|timestamp_ms|created", "end_time|end_time_ms"),
        *_attributes(Kind.DURATION, "duration|execution_time|execution_time_ms"),
        *_attributes(Kind.NUMBER, "spans", "input_tokens", "output_tokens", "total_tokens|tokens"),
    ),
    entities=frozenset({Entity.TAG, Entity.METADATA, Entity.SPAN, Entity.FEEDBACK, Entity.EXPECTATION}),
    ties=(_by("start_time", descending=True), _by("trace_id")),
)
"""Traces. `run_id` and `prompt` hold when any run or prompt linked does, `text` when any span's content does."""

_CHANGED = _attributes(
    Kind.TIME, "creation_timestamp|creation_time|created", "last_updated_timestamp|last_update_time|updated"
)

PROMPTS = Schema(
    name="prompts",
    attributes=(*_attributes(Kind.TEXT, "name", "description"), *_CHANGED),
    entities=frozenset({Entity.TAG}),
    ties=(_by("name"),),
)
"""Prompts: names, times and tags."""

PROMPT_VERSIONS = Schema(
    name="versions of prompts",
    attributes=(
        *_attributes(Kind.TEXT, "name|prompt", "template", "commit_message|description", "user_id|user"),
        *_attributes(Kind.WORD, "kind"),
        *_attributes(Kind.NUMBER, "version_number|version"),
        *_CHANGED,
    ),
    entities=frozenset({Entity.TAG}),
    ties=(_by("name"), _by("version_number", descending=True)),
)
"""Versions of prompts."""

ENDPOINTS = Schema(
    name="endpoints",
    attributes=(
        *_attributes(Kind.TEXT, "name|endpoint", "model", "owner", "description", "user_id|user"),
        *_attributes(Kind.NUMBER, "generation", "capture"),
        *_CHANGED,
    ),
    entities=frozenset({Entity.TAG}),
    ties=(_by("name"),),
)
"""Endpoints; `generation` is the newest one's number, 0 before the first."""

ALERTS = Schema(
    name="alerts",
    attributes=(
        *_attributes(Kind.TEXT, "monitor", "key", "model", "endpoint", "owner", "sentence", "resolved_by"),
        *_attributes(Kind.WORD, "state", "severity"),
        *_attributes(Kind.NUMBER, "id|alert", "version", "value", "windows", "rank"),
        *_attributes(Kind.TIME, "opened", "updated", "resolved"),
    ),
    entities=frozenset(),
    ties=(_by("id", descending=True),),
)
"""Alerts; `rank` is the severity as a number, 3 for critical, to sort by."""
