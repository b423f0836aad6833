"""SQL of what can be asked of models and versions."""

from __future__ import annotations

from engine.core.query import MODELS as MODELS_SCHEMA
from engine.core.query import VERSIONS as VERSIONS_SCHEMA
from engine.core.query import Entity
from engine.db.listing import Subject

MODELS = Subject(
    schema=MODELS_SCHEMA,
    row="m.id",
    source="model m",
    attributes={
        "name": "m.name",
        "owner": "m.owner",
        "description": "m.description",
        "creation_timestamp": "m.created_ms",
        "last_updated_timestamp": "m.updated_ms",
    },
    nullable=frozenset(),
    tables={Entity.TAG: "model_tag"},
    owner="model",
)
"""Registered models."""

VERSIONS = Subject(
    schema=VERSIONS_SCHEMA,
    row="v.id",
    source="model_version v JOIN model m ON m.id = v.model",
    attributes={
        "name": "m.name",
        "run_id": "v.run_id",
        "source_path": "iif(v.source <> '', v.source, v.artifact_path)",
        "owner": "v.owner",
        "description": "v.description",
        "digest": "v.digest",
        "stage": "lower(v.stage)",
        "status": "'ready'",
        "version_number": "v.number",
        "size_bytes": "v.size_bytes",
        "creation_timestamp": "v.created_ms",
        "last_updated_timestamp": "v.updated_ms",
    },
    nullable=frozenset({"run_id"}),
    tables={Entity.METRIC: "version_metric", Entity.PARAM: "version_param", Entity.TAG: "version_tag"},
    owner="version",
)
"""Model versions. A version is stored once its files are, so its status is always `ready`."""
