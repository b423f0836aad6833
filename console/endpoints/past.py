"""Sections about what was and who serves: generations, data planes, captured requests, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.endpoints import words
from console.formats import NONE, age, count
from console.text import Part, table, wrap
from console.widgets.document import Line, heading
from engine.endpoints.model import Share

if TYPE_CHECKING:
    from console.endpoints.detail import Detail
    from engine.endpoints.model import Acknowledgement, Generation, Plane


def plane_lines(detail: Detail, now_ms: int, width: int) -> list[Line]:
    """What each data plane says it serves, and why it does not."""
    standing = detail.standing
    said = standing.endpoint.acknowledgements
    if not said:
        return [
            heading("Data planes"),
            Line([("  none; start one with  qd serve", "bad" if standing.desired else "dim")]),
        ]
    known = {each.id: each for each in detail.planes}
    ordered = sorted(said, key=lambda each: (not each.alive, each.plane))
    rows = [_plane(each, known.get(each.plane), standing.desired, now_ms) for each in ordered]
    lines: list[Line] = [heading("Data planes", words.served(standing))]
    for each, row in zip(ordered, table(rows, right=frozenset({2})), strict=True):
        lines.append(Line(row))
        if each.alive and each.problem:
            lines += [Line([(f"    {part}", "bad")]) for part in wrap(each.problem, max(width - 6, 20))]
    return lines


def _plane(said: Acknowledgement, plane: Plane | None, desired: int, now_ms: int) -> list[Part]:
    if not said.alive:
        state: Part = ("✗ gone", "dim")
    elif said.problem:
        state = ("✗ cannot", "bad")
    else:
        state = ("✓ serves", "good") if said.generation >= desired else ("? behind", "warn")
    return [
        (f"  {said.plane}", "name" if said.alive else "dim"),
        state,
        (str(said.generation), "" if said.generation >= desired else "warn" if said.alive else "dim"),
        (f"since {age(said.time_ms, now_ms)}", "dim"),
        ("" if plane is None else plane.url, "dim"),
        ("" if plane is None or plane.workers == 1 else f"{plane.workers} workers", "dim"),
    ]


def capture_lines(detail: Detail) -> list[Line]:
    """What became of the requests sampled for capture: sent is stored and dropped, exactly."""
    endpoint, counts = detail.standing.endpoint, detail.measured.counts
    note = f"{endpoint.capture * 100:g} % of the requests" if endpoint.capture else "off; E sets a share"
    if not counts:
        return [heading("Capture", note)]
    sent, stored, dropped = (
        sum(values) for values in zip(*((c.sent, c.stored, c.dropped) for c in counts), strict=True)
    )
    return [
        heading("Capture", note),
        Line(
            [
                ("  sent ", "dim"),
                (count(sent), "strong"),
                ("  stored ", "dim"),
                (count(stored), ""),
                ("  dropped ", "dim"),
                (count(dropped), "warn" if dropped else "dim"),
            ]
        ),
    ]


def failure_lines(detail: Detail, now_ms: int) -> list[Line]:
    """The newest captured requests that failed; nothing where none did."""
    failed = detail.measured.failed
    if not failed:
        return []
    rows: list[list[Part]] = [
        [
            (f"  {age(each.time_ms, now_ms):>4}", "dim"),
            (str(each.status), "bad"),
            (f"{each.version} {each.share}", ""),
            (f"{words.milliseconds(each.latency_ms)} ms", "dim"),
            (each.request_id, "dim"),
        ]
        for each in failed
    ]
    return [heading("Failed requests", "those that were captured"), *(Line(row) for row in table(rows))]


def history_lines(detail: Detail, now_ms: int) -> list[Line]:
    """Its newest generations: when, why, who, and who got what."""
    if not detail.history:
        return []
    rows = [_generation(each, detail, now_ms) for each in detail.history]
    lines = [
        Line(row, f"generation.{each.number}", each) for row, each in zip(table(rows), detail.history, strict=True)
    ]
    return [heading("Generations", "the newest first"), *lines]


def _generation(generation: Generation, detail: Detail, now_ms: int) -> list[Part]:
    observed = detail.standing.endpoint.observed
    mark = (
        "●" if generation.number == observed else "○" if observed is not None and generation.number > observed else " "
    )
    return [
        (f"  {mark} {generation.number}", {"●": "good", "○": "warn"}.get(mark, "dim")),
        (f"{age(generation.time_ms, now_ms):>4}", "dim"),
        (generation.cause.value, "strong"),
        (routes_words(generation, detail), "loud" if generation.killed else ""),
        (generation.by, ""),
        (generation.reason, "dim"),
    ]


def routes_words(generation: Generation, detail: Detail) -> str:
    """Who got what, such as `7 95 % · 8 5 %`."""
    if generation.killed:
        return "killed"
    canaries = sum(route.weight for route in generation.routes if route.share is Share.CANARY)
    said = []
    for route in generation.routes:
        called = str(detail.versions.get(route.deployment, NONE))
        if route.share is Share.LIVE:
            said.append(f"{called} {words.percent(1_000 - canaries)}")
        elif route.share is Share.CANARY:
            said.append(f"{called} {words.percent(route.weight)}")
        elif route.share is Share.SHADOW:
            said.append(f"{called} shadow")
    return " · ".join(said) or "nothing"
