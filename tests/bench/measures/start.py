"""The console's first paint against that of a minimal Textual application, both in a real terminal."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.places import Places
from tests.bench.results import Row, p50
from tests.bench.tape import console, filled, hello, size

TIMES = 11


def measure(places: Places) -> Iterator[Row]:
    """Runs on the screen, of the time of "hello"."""
    workspace = places.workspace()
    times: dict[str, list[float]] = {"hello": [], "console": []}
    sizes: list[float] = []
    for turn in range(TIMES + 1):
        with hello() as tape:
            words = tape.when(lambda: tape.shows("hello"))[0] - tape.started
        with console(workspace) as tape:
            rows = tape.when(lambda: filled(tape))[0] - tape.started
            tape.rest(0.3)
            begun = float(size(tape.chunks))
        if turn > 0:  # the first of each compiles modules and fills the page cache
            times["hello"].append(words * 1000)
            times["console"].append(rows * 1000)
            sizes.append(begun)
    ours, theirs = p50(times["console"]), p50(times["hello"])
    name = f"console: first paint of {places.runs:,} runs, of a minimal Textual app's"
    detail = f"{ours:.0f} ms against {theirs:.0f} ms; medians of {TIMES}"
    yield Row(name, ours / theirs, "x", 1.3, detail=detail, samples=times)
    yield Row("console: bytes until it is at rest", max(sizes), "B", 25_000, samples={"bytes": sizes})
