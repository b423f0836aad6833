"""Experiments as programs ask for them: by key, by name, searched in any order; and the one with the key 0."""

from __future__ import annotations

import pytest

from engine.core.clock import ManualClock
from engine.core.errors import FilterSyntaxError, InvalidInput, NotFound
from engine.tracking.experiments import Experiments
from engine.tracking.model import DEFAULT_EXPERIMENT, ExperimentImport, ExperimentQuery
from engine.tracking.service import Runs


@pytest.fixture
def family(experiments: Experiments, clock: ManualClock) -> Experiments:
    for name, tags in (("b", {"team": "red"}), ("a", {"team": "blue"}), ("c", {}), ("B", {"team": "Red"})):
        experiments.create(name, tags)
        clock.advance(10)
    experiments.delete("c")
    return experiments


def names(experiments: Experiments, **query: object) -> list[str]:
    return [each.name for each in experiments.search(ExperimentQuery(**query)).items]  # type: ignore[arg-type]


def test_the_newest_comes_first(family: Experiments) -> None:
    assert names(family) == ["B", "a", "b"]


def test_those_of_one_moment_come_by_their_keys(experiments: Experiments) -> None:
    for number in range(12):
        experiments.create(f"e{number}")
    assert names(experiments) == [f"e{number}" for number in reversed(range(12))]
    assert names(experiments, order_by=("experiment_id ASC",)) == [f"e{number}" for number in range(12)]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("name ASC", "B a b"),
        ("name DESC", "b a B"),
        ("creation_time ASC", "b a B"),
        ("tags.team ASC", "B a b"),
        ("experiment_id DESC", "B a b"),
    ],
)
def test_in_any_order(family: Experiments, order: str, expected: str) -> None:
    assert names(family, order_by=(order,)) == expected.split()


@pytest.mark.parametrize(("lifecycle", "expected"), [("active", "B a b"), ("deleted", "c"), ("all", "B c a b")])
def test_by_lifecycle(family: Experiments, lifecycle: str, expected: str) -> None:
    assert names(family, lifecycle=lifecycle) == expected.split()


def test_by_filter(family: Experiments) -> None:
    assert names(family, filter="tags.team = 'red' OR name = 'a'") == ["a", "b"]


@pytest.mark.parametrize("order", [(), ("name",), ("tags.team DESC",)])
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_put_together_are_the_whole_list(family: Experiments, order: tuple[str, ...], limit: int) -> None:
    found: list[str] = []
    token = None
    while True:
        page = family.search(ExperimentQuery(order_by=order, limit=limit, page_token=token))
        found += [each.name for each in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert found == names(family, order_by=order)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (ExperimentQuery("bogus"), FilterSyntaxError),
        (ExperimentQuery(order_by=("bogus",)), FilterSyntaxError),
        (ExperimentQuery(lifecycle="bogus"), InvalidInput),
        (ExperimentQuery(limit=0), InvalidInput),
        (ExperimentQuery(limit=50_001), InvalidInput),
        *((ExperimentQuery(page_token=token), InvalidInput) for token in ("", "bad", "e30", "WzAsMV0")),
    ],
)
def test_a_wrong_search_is_refused(family: Experiments, query: ExperimentQuery, error: type[Exception]) -> None:
    with pytest.raises(error):
        family.search(query)


def test_a_token_continues_its_own_search_only(family: Experiments) -> None:
    token = family.search(ExperimentQuery(limit=1)).next_page_token
    with pytest.raises(InvalidInput, match="page token"):
        family.search(ExperimentQuery(limit=1, order_by=("name",), page_token=token))


def test_one_is_found_by_key_and_by_name(family: Experiments) -> None:
    found = family.find("c")
    assert found is not None
    assert (found.lifecycle, family.get_by_id(found.id)) == ("deleted", found)
    assert family.find("none") is None
    with pytest.raises(NotFound, match="No Experiment with id=99 exists"):
        family.get_by_id(99)
    with pytest.raises(InvalidInput):
        family.get_by_id(2**70)


# --- the experiment of runs that name none


def test_the_default_experiment_has_the_key_0(experiments: Experiments) -> None:
    experiments.create("first")
    experiments.ensure_default()
    experiments.ensure_default()
    assert experiments.get_by_id(0).name == DEFAULT_EXPERIMENT
    assert experiments.create("next").id == 2


def test_a_run_that_names_no_experiment_makes_the_default_one(runs: Runs, experiments: Experiments) -> None:
    runs.start(capture=False).finish()
    assert experiments.get_by_id(0).name == DEFAULT_EXPERIMENT


def test_an_imported_default_experiment_has_the_key_0(runs: Runs, experiments: Experiments) -> None:
    runs.import_experiments([ExperimentImport("other", 1, 1), ExperimentImport(DEFAULT_EXPERIMENT, 1, 1)])
    assert experiments.get_by_id(0).name == DEFAULT_EXPERIMENT
    assert experiments.get("other").id == 1


def test_a_deleted_default_experiment_stays_deleted(experiments: Experiments) -> None:
    experiments.ensure_default()
    experiments.delete(DEFAULT_EXPERIMENT)
    experiments.ensure_default()
    assert experiments.get_by_id(0).lifecycle == "deleted"


def test_another_experiment_that_took_the_name_keeps_it(experiments: Experiments) -> None:
    experiments.create("mine")
    experiments.rename("mine", DEFAULT_EXPERIMENT)
    experiments.ensure_default()
    assert experiments.get(DEFAULT_EXPERIMENT).id == 1
    assert experiments.get_by_id(0).name == f"{DEFAULT_EXPERIMENT} (0)"


def test_a_long_tag_is_kept(experiments: Experiments) -> None:
    experiments.create("e")
    assert experiments.set_tag("e", "k", "v" * 20_000).tags == {"k": "v" * 20_000}
    with pytest.raises(InvalidInput):
        experiments.set_tag("e", "k", "v" * 20_001)
