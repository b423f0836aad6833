from __future__ import annotations

import shlex
import time

import pytest

from engine.core.command import (
    Action,
    Command,
    Grammar,
    ResourceWords,
    VerbWords,
    View,
    parse_command,
    unparse_command,
)
from engine.core.errors import FilterSyntaxError
from engine.core.query import RUNS, parse_filter, parse_quick

GRAMMAR = Grammar(
    resources={
        "runs": ResourceWords("runs", ("run", "r"), "training runs"),
        "models": ResourceWords("models", ("m",), "registered models"),
        "audit": ResourceWords("audit"),
    },
    verbs={
        "promote": VerbWords("promote", ("models",), ("to", "reason"), ("yes",), ("p",)),
        "delete": VerbWords("delete", ("runs", "models"), ("reason",)),
        "quit": VerbWords("quit", aliases=("q",)),
    },
)


def parse(line: str | list[str]) -> Command:
    return parse_command(line, GRAMMAR)


@pytest.mark.parametrize(
    ("line", "view"),
    [
        ("runs", View("runs")),
        (" r ", View("runs")),
        ("qd console runs", View("runs")),
        ("console m", View("models")),
        ("models churn", View("models", "churn")),
        ("models 'two words'", View("models", "two words")),
        ("runs /loan", View("runs", terms=("loan",))),
        ("runs /loan /!test", View("runs", terms=("loan", "!test"))),
        ("runs '/two words'", View("runs", terms=('"two words"',))),
        ("runs /v[0-9]+/", View("runs", terms=("/v[0-9]+/",))),
        ("runs /!/v[0-9]+/", View("runs", terms=("!/v[0-9]+/",))),
        ("runs /", View("runs")),
        ("runs ''", View("runs")),
        ("runs --", View("runs")),
        ("runs -- --", View("runs", "--")),
        ("runs auc>0.9 lr<=1e-3", View("runs", terms=("auc>0.9", "lr<=1e-3"))),
        ("runs /auc>0.9", View("runs", terms=("auc>0.9",))),
        ('runs name="two words"', View("runs", terms=('name="two words"',))),
        ("runs 'name=two words'", View("runs", terms=('name="two words"',))),
        ("runs 'auc > 0.9'", View("runs", terms=("auc>0.9",))),
        ("runs `odd key`>1", View("runs", terms=("`odd key`>1",))),
        ("runs lr='0.1'", View("runs", terms=("lr='0.1'",))),
        ("runs cfg.lr>=1e-3 -note:debug", View("runs", terms=("cfg.lr>=1e-3", "-note:debug"))),
        ("runs note:debug -slow", View("runs", terms=("note:debug", "-slow"))),
        ("runs 'note:two words' '-two words'", View("runs", terms=('note:"two words"', '-"two words"'))),
        ("runs churn:7", View("runs", "churn:7")),
        ("runs -- note:debug", View("runs", "note:debug")),
        ("runs note:", View("runs", "note:")),
        ("runs sort:-auc,lr", View("runs", sort="-auc,lr")),
        ("runs cols:auc,lr,", View("runs", columns=("auc", "lr"))),
        ("runs group:params.lr sort:-auc", View("runs", sort="-auc", group="params.lr")),
        ("runs -- group:lr", View("runs", "group:lr")),
        ("runs since:2h", View("runs", since="2h")),
        ("models churn @2026-11-03T09:00", View("models", "churn", at="2026-11-03T09:00")),
        ("models '@yesterday 09:00'", View("models", at="yesterday 09:00")),
        ("models -- -churn", View("models", "-churn")),
        ("models -- /churn @1d", View("models", "/churn", at="1d")),
        ("models a\\ b", View("models", "a b")),
        ('models "a\\"b"', View("models", 'a"b')),
        ('models it"\'"s', View("models", "it's")),
        ("qd console models promote", View("models", "promote")),
        ("models -- promote", View("models", "promote")),
    ],
)
def test_a_view_names_a_resource_and_what_to_show_of_it(line: str, view: View) -> None:
    assert parse(line) == view


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("promote churn 7", Action("promote", "models", ("churn", "7"))),
        ("p churn 7", Action("promote", "models", ("churn", "7"))),
        ("promote models churn 7", Action("promote", "models", ("churn", "7"))),
        ("models promote churn 7", Action("promote", "models", ("churn", "7"))),
        ("qd models promote churn 7", Action("promote", "models", ("churn", "7"))),
        ("promote models models", Action("promote", "models", ("models",))),
        ("delete runs abc", Action("delete", "runs", ("abc",))),
        ("r delete abc", Action("delete", "runs", ("abc",))),
        ("quit", Action("quit")),
        ("q", Action("quit")),
        (
            "promote churn 7 --to production --reason 'it is good' --yes",
            Action(
                "promote", "models", ("churn", "7"), (("to", "production"), ("reason", "it is good"), ("yes", None))
            ),
        ),
        ("promote --to=a=b churn", Action("promote", "models", ("churn",), (("to", "a=b"),))),
        ("promote churn --reason --odd", Action("promote", "models", ("churn",), (("reason", "--odd"),))),
        ("promote churn --reason ''", Action("promote", "models", ("churn",), (("reason", ""),))),
        ("delete runs -- --odd -x", Action("delete", "runs", ("--odd", "-x"))),
        ("delete runs k='v w' --reason='a = b'", Action("delete", "runs", ("k=v w",), (("reason", "a = b"),))),
        ("delete runs -1", Action("delete", "runs", ("-1",))),
    ],
)
def test_an_action_names_a_verb_and_what_to_do_it_to(line: str, action: Action) -> None:
    assert parse(line) == action


@pytest.mark.parametrize(
    "line",
    [
        "runs churn '/two words' auc>0.9 'name=two words' sort:-auc cols:a,b since:2h '@yesterday 09:00'",
        "models -- -rf",
        "models -- /x",
        "models -- sort:x",
        "models -- a=b",
        "models -- @x",
        "models -- /",
        "models -- ''",
        "console models promote",
        "runs //x /a/b /'it''s' !auc>1",
        'promote churn 7 --to production --reason "it\'s good" --yes',
        "promote churn --reason '' --to=-x",
        "delete models -- --churn",
        "quit",
    ],
)
def test_what_is_written_for_the_shell_is_read_as_the_same(line: str) -> None:
    command = parse(line)
    written = unparse_command(command)
    assert parse(shlex.split(written)) == command
    assert parse(written) == command


@pytest.mark.parametrize(
    ("line", "shell"),
    [
        ("runs /loan auc>0.9 sort:-auc", "qd console runs /loan 'auc>0.9' sort:-auc"),
        ("models churn @1d", "qd console models churn @1d"),
        ("models -- -rf", "qd console models -- -rf"),
        ("p churn 7 --reason 'so $HOME'", "qd models promote --reason 'so $HOME' churn 7"),
        ("delete runs -- -x", "qd runs delete -- -x"),
        ("delete runs '; rm -rf /'", "qd runs delete '; rm -rf /'"),
    ],
)
def test_a_command_is_written_as_a_shell_line(line: str, shell: str) -> None:
    assert unparse_command(parse(line)) == shell


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        ("", 1, "expected a resource or a verb"),
        ("  ", 3, "Resources are runs, models, audit."),
        ("modles", 1, "Did you mean models?"),
        ("promte churn", 1, "Did you mean promote?"),
        ("xyzzy", 1, "there is no resource or verb 'xyzzy'"),
        ("runs a b", 8, "'b' is one word too many"),
        ("runs sort:", 6, "expected a value after sort:"),
        ("runs @", 6, "expected a value after @"),
        ("runs @soon", 6, "is no time"),
        ("runs since:soon", 6, "is no time"),
        ("runs 'open", 6, "never closed"),
        ("runs a'b", 7, "never closed"),
        ("runs \\", 6, "never closed"),
        ("delete", 7, "expected what to delete"),
        ("delete audit x", 8, "It works on runs, models."),
        ("delete modles x", 8, "Did you mean models?"),
        ("promote churn --too x", 15, "Did you mean --to?"),
        ("promote churn --yes=1", 15, "promote has no option --yes"),
        ("quit --now", 6, "Options are none."),
        ("promote churn --to", 19, "expected a value after --to"),
        ("qd console promote churn", 12, "there is no resource 'promote'"),
    ],
)
def test_an_error_points_at_its_column_and_suggests(line: str, column: int, words: str) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse(line)
    assert caught.value.details["column"] == column
    assert words in str(caught.value)


def test_the_column_of_cut_words_counts_them_joined() -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse(["runs", "two words", "again"])
    assert caught.value.details["column"] == 16


def test_the_terms_of_a_view_are_a_quick_filter() -> None:
    view = parse("runs /loan 'name=two words' auc>0.9")
    assert isinstance(view, View)
    parsed = parse_quick(" ".join(view.terms), RUNS, ["auc"])
    assert [word.text for word in parsed.words] == ["loan"]
    assert parsed.predicate == parse_filter("run_name = 'two words' AND metrics.auc > 0.9", schema=RUNS)


@pytest.mark.parametrize(
    "line", ["'" * 19_999, "runs " + "a=" * 9_000, "runs " + '"\\' * 9_000, "`" * 19_999, "r" * 30_000]
)
def test_a_hostile_line_is_answered_at_once(line: str) -> None:
    started = time.perf_counter()
    message = ""
    try:
        parse(line)
    except FilterSyntaxError as error:
        message = str(error)
    assert len(message) < 1_000
    assert message == "" or message.isprintable()
    assert time.perf_counter() - started < 2.0
