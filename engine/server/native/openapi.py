"""The OpenAPI document, made from the operations' signatures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from engine import __version__
from engine.core.errors import InvalidInput, Overloaded, QuarterdeckError, TooLarge, Unauthenticated
from engine.server.native import artifacts
from engine.server.native.operations import Way
from engine.server.native.schemas import Schemas
from engine.server.native.signatures import Parameter, Signature

PREFIX = "/api/qd/v1"

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "hint": {"type": "string"}},
        }
    },
}

_ALWAYS: tuple[tuple[type[QuarterdeckError], str], ...] = (
    (Unauthenticated, "The server asks for a token, and none that is good was given."),
    (Overloaded, "Too much waits; try again after `Retry-After` seconds."),
    (TooLarge, "The body is larger than is taken."),
)


def document(operations: Mapping[str, tuple[Way, Signature]]) -> dict[str, Any]:
    """The document.

    Args:
        operations: Way and signature of each, by name.

    Returns:
        OpenAPI 3.1, as JSON values.
    """
    schemas = Schemas()
    paths = {path_of(name): _path(way, each, schemas) for name, (way, each) in sorted(operations.items())}
    paths |= artifacts.paths(schemas, _of_errors)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Quarterdeck",
            "version": __version__,
            "description": "The operations console for machine-learning models. Every operation of the engine by its "
            "name; times are milliseconds since the epoch; NaN and the infinities are the strings `NaN`, `Infinity` "
            "and `-Infinity`.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR, **schemas.components},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def path_of(name: str) -> str:
    """The path of an operation."""
    return f"{PREFIX}/{name.replace('.', '/')}"


def _path(way: Way, each: Signature, schemas: Schemas) -> dict[str, Any]:
    noun = each.name.partition(".")[0]
    told: dict[str, Any] = {
        "operationId": each.name,
        "summary": each.summary,
        "tags": [noun],
        "responses": {"200": _answer(each, schemas), **_refusals(each)},
    }
    if way is Way.READ:
        told["parameters"] = [_parameter(one, schemas) for one in each.parameters]
        return {"get": told}
    told["requestBody"] = {
        "required": any(one.required for one in each.parameters),
        "content": {"application/json": {"schema": _body(each, schemas)}},
    }
    return {"post": told}


def _answer(each: Signature, schemas: Schemas) -> dict[str, Any]:
    return {"description": "Done.", "content": {"application/json": {"schema": schemas.of(each.gives)}}}


def _refusals(each: Signature) -> dict[str, Any]:
    unfit = (InvalidInput, "an argument is missing, unknown or of another type.")
    return _of_errors((unfit, *each.raises))


def _of_errors(raised: Iterable[tuple[type[QuarterdeckError], str]]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for error, text in (*raised, *_ALWAYS):
        by_status[error.http_status].append(f"`{error.code}`: {text}")
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        str(status): {"description": " ".join(texts), "content": content} for status, texts in sorted(by_status.items())
    }


def _parameter(one: Parameter, schemas: Schemas) -> dict[str, Any]:
    told = {"name": one.name, "in": "query", "required": one.required, "schema": schemas.of(one.kind)}
    return {**told, "description": one.text} if one.text else told


def _body(each: Signature, schemas: Schemas) -> dict[str, Any]:
    members = {one.name: {**schemas.of(one.kind), **_described(one)} for one in each.parameters}
    required = [one.name for one in each.parameters if one.required]
    return {"type": "object", "properties": members, "required": required, "additionalProperties": False}


def _described(one: Parameter) -> dict[str, str]:
    return {"description": one.text} if one.text else {}
