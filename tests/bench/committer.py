"""Commits when it is told to: `python -m tests.bench.committer DIR`.

Logs every number that comes on stdin as the metric `m0` of one run, and answers with the time of the commit, in
seconds on the monotonic clock, which all processes of a machine share.
"""

from __future__ import annotations

import sys
import time

import engine


def main() -> int:
    """Log until stdin ends."""
    with engine.open(sys.argv[1]) as opened, opened.runs.start("bench", "committer", capture=False) as run:
        print("ready", flush=True)
        for step, line in enumerate(sys.stdin):
            run.log_metric("m0", float(line), step=step)
            print(time.monotonic(), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
