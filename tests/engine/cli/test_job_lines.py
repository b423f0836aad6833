"""A line for a job is read before there is a job: what is wrong with it is said, with the nearest word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.lines import job_line
from engine.core.errors import InvalidInput
from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import Qd


@pytest.mark.parametrize(
    "line",
    [
        "info",
        "models build churn 3",
        "predict churn@production data.csv --out answers",
        "predict list",
        "export mlflow folder",
        "monitors backtest loans --since 7d",
        "models promote churn 3 --to production --reason 'it is better'",
        "import mlflow mlruns --no-files",
        "runs list --find -note:debug",
    ],
)
def test_commands_are_taken_as_they_are(line: str) -> None:
    words = tuple(line.split())
    words = (*words[: words.index("'it")], "it is better") if "'it" in words else words
    assert job_line(words) == words
    assert job_line(("qd", *words)) == words


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nope", "No such command 'nope'"),
        ("modles list", "Did you mean models"),
        ("models biuld churn 3", "Did you mean build"),
        ("models", "A command is missing behind qd models"),
        ("models build churn", "Missing argument 'VERSION'"),
        ("models build churn three", "write a number from 1"),
        ("info --jsno", "--json"),
        ("monitors backtest loans --since never", "is no time"),
        ("models build --help", "Help is for people"),
        ("-h", "without `qd`"),
        ("--version", "without `qd`"),
        ("server", "cannot be a job"),
        ("jobs start -- info", "cannot be a job"),
        ("", "without `qd`"),
        ("qd", "without `qd`"),
    ],
)
def test_what_is_no_command_says_so_with_the_nearest_word(line: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        job_line(line.split())
    assert said in refused.value.message + refused.value.hint
    assert len(refused.value.message) <= 400


@given(st.lists(st.text(max_size=12), max_size=5))
def test_any_line_is_a_command_or_refused(words: list[str]) -> None:
    try:
        read = job_line(words)
    except InvalidInput as refused:
        read, said = (), refused.message
    else:
        said = ""
    assert list(read) in ([], words, words[1:])
    assert "\x1b" not in said


def test_the_shell_makes_no_job_of_it(sample: Sample, qd: Qd) -> None:
    assert sample.path.exists()
    assert "No such command 'nope'" in qd("jobs", "start", "--", "nope", code=2).err
    assert qd("jobs", "list", "--json").json["items"] == []
