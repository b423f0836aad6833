"""A page of a search over many runs, and how it grows with their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import engine
from engine.tracking.model import RunQuery
from tests.bench.places import Places
from tests.bench.results import Row, p50, p95
from tests.bench.sampling import interleaved

TIMES = 40
SMALL = 10_000
ORDER = ("metrics.m2 DESC",)
PROMISED = RunQuery(filter="metrics.m1 < 0.5 and params.p1 = 'x'", order_by=ORDER)
WORST = {
    "nothing matches": RunQuery(filter="metrics.m1 < -1 and params.p1 = 'x'", order_by=ORDER),
    "each half matches half, both nothing": RunQuery(filter="metrics.m9 < 0.5 and params.p9 = 'high'", order_by=ORDER),
    "everything matches": RunQuery(filter="metrics.m1 >= 0 and params.p1 != 'none'", order_by=ORDER),
    "part of a name": RunQuery(filter="attributes.run_name LIKE '%-falcon-0%'", order_by=ORDER),
    "by two metrics": replace(PROMISED, order_by=("metrics.m2 DESC", "metrics.m3")),
    "by a parameter": replace(PROMISED, order_by=("params.p2",)),
}


def measure(places: Places) -> Iterator[Row]:
    """The promised search against itself on fewer runs; its second page; and what is hard for it."""
    big, small = places.workspace(), places.workspace(SMALL)
    with engine.open(big, read_only=True) as many, engine.open(small, read_only=True) as few:
        peers = {
            "many": lambda: many.runs.page(PROMISED),
            "few": lambda: few.runs.page(PROMISED),
        }
        times = interleaved(peers, TIMES, warm=3)
        detail = f"p95 {p95(times['many']):.1f} ms; {TIMES} searches"
        name = f"search, filter and order, page of 100, {places.runs:,} runs, p50"
        yield Row(name, p50(times["many"]), "ms", 50, detail=detail, samples=times)
        detail = f"{p50(times['many']):.1f} ms against {p50(times['few']):.1f} ms"
        yield Row(
            f"the same, of its time over {SMALL:,} runs", p50(times["many"]) / p50(times["few"]), "x", 3, detail=detail
        )
        yield _one(many, "second page", _second(many, PROMISED))
        for title, query in WORST.items():
            yield _one(many, title, query)


def _second(opened: engine.Engine, query: RunQuery) -> RunQuery:
    return replace(query, page_token=opened.runs.page(query).next_page_token)


def _one(opened: engine.Engine, title: str, query: RunQuery) -> Row:
    times = interleaved({"page": lambda: opened.runs.page(query)}, TIMES // 2, warm=2)
    found = len(opened.runs.page(query).items)
    detail = f"p95 {p95(times['page']):.1f} ms; {found} runs on the page"
    return Row(f"search: {title}, p50", p50(times["page"]), "ms", detail=detail, samples=times)
