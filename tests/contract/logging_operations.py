"""Every operation that writes what programs log besides metrics: reports on runs, logged models, traces, uploads."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from engine.artifacts.model import Artifact
from engine.traces.assessment_model import Assessment, AssessmentChange, AssessmentKind
from engine.traces.content import encode
from engine.traces.model import NewSpan, SpanBatch, SpanStatus, TraceFacts, TraceReport, TraceState
from engine.tracking.detail_model import ModelUse, RunLinks, RunReport, RunStart
from engine.tracking.logged_model_model import LoggedModelStatus, ModelMetric, NewLoggedModel
from engine.tracking.model import DatasetInput, RunStatus
from tests.contract.copies import DONE, LIVE, Copy, Operation

if TYPE_CHECKING:
    from engine.api import Engine

KEPT = 2
"""Key of the experiment of the runs, traces and logged models."""

MODEL, GONE = (f"m-{'f' * 8}{number:024x}" for number in (3, 4))
UPLOAD = f"{'f' * 8}{5:024x}"
TRACE, RUNNING, NEW = (f"tr-{number:032x}" for number in (201, 202, 203))
FIRST, SECOND = "a-first", "a-second"

WEIGHTS = sha256(b"weights").hexdigest()
"""A stored object."""

FILE = f"{KEPT}/models/{MODEL}/artifacts/big.bin"


def _span(trace_id: str, span_id: int, end_ns: int | None = 9_000_000) -> NewSpan:
    content = encode({"attributes": {"k": "v"}})
    return NewSpan(trace_id, span_id, None, "ask", "LLM", SpanStatus.OK, "", 1_000_000, end_ns, 3, 4, 7, content)


def _facts() -> TraceFacts:
    return TraceFacts(
        1, 9, "ask", TraceState.OK, "q", "a", "s", "u", resource={"service": "x"}, tags={"k": "v"}, has_tokens=True
    )


def _batch(*trace_ids: str) -> SpanBatch:
    spans = [_span(trace_id, number) for trace_id in trace_ids for number in (1, 2)]
    return SpanBatch(spans, {trace_id: _facts() for trace_id in trace_ids})


def _opinion(assessment_id: str, overrides: str | None = None) -> Assessment:
    return Assessment(
        "quality", AssessmentKind.FEEDBACK, 1, assessment_id=assessment_id, rationale="why", overrides=overrides
    )


def prepare_logging(engine: Engine) -> None:
    """Log what the operations below change.

    Args:
        engine: A workspace with the runs of `tests.contract.operations`, whose third id is `MODEL`.
    """
    kept = engine.experiments.find("kept")
    assert kept is not None
    assert kept.id == KEPT
    for model_id in (MODEL, GONE):
        made = engine.logged_models.create(NewLoggedModel(KEPT, "m", DONE, params={"p": "1"}, tags={"k": "v"}))
        assert made.model_id == model_id
    engine.logged_models.files.keep_bytes(MODEL, b"weights", "data/weights.bin")
    engine.logged_models.delete(GONE)
    assert engine.uploads.create(FILE).upload_id == UPLOAD
    _send_part(engine, b"first")
    engine.traces.record(_batch(TRACE), KEPT)
    engine.traces.report(TraceReport(RUNNING, KEPT, 2, state=TraceState.IN_PROGRESS, tags={"k": "v"}, final=False))
    engine.traces.assess(TRACE, _opinion(FIRST))
    engine.traces.assess(TRACE, _opinion(SECOND, FIRST))


def _send_part(engine: Engine, data: bytes) -> object:
    with engine.artifacts.incoming() as incoming:
        incoming.write(data)
        return engine.uploads.keep_part(UPLOAD, 1, incoming)


def _create_run(copy: Copy) -> object:
    start = RunStart("fresh", "r", params={"a": "1"}, tags={"b": "2"}, note="n", parent_run_id=DONE, watched=True)
    return copy.engine().runs.create(start)


def _report_run(copy: Copy) -> None:
    points = [("loss", 0.5, 7, 1_000), ("auc", float("nan"), 7, 1_000)]
    told = RunReport(points, {"lr": "0.1"}, {"k": None, "l": "v"}, "new", "note", "", RunStatus.FAILED, 5_000)
    report = replace(told, measured=[ModelMetric(MODEL, "loss", 0.5, 7, 1_000)])
    copy.engine().runs.report(LIVE, report)


def _link_run(copy: Copy) -> None:
    links = RunLinks([DatasetInput("data", "d1", rows=3)], [ModelUse(MODEL)], [ModelUse(GONE, 2)])
    copy.engine().runs.link(LIVE, links)


def _create_model(copy: Copy) -> object:
    model = NewLoggedModel(KEPT, "new", DONE, "sklearn", params={"p": "1"}, tags={"k": "v"})
    return copy.engine().logged_models.create(model)


def _measure_model(copy: Copy) -> None:
    measured = [ModelMetric(MODEL, key, 0.5, 1, 1_000, "data", "d1") for key in ("auc", "loss")]
    copy.engine().logged_models.log_metrics(LIVE, measured)


def _keep_model_files(copy: Copy) -> object:
    files = [(copy.folder / "big.bin", "model/big.bin"), (copy.folder / "big.bin", "model/again.bin")]
    return copy.engine().logged_models.files.keep_files(MODEL, files)


def _report_trace(copy: Copy) -> None:
    thought = (_opinion("a-third"), _opinion("a-fourth"))
    said = {"k": "v"}
    copy.engine().traces.report(
        TraceReport(NEW, KEPT, 1, 9, tags=said, metadata=said, runs=(DONE, LIVE), assessments=thought)
    )


def _change_opinion(copy: Copy) -> object:
    change = AssessmentChange(name="taste", value=(2,), rationale="other", metadata={"k": "v"})
    return copy.engine().traces.change_assessment(TRACE, SECOND, change)


LOGGING: dict[str, Operation] = {
    "runs.create": Operation(_create_run),
    "runs.report": Operation(_report_run),
    "runs.link": Operation(_link_run),
    "runs.files.attach": Operation(
        lambda copy: copy.engine().runs.files.attach(DONE, [Artifact("new.bin", WEIGHTS, len(b"weights"))])
    ),
    "runs.files.remove": Operation(lambda copy: copy.engine().runs.files.remove(DONE, "plots")),
    "logged_models.create": Operation(_create_model),
    "logged_models.set_status": Operation(
        lambda copy: copy.engine().logged_models.set_status(MODEL, LoggedModelStatus.READY, "done")
    ),
    "logged_models.log_params": Operation(
        lambda copy: copy.engine().logged_models.log_params(MODEL, {"p": "1", "q": "2", "r": "3"})
    ),
    "logged_models.set_tags": Operation(lambda copy: copy.engine().logged_models.set_tags(MODEL, {"k": "w", "l": "v"})),
    "logged_models.delete_tag": Operation(lambda copy: copy.engine().logged_models.delete_tag(MODEL, "k")),
    "logged_models.log_metrics": Operation(_measure_model),
    "logged_models.delete": Operation(lambda copy: copy.engine().logged_models.delete(MODEL)),
    "logged_models.restore": Operation(lambda copy: copy.engine().logged_models.restore(GONE)),
    "logged_models.files.keep_bytes": Operation(
        lambda copy: copy.engine().logged_models.files.keep_bytes(MODEL, b"two", "data/weights.bin"), files=True
    ),
    "logged_models.files.keep_files": Operation(_keep_model_files, files=True),
    "logged_models.files.attach": Operation(
        lambda copy: copy.engine().logged_models.files.attach(MODEL, [Artifact("new.bin", WEIGHTS, len(b"weights"))])
    ),
    "logged_models.files.remove": Operation(lambda copy: copy.engine().logged_models.files.remove(MODEL, "data")),
    "traces.record": Operation(lambda copy: copy.engine().traces.record(_batch(RUNNING, NEW), KEPT, DONE)),
    "traces.report": Operation(_report_trace),
    "traces.start": Operation(lambda copy: copy.engine().traces.start(KEPT, 1, {"k": "v"}, {"m": "v"}, name="n")),
    "traces.end": Operation(
        lambda copy: copy.engine().traces.end(RUNNING, 9, TraceState.ERROR, {"l": "v"}, {"m": "v"}, name="n")
    ),
    "traces.rename": Operation(lambda copy: copy.engine().traces.rename(TRACE, "new")),
    "traces.set_tag": Operation(lambda copy: copy.engine().traces.set_tag(TRACE, "k", None)),
    "traces.link": Operation(
        lambda copy: copy.engine().traces.link([TRACE, RUNNING], run_id=DONE, prompts=["greeting/1"])
    ),
    "traces.assess": Operation(lambda copy: copy.engine().traces.assess(TRACE, _opinion("a-third", SECOND))),
    "traces.change_assessment": Operation(_change_opinion),
    "traces.delete_assessment": Operation(lambda copy: copy.engine().traces.delete_assessment(TRACE, SECOND)),
    "traces.delete": Operation(lambda copy: copy.engine().traces.delete(KEPT, trace_ids=[TRACE, RUNNING])),
    "traces.delete_one": Operation(lambda copy: copy.engine().traces.delete_one(TRACE)),
    "traces.prune": Operation(lambda copy: copy.engine().traces.prune(10)),
    "uploads.create": Operation(lambda copy: copy.engine().uploads.create(FILE)),
    "uploads.keep_part": Operation(lambda copy: _send_part(copy.engine(), b"another"), files=True),
    "uploads.close": Operation(lambda copy: copy.engine().uploads.close(UPLOAD)),
}
