"""The names that MLflow gives to what spans and traces carry."""

from __future__ import annotations

from engine.traces.conventions import Conventions

NAME = "mlflow.traceName"
"""Tag with the name of a trace."""

SOURCE_RUN = "mlflow.sourceRun"
"""Metadata with the run that a trace was made in."""

SESSION = "mlflow.trace.session"
"""Metadata with the conversation."""

USER = "mlflow.trace.user"
"""Metadata with whom it was done for."""

TOKENS = "mlflow.trace.tokenUsage"
"""Metadata with the tokens of the whole, as JSON."""

FINAL = "mlflow.trace.infoFinalized"
"""Metadata that says whether the program has reported the whole."""

ARTIFACTS = "mlflow.artifactLocation"
"""Tag with the place of files that belong to the trace."""

SPANS = "mlflow.trace.spansLocation"
"""Tag that says where the spans are."""

IN_STORE = "TRACKING_STORE"
"""The value of `SPANS` that says: with the server."""

PROMPTS = "mlflow.linkedPrompts"
"""Tag with the prompt versions that a trace used, as JSON."""

SIZES = "mlflow.trace.sizeStats"
"""Metadata with the number and sizes of a trace's spans, as JSON."""

OWN_TAGS = frozenset({NAME, ARTIFACTS, SPANS, PROMPTS})
"""Tags that are something else here: they are told of a trace as it stands."""

SPAN_KIND = "mlflow.spanType"
"""Attribute with the kind of a span."""

SPAN_TOKENS = "mlflow.chat.tokenUsage"
"""Attribute with the tokens of a span."""

SPAN_TRACE = "mlflow.traceRequestId"
"""Attribute with the public id of a span's trace."""

EXPERIMENT_HEADER = "x-mlflow-experiment-id"
"""Header with the experiment that spans belong to."""

RUN_HEADER = "x-mlflow-run-id"
"""Header with the run that spans belong to."""

EXPERIMENT_ATTRIBUTES = ("mlflow.experimentId", "mlflow.experiment_id", "quarterdeck.experiment_id")
"""Resource attributes with the experiment that spans belong to."""

_PLAIN = Conventions()

CONVENTIONS = Conventions(
    kind=(SPAN_KIND, *_PLAIN.kind),
    usage=(SPAN_TOKENS,),
    request=("mlflow.spanInputs", *_PLAIN.request),
    response=("mlflow.spanOutputs", *_PLAIN.response),
    tag_prefix="mlflow.traceTag.",
    name_tag=NAME,
    hidden=("telemetry.sdk.", "mlflow."),
)
"""What attributes mean to MLflow's clients, and to everybody."""
