"""The client's own tests and programs, run in the client's environment against a server of ours."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree as ET

from tests.clients.environment import client_python
from tests.clients.server import environment_for_clients

CLIENTS = Path(__file__).parent / "mlflow"
LONGEST_FILES_S = 600
LONGEST_PROGRAM_S = 400


class Listening(Protocol):
    """What answers at an address."""

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        ...


def problems(server: Listening, files: Sequence[Path], folder: Path, *, token: str = "") -> list[str]:
    """Run files of client tests, in one process.

    Args:
        server: What the client speaks to.
        files: The files, all in one of the clients' folders.
        folder: Where the client may write.
        token: What the client shows to the server; none when empty.

    Returns:
        Name and message of every test that did not pass; a skipped one did not.

    Raises:
        AssertionError: the client's runner could not run them.
    """
    report = folder / "report.xml"
    settings = next(each / "pytest.ini" for each in files[0].parents if (each / "pytest.ini").exists())
    command = [str(client_python()), "-m", "pytest", "-q", f"--junitxml={report}", "-c", str(settings)]
    command += ["-o", "junit_logging=all"]  # what the client warned of stands beside a failure
    done = _run([*command, *map(str, files)], server, folder, token, LONGEST_FILES_S)
    assert report.exists(), done.stdout + done.stderr
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - our own runner wrote it
    told = [
        f"{kind} {case.get('classname')}::{case.get('name')}\n{(problem.text or problem.get('message') or '')[-3000:]}"
        f"\n{(case.findtext('system-err') or '')[-1000:]}"
        for case in cases
        for kind in ("failure", "error", "skipped")
        for problem in case.iter(kind)
    ]
    assert cases, f"no test ran:\n{done.stdout}{done.stderr}"
    assert told or done.returncode == 0, done.stdout + done.stderr
    return told


def run_program(server: Listening, file: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a client program as a script.

    Args:
        server: What the client speaks to.
        file: The program.
        folder: Where it runs and may write.

    Returns:
        How it ended, and what it wrote.
    """
    return _run([str(client_python()), str(file)], server, folder, "", LONGEST_PROGRAM_S)


def _run(
    command: list[str], server: Listening, folder: Path, token: str, limit_s: float
) -> subprocess.CompletedProcess[str]:
    environment = environment_for_clients(server.url, folder)
    if token:
        environment["MLFLOW_TRACKING_TOKEN"] = token
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit_s, check=False
    )
