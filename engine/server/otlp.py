"""`POST /v1/traces`: what every OpenTelemetry exporter sends, without a special header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.server.answers import native_error
from engine.server.mlflow.trace_names import CONVENTIONS, EXPERIMENT_ATTRIBUTES, EXPERIMENT_HEADER, RUN_HEADER
from engine.server.otlp_messages import JSON, PROTOBUF, answer, groups, inflate
from engine.server.otlp_spans import Reader
from engine.server.routes import Body, Dialect, Route
from engine.tracking.model import DEFAULT_EXPERIMENT_ID

if TYPE_CHECKING:
    from engine.server.call import Call
    from engine.traces.model import SpanBatch

BATCH = 2_048
"""Most spans that one write records; others log between them."""

_QUICK_BYTES = 16_384  # read where they arrive, and written without another thread
_WEIGHT = {PROTOBUF: 2, JSON: 8}  # how much larger messages are once they are read
_MOST_DIGITS = 18  # of the integer key of an experiment


async def export(call: Call) -> Response:
    """Record the spans of a request; those that cannot be kept are counted in the answer."""
    headers = call.request.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/protobuf":
        media_type = PROTOBUF
    if media_type not in (PROTOBUF, JSON):
        raise InvalidInput(f"Invalid Content-Type: send {PROTOBUF} or {JSON}.")
    body = await call.body()
    encoding = headers.get("content-encoding", "").strip().lower()
    quick = len(body) <= _QUICK_BYTES and encoding in ("", "identity")

    def read() -> Reader:
        given = inflate(body, encoding, call.max_inflated_bytes)
        if not quick:
            call.hold(len(body) + len(given) * _WEIGHT[media_type])
        return Reader(groups(given, media_type), CONVENTIONS, EXPERIMENT_ATTRIBUTES)

    reader = read() if quick else await call.read(read)
    while batches := (reader.batches(BATCH) if quick else await call.read(lambda: reader.batches(BATCH))):
        for named, batch in batches.items():
            await _record(call, batch, named, quick=quick)
    return Response(answer(reader.refused, media_type), media_type=media_type)


async def _record(call: Call, batch: SpanBatch, named: str, *, quick: bool) -> None:
    headers = call.request.headers
    experiment = _experiment(headers.get(EXPERIMENT_HEADER) or named)
    run_id = headers.get(RUN_HEADER) or None

    def write() -> None:
        if experiment == DEFAULT_EXPERIMENT_ID:
            call.engine.experiments.ensure_default()
        call.engine.traces.record(batch, experiment, run_id)

    await call.write(write, quick=quick)


def _experiment(text: str) -> int:
    if not text:
        return DEFAULT_EXPERIMENT_ID
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise InvalidInput(
            f"{text[:40]!r} is no experiment id.", hint=f"Give a number in {EXPERIMENT_HEADER}, or leave it out."
        )
    return int(text)


DIALECT = Dialect(
    prefixes=("/v1/",),
    routes=(Route("POST", "/v1/traces", export, role=Role.WRITER, body=Body.BYTES),),
    answer_error=native_error,
)
"""OTLP over HTTP."""
