"""All that the server speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.server import health, otlp
from engine.server.mlflow import dialect as mlflow
from engine.server.native import dialect as native
from engine.server.routes import RouteTable

if TYPE_CHECKING:
    from engine.server.measures import Measures


def table(measures: Measures) -> RouteTable:
    """The route table of a server.

    Args:
        measures: What it counts of itself, for `/metrics`.
    """
    return RouteTable((health.dialect(measures), native.DIALECT, mlflow.DIALECT, otlp.DIALECT))
