"""What programs are given of runs is made once, and again as soon as anybody has written, here or elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from engine.core.clock import ManualClock
from engine.db.database import Database
from engine.tracking.experiments import Experiments
from engine.tracking.model import DatasetInput, ModelUse, RunLinks, RunQuery, RunRecord, RunReport, RunStart, RunStatus
from engine.tracking.pieces import Pieces
from engine.tracking.service import Runs
from tests.builders import make_access, make_runs

ALL = RunQuery(lifecycle="all")


class Maker:
    """Makes bytes of runs, and knows of which it did."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, record: RunRecord) -> bytes:
        self.made.append(record.run.name)
        return repr(record).encode()


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
def reading(database: Database, runs: Runs, clock: ManualClock) -> Iterator[Runs]:
    """Runs of a process that reads all day, beside one that writes."""
    for name in ("a", "b", "c"):
        runs.create(RunStart("churn", name=name, params={"lr": "1"}, tags={"team": "x"}))
    other = Database(database.path, clock=clock)
    other.migrate()
    other.keep_read(1_000)
    yield make_runs(other, clock=clock)
    other.close()


def found(runs: Runs, make: Callable[[RunRecord], bytes], query: RunQuery = ALL) -> tuple[bytes, ...]:
    return runs.encoded(query, make).items


def test_runs_that_nobody_changed_are_made_once(reading: Runs, make: Maker) -> None:
    first = found(reading, make, RunQuery(limit=2))
    assert found(reading, make) == (*first, *found(reading, Maker())[2:])
    assert found(reading, make, RunQuery("run_name = 'b'")) == first[1:]
    assert sorted(make.made) == ["a", "b", "c"]


def test_every_maker_has_its_own(reading: Runs, make: Maker) -> None:
    assert found(reading, make) != found(reading, lambda record: record.run.name.encode())


CHANGES: dict[str, Callable[[Runs, str], object]] = {
    "metric": lambda runs, run: runs.log_batch(run, metrics=[("m", 0.5, 1, 2)]),
    "param": lambda runs, run: runs.log_batch(run, params={"depth": "3"}),
    "tag": lambda runs, run: runs.set_tag(run, "team", "y"),
    "no tag": lambda runs, run: runs.set_tag(run, "team", None),
    "name": lambda runs, run: runs.rename(run, "z"),
    "note": lambda runs, run: runs.set_note(run, "look"),
    "end": lambda runs, run: runs.report(run, RunReport(status=RunStatus.FAILED, end_ms=9)),
    "gone": lambda runs, run: runs.delete(run),
    "dataset": lambda runs, run: runs.log_input(run, DatasetInput("wine", "d1")),
    "model": lambda runs, run: runs.link(run, RunLinks(models_made=(ModelUse("m-1", 1),))),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("by_itself", [False, True])
def test_a_change_is_told_at_once(runs: Runs, reading: Runs, make: Maker, change: str, *, by_itself: bool) -> None:
    before = found(reading, make)
    [run] = [each.run_id for each in runs.page().items if each.name == "b"]
    CHANGES[change](reading if by_itself else runs, run)
    after = found(reading, make)
    assert after != before
    assert after == found(runs, Maker()), "as one that keeps nothing tells it"


def test_what_is_done_to_a_whole_experiment_is_told_of_its_runs(
    database: Database, reading: Runs, make: Maker, clock: ManualClock
) -> None:
    before = found(reading, make)
    experiments = Experiments(database, make_access(), clock)
    experiments.delete("churn")
    assert [piece != b for piece, b in zip(found(reading, make), before, strict=True)] == [True] * 3
    experiments.restore("churn")
    assert found(reading, make) == before


def test_what_a_group_has_not_kept_yet_is_not_kept_here(database: Database, runs: Runs, make: Maker) -> None:
    database.keep_read(1_000)
    run = runs.create(RunStart("churn", name="a")).run.run_id
    before = found(runs, make)
    with pytest.raises(LookupError), database.group():
        runs.rename(run, "z")
        assert found(runs, make) != before
        raise LookupError
    assert found(runs, make) == before


@pytest.mark.parametrize("sizes", [[3], [4, 4, 4], [10, 1, 9], [1] * 40])
def test_no_more_is_kept_than_may_be(sizes: list[int]) -> None:
    pieces = Pieces(most_bytes=10)
    for number, size in enumerate(sizes):
        pieces.keep({number: b"x" * size})
        assert sum(map(len, pieces.of(range(99)).values())) <= 10
        assert pieces.of([number]), "the newest is there"


def test_one_very_long_piece_does_not_drive_out_the_others() -> None:
    pieces = Pieces()
    pieces.keep({1: b"short", 2: b"x" * 100_000})
    assert list(pieces.of([1, 2])) == [1]
