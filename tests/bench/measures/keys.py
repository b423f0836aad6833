"""What keys cost in the list of runs: milliseconds until the last byte, and bytes."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import engine
from engine.tracking.model import RunQuery
from tests.bench.places import Places
from tests.bench.results import Row, p50, p95
from tests.bench.sample_runs import sample_run
from tests.bench.tape import Condition, Tape, console, filled, size

MOVES = 34
PAGES = 40
PAGE_DOWN = "\x1b[6~"
ESCAPE = "\x1b"
ROUNDS = 4
WORDS = 6
LETTERS = 6
BETWEEN_LETTERS = 0.04
IDLE_SECONDS = 20.0


def measure(places: Places) -> Iterator[Row]:
    """Cursor, page, filter; then how much memory all that took."""
    workspace = places.workspace()
    with console(workspace) as tape:
        tape.when(lambda: filled(tape))
        tape.rest(0.5)
        yield from _cursor(tape)
        yield from _page(tape)
        tape.send("g")
        tape.rest(0.5)
        yield from _filter(tape, _expected(places))
        yield Row(f"console: peak memory at {places.runs:,} runs", tape.memory_mb(), "MB", 60)
    with console(workspace) as tape:
        tape.when(lambda: filled(tape))
        yield from _idle(tape)


def _presses(tape: Tape, key: str, times: int, quiet: float = 0.08) -> tuple[list[float], list[float]]:
    """Milliseconds from the key to its last byte, and bytes, of each press."""
    waits, sizes = [], []
    for _ in range(times):
        at = tape.send(key)
        chunks = tape.rest(quiet)
        waits.append((chunks[-1].at - at) * 1000 if chunks else 0.0)
        sizes.append(float(size(chunks)))
    return waits, sizes


def _cursor(tape: Tape) -> Iterator[Row]:
    down, down_sizes = _presses(tape, "j", MOVES)
    up, up_sizes = _presses(tape, "k", MOVES)
    waits, sizes = down + up, down_sizes + up_sizes
    detail = f"median {p50(waits):.1f} ms, {p50(sizes):.0f} B; {len(waits)} moves"
    samples = {"ms": waits, "bytes": sizes}
    yield Row("console: cursor down, p95", p95(waits), "ms", 8, detail=detail, samples=samples)
    yield Row("console: cursor down, bytes, p95", p95(sizes), "B", 450, detail=f"largest {max(sizes):.0f} B")
    _presses(tape, "j", MOVES + 2)
    waits, sizes = _presses(tape, "j", 40)
    detail = f"p95 {p95(waits):.1f} ms, largest {max(sizes):.0f} B; 40 moves"
    samples = {"ms": waits, "bytes": sizes}
    yield Row("console: at the bottom edge, mean bytes", statistics.mean(sizes), "B", detail=detail, samples=samples)


def _page(tape: Tape) -> Iterator[Row]:
    waits, sizes = _presses(tape, PAGE_DOWN, PAGES, quiet=0.15)
    detail = f"median {p50(waits):.1f} ms; {PAGES} pages"
    samples = {"ms": waits, "bytes": sizes}
    yield Row("console: page down, last byte, p95", p95(waits), "ms", 20, detail=detail, samples=samples)
    yield Row("console: page down, bytes, p95", p95(sizes), "B", 7_000, detail=f"largest {max(sizes):.0f} B")


def _expected(places: Places) -> dict[str, list[str]]:
    """Six letters to type, each time the end of a run's name up to the digit in which it differs from the newest.

    The last letter then changes what is on the screen. With each: a parameter of the first and of a late row.
    """
    newest = sample_run(places.runs - 1).name[-6:]
    found = {}
    with engine.open(places.workspace(), read_only=True) as opened:
        for part in range(WORDS):
            name = sample_run(places.runs * (2 + part) // 10).name
            differs = next(place for place in range(6) if name[place - 6] != newest[place])
            word = name[: len(name) - 5 + differs][-LETTERS:]
            runs = opened.runs.page(RunQuery(filter=f"attributes.run_name ILIKE '%{word}%'", limit=30)).items
            found[word] = [runs[0].params["p0"], runs[-1].params["p0"]]
    return found


def _filter(tape: Tape, expected: dict[str, list[str]]) -> Iterator[Row]:
    shown, ended, echoes = [], [], []
    for word in [*expected] * ROUNDS:
        tape.send("/")
        tape.rest(0.3)
        sent = []
        for letter in word:
            sent.append(tape.send(letter))
            tape.listen(BETWEEN_LETTERS)
        found = tape.when(*(_typed(tape, word[: count + 1]) for count in range(len(word))), _rows(tape, expected[word]))
        chunks = tape.rest(0.4)
        shown.append((found[-1] - sent[-1]) * 1000)
        ended.append(((chunks or tape.chunks)[-1].at - sent[-1]) * 1000)
        echoes += [(at - begun) * 1000 for at, begun in zip(found, sent, strict=False)]
        for key in (ESCAPE, ESCAPE, "g"):  # leave the line, take the filter away, go to the first row
            tape.send(key)
            tape.rest(0.4)
    samples = {"rows": shown, "count": ended, "echo": echoes}
    detail = f"median {p50(shown):.0f} ms, the count of all {p50(ended):.0f} ms; {len(shown)} words"
    yield Row("console: six-letter filter, rows shown, p95", p95(shown), "ms", 150, detail=detail, samples=samples)
    detail = f"median {p50(echoes):.1f} ms, worst {max(echoes):.1f} ms; {len(echoes)} letters"
    yield Row("console: a letter typed while it filters, p95", p95(echoes), "ms", 50, detail=detail)


def _typed(tape: Tape, text: str) -> Condition:
    return lambda: any(line.strip().startswith("/" + text) for line in tape.screen.display)


def _rows(tape: Tape, cells: list[str]) -> Condition:
    return lambda: all(tape.shows(cell) for cell in cells)


def _idle(tape: Tape) -> Iterator[Row]:
    tape.rest(2.0)
    before = tape.cpu_seconds()
    chunks = tape.listen(IDLE_SECONDS)
    used = (tape.cpu_seconds() - before) / IDLE_SECONDS * 100
    yield Row("console: idle, output", size(chunks) / IDLE_SECONDS, "B/s", 0, detail=f"{IDLE_SECONDS:.0f} s")
    yield Row("console: idle, processor", used, "% CPU", 0.5)
