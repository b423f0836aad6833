"""Spans from an unmodified OpenTelemetry exporter: ours, durable, against MLflow."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.clients.pool import clients
from tests.bench.peers import servers
from tests.bench.places import Places
from tests.bench.results import Row, p50

SPANS = 500
ROUNDS = 3
TIMES = {"ours": 20, "mlflow": 3}


def measure(places: Places) -> Iterator[Row]:
    """Spans a second, each peer in turn."""
    rates: dict[str, list[float]] = {"ours": [], "mlflow": []}
    with (
        places.scratch() as folder,
        clients(1, folder) as pool,
        servers.ours(folder) as ours,
        servers.mlflow(folder / "mlflow", workers=1) as theirs,
    ):
        for _ in range(ROUNDS):
            for name, url in (("ours", ours), ("mlflow", theirs)):
                taken = pool.one("spans", uri=url, spans=SPANS, times=TIMES[name])
                rates[name].append(SPANS / p50(taken))
    fast, slow = p50(rates["ours"]), p50(rates["mlflow"])
    detail = f"{fast:,.0f}/s against {slow:,.0f}/s, batches of {SPANS}"
    yield Row("OTLP spans, unmodified exporter, full, of MLflow", fast / slow, "x", 20, at_least=True, detail=detail)
