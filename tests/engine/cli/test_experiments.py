"""`qd experiments`."""

from __future__ import annotations

import pytest

from tests.engine.cli.driver import Qd

pytestmark = pytest.mark.usefixtures("workspace")


def test_an_experiment_is_made_and_listed_and_shown(qd: Qd) -> None:
    made = qd("experiments", "create", "churn", "--tag", "team=risk", "--json").json
    assert (made["name"], made["lifecycle"], made["tags"], made["run_count"]) == (
        "churn",
        "active",
        {"team": "risk"},
        0,
    )
    assert qd("experiments", "show", "churn", "--json").json == made
    assert qd("experiments", "list", "--json").json == {"items": [made], "next_page_token": None}


def test_the_table_in_a_pipe_is_aligned_text(qd: Qd) -> None:
    qd("experiments", "create", "a")
    qd("experiments", "create", "much-longer", "--tag", "k=v")
    lines = qd("experiments", "list").out.splitlines()
    assert lines[0].split() == ["name", "runs", "state", "created", "changed", "tags"]
    place = lines[0].index("state")
    assert [line[place:].startswith("active") for line in lines[1:]] == [True, True]
    assert lines[1].endswith("k=v")


def test_renaming_tagging_deleting_and_restoring(qd: Qd) -> None:
    qd("experiments", "create", "churn")
    qd("experiments", "rename", "churn", "lapse")
    assert qd("experiments", "tag", "lapse", "a=1", "b=x=y", "--json").json["tags"] == {"a": "1", "b": "x=y"}
    assert qd("experiments", "tag", "lapse", "--remove", "a", "--json").json["tags"] == {"b": "x=y"}
    deleted = qd("experiments", "delete", "lapse")
    assert "qd experiments restore lapse" in deleted.err
    assert qd("experiments", "list", "--json").json["items"] == []
    assert [item["lifecycle"] for item in qd("experiments", "list", "--all", "--json").json["items"]] == ["deleted"]
    assert qd("experiments", "restore", "lapse", "--json").json["lifecycle"] == "active"


def test_pages_follow_each_other_until_the_token_ends(qd: Qd) -> None:
    for name in ("a", "b", "c"):
        qd("experiments", "create", name)
    seen: list[str] = []
    words: list[str] = []
    while True:
        page = qd("experiments", "list", "--limit", "2", "--json", *words).json
        seen += [item["name"] for item in page["items"]]
        if page["next_page_token"] is None:
            break
        words = ["--page-token", page["next_page_token"]]
    assert sorted(seen) == ["a", "b", "c"]


def test_a_person_is_told_how_to_see_the_next_page(qd: Qd) -> None:
    for name in ("a", "b"):
        qd("experiments", "create", name)
    assert "--page-token" in qd("experiments", "list", "--limit", "1").err


def test_a_filter_narrows_the_list(qd: Qd) -> None:
    qd("experiments", "create", "churn-a")
    qd("experiments", "create", "fraud")
    found = qd("experiments", "list", "--filter", "name LIKE 'churn%'", "--json").json["items"]
    assert [item["name"] for item in found] == ["churn-a"]


def test_a_wrong_filter_points_at_the_column(qd: Qd) -> None:
    answer = qd("experiments", "list", "--filter", "name LIKE", code=2)
    assert "olumn" in answer.err
    assert answer.out == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("experiments", "show", "chrun"), 1, "Did you mean churn?"),
        (("experiments", "create", "churn"), 1, "already"),
        (("experiments", "restore", "churn"), 1, "not deleted"),
        (("experiments", "tag", "churn", "novalue"), 2, "key=value"),
        (("experiments", "create", ""), 2, "name"),
    ],
)
def test_mistakes_are_told_in_one_line(qd: Qd, words: tuple[str, ...], code: int, said: str) -> None:
    qd("experiments", "create", "churn")
    answer = qd(*words, code=code)
    assert said in answer.err
    assert answer.out == ""
    assert answer.err.count("\n") == 1
