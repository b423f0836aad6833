"""Whether a server that was fuzzed is as well as before."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.clients.server import ROOT, Server

_LONGEST_S = 120.0
_TOLD = 500


def soundness(server: Server, workspace: Path) -> list[str]:
    """What is wrong with a server and its workspace.

    Args:
        server: It runs still.
        workspace: What it serves.

    Returns:
        What was found, in words; nothing when all is well.
    """
    return [*_health(server), *_log(server), *_database(workspace)]


def _health(server: Server) -> list[str]:
    try:
        with urllib.request.urlopen(f"{server.url}/health", timeout=10) as answer:  # noqa: S310 our own loopback address
            return [] if answer.read() == b"OK" else ["/health is not OK"]
    except (urllib.error.URLError, OSError) as error:
        return [f"/health does not answer: {error}"]


def _log(server: Server) -> list[str]:
    said = server.said()
    at = said.find("Traceback (most recent call last)")
    return [f"the log has a traceback: {said[at:][-_TOLD:]}"] if at >= 0 else []


def _database(workspace: Path) -> list[str]:
    command = [sys.executable, "-m", "console", "--workspace", str(workspace), "db", "check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
    return [] if checked.returncode == 0 else [f"qd db check: {(checked.stdout + checked.stderr)[-_TOLD:]}"]
