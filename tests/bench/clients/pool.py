"""Client processes that import mlflow once and then do one order after the other."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clients.environment import client_python
from tests.clients.server import environment_for_clients

WORKER = Path(__file__).parent / "worker.py"


class ClientPool:
    """Processes with an unmodified client.

    Args:
        processes: The processes.
    """

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self._processes = processes
        for process in processes:
            _read(process)

    def one(self, do: str, **order: object) -> Any:
        """Have the first process do something."""
        return self.each(do, [order])[0]

    def each(self, do: str, orders: list[dict[str, object]]) -> list[Any]:
        """Have as many processes as there are orders do them at once."""
        chosen = self._processes[: len(orders)]
        for process, order in zip(chosen, orders, strict=True):
            assert process.stdin is not None
            process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        for process in chosen:
            assert process.stdin is not None
            process.stdin.flush()
        return [_read(process) for process in chosen]


def _read(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "a client ended; see its stderr above"
    return json.loads(line)


@contextmanager
def clients(count: int, folder: Path) -> Iterator[ClientPool]:
    """Start client processes.

    Args:
        count: How many.
        folder: Where they may keep files.
    """
    environment = environment_for_clients("http://127.0.0.1:9", folder)
    command = [str(client_python()), str(WORKER)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True)
        for _ in range(count)
    ]
    try:
        yield ClientPool(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()
