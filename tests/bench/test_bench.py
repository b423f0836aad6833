"""The bench is software too: what it seeds is what it says, and its table says what it found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import engine
from engine.tracking.model import RunQuery
from tests.bench.live import Live
from tests.bench.results import Row, lines, p95
from tests.bench.sample_runs import sample_run
from tests.bench.seed import MARK, seed


def test_a_seeded_workspace_holds_what_was_asked_and_is_used_again(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    assert seed(tmp_path / "w", 50, lambda *news: told.append(news), long=False)
    with engine.open(tmp_path / "w", read_only=True) as opened:
        assert opened.runs.count(RunQuery()) == 50
        run = opened.runs.get(sample_run(7).run_id or "")
        assert (len(run.params), len(run.metrics), len(run.tags)) == (10, 10, 3)
    assert told[-1] == ("runs", 50, 50)
    assert not seed(tmp_path / "w", 50, lambda *_: None, long=False)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(SystemExit):
        seed(tmp_path, 1, lambda *_: None, long=False)
    assert (tmp_path / "mine.txt").exists()
    assert not (tmp_path / MARK).exists()


def test_runs_do_not_depend_on_how_many_there_are() -> None:
    assert sample_run(3) == sample_run(3)
    assert sample_run(3) != sample_run(4)


def test_what_moves_is_read_from_one_word() -> None:
    assert Live.parse("rows=38,cells=3,hz=4") == Live(38, 3, 4.0)
    with pytest.raises(ValueError, match="not of the form"):
        Live.parse("columns=3")


def test_a_row_is_judged_by_its_limit() -> None:
    assert Row("time", 12.0, "ms", 10).ok is False
    assert Row("speed", 86.6, "%", 50, at_least=True).ok is True
    assert Row("context", 1.0, "ms").ok is None
    assert "NO" in "\n".join(lines([Row("time", 12.0, "ms", 10)]))
    assert json.dumps(Row("time", 1.0, "ms", 10).as_json())
    assert p95([1.0, 3.0]) == 3.0
