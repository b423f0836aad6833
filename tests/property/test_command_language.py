"""Rules that hold for every command line."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st

from engine.core.command import Action, Grammar, ResourceWords, VerbWords, View, parse_command, unparse_command
from engine.core.completion import Names, complete
from engine.core.errors import FilterSyntaxError

GRAMMAR = Grammar(
    resources={
        "runs": ResourceWords("runs", ("r",)),
        "models": ResourceWords("models"),
        "lineage": ResourceWords("lineage"),
    },
    verbs={
        "promote": VerbWords("promote", ("models",), ("to", "reason"), ("yes",)),
        "delete": VerbWords("delete", ("runs", "models")),
        "quit": VerbWords("quit"),
        "lineage": VerbWords("lineage", ("models", "runs"), usual="models"),
        "undo": VerbWords("undo", ("models",), takes={"models": ("reason",), "": ("record",)}, bare=True),
    },
    environments=("staging", "eu"),
)
NAMES = Names(
    objects={"models": ["churn", "a b", "-x"]},
    columns={"runs": ["auc", "it's"]},
    values={"to": ["staging", "a b"], "reason": ["-x"], "stage": ["x\x1b"]},
    things={"models": ["a/1"]},
)

_PIECES = [
    "runs",
    "models",
    "promote",
    "delete",
    "lineage",
    "undo",
    "@staging",
    "stage=",
    "--to=",
    "qd",
    "console",
    "--",
    "--to",
    "--reason=",
    "/x",
    "//",
    "/a/",
    "!",
    "@1d",
]
_PIECES += [
    "@",
    "sort:",
    "sort:-a",
    "cols:a,b",
    "since:2h",
    "auc>1",
    "a = 'b c'",
    "'",
    '"',
    "`",
    "\\",
    "a=",
    "'x y'",
    "-x",
    "note:x",
    "-note:a b",
    "cfg.lr:",
    "-",
]
words = st.text(max_size=8) | st.sampled_from([*_PIECES, "a b", "it's", 'say "x"', "$HOME", "; rm", "*", ""])
lines = st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=8).map(" ".join) | st.text(max_size=40)


@given(lines | st.lists(words, max_size=6), st.sampled_from(["", "runs", "models", "lineage"]))
def test_any_line_parses_or_points_at_its_own_column(line: str | list[str], here: str) -> None:
    problem: FilterSyntaxError | None = None
    try:
        command = parse_command(line, GRAMMAR, here=here)
    except FilterSyntaxError as error:
        problem = error
    if problem is None:
        assert parse_command(shlex.split(unparse_command(command)), GRAMMAR) == command
        return
    column = problem.details["column"]
    assert isinstance(column, int)
    assert 1 <= column <= len(line if isinstance(line, str) else " ".join(line)) + 1
    assert str(problem).isprintable()


options = st.sampled_from(["to", "reason"]).flatmap(lambda name: st.tuples(st.just(name), words)) | st.just(
    ("yes", None)
)


@given(st.lists(words, max_size=3), st.lists(options, max_size=3))
def test_a_written_action_is_read_as_the_same(arguments: list[str], chosen: list[tuple[str, str | None]]) -> None:
    action = Action("promote", "models", ("models", *arguments), tuple(chosen))
    assert parse_command(shlex.split(unparse_command(action)), GRAMMAR) == action


@given(words)
def test_a_written_view_of_any_name_is_read_as_the_same(name: str) -> None:
    view = View("models", name)
    assert parse_command(shlex.split(unparse_command(view)), GRAMMAR) == view


@given(lines, st.integers(0, 40))
def test_completion_never_fails_and_replaces_what_is_before_the_cursor(line: str, cursor: int) -> None:
    for offered in complete(line, cursor, GRAMMAR, NAMES):
        assert 0 <= offered.start <= offered.end <= len(line)
        assert offered.text.isprintable()
