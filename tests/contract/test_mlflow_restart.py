"""A server that is killed and started again under a real client: the client's own retries are all it takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import engine
from tests.clients.environment import client_python
from tests.clients.runner import CLIENTS, LONGEST_PROGRAM_S
from tests.clients.server import environment_for_clients, start, stop

KILLED_AFTER = ("step 49", "step 149", "step 249")


@pytest.mark.slow
def test_a_client_does_not_notice_that_the_server_was_killed(tmp_path: Path) -> None:
    workspace = engine.create(tmp_path / "workspace").path
    server = start(workspace)
    environment = environment_for_clients(server.url, tmp_path) | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "7"}
    log = (tmp_path / "client.log").open("wb")
    program = subprocess.Popen(
        [str(client_python()), str(CLIENTS / "restarted" / "steady.py")],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    assert program.stdout is not None
    told = []
    try:
        for line in program.stdout:
            told.append(line.strip())
            if told[-1] in KILLED_AFTER:
                server.kill()
                server = start(workspace, port=server.port)
        assert program.wait(LONGEST_PROGRAM_S) == 0, (tmp_path / "client.log").read_text()
    finally:
        program.kill()
        program.wait()
        program.stdout.close()
        log.close()
        stop(server)
    assert told[-1] == "done"
    assert set(KILLED_AFTER) < set(told)
