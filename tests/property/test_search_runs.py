"""Search in SQL finds what the plain evaluator finds, in its order, by whichever way through the indexes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.query import RUNS, Filter, OrderBy, evaluate, order, unparse, unparse_order_by
from engine.tracking import search_store
from engine.tracking.model import DatasetInput, RunImport, RunQuery, RunStatus
from engine.tracking.search_store import Effort, Lifecycle, Search
from tests.builders import make_database, make_runs
from tests.property.query_strategies import Thing, filters, orders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.db.database import Database
    from engine.tracking.model import RunDetail
    from engine.tracking.service import Runs

KEYS = ("auc", "val.loss", "a b", "x`y", 'q"q', "1", "ü")
TEXTS = ("a", "A", "ab", "b%", "_", "%", "0.5", " 1e-3 ", "it's", "", "[a]", "*", "é", "inf", "nan", "7")
NUMBERS = (0.0, 0.5, -1.5, 1e-3, 7.0, float("inf"), float("-inf"), float("nan"))
WAYS = (
    Effort(),
    Effort(few=0, sample=1, reach=10**9),  # always walk, asking every run
    Effort(few=0, sample=1, reach=0),  # always ask all runs at once
    Effort(few=10**9, detour=0),  # always read the smallest index range
    Effort(few=10**9, detour=10**9),  # always walk, looking only at the smallest index range
)


@dataclass(frozen=True)
class Seen(Thing):
    """A run as the evaluator sees it."""

    row_id: int = 0


@dataclass(frozen=True, repr=False)
class World:
    """A small workspace with many ties, and the same runs in memory."""

    database: Database
    runs: Runs
    seen: tuple[Seen, ...]
    lifecycles: dict[int, str]

    def expected(self, tree: Filter | None, by: Sequence[OrderBy], lifecycle: str) -> list[int]:
        rows = [
            row
            for row in self.seen
            if (tree is None or evaluate(tree, row)) and lifecycle in ("all", self.lifecycles[row.row_id])
        ]
        return [row.row_id for row in order(rows, by, schema=RUNS)]


def some(rng: random.Random, values: Sequence[object], most: int) -> dict[str, object]:
    return {key: rng.choice(values) for key in rng.sample(KEYS, rng.randrange(most))}


def make_world(path: Path, seed: int) -> World:
    rng = random.Random(seed)
    database = make_database(path)
    runs = make_runs(database)
    runs.import_runs(
        RunImport(
            experiment=rng.choice(["a", "ab", "A"]),
            run_id=rng.choice([None, None, f"A-{number}", f"{number}_b", f"{number:03d}Ab"]),
            name=rng.choice([text for text in TEXTS if text]),
            start_ms=rng.randrange(3),
            status=rng.choice(list(RunStatus)),
            end_ms=rng.choice([None, rng.randrange(5)]),
            user=rng.choice(["a", "ab", "A b", "é"]),
            params={key: str(value) for key, value in some(rng, TEXTS, 5).items()},
            tags={key: str(value) for key, value in some(rng, TEXTS, 5).items()},
            metrics=[(key, float(str(value)), 0, 0) for key, value in some(rng, NUMBERS, 6).items()],
        )
        for number in range(rng.choice([1, 30, 60]))
    )
    row_ids = list(runs.keys(RunQuery(lifecycle="all")))
    for row_id, run in runs.rows(row_ids).items():
        for _ in range(rng.choice([0, 0, 1, 2])):
            text = [rng.choice(TEXTS) for _ in range(2)]
            runs.log_input(run.run_id, DatasetInput(text[0] or "a", text[1] or "b", context=rng.choice(["a", ""])))
        if rng.random() < 0.2 and row_id > 1:
            runs.delete(run.run_id)
    details = [runs.get(run.run_id) for run in runs.rows(row_ids).values()]
    lifecycles = {run.row_id: run.lifecycle for run in details}
    return World(database, runs, tuple(map(see, details)), lifecycles)


def see(run: RunDetail) -> Seen:
    return Seen(
        metrics=run.metrics,
        params=run.params,
        tags=run.tags,
        attributes={
            "run_id": run.run_id,
            "run_name": run.name,
            "artifact_uri": f"runs:/{run.run_id}",
            "artifact_path": f"/{run.experiment_id}/{run.run_id}/artifacts",
            "note": run.note or None,
            "parent_run_id": run.parent_run_id,
            "user_id": run.user,
            "experiment": run.experiment,
            "status": run.status.value,
            "lifecycle_stage": run.lifecycle,
            "start_time": run.start_ms,
            "end_time": run.end_ms,
            "duration": run.duration_ms,
        },
        datasets=[{"name": each.name, "digest": each.digest, "context": each.context} for each in run.inputs],
        row_id=run.row_id,
    )


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[World]]:
    made = [make_world(tmp_path_factory.mktemp(f"world{seed}"), seed) for seed in range(4)]
    yield made
    for world in made:
        world.database.close()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), tree=st.none() | filters(), by=orders())
def test_every_way_through_the_indexes_finds_what_the_evaluator_finds(
    worlds: list[World], data: st.DataObject, tree: Filter | None, by: tuple[OrderBy, ...]
) -> None:
    world = data.draw(st.sampled_from(worlds))
    lifecycle: Lifecycle = data.draw(st.sampled_from(get_args(Lifecycle)))
    expected = world.expected(tree, by, lifecycle)
    for effort in WAYS:
        search = Search(tree, by, experiments=None, lifecycle=lifecycle, effort=effort)
        with world.database.snapshot() as snapshot:
            assert list(search_store.keys(snapshot, search)) == expected
            assert search_store.count(snapshot, search) == len(expected)
            assert list(search_store.page(snapshot, search, len(world.seen) + 1, None).row_ids) == expected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), tree=st.none() | filters(), by=orders())
def test_pages_put_together_are_the_whole_result(
    worlds: list[World], data: st.DataObject, tree: Filter | None, by: tuple[OrderBy, ...]
) -> None:
    world = data.draw(st.sampled_from(worlds))
    experiment = data.draw(
        st.none() | st.sampled_from(sorted({str(row.attributes["experiment"]) for row in world.seen}))
    )
    limit = data.draw(st.integers(1, 7))
    expected = [
        row_id
        for row_id in world.expected(tree, by, "active")
        if experiment is None or world.runs.rows([row_id])[row_id].experiment == experiment
    ]
    found: list[int] = []
    token = None
    while True:
        orders_ = tuple(unparse_order_by([key]) for key in by)
        query = RunQuery(unparse(tree), orders_, experiment=experiment, limit=limit, page_token=token)
        page = world.runs.page(query)
        assert len(page.items) <= limit
        assert token is None or page.items, "a page after a token holds something"
        assert len(found) <= len(expected), "no page is given twice"
        found += [run.row_id for run in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert found == expected


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), tree=st.none() | filters(), by=orders())
def test_each_page_may_be_found_another_way(
    worlds: list[World], data: st.DataObject, tree: Filter | None, by: tuple[OrderBy, ...]
) -> None:
    world = data.draw(st.sampled_from(worlds))
    limit = data.draw(st.integers(1, 7))
    found: list[int] = []
    position = None
    with world.database.snapshot() as snapshot:
        while position is not None or not found:
            effort = data.draw(st.sampled_from(WAYS))
            search = Search(tree, by, experiments=None, lifecycle="active", effort=effort)
            page = search_store.page(snapshot, search, limit, position)
            found += page.row_ids
            position = page.end
            if not page.row_ids:
                break
    assert position is None
    assert found == world.expected(tree, by, "active")
