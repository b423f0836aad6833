"""Exporting: what was written is what comes back, and nothing is there until everything is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.errors import AlreadyExists, IntegrityError
from engine.exchange.exporting import export_mlflow
from engine.exchange.importing import Importer, import_all
from engine.exchange.model import ImportReport
from engine.exchange.opening import open_mlflow
from tests.builders import empty_workspace
from tests.engine.exchange.mlflow_files import RUN, everything

Import = Callable[..., ImportReport]


def digests(report: ImportReport, *but: str) -> dict[str, str]:
    return {each.kind: each.digest for each in report.kinds if each.kind not in but}


def test_what_is_exported_comes_back_the_same(bring: Import, opened: Engine, tmp_path: Path) -> None:
    source = everything(tmp_path / "source" / "mlflow.db")
    source.model("greeting", **{"mlflow.prompt.is_prompt": "true"})
    text = {"mlflow.prompt.is_prompt": "true", "mlflow.prompt.text": "Hello", "tone": "formal"}
    source.version(1, "greeting", source="dummy-source", run_id=None, tags=text)
    first = bring(source.path)
    report = export_mlflow(opened, tmp_path / "out")
    empty_workspace(tmp_path / "second")
    with engine.open(tmp_path / "second") as second:
        exported = open_mlflow(report.database)
        again = import_all(Importer(second, exported))
        exported.close()
    assert again.equal
    assert again.skipped == ()
    # MLflow keeps names and users in tags as well, and versions now lie in the export.
    assert digests(again, "tags", "versions", "experiment tags") == digests(
        first, "tags", "versions", "experiment tags"
    )
    assert report.counts["files"] == 5


def test_nothing_is_overwritten(opened: Engine, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(AlreadyExists):
        export_mlflow(opened, tmp_path / "out")


def test_nothing_is_left_when_bytes_are_lost(bring: Import, opened: Engine, tmp_path: Path) -> None:
    bring(everything(tmp_path / "source" / "mlflow.db").path)
    digest = opened.runs.artifacts(RUN, "plots/roc.txt")[0].digest
    opened.artifacts.path_of(digest).unlink()
    with pytest.raises(IntegrityError):
        export_mlflow(opened, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == []


def test_an_empty_workspace_can_be_exported(opened: Engine, tmp_path: Path) -> None:
    report = export_mlflow(opened, tmp_path / "a" / "out")
    assert Path(report.database).is_file()
    assert set(report.counts) <= {"experiments"}
