"""Free words: looked for in names, ids, experiments, states and users, however few or many of those there are."""

from __future__ import annotations

from itertools import product

import pytest

from engine.core.query.finding import SEARCHED, parse_runs
from engine.tracking.attribute_store import MOST_USERS
from engine.tracking.model import Run, RunImport, RunQuery, RunStatus
from engine.tracking.service import Runs

WORDS = ("ada", "Ada", "AD", "e", "-", "z-9", "Z-9", "f", "finished", "FAIL", "fail", "é", "É", "churn", "a b")
USERS = ("ada", "Ada", "grace", "z-9", "é", "50%", "a b")
IDS = ("z-9", "ABC", "Abc_", "f" * 32, "0f" * 16)
"""Ids that others have chosen, besides two that could be ours."""


@pytest.fixture
def found_by_hand(runs: Runs) -> list[Run]:
    """Runs with all sorts of users and ids, as they are."""
    statuses = (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)
    runs.import_runs(
        RunImport(
            experiment=("churn", "Zebra")[number % 2],
            name=f"run {number}",
            run_id=IDS[number] if number < len(IDS) else f"{number:032x}",
            user=user,
            status=status,
            start_ms=number,
        )
        for number, (user, status) in enumerate(product(USERS, statuses))
    )
    return list(runs.page(RunQuery(limit=1_000)).items)


def texts(run: Run) -> tuple[str, ...]:
    return (run.name, run.run_id, run.experiment, run.status.value, run.user)


def has(run: Run, word: str) -> bool:
    """As `engine.core.query.quick` says: a word in lower case minds no case, of ASCII letters alone."""
    fold = str.maketrans({chr(code): chr(code + 32) for code in range(65, 91)}) if word == word.lower() else {}
    return any(word in text.translate(fold) for text in texts(run))


def asked(runs: Runs, words: str) -> RunQuery:
    tree = parse_runs(words, runs.columns(), 0).tree(SEARCHED)
    assert tree is not None
    return RunQuery(tree, limit=1_000)


def by_every_way(runs: Runs, query: RunQuery) -> list[str]:
    found = [run.run_id for run in runs.page(query).items]
    keys = runs.keys(query)
    rows = runs.rows(keys)
    assert [rows[key].run_id for key in keys] == found
    assert runs.count(query) == len(found)
    return found


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_found_wherever_it_stands(runs: Runs, found_by_hand: list[Run], word: str, sign: str) -> None:
    expected = [run.run_id for run in found_by_hand if has(run, word) is not bool(sign)]
    assert by_every_way(runs, asked(runs, f'{sign}"{word}"')) == expected


@pytest.mark.parametrize("pair", ["ada fail", "grace -finished", "z-9 -z-9", "f -ada"])
def test_all_of_several_words_are_found(runs: Runs, found_by_hand: list[Run], pair: str) -> None:
    expected = [
        run.run_id
        for run in found_by_hand
        if all(has(run, word.lstrip("-")) is not word.startswith("-") for word in pair.split())
    ]
    assert by_every_way(runs, asked(runs, pair)) == expected


def test_words_are_found_among_more_users_than_are_looked_up(runs: Runs) -> None:
    users = [f"user{number:05d}" for number in range(MOST_USERS + 1)]
    runs.import_runs(RunImport("many", name="x", user=user, start_ms=1) for user in users)
    assert len(by_every_way(runs, asked(runs, "user0000"))) == 10
    assert by_every_way(runs, asked(runs, "user9")) == []


def test_a_filter_of_hundreds_of_patterns_is_answered_however_many_users_each_finds(runs: Runs) -> None:
    runs.import_runs(RunImport("many", name="x", user=f"user{number}", start_ms=1) for number in range(400))
    patterns = " OR ".join("user_id LIKE '%u%'" for _ in range(700))  # 280,000 users: over a second, and over a limit
    assert len(runs.page(RunQuery(patterns, limit=1_000)).items) == 400


def test_what_is_written_meanwhile_is_found(runs: Runs) -> None:
    assert by_every_way(runs, asked(runs, "newcomer")) == []
    runs.import_runs([RunImport("e", name="x", user="newcomer", run_id="first", start_ms=1)])
    assert by_every_way(runs, asked(runs, "newcomer")) == ["first"]
    runs.import_runs([RunImport("newcomers", name="x", run_id="a-newcomer", start_ms=2)])
    runs.rename("first", "renamed newcomer")
    assert by_every_way(runs, asked(runs, "newcomer")) == ["a-newcomer", "first"]
    assert by_every_way(runs, asked(runs, "-newcomer")) == []
