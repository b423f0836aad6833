"""The console beside tools that people already have: `wandb leet`, harlequin and htop, where they are installed.

Each runs in the same kind of terminal, in the same minutes, on the same machine.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench.places import Places
from tests.bench.results import Row, p50
from tests.bench.tape import AS_INSTALLED, Tape, console, size

ANCHORS = "QD_ANCHORS"
"""Names the folder of programs (`bin/`) of an environment that has wandb and harlequin."""

PEER = Path(__file__).parents[1] / "peers" / "leet_run.py"
STEPS = 1_000
TIMES = 7
MOVES = 40
FIRST_ROWS = 500

Open = Callable[[], Tape]
Ready = Callable[[Tape], bool]


def measure(places: Places) -> Iterator[Row]:
    """Ready with data, of the time of `wandb leet`; what harlequin and htop take and send."""
    workspace = places.workspace()
    with places.scratch() as folder:
        tools = _tools(folder)
        opens: dict[str, tuple[Open, Ready]] = {
            "pulse": (lambda: console(workspace, "pulse"), _pulse),
            **tools,
        }
        times: dict[str, list[float]] = {name: [] for name in opens}
        sizes: dict[str, float] = {}
        for _ in range(TIMES + 1):
            for name, (opened, ready) in opens.items():
                with opened() as tape:
                    at = tape.when(lambda tape=tape, ready=ready: ready(tape))[0]  # type: ignore[misc]
                    times[name].append((at - tape.started) * 1000)
                    sizes[name] = float(size(tape.chunks))
        ours = times["pulse"][1:]  # the first of each fills the page cache
        yield Row(f"console: pulse ready at {places.runs:,} runs", p50(ours), "ms", samples={"ms": ours})
        for name in tools:
            yield from _beside(name, ours, times[name][1:], sizes)
    yield from _htop()


def _beside(name: str, ours: list[float], theirs: list[float], sizes: Mapping[str, float]) -> Iterator[Row]:
    ratio = p50(ours) / p50(theirs)
    detail = f"{p50(ours):.0f} ms against {p50(theirs):.0f} ms; {sizes['pulse']:,.0f} B against {sizes[name]:,.0f} B"
    must = 1.0 if name.startswith("wandb") else None
    yield Row(f"console: pulse ready, of the time of {name}", ratio, "x", must, detail=detail, samples={name: theirs})


def _pulse(tape: Tape) -> bool:
    return tape.shows("finished") and tape.shows("Lately")


def _tools(folder: Path) -> dict[str, tuple[Open, Ready]]:
    """What is installed of the anchors, by what it does."""
    found: dict[str, tuple[Open, Ready]] = {}
    programs = Path(os.environ.get(ANCHORS, "")) / "bin"
    leet, harlequin = programs / "wandb", programs / "harlequin"
    if leet.is_file():
        environ = {**os.environ, "WANDB_SILENT": "true"}
        subprocess.run([programs / "python", PEER, folder, str(STEPS)], check=True, env=environ, capture_output=True)
        run = str(folder / "wandb" / "latest-run")
        found["wandb leet opening one run"] = (lambda: _tape(str(leet), "leet", run), _leet)
    if harlequin.is_file():
        data = folder / "runs.db"
        with sqlite3.connect(data) as database:
            database.execute("CREATE TABLE run (id INTEGER PRIMARY KEY, name TEXT, auc REAL)")
            rows = ((number, f"run-{number}", number / FIRST_ROWS) for number in range(FIRST_ROWS))
            database.executemany("INSERT INTO run VALUES (?, ?, ?)", rows)
        words = ("--adapter", "sqlite", "--no-download-tzdata", str(data))
        found["harlequin opening a database"] = (lambda: _tape(str(harlequin), *words), _harlequin)
    return found


def _leet(tape: Tape) -> bool:
    return tape.shows("Metrics [1-") and all(tape.shows(f"m{curve}") for curve in range(4)) and _curve(tape)


def _curve(tape: Tape) -> bool:
    return any("\u2801" <= cell <= "\u28ff" for line in tape.screen.display for cell in line)


def _harlequin(tape: Tape) -> bool:
    return tape.shows("Run Query") and tape.shows("main db")


def _tape(*words: str) -> Tape:
    return Tape(list(words), environ=AS_INSTALLED)


def _htop() -> Iterator[Row]:
    """Bytes of a move down, where there is htop."""
    program = shutil.which("htop")
    if program is None:
        return
    with _tape(program, "--delay=100") as tape:
        tape.when(lambda: tape.shows("PID"))
        tape.rest(0.3)
        sent = []
        for _ in range(MOVES):
            tape.send("\x1b[B")
            sent.append(float(size(tape.rest(0.08))))
    yield Row("htop: cursor down, bytes, median", p50(sent), "B", samples={"bytes": sent})
