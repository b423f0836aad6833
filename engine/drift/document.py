"""A report as JSON: the document of `--json`, of monitors' results and inside the HTML report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.core.plain import plain
from engine.drift.model import (
    SCHEMA_VERSION,
    Bin,
    DatasetResult,
    Decision,
    DriftReport,
    FeatureResult,
    Histogram,
    Path,
    Role,
    SegmentResult,
    Side,
    Telling,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def document(report: DriftReport) -> dict[str, Any]:
    """A report as JSON values; the infinities are strings, as everywhere.

    Args:
        report: The report.

    Returns:
        `schema_version`, `drift`, `sentence`, `counts` (features by decision), `reference`, `current`, `features` (each
        with `name`, `drift`, `decision`, `reason` and the rest of `FeatureResult`), `dataset`, `segments`, `problems`.
    """
    found: dict[str, Any] = {
        "schema_version": report.schema_version,
        "drift": report.drift,
        "sentence": report.sentence,
        "counts": {decision.value: report.counted(decision) for decision in Decision},
    }
    fields = plain(report)
    fields["features"] = [feature_document(feature) for feature in report.features]
    return found | {name: value for name, value in fields.items() if name not in found}


def feature_document(feature: FeatureResult) -> dict[str, Any]:
    """A feature's result as JSON values, `drift` included."""
    fields: dict[str, Any] = plain(feature)
    return {"name": fields.pop("name"), "drift": feature.drift, **fields}


def report_from(found: Mapping[str, Any]) -> DriftReport:
    """A report that was kept as JSON.

    Args:
        found: What `document` made.

    Returns:
        The report.

    Raises:
        InvalidInput: it is no such document, or of a newer version.
    """
    try:
        return _report(found)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"This is no drift report of schema version {SCHEMA_VERSION}.", hint="`qd drift check --json` makes one."
        ) from error


def _report(found: Mapping[str, Any]) -> DriftReport:
    if not isinstance(found, dict) or found["schema_version"] > SCHEMA_VERSION:
        raise ValueError("of another version")
    return DriftReport(
        reference=Side(**found["reference"]),
        current=Side(**found["current"]),
        features=tuple(_feature(each) for each in found["features"]),
        decided_by=found["decided_by"],
        sentence=found["sentence"],
        path=Path(found["path"]),
        level=found["level"],
        dataset=tuple(_dataset(each) for each in found["dataset"]),
        segments=tuple(SegmentResult(**each | {"drifted": tuple(each["drifted"])}) for each in found["segments"]),
        problems=tuple(found["problems"]),
        schema_version=found["schema_version"],
    )


def _feature(found: Mapping[str, Any]) -> FeatureResult:
    shape = found["histogram"]
    fields = {name: _number(value) for name, value in found.items() if name != "drift"} | {
        "decision": Decision(found["decision"]),
        "role": Role(found["role"]),
        "distances": {name: _number(value) for name, value in found["distances"].items()},
        "new_levels": tuple(found["new_levels"]),
        "bins": tuple(_bin(each) for each in found["bins"]),
        "histogram": shape and Histogram(**shape | {side: tuple(shape[side]) for side in ("reference", "current")}),
    }
    return FeatureResult(**fields | {text: found[text] for text in ("name", "kind", "method", "reason", "changed")})


def _bin(found: Mapping[str, Any]) -> Bin:
    return Bin(**dict(found) | {end: _number(found[end]) for end in ("low", "high")})


def _dataset(found: Mapping[str, Any]) -> DatasetResult:
    telling = tuple(Telling(**each) for each in found["telling"])
    return DatasetResult(**dict(found) | {"decision": Decision(found["decision"]), "telling": telling})


def _number(value: Any) -> Any:
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value
