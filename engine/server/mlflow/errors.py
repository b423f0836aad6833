"""Our errors in MLflow's words: its codes decide what the client raises, the status whether it tries again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core import errors
from engine.server.answers import JsonAnswer, said, with_headers

if TYPE_CHECKING:
    from starlette.responses import Response

# Nearest first: the first class that an error is an instance of decides. 408, 429, 500, 502, 503 and 504 make the
# client try again seven times, so only what may get better by itself is answered so.
_CODES: tuple[tuple[type[errors.QuarterdeckError], str, int], ...] = (
    (errors.TooLarge, "INVALID_PARAMETER_VALUE", 413),
    (errors.UnsupportedMediaType, "BAD_REQUEST", 415),
    (errors.InvalidInput, "INVALID_PARAMETER_VALUE", 400),
    (errors.NotFound, "RESOURCE_DOES_NOT_EXIST", 404),
    (errors.AlreadyExists, "RESOURCE_ALREADY_EXISTS", 400),
    (errors.Conflict, "INVALID_PARAMETER_VALUE", 400),
    (errors.Unauthenticated, "UNAUTHENTICATED", 401),
    (errors.Refused, "PERMISSION_DENIED", 403),
    (errors.PolicyInvalid, "PERMISSION_DENIED", 403),
    (errors.Overloaded, "REQUEST_LIMIT_EXCEEDED", 429),
    (errors.IntegrityError, "DATA_LOSS", 410),  # never again: asking seven times more would not help
    (errors.Busy, "TEMPORARILY_UNAVAILABLE", 503),
)


def mlflow_error(error: errors.QuarterdeckError) -> Response:
    """An error as MLflow's clients read it: `error_code` and `message`."""
    found = ((code, status) for kind, code, status in _CODES if isinstance(error, kind))
    code, status = next(found, ("INTERNAL_ERROR", error.http_status))
    message = str(error).replace("The page token is not", "Invalid page token: it is not", 1)  # users look for it
    return with_headers(JsonAnswer({"error_code": code, "message": said(message)}, status), error)
