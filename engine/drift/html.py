"""A report as one HTML file that needs nothing else: no script, no font, no network, and at most 300 KB.

Everything that came from data is cleaned and escaped; the page's own policy forbids it to load or run anything. Where a
table has very many columns, bins and drawings are shown of those that matter most, as far as there is room.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from engine.core.text import clean
from engine.core.timetext import format_time
from engine.drift.drawing import overlaid
from engine.drift.model import Decision
from engine.drift.words import count, effect, interval, number, probability, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.drift.model import Bin, DriftReport, FeatureResult, Side

MAX_BYTES = 300_000
"""The largest file."""

_FOR_ROWS = 230_000
_RESERVED = 2_000
_NAME = 48
_SENTENCE = 400
_LABEL = 40
_MOST_BINS = 40
_MOST_SEGMENTS = 20
_CLASSES = {Decision.DRIFT: "d", Decision.STABLE: "s", Decision.NOT_ENOUGH: "n", Decision.LEFT_OUT: "l"}

_STYLE = """
:root{color-scheme:light dark;--b:#fff;--f:#1b1f24;--m:#68707a;--l:#d8dde3;--r:#aab4c0;--c:#c2410c;--g:#15803d;
--a:#fff7ed}
@media(prefers-color-scheme:dark){:root{--b:#14171b;--f:#e6e9ed;--m:#98a1ac;--l:#333a42;--r:#4b5663;--c:#fb923c;
--g:#4ade80;--a:#2a1d12}}
body{background:var(--b);color:var(--f);font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.m,small{color:var(--m)}
p.v{font-size:1.15rem;padding:.6rem .9rem;border-left:4px solid var(--g)}
p.v.d{border-color:var(--c);background:var(--a)}
.w{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--l);vertical-align:top}
th{font-weight:600;color:var(--m);font-size:.85rem}.x{text-align:right;white-space:nowrap}
tr.d>td:nth-child(2){color:var(--c);font-weight:700}tr.s>td:nth-child(2){color:var(--g)}
details{border-bottom:1px solid var(--l);padding:.4rem 0}summary{cursor:pointer}summary b.d{color:var(--c)}
svg{width:100%;max-width:30rem;height:auto;display:block;margin:.6rem 0}.r{fill:var(--r)}
.c{fill:none;stroke:var(--c);stroke-width:2}td,th,summary,p{overflow-wrap:anywhere}
i.r,i.c{display:inline-block;width:.9em;height:.6em;background:var(--r)}
i.c{height:.2em;background:var(--c);vertical-align:middle}
"""


def page(report: DriftReport, *, made_ms: int | None = None) -> str:
    """Write a report as HTML.

    Args:
        report: The report.
        made_ms: When it was made, in milliseconds since the epoch; `None` leaves it out.

    Returns:
        The whole document, at most `MAX_BYTES` in UTF-8.
    """
    parts = [*_head(report, made_ms), *_table(report.features), *_dataset(report), *_segments(report)]
    room = MAX_BYTES - _RESERVED - sum(len(part.encode()) for part in parts)
    details = list(_within(map(_detail, report.features), room))
    if details:
        parts += ["<h2>Feature by feature</h2>", _LEGEND, *details]
    if len(details) < len(report.features):
        parts.append(
            f'<p class="m">{count(len(report.features) - len(details), "further feature")} without details.</p>'
        )
    return "".join((*parts, "</body></html>\n"))


_LEGEND = '<p class="m"><i class="r"></i> reference &nbsp; <i class="c"></i> current</p>'


def _text(value: str, limit: int = _SENTENCE) -> str:
    return escape(clean(value, limit=limit))


def _within(parts: Iterator[str], room: int) -> Iterator[str]:
    """As many parts as there is room for, in bytes."""
    for part in parts:
        room -= len(part.encode())
        if room < 0:
            return
        yield part


def _head(report: DriftReport, made_ms: int | None) -> Iterator[str]:
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Drift: {_text(report.current.name, _NAME)}</title><style>{_STYLE}</style></head><body>"
    )
    when = f" · {format_time(made_ms)}" if made_ms is not None else ""
    yield f'<h1>Drift report</h1><p class="m">{_side(report.current)} compared with {_side(report.reference)}{when}</p>'
    yield f'<p class="v{" d" if report.drift else ""}">{_text(report.sentence)}</p>'
    counted = " · ".join(f"{report.counted(each):,} {each.value}" for each in Decision)
    yield f"<p>{counted}<br><small>{_text(report.decided_by)}</small></p>"
    for problem in report.problems[:_MOST_SEGMENTS]:
        yield f'<p class="m">{_text(problem)}</p>'


def _side(side: Side) -> str:
    return f"<b>{_text(side.name, 120)}</b> ({count(side.rows, 'row')})"


def _table(features: Sequence[FeatureResult]) -> Iterator[str]:
    yield '<h2>Features</h2><div class="w"><table><tr><th>feature<th>decision<th>by<th class="x">effect'
    yield '<th class="x">95 % interval<th class="x">q<th class="x">missing<th class="x">importance</tr>'
    rows = list(_within(map(_row, features), _FOR_ROWS))
    yield from rows
    yield "</table></div>"
    if len(rows) < len(features):
        yield f'<p class="m">{count(len(features) - len(rows), "further feature")}: `--json` has them all.</p>'


def _row(feature: FeatureResult) -> str:
    cells = (effect(feature.effect), interval(feature), probability(feature.q), _missing(feature))
    weight = "-" if feature.importance is None else share(feature.importance)
    shown = "".join(f'<td class="x">{escape(cell)}' for cell in (*cells, weight))
    name = f"{_text(feature.name, _NAME)} <small>{escape(feature.kind)}</small>"
    told = f"<td>{name}<td>{feature.decision}<td>{escape(feature.method)}{shown}"
    return f'<tr class="{_CLASSES[feature.decision]}">{told}</tr>'


def _missing(feature: FeatureResult) -> str:
    before, now = share(feature.nulls_ref), share(feature.nulls_cur)
    return now if before == now else f"{before} → {now}"


def _detail(feature: FeatureResult) -> str:
    mark = ' class="d"' if feature.drift else ""
    parts = [
        f"<details{' open' if feature.drift else ''}><summary><b{mark}>{_text(feature.name, _NAME)}</b>",
        f" {feature.decision} <small>{_text(feature.changed or feature.reason)}</small></summary>",
        overlaid(feature.histogram, feature.bins),
    ]
    if feature.changed:
        parts.append(f"<p>{_text(feature.reason)}</p>")
    if feature.new_levels:
        levels = ", ".join(_text(level, _LABEL) for level in feature.new_levels[:10])
        parts.append(f"<p>New levels: {levels}</p>")
    if feature.distances:
        told = " · ".join(f"{escape(name)} {number(value)}" for name, value in feature.distances.items())
        parts.append(f'<p class="m">{told}</p>')
    parts += [_bins(feature), "</details>"]
    return "".join(parts)


def _bins(feature: FeatureResult) -> str:
    if not feature.bins:
        return ""
    rows = "".join(_bin(each, feature) for each in feature.bins[:_MOST_BINS])
    return f'<table><tr><th>bin<th class="x">reference<th class="x">current<th class="x">change</tr>{rows}</table>'


def _bin(each: Bin, feature: FeatureResult) -> str:
    before, now = each.reference / max(feature.n_ref, 1), each.current / max(feature.n_cur, 1)
    cells = f'<td class="x">{share(before)}<td class="x">{share(now)}<td class="x">{100 * (now - before):+.1f}'
    return f"<tr><td>{_text(each.label, _LABEL)}{cells}</tr>"


def _dataset(report: DriftReport) -> Iterator[str]:
    if report.dataset:
        yield "<h2>All columns at once</h2>"
    for each in report.dataset:
        told = ", ".join(_text(one.name, _NAME) for one in each.telling)
        yield f"<p><b>{escape(each.method)}</b>: {_text(each.reason)}"
        yield f"<br><small>Most telling: {told}</small></p>" if told else "</p>"


def _segments(report: DriftReport) -> Iterator[str]:
    if not report.segments:
        return
    yield '<h2>Segments, the worst first</h2><table><tr><th>segment<th class="x">rows<th>drifted</tr>'
    for each in report.segments[:_MOST_SEGMENTS]:
        where = f"{_text(each.column, _NAME)} = {_text(each.value, _NAME)}"
        yield f'<tr><td>{where}<td class="x">{each.n_cur:,}<td>{_text(each.reason)}</tr>'
    yield "</table>"
