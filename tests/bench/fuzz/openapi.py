"""Our own API held to its OpenAPI document by schemathesis, which stands in the clients' environment."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.clients.environment import client_python

CHECKS = "not_a_server_error,response_schema_conformance,status_code_conformance"
_MISREAD = "/api/qd/v1/runs/metric_points"
"""It writes the `prefixItems` of this one's answer as an array of `items`, and then refuses that; our tests hold it."""
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Report:
    """What schemathesis has seen.

    Args:
        operations: How many operations it tried.
        cases: How many requests it sent.
        failures: What it found, in its words.
    """

    operations: int
    cases: int
    failures: Sequence[str]


def schemathesis(url: str, folder: Path, *, seed: int, seconds: int) -> Report:
    """Let it try every operation of a server's document.

    Args:
        url: The server's.
        folder: Where its report goes.
        seed: What its cases are drawn from.
        seconds: How long it may take.

    Returns:
        What it has seen.

    Raises:
        AssertionError: it could not run; the message holds what it said.
    """
    report = folder / "schemathesis.json"
    ran = subprocess.run(
        [
            *(str(client_python()), "-m", "schemathesis.cli", "run", f"{url}/api/qd/v1/openapi.json"),
            *("--checks", CHECKS, "--phases", "coverage,fuzzing", "--continue-on-failure", "--no-color"),
            *("--exclude-path", _MISREAD, "--seed", str(seed), "--max-time", str(seconds), "--request-timeout", "5"),
            *("--report", "json", "--report-json-path", str(report)),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds + _PATIENCE_S,
        check=False,
    )
    assert report.exists(), f"schemathesis could not run:\n{(ran.stdout + ran.stderr)[-2_000:]}"
    found = json.loads(report.read_text(encoding="utf-8"))
    failures = [f"{each['title']}: {', '.join(each['operations'])}" for each in found["failures"]]
    failures += [f"{each}" for each in found["errors"]]
    return Report(found["operations"]["tested"], found["test_cases"]["generated"], failures)
