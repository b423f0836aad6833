"""What keys cost in the list of runs: milliseconds until the last byte, and bytes."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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
PREDICATE = "metrics.m0>0.9"
"""One of what operators type most: a metric above a number."""

Words = Mapping[str, Sequence[str]]
"""Texts to filter by, each with cells that are on the screen when it is filtered."""


@dataclass(frozen=True, slots=True)
class Filtering:
    """Milliseconds since the last letter, one of each text.

    Args:
        shown: Until the first and a late row were there.
        ended: Until the last byte, which is the count of all.
        echoes: Of every letter, until it stood on the screen.
    """

    shown: Sequence[float]
    ended: Sequence[float]
    echoes: Sequence[float]


def measure(places: Places) -> Iterator[Row]:
    """Cursor, page, filter, how much memory all that took; then a typed predicate, and rest."""
    workspace = places.workspace()
    with console(workspace) as tape:
        tape.when(lambda: filled(tape))
        tape.rest(0.5)
        yield from _cursor(tape)
        yield from _page(tape)
        tape.send("g")
        tape.rest(0.5)
        yield from _filter(tape, expected(places, places.runs))
        yield Row(f"console: peak memory at {places.runs:,} runs", tape.memory_mb(), "MB", 60)
        yield _predicate(tape, places)
    with console(workspace) as tape:
        tape.when(lambda: filled(tape))
        yield from _idle(tape)


def presses(tape: Tape, key: str, times: int, quiet: float = 0.08) -> tuple[list[float], list[float]]:
    """Milliseconds from the key to its last byte, and bytes, of each press."""
    waits, sizes = [], []
    for _ in range(times):
        at = tape.send(key)
        chunks = tape.rest(quiet)
        waits.append((chunks[-1].at - at) * 1000 if chunks else 0.0)
        sizes.append(float(size(chunks)))
    return waits, sizes


def _cursor(tape: Tape) -> Iterator[Row]:
    down, down_sizes = presses(tape, "j", MOVES)
    up, up_sizes = presses(tape, "k", MOVES)
    waits, sizes = down + up, down_sizes + up_sizes
    detail = f"median {p50(waits):.1f} ms, {p50(sizes):.0f} B; {len(waits)} moves"
    samples = {"ms": waits, "bytes": sizes}
    yield Row("console: cursor down, p95", p95(waits), "ms", 5, detail=detail, samples=samples)
    yield Row("console: cursor down, bytes, p95", p95(sizes), "B", 400, detail=f"largest {max(sizes):.0f} B")
    presses(tape, "j", MOVES + 2)
    waits, sizes = presses(tape, "j", 40)
    detail = f"p95 {p95(waits):.1f} ms, largest {max(sizes):.0f} B; 40 moves"
    samples = {"ms": waits, "bytes": sizes}
    yield Row(
        "console: at the bottom edge, mean bytes", statistics.mean(sizes), "B", 500, detail=detail, samples=samples
    )


def _page(tape: Tape) -> Iterator[Row]:
    waits, sizes = presses(tape, PAGE_DOWN, PAGES, quiet=0.15)
    detail = f"median {p50(waits):.1f} ms; {PAGES} pages"
    samples = {"ms": waits, "bytes": sizes}
    yield Row("console: page down, last byte, p95", p95(waits), "ms", 14, detail=detail, samples=samples)
    yield Row("console: page down, bytes, p95", p95(sizes), "B", 6_000, detail=f"largest {max(sizes):.0f} B")


def expected(places: Places, count: int) -> Words:
    """Six letters to type, each time the end of a run's name up to the digit in which it differs from the newest.

    The last letter then changes what is on the screen. With each: a parameter of the first and of a late row.

    Args:
        places: Where workspaces are.
        count: Runs of the workspace.
    """
    newest = sample_run(count - 1).name[-6:]
    found = {}
    with engine.open(places.workspace(count), read_only=True) as opened:
        for part in range(WORDS):
            name = sample_run(count * (2 + part) // 10).name
            differs = next(place for place in range(6) if name[place - 6] != newest[place])
            word = name[: len(name) - 5 + differs][-LETTERS:]
            found[word] = _cells(opened, f"attributes.run_name ILIKE '%{word}%'")
    return found


def _cells(opened: engine.Engine, condition: str) -> list[str]:
    """A parameter of an early and of a late row; runs with long histories have none."""
    runs = opened.runs.page(RunQuery(filter=condition, limit=30)).items
    found = [run.params["p0"] for run in runs if "p0" in run.params]
    return [found[0], found[-1]]


def filtering(tape: Tape, words: Words, rounds: int) -> Filtering:
    """Type each text as a filter and take it away again, `rounds` times."""
    shown, ended, echoes = [], [], []
    for word in [*words] * rounds:
        tape.send("/")
        tape.rest(0.3)
        sent = []
        for letter in word:
            sent.append(tape.send(letter))
            tape.listen(BETWEEN_LETTERS)
        found = tape.when(*(_typed(tape, word[: count + 1]) for count in range(len(word))), _rows(tape, words[word]))
        chunks = tape.rest(0.4)
        shown.append((found[-1] - sent[-1]) * 1000)
        ended.append(((chunks or tape.chunks)[-1].at - sent[-1]) * 1000)
        echoes += [(at - begun) * 1000 for at, begun in zip(found, sent, strict=False)]
        for key in (ESCAPE, ESCAPE, "g"):  # leave the line, take the filter away, go to the first row
            tape.send(key)
            tape.rest(0.4)
    return Filtering(shown, ended, echoes)


def _filter(tape: Tape, words: Words) -> Iterator[Row]:
    found = filtering(tape, words, ROUNDS)
    shown, ended, echoes = found.shown, found.ended, found.echoes
    samples = {"rows": shown, "count": ended, "echo": echoes}
    detail = f"median {p50(shown):.0f} ms, the count of all {p50(ended):.0f} ms; {len(shown)} words"
    yield Row("console: six-letter filter, rows shown, p95", p95(shown), "ms", 100, detail=detail, samples=samples)
    detail = f"median {p50(echoes):.1f} ms, worst {max(echoes):.1f} ms; {len(echoes)} letters"
    yield Row("console: a letter typed while it filters, p95", p95(echoes), "ms", 50, detail=detail)


def _predicate(tape: Tape, places: Places) -> Row:
    with engine.open(places.workspace(), read_only=True) as opened:
        words = {PREDICATE: _cells(opened, PREDICATE.replace(">", " > "))}
    shown = filtering(tape, words, 2 * ROUNDS).shown
    detail = f"median {p50(shown):.0f} ms; {len(shown)} times"
    return Row(f"console: filter {PREDICATE}, rows shown, p95", p95(shown), "ms", 150, detail=detail)


def _typed(tape: Tape, text: str) -> Condition:
    return lambda: any(line.strip().startswith("/" + text) for line in tape.screen.display)


def _rows(tape: Tape, cells: Sequence[str]) -> Condition:
    return lambda: all(tape.shows(cell) for cell in cells)


def _idle(tape: Tape) -> Iterator[Row]:
    tape.rest(2.0)
    before = tape.cpu_seconds()
    chunks = tape.listen(IDLE_SECONDS)
    used = (tape.cpu_seconds() - before) / IDLE_SECONDS * 100
    yield Row("console: idle, output", size(chunks) / IDLE_SECONDS, "B/s", 0, detail=f"{IDLE_SECONDS:.0f} s")
    yield Row("console: idle, processor", used, "% CPU", 0.4)
