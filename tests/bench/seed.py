"""Makes the big workspace that numbers are measured in.

    python -m tests.bench.seed DIR [--runs 100000] [--live [rows=38,cells=3,hz=4]]

A finished workspace of the same options is used as it is. With `--live`, runs then log into it until they are
interrupted: `rows` runs, `cells` metrics each, all of them changing `hz` times a second.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import engine
from engine.tracking.model import RunImport
from tests.bench import sample_runs
from tests.bench.live import Live, log_until_stopped

MARK = "bench.json"
VERSION = 1
BATCH = 2_000

Progress = Callable[[str, int, int], None]
"""Told what is made, how many are done, of how many."""


def seed(directory: Path, runs: int, progress: Progress, *, long: bool = True) -> bool:
    """Make a workspace, or find it made.

    Args:
        directory: Where; must not exist, or hold a workspace that this made.
        runs: How many runs.
        progress: Told how far it is.
        long: Whether to add the runs with long histories, which come on top of `runs`.

    Returns:
        Whether it had to be made.

    Raises:
        SystemExit: there is something else in the directory.
    """
    wanted = {"version": VERSION, "runs": runs, "long": long}
    mark = directory / MARK
    if mark.is_file() and json.loads(mark.read_text(encoding="utf-8")) == wanted:
        return False
    if directory.exists() and any(directory.iterdir()) and not mark.is_file():
        raise SystemExit(f"{directory} holds something else; name another directory.")
    building = directory.with_name(directory.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    _make(building, runs, progress, long=long)
    (building / MARK).write_text(json.dumps(wanted) + "\n", encoding="utf-8")
    # Made aside and renamed: an interrupted seed leaves nothing that looks like a finished one.
    shutil.rmtree(directory, ignore_errors=True)
    building.rename(directory)
    return True


def _make(directory: Path, runs: int, progress: Progress, *, long: bool) -> None:
    engine.create(directory)
    with engine.open(directory) as opened:
        done = 0
        for batch in _batches(sample_runs.sample_runs(runs), BATCH):
            opened.runs.import_runs(batch)
            done += len(batch)
            progress("runs", done, runs)
        if long:
            _add_long_histories(opened, runs, progress)


def _add_long_histories(opened: engine.Engine, runs: int, progress: Progress) -> None:
    numbers = range(1 + sample_runs.LONG_RUNS)
    opened.runs.import_runs([sample_runs.long_run(number, runs) for number in numbers])
    per_run = sample_runs.LONG_RUN_POINTS * len(sample_runs.METRIC_KEYS)
    total = sample_runs.LONG_POINTS + sample_runs.LONG_RUNS * per_run
    done = 0
    for number in numbers:
        run_id = sample_runs.long_run(number, runs).run_id or ""
        for chunk in sample_runs.long_history(number):
            opened.runs.log_batch(run_id, metrics=chunk)
            done += len(chunk)
            progress("points of long histories", done, total)


def _batches(runs: Iterator[RunImport], size: int) -> Iterator[list[RunImport]]:
    while batch := list(islice(runs, size)):
        yield batch


def told(what: str, done: int, total: int) -> None:
    """Progress on stderr: one line that counts on a terminal, else one line a thing."""
    if sys.stderr.isatty():
        print(f"\r{what}: {done:,} of {total:,} ", end="\n" if done == total else "", file=sys.stderr, flush=True)
    elif done == total:
        print(f"{what}: {total:,}", file=sys.stderr, flush=True)


def main() -> int:
    """Seed, and log on with `--live`."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.seed", description="Make the big workspace.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--no-long", action="store_true", help="leave out the runs with long histories")
    parser.add_argument("--live", nargs="?", type=Live.parse, const=Live(), help="such as rows=38,cells=3,hz=4")
    options = parser.parse_args()
    if not seed(options.directory, options.runs, told, long=not options.no_long):
        print(f"{options.directory} is there already.", file=sys.stderr)
    if options.live is not None:
        log_until_stopped(options.directory, options.live)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
