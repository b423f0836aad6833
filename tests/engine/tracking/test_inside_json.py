from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.query.evaluator import evaluate, order
from engine.core.query.quick import parse_quick, parse_quick_order
from engine.core.query.schema import RUNS
from engine.core.query.writer import unparse, unparse_order_by
from engine.tracking.model import Run, RunQuery
from tests.console.world import World

CONFIGS: tuple[object, ...] = (
    {"optimizer": {"lr": 0.1, "name": "adam"}, "layers": [8, 4], "deep": True},
    {"optimizer": {"lr": 0.01, "name": "sgd"}, "layers": [16], "deep": False},
    {"optimizer": {"lr": "auto", "name": "Adam W"}, "layers": []},
    {"optimizer": {"lr": 5, "name": None}},
    {"optimizer": {"lr": -2.5, "name": "7"}, "deep": None},
    [1, 2],
    None,
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = World(Path(tmp_path_factory.mktemp("inside")))
    for number, config in enumerate(CONFIGS):
        found.run(f"run-{number}", params={"config": json.dumps(config)})
    found.run("broken", params={"config": "{not json"})
    found.run("without")
    yield found
    found.close()


class _Asked:
    """A run as filters see it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.metrics, self.params, self.tags = run.metrics, run.params, run.tags
        self.attributes: dict[str, Any] = {"start_time": run.start_ms, "run_id": run.run_id}
        self.datasets: tuple[dict[str, str], ...] = ()


@pytest.mark.parametrize(
    "text",
    [
        "params.config$.optimizer.lr>0.05",
        "params.config$.optimizer.lr<=0.01",
        "params.config$.optimizer.lr=5",
        "params.config$.optimizer.lr=5,0.1",
        "params.config$.optimizer.lr!=5",
        "params.config$.optimizer.lr=auto",
        "params.config$.optimizer.name~adam",
        "params.config$.optimizer.name!=sgd",
        "params.config$.optimizer.name=7",
        "params.config$.deep=true",
        "params.`config$.layers[0]`>=8",
        "params.config$.layers~16",
        "!params.config$.optimizer.lr>0",
        "params.none$.a>0",
        "params.config$.optimizer.lr>0 params.config$.optimizer.name=adam",
    ],
)
def test_runs_are_found_by_values_inside_json(world: World, text: str) -> None:
    quick = parse_quick(text, RUNS)
    assert quick.predicate is not None
    reading = world.engine.run_reading
    runs = [_Asked(run) for run in reading.rows(list(reading.keys())).values()]
    expected = {each.run.name for each in runs if evaluate(quick.predicate, each)}
    query = RunQuery(filter=unparse(quick.predicate))
    assert {run.name for run in reading.page(query).items} == expected
    assert {run.name for run in reading.rows(list(reading.keys(query))).values()} == expected
    assert reading.count(query) == len(expected)


@pytest.mark.parametrize(
    "sort",
    ["params.config$.optimizer.lr", "-params.config$.optimizer.lr", "-metrics.auc,params.config$.optimizer.name"],
)
@pytest.mark.parametrize("text", ["", "params.config$.optimizer.name~a"])
def test_runs_are_sorted_by_values_inside_json(world: World, sort: str, text: str) -> None:
    quick, by = parse_quick(text, RUNS), parse_quick_order(sort, RUNS, ["auc"])
    reading = world.engine.run_reading
    runs = [_Asked(run) for run in reading.rows(list(reading.keys())).values()]
    kept = [each for each in runs if quick.predicate is None or evaluate(quick.predicate, each)]
    expected = [each.run.name for each in order(kept, by, schema=RUNS)]
    query = RunQuery(
        filter=unparse(quick.predicate) if quick.predicate is not None else "",
        order_by=tuple(unparse_order_by([each]) for each in by),
        limit=2,
    )
    whole = reading.keys(query)
    found = reading.rows(list(whole))
    assert [found[key].name for key in whole] == expected
    paged: list[str] = []
    token: str | None = None
    while True:
        page = reading.page(
            query if token is None else RunQuery(query.filter, query.order_by, limit=2, page_token=token)
        )
        paged += [run.name for run in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert paged == expected
