"""Names made to attack a terminal, a table or a spreadsheet: nothing of them reaches the reader raw."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from engine.cli import main
from engine.core.text import width
from tests.engine.cli.driver import Qd, terminal
from tests.hostile.command_sweep import CommandLine, command_lines
from tests.hostile.judge import formulas, leaks
from tests.hostile.places import COMMANDS, Command
from tests.hostile.texts import HOSTILE, REFUSED
from tests.hostile.workspace import Workspace, make_hostile, served

SGR = re.compile(rb"\x1b\[[0-9;]*m")
"""Colours, the one kind of escape sequence that our own tables send."""


@pytest.fixture(scope="session")
def _attacked(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_hostile(tmp_path_factory.mktemp("attacked") / "workspace")


@pytest.fixture
def attacked(_attacked: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace in which every text that can hold it is hostile."""
    copy = _attacked.copy(tmp_path / "workspace")
    monkeypatch.setenv("QUARTERDECK_HOME", str(copy.path))
    monkeypatch.chdir(tmp_path)
    return copy


def _harmless(output: str) -> None:
    assert "\x1b" not in output
    assert leaks(output.encode("utf-8", "strict")) == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_in_a_pipe_every_command_is_harmless_with_every_text(
    capsys: pytest.CaptureFixture[str], attacked: Workspace, command: Command
) -> None:
    with served(attacked):
        _look_everywhere(capsys, command_lines(attacked, [command._replace(every=1)]))


def _look_everywhere(capsys: pytest.CaptureFixture[str], lines: Iterable[CommandLine]) -> None:
    for line in lines:
        code = main(list(line.words))
        answer = capsys.readouterr()
        assert code in line.codes, f"{line}: {answer.err}"
        _harmless(answer.out)
        _harmless(answer.err)
        if "--csv" in line.words:
            assert formulas(answer.out) == []
        if "--json" in line.words:
            assert answer.out.isascii()


def _on_terminals(attacked: Workspace) -> Iterator[tuple[str, ...]]:
    names = attacked.names()[1]
    for words in ("experiments list", "runs list", "runs list --columns team,auc", "runs show {run}", "models history"):
        yield tuple(word.format_map(names) for word in words.split())


def test_on_a_real_terminal_only_colours_are_sent(attacked: Workspace) -> None:
    for words in _on_terminals(attacked):
        with terminal(*words, columns=120) as session:
            assert session.wait(within=30) == 0, session.output
            _harmless(SGR.sub(b"", session.output).decode("utf-8", "strict"))


@pytest.mark.parametrize("columns", [20, 80, 250])
def test_a_table_fits_the_terminal(attacked: Workspace, columns: int) -> None:
    with terminal("runs", "list", columns=columns, rows=50) as session:
        assert session.wait(within=30) == 0
        lines = SGR.sub(b"", session.output).decode().splitlines()
    lines = [line for line in lines if not line.startswith("No room for ")]  # told on stderr
    assert all(width(line) <= columns for line in lines)
    assert len(lines) <= 3 + len(attacked.planted)


@pytest.mark.parametrize("text", [*HOSTILE.values(), REFUSED["undecodable"]], ids=lambda text: ascii(text)[:30])
@pytest.mark.parametrize(
    "words",
    [
        ("runs", "list", "--order-by", "{text}"),
        ("runs", "list", "--page-token", "{text}"),
        ("versions", "show", "churn@{text}"),
        ("runs", "{text}"),
        ("runs", "list", "--{text}"),
        ("models", "promote", "churn", "1", "--to", "{text}", "--reason", "x"),
        ("models", "promote", "churn", "{text}", "--to", "staging", "--reason", "x"),
    ],
    ids=" ".join,
)
def test_what_is_typed_comes_back_harmless_in_messages(
    capsys: pytest.CaptureFixture[str], workspace: Path, words: tuple[str, ...], text: str
) -> None:
    code = main([word.replace("{text}", text[:500]) for word in words])
    answer = capsys.readouterr()
    assert code in (1, 2, 4), "it was not refused"
    _harmless(answer.err)
    assert answer.out == ""


@pytest.mark.parametrize("text", REFUSED.values(), ids=ascii)
@pytest.mark.parametrize(
    "words",
    [
        ("experiments", "create", "{text}"),
        ("experiments", "tag", "e", "k={text}"),
        ("runs", "start", "--experiment", "{text}"),
        ("runs", "start", "--experiment", "e", "--name", "{text}"),
        ("runs", "list", "--experiment", "{text}"),
        ("models", "create", "m", "--owner", "{text}"),
        ("models", "create", "m", "--description", "{text}"),
        ("models", "create", "{text}"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_stored_is_refused_in_harmless_words(
    qd: Qd, capsys: pytest.CaptureFixture[str], workspace: Path, words: tuple[str, ...], text: str
) -> None:
    qd("experiments", "create", "e")
    code = main([word.replace("{text}", text) for word in words])
    answer = capsys.readouterr()
    assert code in (1, 2), answer
    _harmless(answer.err)
    assert answer.out == ""


def test_formulas_do_not_run_in_a_spreadsheet(qd: Qd, attacked: Workspace) -> None:
    cells = [cell for row in qd("runs", "list", "--csv").rows for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "@", "\t", "\r")]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
