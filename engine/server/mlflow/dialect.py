"""All routes of the MLflow dialect, under `/api` and, for browsers, `/ajax-api`."""

from __future__ import annotations

from dataclasses import replace

from engine.server.mlflow import (
    artifacts,
    assessments,
    experiments,
    inputs,
    logged_models,
    metrics,
    model_versions,
    old_traces,
    registered_models,
    run_logging,
    run_search,
    runs,
    server_info,
    trace_metrics,
    traces,
    uploads,
    webhooks,
)
from engine.server.mlflow.errors import mlflow_error
from engine.server.routes import Dialect, Route

_PREFIX = "/api/2.0/mlflow/"


def _twins(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """The routes, and their twins for browsers."""
    return (*routes, *(replace(route, path=f"/ajax-{route.path[1:]}") for route in routes if route.path[:5] == "/api/"))


ROUTES = (
    *experiments.ROUTES,
    *runs.ROUTES,
    *run_logging.ROUTES,
    *run_search.ROUTES,
    *metrics.ROUTES,
    *inputs.ROUTES,
    *logged_models.ROUTES,
    *artifacts.ROUTES,
    *registered_models.ROUTES,
    *model_versions.ROUTES,
    *traces.ROUTES,
    *trace_metrics.ROUTES,
    *old_traces.ROUTES,
    *assessments.ROUTES,
    *uploads.ROUTES,
    *server_info.ROUTES,
    *webhooks.ROUTES,
)

DIALECT = Dialect(prefixes=("/api/2.0/", "/api/3.0/", "/ajax-api/"), routes=_twins(ROUTES), answer_error=mlflow_error)
