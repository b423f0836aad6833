"""The JSON of `qd drift` is what `engine/cli/README.md` promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import Qd
from tests.engine.cli.test_json_shapes import SHAPES, TYPES
from tests.engine.drift.tables import honest, write


def hold(name: str, told: dict[str, Any]) -> None:
    """Every field is there, of its type, and none that is not promised."""
    shape = SHAPES[name]
    assert set(told) == set(shape)
    for field, kind in shape.items():
        allowed = (*TYPES[kind.rstrip("?")], *((type(None),) if kind.endswith("?") else ()))
        assert isinstance(told[field], allowed), (name, field, told[field])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "r.csv", honest(800)), write(tmp_path / "c.csv", honest(400, 1, shift=1))


def test_reports_and_profiles_have_the_promised_fields(qd: Qd, files: tuple[Path, Path]) -> None:
    report = qd("drift", "check", *files, "--json").json
    hold("drift-report", report)
    for feature in report["features"]:
        hold("drift-feature", feature)
    hold("drift-profile", qd("drift", "profile", files[0], "--json").json)


def test_baselines_have_the_promised_fields(qd: Qd, sample: Sample, files: tuple[Path, Path]) -> None:
    made = qd("drift", "baseline", "churn", "1", files[0], "--label", "region", "--json").json
    hold("baseline", made)
    listed = qd("drift", "baselines", "churn", "1", "--json").json
    assert listed == {"items": [made], "next_page_token": None}
    hold("drift-report", qd("drift", "check", "--baseline", "churn/1", files[1], "--json").json)


def test_a_version_registered_with_reference_data_has_a_baseline_at_once(
    qd: Qd, sample: Sample, files: tuple[Path, Path], tmp_path: Path
) -> None:
    reference = tmp_path / "reference.csv"
    reference.write_bytes(files[0].read_bytes())
    qd("runs", "artifacts", "put", sample.runs[0], reference, "--path", "data")
    answer = qd("models", "register", "fresh", "--run", sample.runs[0])
    assert "fresh/1 baseline 1 was made from data/reference.csv of its run: 800 rows." in answer.err
    assert qd("drift", "baselines", "fresh", "1", "--json").json["items"][0]["kind"] == "training"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "Say what to make it from"),
        (("--from-production",), "Say from when"),
        (("--from-production", "--from-training"), "Say what to make it from"),
        (("--from-training",), "holds reference data"),
        (("--from-production", "--since", "1d"), "Nothing was captured"),
    ],
)
def test_a_baseline_of_nothing_is_refused(qd: Qd, sample: Sample, more: tuple[str, ...], said: str) -> None:
    answer = qd("drift", "baseline", "churn", "1", *more, code=1 if "Nothing" in said or "holds" in said else 2)
    assert said in answer.err
