"""Promotes and rolls back behind an endpoint, in a process of its own: `python -m tests.bench.clients.switcher`.

Prints a line of JSON a change: when it was asked for, committed and acknowledged by every data plane, on the monotonic
clock, and the generation that it made.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from engine import api


def main(workspace: str, endpoint: str, changes: str) -> None:
    """Make changes, a pause after each: version 2 live, then back again, and so on."""
    with api.open(Path(workspace)) as engine:
        for number in range(int(changes)):
            time.sleep(0.25)
            began_s = time.perf_counter()
            if number % 2:
                made = engine.endpoints.roll_back(endpoint, reason="bench")
            else:
                made = engine.endpoints.deploy(endpoint, 2, reason="bench")
            committed_s = time.perf_counter()
            engine.endpoints.wait(endpoint, made.number)
            print(json.dumps([began_s, committed_s, time.perf_counter(), made.number]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
