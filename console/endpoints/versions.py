"""Sections about who answers: the head of an endpoint, its versions, their latencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.endpoints import words
from console.endpoints.histogram import histogram_lines
from console.formats import NONE, pill
from console.text import Part, table, wrap
from console.widgets.charts.spark import sparkline
from console.widgets.document import Line, heading
from engine.endpoints.model import Share

if TYPE_CHECKING:
    from console.endpoints.detail import Detail
    from engine.endpoints.model import Build, Deployment

_FIXED = 78
"""Cells of a version's line without its curve."""

_LEAST_CURVE, _MOST_CURVE = 12, 60
"""Narrower, a curve stands below its version."""


def head_lines(detail: Detail, width: int) -> list[Line]:
    """Its health, what is desired and observed, the traffic bar, and what is wrong."""
    standing = detail.standing
    endpoint = standing.endpoint
    flow = standing.flow
    generation, look = words.generation(standing)
    first: list[Part] = [
        ("  ", ""),
        pill(words.HEALTH, standing.health.value),
        (f"   {endpoint.model}", "name"),
        ("   generation ", "dim"),
        (generation, look if look != "dim" else "strong"),
        (f", {words.served(standing)}" if standing.desired else "", "dim" if endpoint.settled else "warn"),
    ]
    rates: list[Part] = [
        ("  ", ""),
        (words.rate(flow.rps), "strong"),
        (" req/s   p50 ", "dim"),
        (words.milliseconds(flow.p50_ms), ""),
        ("  p95 ", "dim"),
        (words.milliseconds(flow.p95_ms), ""),
        ("  p99 ", "dim"),
        (words.milliseconds(flow.p99_ms), ""),
        (" ms   errors ", "dim"),
        words.errors(flow.error_rate, flow.requests),
        (" %", "dim"),
    ]
    return [Line(first), Line(rates), Line(_bar(detail, width)), *_wrong(detail, width)]


def _bar(detail: Detail, width: int) -> list[Part]:
    standing = detail.standing
    if standing.killed:
        return [("  ", ""), (" KILLED: every request is refused with 503 ", "loud"), ("  V revives", "dim")]
    shares = words.shares_of(standing)
    said: list[Part] = []
    for place, (name, weight) in enumerate(shares):
        said += [(f"  {name} ", words.BAR_LOOKS[min(place, len(words.BAR_LOOKS) - 1)]), (words.percent(weight), "")]
    shadows = [str(each.version) for each in standing.endpoint.deployments if each.share is Share.SHADOW]
    if shadows:
        said += [(f"  shadow {', '.join(shadows)}", "staging")]
    room = sum(len(text) for text, _ in said)
    return [("  ", ""), *words.traffic_bar(shares, max(min(width - room - 4, 60), 10)), *said]


def _wrong(detail: Detail, width: int) -> list[Line]:
    standing = detail.standing
    said = [
        *([standing.problem] if standing.problem else []),
        *([f"Traffic cannot be read: {standing.blind}"] if standing.blind else []),
        *([f"The capture writer: {detail.measured.writer}"] if detail.measured.writer else []),
    ]
    if standing.desired and standing.endpoint.observed is None and not standing.killed:
        said.append("No data plane runs: callers get no answer. Start one with: qd serve")
    return [
        Line([("  ✗ " if not place else "    ", "bad"), (part, "bad")])
        for text in said
        for place, part in enumerate(wrap(text, max(width - 6, 20)))
    ]


def version_lines(detail: Detail, now_ms: int, width: int, *, unicode: bool) -> list[Line]:
    """Each version behind it: where it stands, what it gets, how it does, the last minute as a curve."""
    deployments = detail.standing.endpoint.deployments
    if not deployments:
        return [heading("Versions"), Line([("  nothing is deployed; D deploys a version", "dim")])]
    room = min(max(width - _FIXED, 0), _MOST_CURVE)
    beside = room if room >= _LEAST_CURVE else 0
    titles = ("  VER", "STATE", "SHARE", "RUNTIME", "PARITY", "RPS", "P50", "P95", "P99 ms", "ERR %")
    top: list[Part] = [
        *((title, "dim") for title in titles),
        ("last minute" if beside else "", "dim"),
    ]
    rows = [top, *(_version(detail, each, now_ms, beside, unicode=unicode) for each in deployments)]
    lines = [Line(row) for row in table(rows, right=frozenset({2, 5, 6, 7, 8, 9}), gap=1)]
    found = [lines[0]]
    for line, each in zip(lines[1:], deployments, strict=True):
        found.append(Line(line.parts, f"deployment.{each.id}", each))
        if each.weight and not beside and detail.standing.of(each) is not None:
            found.append(_below(detail, each, now_ms, width, unicode=unicode))
        told_below = detail.standing.rollout is not None
        why = (each.paused if not told_below else "") or (each.ended if each.ended != "retired" else "")
        if why:
            found.append(Line([(f"       {why}", "warn" if each.paused else "bad")]))
    return found


def _version(detail: Detail, each: Deployment, now_ms: int, room: int, *, unicode: bool) -> list[Part]:
    traffic = detail.standing.of(each)
    flowing = each.share in (Share.LIVE, Share.CANARY, Share.SHADOW)
    latencies = (traffic.p50_ms, traffic.p95_ms, traffic.p99_ms) if traffic else (None,) * 3
    curve = sparkline(detail.measured.curve(each, now_ms), room, floor=0.0, unicode=unicode) if flowing else ""
    share = words.percent(each.weight) if each.weight else ("copies" if each.share is Share.SHADOW else NONE)
    return [
        (f"  {each.version}", "name"),
        pill(words.DEPLOYED, each.state.value),
        (share, "" if each.weight else "dim"),
        (each.kind.value, "dim"),
        parity(detail.builds.get(each.digest)),
        (words.rate(traffic.rps) if traffic else NONE, "" if traffic else "dim"),
        *((words.milliseconds(value), "") for value in latencies),
        words.errors(traffic.error_rate, traffic.totals.requests) if traffic else (NONE, "dim"),
        (curve, "running"),
    ]


def _below(detail: Detail, each: Deployment, now_ms: int, width: int, *, unicode: bool) -> Line:
    room = max(min(width - 20, _MOST_CURVE), 1)
    curve = sparkline(detail.measured.curve(each, now_ms), room, floor=0.0, unicode=unicode)
    return Line([("      ", ""), (curve, "running"), (" 60 s", "dim")])


def parity(build: Build | None) -> Part:
    """Whether what answers does as the model it was made from, in a word: the greatest difference that was seen."""
    report = None if build is None else next((each for each in build.parity if each.kind is build.kind), None)
    if report is None:
        return ("itself" if build is not None else NONE, "dim")
    if not report.accepted:
        return ("✗ refused", "bad")
    greatest = max((each.greatest_difference for each in report.checks), default=0.0)
    return (f"✓ {greatest:.0e}" if greatest else "✓ exact", "good")


def latency_lines(detail: Detail, width: int, *, unicode: bool) -> list[Line]:
    """How slow the live version and the candidate were in the last minute."""
    standing = detail.standing
    shown = [each for each in (standing.live, standing.candidate) if each is not None]
    series = [
        (f"{each.version} {each.share.value if each.share else ''}", detail.measured.latency(each), look)
        for each, look in zip(shown, words.BAR_LOOKS, strict=False)
    ]
    series = [each for each in series if each[1]]
    note = "the last minute; each version's own scale"
    return [heading("Latency", note), *histogram_lines(series, width, unicode=unicode)]
