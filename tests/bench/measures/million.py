"""A million runs beside the big workspace: what the list of ten times as many costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench.measures.keys import PAGE_DOWN, expected, filtering, presses
from tests.bench.places import Places
from tests.bench.results import Row, p50
from tests.bench.tape import console, filled

MANY = 1_000_000
STARTS, PAGES, TURNS = 7, 10, 2
LIMITS = {"first paint": 1.5, "page down, last byte": 1.5, "six-letter filter, rows shown": 4.0}

Times = Mapping[str, Sequence[float]]


def measure(places: Places) -> Iterator[Row]:
    """First paint, page and filter, both sizes in turn."""
    sizes = (places.runs, MANY)
    paths = {count: places.workspace(count) for count in sizes}
    words = {count: expected(places, count) for count in sizes}
    found: dict[int, dict[str, list[float]]] = {count: {name: [] for name in LIMITS} for count in sizes}
    for turn in range(STARTS + 1):
        for count in sizes:
            painted = _first_paint(paths[count])
            if turn > 0:  # the first of each fills the page cache
                found[count]["first paint"].append(painted)
    with console(paths[sizes[0]]) as few, console(paths[sizes[1]]) as many:
        tapes = dict(zip(sizes, (few, many), strict=True))
        for tape in tapes.values():
            tape.when(lambda tape=tape: filled(tape))  # type: ignore[misc]
        for _ in range(TURNS):
            for count, tape in tapes.items():
                tape.rest(0.5)
                found[count]["page down, last byte"] += presses(tape, PAGE_DOWN, PAGES, quiet=0.15)[0]
                tape.send("g")
                tape.rest(0.5)
                found[count]["six-letter filter, rows shown"] += filtering(tape, words[count], 1).shown
    for name, limit in LIMITS.items():
        yield _row(name, found[MANY][name], found[places.runs][name], limit)


def _first_paint(workspace: Path) -> float:
    with console(workspace) as tape:
        return (tape.when(lambda: filled(tape))[0] - tape.started) * 1000


def _row(name: str, many: Sequence[float], few: Sequence[float], limit: float) -> Row:
    detail = f"{p50(many):.0f} ms against {p50(few):.0f} ms; medians of {len(many)}"
    measure = f"console: {MANY:,} runs, {name}, of its time over fewer"
    return Row(measure, p50(many) / p50(few), "x", limit, detail=detail, samples={"many": many, "few": few})
