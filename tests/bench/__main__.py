"""Measures what the README promises, and prints it beside what it must be.

    python -m tests.bench [--only NAME]... [--runs N] [--json | --markdown]

Wants a quiet machine. Big workspaces are made once, in `.bench/`; the raw numbers are left there in `results.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench.machine import Machine, this_machine
from tests.bench.measures import (
    anchors,
    batch,
    charts,
    comparing,
    detecting,
    fuzz,
    headless,
    history,
    hostile,
    importing,
    keys,
    live,
    logging,
    million,
    performing,
    predicting,
    profiling,
    raw,
    reading,
    screens,
    search,
    serving,
    size,
    spans,
    start,
    switching,
    transfer,
)
from tests.bench.places import Places
from tests.bench.results import Row, lines, markdown

MEASURES: Mapping[str, Callable[[Places], Iterator[Row]]] = {
    "anchors": anchors.measure,
    "batch": batch.measure,
    "comparing": comparing.measure,
    "detecting": detecting.measure,
    "size": size.measure,
    "importing": importing.measure,
    "search": search.measure,
    "history": history.measure,
    "charts": charts.measure,
    "headless": headless.measure,
    "start": start.measure,
    "keys": keys.measure,
    "live": live.measure,
    "screens": screens.measure,
    "million": million.measure,
    "logging": logging.measure,
    "raw": raw.measure,
    "serving": serving.measure,
    "reading": reading.measure,
    "spans": spans.measure,
    "transfer": transfer.measure,
    "predicting": predicting.measure,
    "profiling": profiling.measure,
    "switching": switching.measure,
    "performing": performing.measure,
    "hostile": hostile.measure,
    "fuzz": fuzz.measure,
}


def run(places: Places, names: Sequence[str]) -> list[Row]:
    """Measure; each row is told on stderr as soon as it is known."""
    rows: list[Row] = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        for row in MEASURES[name](places):
            rows.append(row)
            print("  " + next(lines([row], head=False)), file=sys.stderr, flush=True)
    return rows


def main() -> int:
    """Measure and print; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure what the README promises.")
    parser.add_argument("--only", action="append", choices=MEASURES, help="measure this alone; may be repeated")
    parser.add_argument("--runs", type=int, default=100_000, help="runs of the big workspace")
    parser.add_argument("--folder", type=Path, default=Path(".bench"), help="where workspaces and results are kept")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print the table for the README")
    options = parser.parse_args()
    machine = this_machine()
    with tempfile.TemporaryDirectory(prefix="qd-own-") as own:  # an order somebody used last here would be measured too
        os.environ["XDG_CONFIG_HOME"], os.environ["XDG_STATE_HOME"] = f"{own}/config", f"{own}/state"
        rows = run(Places(options.folder, options.runs), options.only or list(MEASURES))
    report = {"machine": asdict(machine), "runs": options.runs, "rows": [row.as_json() for row in rows]}
    (options.folder / "results.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report) if options.json else "\n".join(_report(machine, rows, as_markdown=options.markdown)))
    return int(any(row.ok is False for row in rows))


def _report(machine: Machine, rows: Sequence[Row], *, as_markdown: bool) -> Iterator[str]:
    yield from markdown(rows) if as_markdown else lines(rows)
    yield ""
    yield str(machine)


if __name__ == "__main__":
    raise SystemExit(main())
