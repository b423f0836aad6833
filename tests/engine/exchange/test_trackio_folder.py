"""Importing trackio's files: a project is an experiment, a row is a step, and what is no number is left out."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.api import Engine
from engine.core.errors import InvalidInput, NotFound
from engine.exchange.importing import Importer, import_all
from engine.exchange.model import ImportReport
from engine.exchange.trackio_folder import TrackioFolder

TABLES = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY, timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT);
CREATE TABLE configs (id INTEGER PRIMARY KEY, run_name TEXT, config TEXT, created_at TEXT);
"""
CONFIG = {"lr": 0.1, "layers": [1, 2], "_Username": "grace", "_Group": "night"}


def add(path: Path, run: str, *steps: object) -> None:
    """Log steps into a project, which is made when it is not there."""
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
            connection.executescript(TABLES)
        connection.execute("INSERT INTO configs (run_name, config, created_at) VALUES (?, ?, ?)",
                           (run, json.dumps(CONFIG), "2026-01-01T00:00:00+00:00"))  # fmt: skip
        for number, step in enumerate(steps):
            text = step if isinstance(step, (str, bytes)) else json.dumps(step)
            connection.execute("INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?)",
                               (f"2026-01-01T00:00:0{number + 1}", run, number, text))  # fmt: skip
        connection.commit()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "trackio"
    made.mkdir()
    return made


def bring(opened: Engine, path: Path) -> ImportReport:
    return import_all(Importer(opened, TrackioFolder(path)))


def test_a_project_becomes_an_experiment(opened: Engine, folder: Path) -> None:
    add(folder / "vision.db", "calm-sea", {"loss": 2, "word": "NaN"}, b'{"loss": 1.5, "word": "Infinity"}')
    assert bring(opened, folder).equal
    (run,) = opened.runs.page().items
    assert (run.experiment, run.name, run.user) == ("vision", "calm-sea", "grace")
    assert run.params == {"lr": "0.1", "layers": "[1, 2]"}
    assert run.tags["trackio.group"] == "night"
    assert run.metrics == {"loss": 1.5, "word": math.inf}
    assert (run.start_ms, run.end_ms) == (1_767_225_600_000, 1_767_225_602_000)
    assert bring(opened, folder).stored == {}


def test_what_is_new_since_is_added(opened: Engine, folder: Path) -> None:
    add(folder / "vision.db", "calm-sea", {"loss": 2.0})
    bring(opened, folder / "vision.db")
    with closing(sqlite3.connect(folder / "vision.db")) as connection:
        sql = "INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES ('', 'calm-sea', 1, ?)"
        connection.execute(sql, ('{"loss": 1}',))
        connection.commit()
    assert bring(opened, folder).stored == {"metrics": 1, "changed runs": 1}
    assert opened.runs.page().items[0].metrics == {"loss": 1.0}


def test_what_cannot_be_kept_leaves_the_rest_alone(opened: Engine, folder: Path) -> None:
    add(folder / "vision.db", "calm-sea", {"loss": 1, "image": {"_type": "image"}}, "no json", "[" * 5_000)
    (folder / "broken.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4_000)
    with closing(sqlite3.connect(folder / "other.db")) as connection:
        connection.execute("CREATE TABLE x (y)")
    report = bring(opened, folder)
    assert report.equal
    assert report.skipped_counts == {"experiment": 2, "metric": 1, "row": 2}
    assert opened.runs.count() == 1


def test_nothing_there_is_said(opened: Engine, folder: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no trackio project"):
        TrackioFolder(folder)
    with pytest.raises(NotFound):
        TrackioFolder(folder / "missing")
