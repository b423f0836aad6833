"""In and out with the real client: what it logged anywhere is here, and what is exported it opens as its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.exchange.exporting import export_mlflow
from engine.exchange.importing import Importer, import_all
from engine.exchange.model import ImportReport
from engine.exchange.opening import open_mlflow
from tests.clients.environment import client_python
from tests.clients.server import ROOT, environment_for_clients, running_server

PROGRAMS = ROOT / "tests" / "clients" / "exchange"
LONGEST_S = 180


def run(program: str, uris: Sequence[str], folder: Path) -> str:
    """Run one of the client's programs on some tracking stores; what it prints."""
    (folder / "source").mkdir(exist_ok=True)
    environment = {"MLFLOW_ALLOW_FILE_STORE": "true", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [str(client_python()), str(PROGRAMS / program), *uris],
        cwd=folder / "source",
        env={**os.environ, **environment_for_clients(uris[0], folder), **environment},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


def read(uris: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    """What the client sees of each tracking store."""
    return [json.loads(line) for line in run("read.py", uris, folder).splitlines()]


def bring(path: Path, source: str) -> ImportReport:
    """Import into a workspace."""
    found = open_mlflow(source)
    try:
        with engine.open(path) as opened:
            return import_all(Importer(opened, found))
    finally:
        found.close()


def differences(first: dict[str, Any], again: dict[str, Any]) -> list[object]:
    """What two readings do not have in common."""
    runs, seen = first.pop("runs"), again.pop("runs")
    return [
        *((what, first[what], again[what]) for what in first if again[what] != first[what]),
        *(run_id for run_id in runs.keys() ^ seen.keys()),
        *(
            (told["name"], what, told[what], seen[run_id][what])
            for run_id, told in runs.items()
            for what in told
            if run_id in seen and told[what] != seen[run_id][what]
        ),
    ]


@pytest.mark.slow
def test_what_the_client_logged_comes_in_and_goes_out_whole(tmp_path: Path) -> None:
    """From a database, a folder and a server: in one test, since loading the client costs more than all it does."""
    source = tmp_path / "source"
    with running_server(tmp_path / "served") as server:
        sources = [str(source / "mlflow.db"), str(source / "mlruns"), server.url]
        uris = [f"sqlite:///{sources[0]}", (source / "mlruns").as_uri(), server.url]
        run("fill.py", uris, tmp_path)
        firsts = read(uris, tmp_path)
        exported = []
        for number, each in enumerate(sources):
            path = engine.create(tmp_path / f"workspace-{number}").path
            report = bring(path, each)
            assert report.equal, (each, [kind for kind in report.kinds if not kind.equal])
            assert report.skipped == ()
            assert bring(path, each).stored == {}
            with engine.open(path) as opened:
                exported.append(export_mlflow(opened, tmp_path / f"out-{number}"))
    agains = read([f"sqlite:///{each.database}" for each in exported], tmp_path)
    for each, first, again in zip(sources, firsts, agains, strict=True):
        assert len(first["runs"]) == 3
        assert first.keys() == again.keys()
        assert differences(first, again) == [], each
