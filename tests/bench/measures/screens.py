"""Every screen of the console one after the other in one session, and the most memory that took."""

from __future__ import annotations

from collections.abc import Iterator

from console.registry import RESOURCES
from tests.bench.places import Places
from tests.bench.results import Row
from tests.bench.sample_runs import LONG_RUN, sample_run
from tests.bench.tape import Tape, console, filled

SETTLED = 0.4
"""Seconds without output after which a screen is taken as read."""


def measure(places: Places) -> Iterator[Row]:
    """Open what opens, then ask the kernel."""
    with console(places.workspace()) as tape:
        tape.when(lambda: filled(tape))
        opened = [words for words in _places(places.runs) if _visited(tape, words)]
        detail = f"{len(opened)} of {len(RESOURCES)} screens; the others need what is not there"
        yield Row(
            f"console: peak memory after every screen, {places.runs:,} runs", tape.memory_mb(), "MB", 80, detail=detail
        )


def _places(runs: int) -> Iterator[str]:
    """A command for each resource that can be opened where there are only runs."""
    some = [sample_run(runs - 1 - number).run_id or "" for number in range(4)]
    names = {"run": LONG_RUN, "compare": ",".join(some)}
    for resource, entry in RESOURCES.items():
        if resource in names:
            yield f"{resource} {names[resource]}"
        elif not entry.named:
            yield resource


def _visited(tape: Tape, words: str) -> bool:
    """Whether a command has led somewhere."""
    tape.send(":")
    tape.rest(SETTLED)
    tape.send(words + "\r")
    tape.rest(SETTLED)
    return tape.shows(words.split(maxsplit=1)[0])
