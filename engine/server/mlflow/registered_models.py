"""Registered models: what MLflow calls so are models and prompts here, told apart by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.server.answers import JsonAnswer
from engine.server.mlflow.decoding import Shape, needed, wrong
from engine.server.mlflow.model_shelf import ModelShelf
from engine.server.mlflow.prompts import PromptShelf, asks_for_prompts, is_prompt
from engine.server.mlflow.registry_words import (
    Asked,
    Shelf,
    Tag,
    alias_of,
    check_tag,
    name_of,
    new_alias_of,
    number_of,
    search_worded,
    stage_of,
    tags_of,
    taken_worded,
)
from engine.server.routes import Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.api import Engine
    from engine.server.call import Call

_MODELS = "/api/2.0/mlflow/registered-models"
_EMPTY = b"{}"
MAX_MODELS = 1_000
"""Most registered models of a page."""


class _Named(msgspec.Struct):
    name: str = ""


class _Created(_Named):
    tags: list[Tag] = []
    description: str = ""


class _Described(_Named):
    description: str = ""


class _Renamed(_Named):
    new_name: str = ""


class _Tagged(_Named):
    key: str = ""
    value: str = ""


class _Aliased(_Named):
    alias: str = ""
    version: str | int = ""


class _Newest(_Named):
    stages: list[str] = []


class _Searched(msgspec.Struct):
    filter: str = ""
    max_results: int = 100
    order_by: list[str] = []
    page_token: str = ""


_NAMED, _CREATED, _DESCRIBED = Shape(_Named), Shape(_Created), Shape(_Described)
_RENAMED, _TAGGED, _ALIASED = Shape(_Renamed), Shape(_Tagged), Shape(_Aliased)
_NEWEST, _SEARCHED = Shape(_Newest), Shape(_Searched)


def shelf_of(engine: Engine, name: str) -> Shelf:
    """Where a name belongs: among the prompts when one has it, else among the models.

    Args:
        engine: The workspace, as the caller may use it.
        name: The name.
    """
    return PromptShelf(engine) if engine.prompts.has(name) else ModelShelf(engine)


async def create(call: Call) -> Response:
    """Create a model, or a prompt when its tags say so."""
    given = await _CREATED.body(call)
    name, tags = name_of(given.name), tags_of(given.tags)

    def operation() -> object:
        prompt = is_prompt(tags)
        shelf = PromptShelf(call.engine) if prompt else ModelShelf(call.engine)
        with taken_worded(name, is_prompt=prompt):
            return shelf.create(name, given.description, tags)

    return JsonAnswer({"registered_model": await call.write(operation)})


async def get(call: Call) -> Response:
    """One registered model."""
    name = name_of(_NAMED.query(call).name)
    return JsonAnswer({"registered_model": await call.read(lambda: shelf_of(call.engine, name).get(name))})


async def update(call: Call) -> Response:
    """Change a description."""
    given = await _DESCRIBED.body(call)
    name = name_of(given.name)
    changed = await call.write(lambda: shelf_of(call.engine, name).describe(name, given.description))
    return JsonAnswer({"registered_model": changed})


async def rename(call: Call) -> Response:
    """Give a model another name."""
    given = await _RENAMED.body(call)
    name = name_of(given.name)
    new = name_of(needed(given.new_name, "new_name"))

    def operation() -> object:
        with taken_worded(new):
            return shelf_of(call.engine, name).rename(name, new)

    return JsonAnswer({"registered_model": await call.write(operation)})


async def delete(call: Call) -> Response:
    """Remove a model with its versions."""
    name = name_of((await _NAMED.body(call)).name)
    await call.write(lambda: shelf_of(call.engine, name).delete(name))
    return JsonAnswer(_EMPTY)


async def set_tag(call: Call) -> Response:
    """Set a tag."""
    given = await _TAGGED.body(call)
    name, key = name_of(given.name), check_tag(given.key, given.value)
    await call.write(lambda: shelf_of(call.engine, name).tag(name, key, given.value))
    return JsonAnswer(_EMPTY)


async def delete_tag(call: Call) -> Response:
    """Remove a tag, if it is there."""
    given = await _TAGGED.body(call)
    name, key = name_of(given.name), check_tag(given.key, "")
    await call.write(lambda: shelf_of(call.engine, name).tag(name, key, None))
    return JsonAnswer(_EMPTY)


async def set_alias(call: Call) -> Response:
    """Point an alias to a version."""
    given = await _ALIASED.body(call)
    name, alias, number = name_of(given.name), new_alias_of(given.alias), number_of(given.version)
    await call.write(lambda: shelf_of(call.engine, name).alias(name, alias, number))
    return JsonAnswer(_EMPTY)


async def delete_alias(call: Call) -> Response:
    """Remove an alias, if it is there."""
    given = await _ALIASED.body(call)
    name, alias = name_of(given.name), alias_of(given.alias)
    await call.write(lambda: shelf_of(call.engine, name).alias(name, alias, None))
    return JsonAnswer(_EMPTY)


async def get_by_alias(call: Call) -> Response:
    """The version that an alias names."""
    given = _ALIASED.query(call)
    name, alias = name_of(given.name), alias_of(given.alias)
    found = await call.read(lambda: shelf_of(call.engine, name).by_alias(name, alias))
    if found is None:
        raise InvalidInput(f"Registered model alias {alias} not found.")
    return JsonAnswer({"model_version": found})


async def newest(call: Call) -> Response:
    """The newest version in each stage, or in those that are asked for."""
    given = _NEWEST.query(call) if call.request.method in ("GET", "HEAD") else await _NEWEST.body(call)
    name, stages = name_of(given.name), [stage_of(word) for word in given.stages]
    found = await call.read(lambda: shelf_of(call.engine, name).newest(name, stages))
    return JsonAnswer({"model_versions": found} if found else {})


async def search(call: Call) -> Response:
    """Models, or prompts when the filter asks for them, page by page."""
    given = _SEARCHED.query(call)
    if not 1 <= given.max_results <= MAX_MODELS:
        raise wrong(given.max_results, "max_results", f". It must be a positive integer of at most {MAX_MODELS}")
    asked = Asked(given.filter, tuple(given.order_by), given.max_results, given.page_token or None)

    def operation() -> tuple[list[dict[str, object]], str | None]:
        with search_worded(asked):
            prompts, plain = asks_for_prompts(asked, call.engine.clock.now_ms(), versions=False)
            shelf: Shelf = PromptShelf(call.engine) if prompts else ModelShelf(call.engine)
            return shelf.search(plain)

    found, token = await call.read(operation)
    return JsonAnswer(({"registered_models": found} if found else {}) | ({"next_page_token": token} if token else {}))


ROUTES = (
    Route("POST", f"{_MODELS}/create", create, role=Role.WRITER),
    Route("GET", f"{_MODELS}/get", get),
    Route("PATCH", f"{_MODELS}/update", update, role=Role.OPERATOR),
    Route("POST", f"{_MODELS}/rename", rename, role=Role.OPERATOR),
    Route("DELETE", f"{_MODELS}/delete", delete, role=Role.OPERATOR),
    Route("GET", f"{_MODELS}/search", search),
    Route("GET", f"{_MODELS}/get-latest-versions", newest),
    Route("POST", f"{_MODELS}/get-latest-versions", newest),
    Route("POST", f"{_MODELS}/set-tag", set_tag, role=Role.WRITER),
    Route("DELETE", f"{_MODELS}/delete-tag", delete_tag, role=Role.WRITER),
    Route("POST", f"{_MODELS}/alias", set_alias, role=Role.OPERATOR),
    Route("GET", f"{_MODELS}/alias", get_by_alias),
    Route("DELETE", f"{_MODELS}/alias", delete_alias, role=Role.OPERATOR),
)
