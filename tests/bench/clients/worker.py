"""Runs inside the client environment: does what it is told with an unmodified client, and says how long each call took.

One JSON object a line on stdin (`{"do": NAME, ...}`), one a line on stdout. Importing the client takes seconds, so one
process serves all measures, against one server after the other.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric

Order = dict[str, Any]
NOW_MS = 1_760_000_000_000


def timed(times: int, call: Callable[[int], object]) -> list[float]:
    """Seconds of each call."""
    taken = []
    for number in range(times):
        began = time.perf_counter()
        call(number)
        taken.append(time.perf_counter() - began)
    return taken


def start(order: Order) -> object:
    """A run to log to."""
    client = MlflowClient(order["uri"])
    return client.create_run(order.get("experiment_id", "0")).info.run_id


def metric(order: Order) -> object:
    """`log_metric`, one point a call."""
    client, first, run_id, key = MlflowClient(order["uri"]), order["first"], order["run_id"], order["key"]
    return timed(order["times"], lambda number: client.log_metric(run_id, key, 0.5, NOW_MS, first + number))


def batch(order: Order) -> object:
    """`log_batch` of 1,000 points: ten metrics of a hundred steps."""
    client, first = MlflowClient(order["uri"]), order["first"]
    batches = [
        [Metric(f"m{at % 10}", at / 7, NOW_MS + at, (first + number) * 100 + at // 10) for at in range(1_000)]
        for number in range(order["times"])
    ]
    return timed(order["times"], lambda number: client.log_batch(order["run_id"], metrics=batches[number]))


def search(order: Order) -> object:
    """`search_runs`, the first page of 100."""
    client = MlflowClient(order["uri"])
    return timed(
        order["times"],
        lambda _: client.search_runs(
            order["experiment_ids"], order["filter"], order_by=order["order_by"], max_results=100
        ),
    )


def history(order: Order) -> object:
    """`get_metric_history`, all pages."""
    client = MlflowClient(order["uri"])

    def read(_: int) -> None:
        points = client.get_metric_history(order["run_id"], order["key"])
        if len(points) != order["points"]:
            sys.exit(f"{len(points)} points came, not {order['points']}")

    return timed(order["times"], read)


def spans(order: Order) -> object:
    """An OTLP exporter's batches."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExportResult

    exporter = OTLPSpanExporter(f"{order['uri']}/v1/traces", headers={"x-mlflow-experiment-id": "0"})
    tracer = TracerProvider().get_tracer("bench")

    def export(_: int) -> None:
        made: list[Any] = []
        while len(made) < order["spans"]:
            with tracer.start_as_current_span("root") as root:
                made.append(root)
                for child in range(9):
                    with tracer.start_as_current_span(
                        f"step {child}", attributes={"n": child, "text": "x" * 40}
                    ) as span:
                        made.append(span)
        began = time.perf_counter()
        if exporter.export(made) is not SpanExportResult.SUCCESS:
            sys.exit("the exporter was refused")
        taken.append(time.perf_counter() - began)

    taken: list[float] = []
    for number in range(order["times"]):
        export(number)
    return taken


DOES: dict[str, Callable[[Order], object]] = {
    "start": start,
    "metric": metric,
    "batch": batch,
    "search": search,
    "history": history,
    "spans": spans,
}


def main() -> None:
    """Answer orders until stdin ends."""
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(DOES[order["do"]](order)), flush=True)


main()
