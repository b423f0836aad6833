"""Logged models: what training leaves behind before anybody registers it."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MODEL_PARAM = 6_000
"""Longest value of a logged model's parameter, in characters."""

LIFECYCLES = ("active", "deleted", "all")
"""What a search of logged models may be limited to."""

_RESERVED = "/:.%\"'"


class LoggedModelStatus(StrEnum):
    """How far a logged model has come."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


@frozen
class ModelMetric:
    """One thing measured of a logged model.

    Args:
        model_id: The model.
        key: The metric.
        value: Its value.
        step: The step of the run that measured it.
        time_ms: When, in milliseconds since the epoch.
        data_name: The data it was measured on; empty when that was not said.
        data_digest: That data's digest; empty when that was not said.
        run_id: The run that measured it.
    """

    model_id: str
    key: str
    value: float
    step: int
    time_ms: int
    data_name: str = ""
    data_digest: str = ""
    run_id: str = ""


@frozen
class LoggedModel:
    """A model as its training left it.

    Args:
        row_id: Its integer key.
        model_id: Its public id, `m-` and 32 hex digits.
        experiment_id: The integer key of its experiment.
        experiment: That experiment's name.
        run_id: The run that made it, if a run did.
        name: What its program calls it; need not be unique.
        model_type: What kind of thing it is, in its program's words; may be empty.
        status: How far it has come.
        status_message: More of that; may be empty.
        lifecycle: `active` or `deleted`.
        created_ms: When it was begun, in milliseconds since the epoch.
        updated_ms: When it was last changed, in milliseconds since the epoch.
        params: What it was made with.
        tags: Its tags.
        metrics: Everything that was measured of it, by key, data, step and time.
    """

    row_id: int
    model_id: str
    experiment_id: int
    experiment: str
    run_id: str | None
    name: str
    model_type: str
    status: LoggedModelStatus
    status_message: str
    lifecycle: str
    created_ms: int
    updated_ms: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: tuple[ModelMetric, ...]


@frozen
class NewLoggedModel:
    """A logged model to be begun.

    Args:
        experiment_id: The integer key of its experiment.
        name: What to call it; made from its id when empty.
        run_id: The run that makes it, if a run does.
        model_type: What kind of thing it is; may be empty.
        params: What it is made with.
        tags: Its tags.
    """

    experiment_id: int
    name: str = ""
    run_id: str | None = None
    model_type: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@frozen
class LoggedModelKey:
    """One sort key of logged models.

    Args:
        text: The key and its direction, such as `metrics.auc DESC`.
        data: Only what was measured on this data decides: name, and digest or empty for any.
    """

    text: str
    data: tuple[str, str] | None = None


@frozen
class LoggedModelQuery:
    """Which logged models, in which order.

    Args:
        filter: In the filter language, such as `name = 'trees' AND metrics.auc > 0.9`; empty for all.
        order_by: Sort keys; newest first without any.
        experiment_ids: Only those of experiments with these integer keys; `None` for all.
        data: Metrics count only when measured on one of these: name, and digest or empty for any.
        lifecycle: `active`, `deleted` or `all`.
        limit: Models per page.
        page_token: Continues an earlier page of the same query.
    """

    filter: str = ""
    order_by: tuple[LoggedModelKey, ...] = ()
    experiment_ids: tuple[int, ...] | None = None
    data: tuple[tuple[str, str], ...] = ()
    lifecycle: str = "active"
    limit: int = 100
    page_token: str | None = None


@frozen
class RunModel:
    """A logged model beside a run.

    Args:
        model_id: The model's public id.
        role: `output` when the run made it, `input` when it read it.
        step: The step at which it was made.
        model: The model, or `None` when it is not here or deleted.
    """

    model_id: str
    role: str
    step: int
    model: LoggedModel | None


def check_model_name(name: str) -> str:
    """Refuse a name that references such as `models:/…` could not carry.

    Args:
        name: The name; not empty.

    Returns:
        The same name.

    Raises:
        InvalidInput: it holds one of the reserved characters.
    """
    if any(mark in name for mark in _RESERVED):
        raise InvalidInput(
            "Invalid model name: it must not be empty, and cannot contain the characters / : . % \" '.",
            hint="Call it trees or churn-v2.",
        )
    return name
