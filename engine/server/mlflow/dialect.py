"""All routes of the MLflow dialect, under `/api` and, for browsers, `/ajax-api`."""

from __future__ import annotations

from dataclasses import replace

from engine.server.mlflow import runs
from engine.server.mlflow.errors import mlflow_error
from engine.server.routes import Dialect, Route

_PREFIX = "/api/2.0/mlflow/"


def _twins(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """The routes, and their twins for browsers."""
    return (*routes, *(replace(route, path=f"/ajax-{route.path[1:]}") for route in routes if route.path[:5] == "/api/"))


DIALECT = Dialect(
    prefixes=("/api/2.0/", "/api/3.0/", "/ajax-api/"), routes=_twins((*runs.ROUTES,)), answer_error=mlflow_error
)
