"""The one tree of errors. Each class says once what every front answers: code, HTTP status and exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class QuarterdeckError(Exception):
    """Something a user can understand and act on.

    Args:
        message: One sentence: what happened, in the user's words.
        hint: One sentence: what to do next; empty when the message says it all.
        details: Facts for machines (JSON values only), such as the column of a syntax error.
    """

    code: ClassVar[str] = "failed"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, object] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class InvalidInput(QuarterdeckError):
    """The caller sent something that can never be right."""

    code = "invalid_input"
    http_status = 400
    exit_code = 2


class FilterSyntaxError(InvalidInput):
    """A filter, order or command text does not parse; `details["column"]` is the 1-based place."""

    code = "filter_syntax"


class NotFound(QuarterdeckError):
    """The named thing does not exist; the hint carries the nearest names."""

    code = "not_found"
    http_status = 404


class AlreadyExists(QuarterdeckError):
    """The name is taken."""

    code = "already_exists"
    http_status = 409


class Conflict(QuarterdeckError):
    """The thing is not in the state the operator saw, or not in one that allows this."""

    code = "conflict"
    http_status = 409


class Refused(QuarterdeckError):
    """A role, a gate or the policy says no."""

    code = "refused"
    http_status = 403
    exit_code = 4


class PermissionDenied(Refused):
    """The actor's role does not allow this operation."""

    code = "permission_denied"


class ReadOnlyMode(Refused):
    """The engine was opened read-only."""

    code = "read_only"


class GateFailed(Refused):
    """A required gate failed, was not run, or its evidence is stale or for other bytes."""

    code = "gate_failed"
    http_status = 409


class ApprovalMissing(Refused):
    """The stage asks for more approvals than the version has."""

    code = "approval_missing"
    http_status = 409


class PolicyRefused(Refused):
    """The policy forbids this now: a freeze window, a protected alias, an unlisted approver."""

    code = "policy_refused"
    http_status = 409


class PolicyInvalid(QuarterdeckError):
    """`quarterdeck.toml` is wrong; `details` name the line and key."""

    code = "policy_invalid"
    exit_code = 2


class IntegrityError(QuarterdeckError):
    """Stored bytes are not what their digest or proof says."""

    code = "integrity"


class Busy(QuarterdeckError):
    """Another process holds the workspace longer than we were willing to wait."""

    code = "busy"
    http_status = 503
    exit_code = 3


class Overloaded(QuarterdeckError):
    """More was asked at once than the server lets wait; `details["retry_after_s"]` says when to try again."""

    code = "overloaded"
    http_status = 503
    exit_code = 3


class TooManyFailures(Overloaded):
    """Too many requests of one address were refused; `details["retry_after_s"]` says when to try again."""

    code = "too_many_failures"
    http_status = 429


class NotAcknowledged(QuarterdeckError):
    """What was written down is not served yet by every data plane; `details` say what is."""

    code = "not_acknowledged"
    http_status = 504
    exit_code = 5


class Unauthenticated(QuarterdeckError):
    """No token was given, or none that is known and still good."""

    code = "unauthenticated"
    http_status = 401
    exit_code = 4


class TooLarge(InvalidInput):
    """What was sent is larger than what is taken."""

    code = "too_large"
    http_status = 413


class UnsupportedMediaType(InvalidInput):
    """What was sent is of a type that is not taken here."""

    code = "unsupported_media_type"
    http_status = 415


class Unreachable(QuarterdeckError):
    """Another machine does not answer, or not in words that we understand."""

    code = "unreachable"
    http_status = 502
    exit_code = 3


class NotServable(QuarterdeckError):
    """A version's files make no model that can answer here; the message says why."""

    code = "not_servable"
    http_status = 409


class PredictionFailed(QuarterdeckError):
    """A model broke while it answered, or took too long."""

    code = "prediction_failed"


class ModelEnded(PredictionFailed):
    """The process of a model ended over what it was asked, be it one request or several at once."""


class RowRefused(PredictionFailed):
    """The model takes no such row: a number is missing in it, or a category is unknown."""

    code = "row_refused"
    http_status = 400
    exit_code = 2


class Stopped(QuarterdeckError):
    """Somebody asked for an end before all was done."""

    code = "stopped"
    http_status = 409
    exit_code = 130


class TaskFailed(QuarterdeckError):
    """One of many items could not be worked on.

    Args:
        message: What happened.
        hint: What to do next.
        item: The item.
    """

    code = "task_failed"

    def __init__(
        self, message: str, *, hint: str = "", details: Mapping[str, object] | None = None, item: object = None
    ) -> None:
        super().__init__(message, hint=hint, details=details)
        self.item = item


class WorkerLost(TaskFailed):
    """A worker process died over an item."""

    code = "worker_lost"


class WorkspaceError(QuarterdeckError):
    """The workspace itself cannot be used."""

    code = "workspace"


class WorkspaceMissing(WorkspaceError):
    """There is no workspace where one was asked for."""

    code = "workspace_missing"
    exit_code = 3


class WorkspaceReplaced(WorkspaceError):
    """Another file stands where the workspace's database was; what was read from the old one no longer holds."""

    code = "workspace_replaced"
    http_status = 503  # the next try takes the file that is there now
    exit_code = 3


class WorkspaceReadOnly(WorkspaceError):
    """The file system does not let us write."""

    code = "workspace_read_only"


class WorkspaceFull(WorkspaceError):
    """No space is left on the device."""

    code = "workspace_full"
    http_status = 507


class WorkspaceTooNew(WorkspaceError):
    """The database was written by a newer Quarterdeck."""

    code = "workspace_too_new"


class WorkspaceCorrupt(WorkspaceError):
    """SQLite says the file is damaged or not a database."""

    code = "workspace_corrupt"
