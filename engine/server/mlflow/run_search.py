"""Searching runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.server.answers import JsonAnswer
from engine.server.mlflow.decoding import Shape
from engine.server.mlflow.filters import run_query
from engine.server.mlflow.shapes import run_json
from engine.server.routes import Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from engine.api import Engine
    from engine.server.call import Call
    from engine.tracking.model import RunQuery, RunRecord

_ENCODE = msgspec.json.Encoder().encode
_USUAL = 1_000
"""Runs of a page when nothing is said."""


class _Search(msgspec.Struct):
    experiment_ids: list[str] = msgspec.field(default_factory=list)
    filter: str | None = None
    run_view_type: str | int | None = None
    max_results: int | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


_SEARCH = Shape(_Search)


async def search(call: Call) -> Response:
    """Runs of some experiments by a filter, in an order, page by page."""
    given = await _SEARCH.body(call)
    query = run_query(
        given.filter or "",
        given.order_by or (),
        experiment_ids=given.experiment_ids,
        view=None if given.run_view_type is None else str(given.run_view_type),
        limit=_USUAL if given.max_results is None else given.max_results,
        page_token=given.page_token or None,
    )
    return JsonAnswer(await call.read(lambda: _found(call.engine, query)))


def _found(engine: Engine, query: RunQuery) -> bytes:
    """The answer, encoded beside the event loop: a page may hold megabytes."""
    page = engine.runs.encoded(query, _piece)
    answer: dict[str, object] = {}
    if page.items:
        answer["runs"] = list(map(msgspec.Raw, page.items))
    if page.next_page_token is not None:
        answer["next_page_token"] = page.next_page_token
    return _ENCODE(answer)


def _piece(record: RunRecord) -> bytes:
    return _ENCODE(run_json(record))


ROUTES = (Route("POST", "/api/2.0/mlflow/runs/search", search),)
