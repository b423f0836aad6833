"""Versions of registered models, and of prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.registry.intake import Intake
from engine.registry.model import Stage
from engine.server.answers import JsonAnswer
from engine.server.mlflow.decoding import Shape, needed, wrong
from engine.server.mlflow.model_shelf import NEWEST_FIRST, ModelShelf
from engine.server.mlflow.prompts import PromptShelf, asks_for_prompts, is_prompt
from engine.server.mlflow.registered_models import shelf_of
from engine.server.mlflow.registry_words import (
    Asked,
    Shelf,
    Tag,
    check_tag,
    name_of,
    number_of,
    refuse_archiving,
    search_worded,
    stage_of,
    tags_of,
)
from engine.server.mlflow.sources import Named
from engine.server.routes import Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.server.call import Call

_VERSIONS = "/api/2.0/mlflow/model-versions"
_EMPTY = b"{}"
MAX_VERSIONS = 200_000
"""Most versions that MLflow's clients ask for at once; the engine may give fewer, with a token for the rest."""
_PAGE = 10_000


class _Created(msgspec.Struct):
    name: str = ""
    source: str = ""
    run_id: str = ""
    model_id: str = ""
    tags: list[Tag] = []
    run_link: str = ""
    description: str = ""


class _Version(msgspec.Struct):
    name: str = ""
    version: str | int = ""


class _Described(_Version):
    description: str = ""


class _Tagged(_Version):
    key: str = ""
    value: str = ""


class _Moved(_Version):
    stage: str = ""
    archive_existing_versions: bool = False


class _Searched(msgspec.Struct):
    filter: str = ""
    max_results: int = _PAGE
    order_by: list[str] = []
    page_token: str = ""


_CREATED, _VERSION, _DESCRIBED = Shape(_Created), Shape(_Version), Shape(_Described)
_TAGGED, _MOVED, _SEARCHED = Shape(_Tagged), Shape(_Moved), Shape(_Searched)


async def create(call: Call) -> Response:
    """Register a version of a model, or of a prompt when its tags say so."""
    given = await _CREATED.body(call)
    name, tags = name_of(given.name), tags_of(given.tags)
    named = Named(needed(given.source, "source"), given.run_id, given.model_id)

    def operation() -> object:
        if is_prompt(tags):
            return PromptShelf(call.engine).register(name, named, given.description, tags)
        intake = Intake(description=given.description, tags=tags, run_link=given.run_link)
        return ModelShelf(call.engine).register(name, named, intake)

    return JsonAnswer({"model_version": await call.act(operation)})


async def get(call: Call) -> Response:
    """One version."""
    given = _VERSION.query(call)
    name, number = name_of(given.name), number_of(given.version)
    return JsonAnswer({"model_version": await call.read(lambda: shelf_of(call.engine, name).version(name, number))})


async def update(call: Call) -> Response:
    """Change a description."""
    given = await _DESCRIBED.body(call)
    name, number = name_of(given.name), number_of(given.version)
    changed = await call.write(lambda: shelf_of(call.engine, name).describe_version(name, number, given.description))
    return JsonAnswer({"model_version": changed})


async def delete(call: Call) -> Response:
    """Remove a version."""
    given = await _VERSION.body(call)
    name, number = name_of(given.name), number_of(given.version)
    await call.write(lambda: shelf_of(call.engine, name).delete_version(name, number))
    return JsonAnswer(_EMPTY)


async def set_tag(call: Call) -> Response:
    """Set a tag."""
    given = await _TAGGED.body(call)
    name, number, key = name_of(given.name), number_of(given.version), check_tag(given.key, given.value)
    await call.write(lambda: shelf_of(call.engine, name).tag_version(name, number, key, given.value))
    return JsonAnswer(_EMPTY)


async def delete_tag(call: Call) -> Response:
    """Remove a tag, if it is there."""
    given = await _TAGGED.body(call)
    name, number, key = name_of(given.name), number_of(given.version), check_tag(given.key, "")
    await call.write(lambda: shelf_of(call.engine, name).tag_version(name, number, key, None))
    return JsonAnswer(_EMPTY)


async def transition(call: Call) -> Response:
    """Move a version to a stage; gates, approvals, freezes and roles hold here as everywhere."""
    given = await _MOVED.body(call)
    name, number, stage = name_of(given.name), number_of(given.version), stage_of(needed(given.stage, "stage"))
    if given.archive_existing_versions and stage not in (Stage.STAGING, Stage.PRODUCTION):
        refuse_archiving(given.stage)

    def operation() -> object:
        if call.engine.prompts.has(name):
            raise InvalidInput("Prompts have no stages.", hint="Use an alias.")
        return ModelShelf(call.engine).move(name, number, stage, archive=given.archive_existing_versions)

    return JsonAnswer({"model_version": await call.act(operation)})


async def download_uri(call: Call) -> Response:
    """Where a version's files are."""
    given = _VERSION.query(call)
    name, number = name_of(given.name), number_of(given.version)
    return JsonAnswer({"artifact_uri": await call.read(lambda: shelf_of(call.engine, name).download_uri(name, number))})


async def search(call: Call) -> Response:
    """Versions of models, or of prompts when the filter asks for them, page by page."""
    given = _SEARCHED.query(call)
    if not 1 <= given.max_results <= MAX_VERSIONS:
        raise wrong(given.max_results, "max_results", f". It must be a positive integer of at most {MAX_VERSIONS}")
    order = tuple(given.order_by) or NEWEST_FIRST
    asked = Asked(given.filter, order, min(given.max_results, _PAGE), given.page_token or None)

    def operation() -> tuple[list[dict[str, object]], str | None]:
        with search_worded(asked):
            prompts, plain = asks_for_prompts(asked, call.engine.clock.now_ms(), versions=True)
            shelf: Shelf = PromptShelf(call.engine) if prompts else ModelShelf(call.engine)
            return shelf.search_versions(plain)

    found, token = await call.read(operation)
    return JsonAnswer(({"model_versions": found} if found else {}) | ({"next_page_token": token} if token else {}))


ROUTES = (
    Route("POST", f"{_VERSIONS}/create", create, role=Role.WRITER),
    Route("GET", f"{_VERSIONS}/get", get),
    Route("PATCH", f"{_VERSIONS}/update", update, role=Role.OPERATOR),
    Route("DELETE", f"{_VERSIONS}/delete", delete, role=Role.OPERATOR),
    Route("GET", f"{_VERSIONS}/search", search),
    Route("GET", f"{_VERSIONS}/get-download-uri", download_uri),
    Route("POST", f"{_VERSIONS}/transition-stage", transition, role=Role.OPERATOR),
    Route("POST", f"{_VERSIONS}/set-tag", set_tag, role=Role.WRITER),
    Route("DELETE", f"{_VERSIONS}/delete-tag", delete_tag, role=Role.WRITER),
)
