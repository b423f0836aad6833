"""What a command that runs as a job tells of how far it is; nothing where it is no job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.cli.predict import _Progress
from engine.cli.progress import ProgressLine, ProgressStory
from engine.jobs.model import PROGRESS
from engine.scoring.model import Standing


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(PROGRESS, str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def _said(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_each_part_begins_its_time_anew_and_the_words_of_a_whole_do_not(told: Path) -> None:
    line = ProgressLine("loading")
    line.tell("loading", 10, 10)
    first = _said(told)
    assert (first["what"], first["done"], first["total"]) == ("loading", 10, 10)
    story = ProgressStory("exporting")
    story.tell("runs", 3, 3)
    began = _said(told)["since_ms"]
    story.tell("models", 4, 4)
    assert (_said(told)["what"], _said(told)["since_ms"]) == ("models", began)


def test_what_is_left_of_scoring_is_reckoned_from_where_it_went_on(told: Path) -> None:
    """Of 1,000 bytes 600 were scored before it was interrupted: of the 400 to do it has done 100."""
    progress = _Progress()
    progress(Standing(parts=10, parts_done=6, rows=60, refused=0, bytes=1_000, bytes_done=600))
    progress(Standing(parts=10, parts_done=10, rows=100, refused=0, bytes=1_000, bytes_done=700))
    said = _said(told)
    assert (said["what"], said["done"], said["total"]) == ("scoring", 100, 400)


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRESS, str(tmp_path / "none" / "progress.json"))
    ProgressLine("loading")(1, 1)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_job_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PROGRESS, raising=False)
    monkeypatch.chdir(tmp_path)
    ProgressLine("loading")(1, 1)
    assert list(tmp_path.iterdir()) == []
