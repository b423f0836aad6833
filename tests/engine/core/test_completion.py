from __future__ import annotations

import pytest

from engine.core.command import Grammar, ResourceWords, VerbWords, parse_command
from engine.core.completion import MOST, Completion, Names, complete

GRAMMAR = Grammar(
    resources={name: ResourceWords(name, summary=f"all {name}") for name in ("runs", "models")},
    verbs={
        "promote": VerbWords("promote", ("models",), ("to", "reason"), ("yes",), summary="move on"),
        "delete": VerbWords("delete", ("runs", "models"), ("reason",)),
        "quit": VerbWords("quit"),
        "theme": VerbWords("theme", bare=True, takes={"": ("theme",)}),
        "view": VerbWords("view", bare=True, takes={"": ("name", "to")}),
        "tag": VerbWords("tag", ("models", "runs"), takes={"runs": ("key", "value"), "models": ("key",)}, usual="runs"),
    },
    environments=("staging",),
)
NAMES = Names(
    objects={"models": ["churn", "credit risk", "-rf", "evil\x1b[31m", ""], "runs": ["r1"]},
    columns={"runs": ["auc", "val loss", "loss"]},
    values={
        "status": ["running", "failed"],
        "to": ["staging", "production"],
        "key": ["it's"],
        "theme": ["dark", "light"],
        "view name": ["mine"],
    },
    things={"models": ["churn/1"]},
)


def texts(line: str, cursor: int | None = None) -> list[str]:
    place = len(line) if cursor is None else cursor
    return [completion.text for completion in complete(line, place, GRAMMAR, NAMES)]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("", ["runs", "models", "promote", "delete", "quit", "theme", "view", "tag"]),
        ("ru", ["runs"]),
        ("qd ru", ["runs"]),
        ("MO", ["models", "promote"]),
        ("zz", []),
        (
            "models ",
            ["promote", "delete", "tag", "churn", "'credit risk'", "-- -rf", "sort:", "cols:", "group:", "since:", "@"],
        ),
        ("models c", ["churn", "'credit risk'", "cols:", "since:"]),
        ("models cr", ["'credit risk'"]),
        ("theme ", ["dark", "light", "--theme"]),
        ("theme li", ["light"]),
        ("theme dark ", ["--theme"]),
        ("theme --theme d", ["dark"]),
        ("theme --theme=d", ["--theme=dark"]),
        ("view m", ["mine", "--name"]),
        ("view mine ", ["staging", "production", "--name", "--to"]),
        ("runs r1 l", ["loss", "cols:", "'val loss'"]),
        ("runs -l", ["-loss"]),
        ("runs !a", ["!auc"]),
        ("runs cfg.l", ["cfg.loss"]),
        ("runs -metrics.v", ["'-metrics.val loss'"]),
        ("runs none.a", []),
        ("runs sort:", ["sort:auc", "sort:'val loss'", "sort:loss"]),
        ("runs sort:-a", ["sort:-auc"]),
        ("runs cols:auc,l", ["cols:auc,loss"]),
        ("runs since:1", ["since:1h", "since:1d"]),
        ("runs @y", ["@yesterday"]),
        ("promote c", ["churn/1"]),
        ("models promote ch", ["churn/1"]),
        ("promote models ch", ["churn/1"]),
        ("promote churn --r", ["--reason"]),
        ("delete ", ["runs", "models"]),
        ("delete runs ", ["r1", "--reason"]),
        ("quit ", []),
        ("nothing ", []),
        ("runs status=f", ["status=failed"]),
        ("runs status=", ["status=running", "status=failed"]),
        ("models @st", ["@staging"]),
        ("promote churn/1 --to ", ["staging", "production"]),
        ("promote churn/1 --to p", ["production"]),
        ("promote churn/1 --to=s", ["--to=staging"]),
        ("promote churn/1 --to staging --", ["--reason", "--yes"]),
        ("tag runs r1 --k", ["--key"]),
        ("tag models churn/1 --", ["--key"]),
        ("tag r1 --key ", ["'it'\"'\"'s'"]),
        ("tag ", ["models", "runs", "r1", "--key", "--value"]),
    ],
)
def test_the_next_words_are_offered_by_their_beginning_first(line: str, offered: list[str]) -> None:
    assert texts(line) == offered


def test_only_what_stands_before_the_cursor_counts() -> None:
    assert texts("ru /x", 2) == ["runs"]
    assert complete("qd ru", 5, GRAMMAR, NAMES) == (Completion("runs", 3, 5, "all runs"),)


def test_a_complete_word_is_not_offered_again() -> None:
    assert texts("runs") == []


def test_a_name_with_control_characters_is_never_offered() -> None:
    assert all("evil" not in text for text in texts("models e"))


def test_no_more_than_a_screenful_is_offered() -> None:
    names = Names(objects={"models": [f"model-{number}" for number in range(1_000)]})
    assert len(complete("models model", 12, GRAMMAR, names)) == MOST


@pytest.mark.parametrize(
    "line", ["models c", "promote c", "models -", "runs sort:", "runs since:", "runs @", "models promote -"]
)
def test_what_is_offered_can_be_read(line: str) -> None:
    offers = complete(line, len(line), GRAMMAR, NAMES)
    finished = [line[: offered.start] + offered.text + line[offered.end :] for offered in offers]
    assert finished
    for each in finished:
        if not each.endswith((":", "@", "--to", "--reason")):
            assert parse_command(each, GRAMMAR) is not None, each
