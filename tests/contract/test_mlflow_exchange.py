"""In and out with the real client: what it logged anywhere is here, and what is exported it opens as its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.exchange.exporting import export_mlflow
from engine.exchange.importing import Importer, import_all
from engine.exchange.model import ImportReport
from engine.exchange.opening import open_mlflow
from tests.clients.environment import client_python
from tests.clients.server import environment_for_clients, running_server

PROGRAMS = Path(__file__).parents[1] / "clients" / "exchange"
LONGEST_S = 180


@contextmanager
def place(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Somewhere that the client logs to: its tracking address, and the source that is imported."""
    if kind == "server":
        with running_server(folder / "served") as server:
            yield server.url, server.url
    elif kind == "folder":
        yield (folder / "source" / "mlruns").as_uri(), str(folder / "source" / "mlruns")
    else:
        yield f"sqlite:///{folder}/source/mlflow.db", str(folder / "source" / "mlflow.db")


def run(program: str, uri: str, folder: Path) -> str:
    """Run one of the client's programs; what it prints."""
    (folder / "source").mkdir(exist_ok=True)
    done = subprocess.run(
        [str(client_python()), str(PROGRAMS / program), uri],
        cwd=folder / "source",
        env={**os.environ, **environment_for_clients(uri, folder), "MLFLOW_ALLOW_FILE_STORE": "true"},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


def bring(path: Path, source: str) -> ImportReport:
    """Import into a workspace."""
    found = open_mlflow(source)
    try:
        with engine.open(path) as opened:
            return import_all(Importer(opened, found))
    finally:
        found.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["database", "folder", "server"])
def test_what_the_client_logged_comes_in_and_goes_out_whole(kind: str, tmp_path: Path) -> None:
    path = engine.create(tmp_path / "workspace").path
    with place(kind, tmp_path) as (uri, source):
        run("fill.py", uri, tmp_path)
        first: dict[str, Any] = json.loads(run("read.py", uri, tmp_path))
        report = bring(path, source)
        assert report.equal, [each for each in report.kinds if not each.equal]
        assert report.skipped == ()
        assert bring(path, source).stored == {}
    with engine.open(path) as opened:
        exported = export_mlflow(opened, tmp_path / "out")
    again = json.loads(run("read.py", f"sqlite:///{exported.database}", tmp_path))
    runs, seen = first.pop("runs"), again.pop("runs")
    assert again == first
    assert seen.keys() == runs.keys()
    different = [
        (told["name"], what, told[what], seen[run_id][what])
        for run_id, told in runs.items()
        for what in told
        if told[what] != seen[run_id][what]
    ]
    assert different == []
