"""Finding runs: ids and their beginnings, pages and their tokens, keys, rows, columns, comparison."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from engine.core.clock import ManualClock
from engine.core.errors import FilterSyntaxError, InvalidInput, NotFound
from engine.core.paging import encode_token
from engine.tracking.model import RunImport, RunQuery
from engine.tracking.service import Runs


def store(runs: Runs, *given: RunImport) -> None:
    runs.import_runs(given)


def plain(name: str, **fields: object) -> RunImport:
    return replace(RunImport("e", name, 0), **fields)  # type: ignore[arg-type]


def names(runs: Runs, query: RunQuery) -> list[str]:
    return [run.name for run in runs.page(query).items]


def test_a_run_is_found_by_its_id_or_a_beginning_of_it(runs: Runs) -> None:
    store(runs, plain("a", run_id="abcd" + "0" * 28), plain("b", run_id="abce" + "0" * 28))
    assert runs.get("abcd").name == "a"
    assert runs.get("ABCE0").name == "b"
    assert runs.get("abcd" + "0" * 28).name == "a"


def test_an_ambiguous_beginning_lists_what_it_may_mean(runs: Runs) -> None:
    found = [f"abcd{number:028x}" for number in range(7)]
    store(runs, *(plain("r", run_id=run_id) for run_id in found))
    with pytest.raises(InvalidInput) as caught:
        runs.get("abcd")
    assert all(run_id in caught.value.message for run_id in found[:5])
    assert caught.value.message.endswith("….")


@pytest.mark.parametrize("text", ["", "abc", "xyz1", "g" * 32, "f" * 32, "'; DROP TABLE run", "%", "\x1b[2J"])
def test_an_unknown_run_is_not_found(runs: Runs, text: str) -> None:
    store(runs, plain("a", run_id="abcd" + "0" * 28))
    with pytest.raises(NotFound) as caught:
        runs.get(text)
    assert "\x1b" not in str(caught.value)


def test_a_name_in_place_of_an_id_leads_to_the_run(runs: Runs) -> None:
    store(runs, plain("forest-7", run_id="abcd" + "0" * 28))
    with pytest.raises(NotFound, match="abcd0000") as exact:
        runs.get("forest-7")
    assert "of that name" in exact.value.hint
    with pytest.raises(NotFound, match="forest-7 is abcd0000"):
        runs.get("forrest-7")


def test_the_newest_runs_come_first_and_ties_go_by_id(runs: Runs) -> None:
    store(
        runs,
        *(plain(str(start), start_ms=start, run_id=f"{9 - number:032x}") for number, start in enumerate([1, 3, 3, 2])),
    )
    assert names(runs, RunQuery()) == ["3", "3", "2", "1"]
    assert [run.run_id[-1] for run in runs.page().items] == ["7", "8", "6", "9"]


def test_metrics_sort_numbers_then_nan_then_missing_in_both_directions(runs: Runs) -> None:
    values = {"one": 1.0, "nan": math.nan, "two": 2.0, "inf": math.inf}
    store(runs, plain("none"), *(plain(name, metrics=[("m", value, 0, 0)]) for name, value in values.items()))
    assert names(runs, RunQuery(order_by=("metrics.m",))) == ["one", "two", "inf", "nan", "none"]
    assert names(runs, RunQuery(order_by=("metrics.m DESC",))) == ["inf", "two", "one", "nan", "none"]
    assert names(runs, RunQuery(order_by=("metrics.never, run_name",))) == ["inf", "nan", "none", "one", "two"]


def test_runs_of_one_experiment_and_one_lifecycle(runs: Runs) -> None:
    store(runs, plain("a"), plain("b", experiment="other"))
    assert names(runs, RunQuery(experiment="other")) == ["b"]
    assert runs.count(RunQuery(experiment="e")) == 1
    with pytest.raises(NotFound, match="Did you mean other"):
        runs.page(RunQuery(experiment="othr"))
    with pytest.raises(InvalidInput, match="lifecycle"):
        runs.page(RunQuery(lifecycle="gone"))


def test_pages_continue_while_new_runs_arrive(runs: Runs) -> None:
    store(runs, *(plain(str(number), start_ms=number) for number in range(5)))
    first = runs.page(RunQuery(limit=2))
    store(runs, plain("new", start_ms=9))
    second = runs.page(RunQuery(limit=2, page_token=first.next_page_token))
    third = runs.page(RunQuery(limit=2, page_token=second.next_page_token))
    assert [run.name for page in (first, second, third) for run in page.items] == ["4", "3", "2", "1", "0"]
    assert third.next_page_token is None


def test_a_page_may_go_on_where_the_last_run_without_the_metric_was(runs: Runs) -> None:
    store(runs, *(plain(str(number), start_ms=number) for number in range(3)))
    query = RunQuery(order_by=("metrics.m",), limit=1)
    first = runs.page(query)
    for run in runs.page().items:
        runs.log_batch(run.run_id, metrics=[("m", 1.0, 0, 0)])
    assert runs.page(replace(query, page_token=first.next_page_token)).items == ()


@pytest.mark.parametrize("limit", [0, -1, 50_001])
def test_limits_are_bounded(runs: Runs, limit: int) -> None:
    with pytest.raises(InvalidInput):
        runs.page(RunQuery(limit=limit))
    with pytest.raises(InvalidInput):
        runs.metric_points("abcd", "m", limit=limit)


def test_a_token_belongs_to_its_query(runs: Runs) -> None:
    store(runs, *(plain(str(number)) for number in range(3)))
    token = runs.page(RunQuery(limit=1)).next_page_token
    for other in (RunQuery("run_name = '1'"), RunQuery(order_by=("run_name",)), RunQuery(experiment="e")):
        with pytest.raises(InvalidInput, match="token"):
            runs.page(replace(other, page_token=token))


def test_forged_tokens_are_refused(runs: Runs) -> None:
    store(runs, *(plain(str(number)) for number in range(3)))
    token = runs.page(RunQuery(limit=1)).next_page_token
    assert token is not None
    prints = runs.page(RunQuery(limit=1)).next_page_token
    assert prints == token
    for forged in ("", "x", "é", token[:-3], encode_token([]), encode_token({"a": 1}), encode_token([1, 2, 3])):
        with pytest.raises(InvalidInput):
            runs.page(RunQuery(limit=1, page_token=forged))


@pytest.mark.parametrize("text", ["metrics.", "metrics.a <", "foo = 1", "params.a = 1 AND", "run_name LIKE 5"])
def test_a_wrong_filter_points_at_its_column(runs: Runs, text: str) -> None:
    for ask in (runs.page, runs.keys, runs.count):
        with pytest.raises(FilterSyntaxError) as caught:
            ask(RunQuery(text))
        assert "column" in caught.value.details


def test_ages_in_filters_are_seen_from_now(runs: Runs, clock: ManualClock) -> None:
    now = clock.now_ms()
    store(runs, plain("old", start_ms=now - 7_200_000), plain("new", start_ms=now - 1_000))
    assert names(runs, RunQuery("start_time > '1h'")) == ["new"]


def test_filters_and_orders_of_great_length_are_taken_or_refused_clearly(runs: Runs) -> None:
    store(runs, plain("a", params={"p": "x"}))
    many = " OR ".join(["tag.p='x'"] * 1_100 + ["params.p='x'"])
    assert runs.count(RunQuery(many)) == 1
    assert runs.count(RunQuery(many.replace(" OR ", " AND "))) == 0
    with pytest.raises(InvalidInput, match="20"):
        runs.page(RunQuery(order_by=tuple(f"metrics.m{number}" for number in range(21))))
    with pytest.raises(InvalidInput, match="pattern"):
        runs.page(RunQuery("params.p LIKE '" + "*" * 18_000 + "'"))


def test_text_patterns_mind_case_only_in_like(runs: Runs) -> None:
    store(runs, plain("Forest*[1]"), plain("forest-1"))
    assert names(runs, RunQuery("run_name LIKE 'F%'")) == ["Forest*[1]"]
    assert len(names(runs, RunQuery("run_name ILIKE 'f%1%'"))) == 2
    assert names(runs, RunQuery("run_name LIKE '%*[1]'")) == ["Forest*[1]"]
    assert names(runs, RunQuery("run_name LIKE 'forest_1'")) == ["forest-1"]


def test_numbers_in_parameters_compare_as_numbers(runs: Runs) -> None:
    store(runs, *(plain(text, params={"depth": text}) for text in ("9", "10", "deep", "1e1", " 12 ")))
    assert sorted(names(runs, RunQuery("params.depth >= 10"))) == [" 12 ", "10", "1e1"]
    assert sorted(names(runs, RunQuery("params.depth = 10"))) == ["10", "1e1"]
    assert names(runs, RunQuery("params.depth = '10'")) == ["10"]


def test_keys_and_rows_are_the_whole_result_and_its_visible_part(runs: Runs) -> None:
    store(
        runs,
        *(
            plain(
                str(number),
                start_ms=number,
                metrics=[("a", number, 0, 0), ("b", 0.0, 0, 0)],
                params={"p": "x", "q": "y"},
            )
            for number in range(5)
        ),
    )
    keys = runs.keys(RunQuery(order_by=("metrics.a",)))
    assert keys.typecode == "q"
    rows = runs.rows(list(keys)[:2])
    assert [rows[key].name for key in keys[:2]] == ["0", "1"]
    some = runs.rows([keys[0], 999], metrics=["a", "never"], params=[])
    assert (some[keys[0]].metrics, some[keys[0]].params) == ({"a": 0.0}, {})
    assert list(some) == [keys[0]]
    assert runs.rows([]) == {}


def test_columns_are_the_keys_in_use_most_used_first(runs: Runs) -> None:
    store(
        runs,
        plain("a", metrics=[("rare", 1.0, 0, 0), ("common", 1.0, 0, 0), ("common", 2.0, 1, 0)], params={"p": "1"}),
        plain("b", metrics=[("common", 1.0, 0, 0)], tags={"t": "1"}),
    )
    found = runs.columns()
    assert (found.metrics, found.params, found.tags) == (("common", "rare"), ("p",), ("t",))
    runs.set_tag(runs.page(RunQuery("run_name = 'b'")).items[0].run_id, "t", None)
    assert runs.columns().tags == ()


def test_comparison_puts_what_differs_first_with_deltas_against_the_baseline(runs: Runs) -> None:
    store(
        runs,
        plain(
            "a", run_id="a" * 32, params={"same": "1", "z": "1"}, metrics=[("auc", 0.5, 0, 0), ("x", math.nan, 0, 0)]
        ),
        plain(
            "b", run_id="b" * 32, params={"same": "1", "z": "2"}, metrics=[("auc", 0.75, 0, 0), ("x", math.nan, 0, 0)]
        ),
        plain("c", run_id="c" * 32, params={"same": "1"}),
    )
    found = runs.compare(["aaaa", "bbbb", "cccc", "aaaa"], baseline="bbbb")
    assert [run.name for run in found.runs] == ["a", "b", "c"]
    assert found.baseline == 1
    assert [(row.key, row.values, row.differs) for row in found.params] == [
        ("z", ("1", "2", None), True),
        ("same", ("1", "1", "1"), False),
    ]
    auc = found.metrics[0]
    assert (auc.key, auc.values, auc.deltas, auc.differs) == ("auc", (0.5, 0.75, None), (-0.25, 0.0, None), True)


def test_diverged_runs_do_not_differ_in_being_nan(runs: Runs) -> None:
    store(runs, *(plain(letter, run_id=letter * 32, metrics=[("m", math.nan, 0, 0)]) for letter in "ab"))
    assert not runs.compare(["aaaa", "bbbb"]).metrics[0].differs


def test_comparing_needs_runs_and_a_baseline_among_them(runs: Runs) -> None:
    store(runs, *(plain(letter, run_id=letter * 32) for letter in "abc"))
    for run_ids in ([], ["aaaa"] * 101):
        with pytest.raises(InvalidInput):
            runs.compare(run_ids)
    with pytest.raises(InvalidInput, match="baseline"):
        runs.compare(["aaaa", "bbbb"], baseline="cccc")
