"""A training program for tests: logs without a pause and says what was acknowledged.

`python -m tests.contract.writer WORKSPACE NAME COUNT` prints `ready RUN`, waits for a line, then logs COUNT batches of
`POINTS` points, a parameter and an event each; every fifth comes with a file, every tenth with a model version. After
each it prints `NUMBER MILLISECONDS`, how long the slowest call of it took.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import engine

POINTS = 20


def content(name: str, number: int) -> bytes:
    """What the file of a batch holds."""
    return f"{name} {number} ".encode() * 500


def main(workspace: str, name: str, count: int) -> None:
    """Log until all is logged, or until somebody kills us."""
    with engine.open(workspace) as opened, opened.runs.start("writers", name, capture=False) as run:
        print("ready", run.id, flush=True)  # noqa: T201 what the test reads
        sys.stdin.readline()
        for number in range(count):
            points = [(f"m{point % 4}", point / 7, number, number * POINTS + point) for point in range(POINTS)]
            params = {f"p{number}": number}
            calls: list[Callable[[], object]] = [partial(run.log_batch, points, params)]
            if number % 5 == 0:
                calls.append(partial(run.log_bytes, content(name, number), f"f{number}/data"))
            if number % 10 == 0:
                calls.append(partial(opened.models.register, name, run_id=run.id, artifact_path=f"f{number}"))
            slowest = max(_timed(call) for call in calls)
            print(number, f"{slowest:.1f}", flush=True)  # noqa: T201 the acknowledgement


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1_000


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
