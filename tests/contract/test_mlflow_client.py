"""The real client against our server: its own tests run in its own environment, and what fails there fails here."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.clients.environment import client_python
from tests.clients.server import environment_for_clients, running_server

CLIENTS = Path(__file__).parents[1] / "clients" / "mlflow"
FILES = sorted(path.name for path in CLIENTS.glob("test_*.py"))
PROGRAMS = sorted(path.name for path in (CLIENTS / "programs").glob("*.py"))
LONGEST_FILE_S = 300
LONGEST_PROGRAM_S = 120


def failures(report: Path) -> list[str]:
    """Name and message of every test that did not pass, from the report that the client's runner wrote."""
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - our own runner wrote it
    return [
        f"{kind} {case.get('name')}\n{(problem.text or problem.get('message') or '')[-3000:]}"
        for case in cases
        for kind in ("failure", "error", "skipped")
        for problem in case.iter(kind)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_real_client_is_served_as_by_its_own_server(name: str, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    command = [str(client_python()), "-m", "pytest", "-q", f"--junitxml={report}"]
    with running_server(tmp_path / "workspace") as server:
        done = subprocess.run(
            [*command, "-c", str(CLIENTS / "pytest.ini"), str(CLIENTS / name)],
            cwd=tmp_path,
            env=environment_for_clients(server.url, tmp_path),
            capture_output=True,
            text=True,
            timeout=LONGEST_FILE_S,
            check=False,
        )
    assert report.exists(), done.stdout + done.stderr
    told = failures(report)
    assert not told, f"{len(told)} of the client's tests failed:\n" + "\n".join(told)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_people_paste_runs_as_it_stands(name: str, tmp_path: Path) -> None:
    with running_server(tmp_path / "workspace") as server:
        done = subprocess.run(
            [str(client_python()), str(CLIENTS / "programs" / name)],
            cwd=tmp_path,
            env=environment_for_clients(server.url, tmp_path),
            capture_output=True,
            text=True,
            timeout=LONGEST_PROGRAM_S,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
