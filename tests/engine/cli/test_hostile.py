"""Names made to attack a terminal, a table or a spreadsheet: nothing of them reaches the reader raw."""

from __future__ import annotations

import re
import shutil
import unicodedata
from pathlib import Path

import pytest

import engine
from engine.core.text import width
from engine.registry.model import Stage
from engine.tracking.model import DatasetInput
from tests.engine.cli.driver import Qd, terminal

HOSTILE = {
    "escape": "\x1b[2J\x1b[31mred",
    "clipboard": "\x1b]52;c;cHduZWQ=\x07",
    "c1": "\x9b31m\x9d52;c;x\x9c",
    "markup": "[/nope]",
    "action": "[@click=app.quit]x[/]",
    "bidi": "\u202egnp.exe\u2066",
    "long": "x" * 10_000,
    "marks": "e" + "\u0301" * 200,
    "lines": "two\r\nlines\tand\x08more\x7f",
    "formula": '=HYPERLINK("http://x","y")',
}
SGR = re.compile(rb"\x1b\[[0-9;]*m")
"""Colours, the one kind of escape sequence that our own tables send."""


@pytest.fixture(scope="session")
def _attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    path = engine.create(tmp_path_factory.mktemp("attacked") / "workspace").path
    ids = []
    with engine.open(path) as opened:
        for word, text in HOSTILE.items():
            name = text[:490]
            with opened.runs.start(f"{word} {name[:400]}", name, tags={"t": text[:5_000]}, capture=False) as run:
                run.log_batch([(name[:240], 1.0, 0, 0)], {name[:240]: text[:5_000]})
                run.log_bytes(b"x", "model/x.bin")
                run.log_dataset(DatasetInput(name, f"d-{word}", context="training"))
                run.note(text)
            ids.append(run.id)
            opened.models.register("m", run_id=run.id, owner=text[:100], description=text, tags={"t": text[:1_000]})
        opened.promotions.promote("m", 1, to=Stage.PRODUCTION, reason=HOSTILE["escape"])
    return path, tuple(ids)


@pytest.fixture
def attacked(
    _attacked: tuple[Path, tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, ...]:
    """A workspace in which every text that can hold it is hostile; the ids of its runs."""
    shutil.copytree(_attacked[0], tmp_path / "workspace")
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "workspace"))
    return _attacked[1]


def _harmless(output: bytes) -> None:
    text = SGR.sub(b"", output).decode("utf-8", "strict")
    controls = (character for character in text if unicodedata.category(character) in ("Cc", "Cf"))
    assert [character for character in controls if character not in "\r\n"] == []
    assert "\u0301" * 5 not in text


VIEWS = (
    ("experiments", "list"),
    ("runs", "list"),
    ("runs", "list", "--columns", "t,auc"),
    ("runs", "show", "{run}"),
    ("runs", "metrics", "{run}"),
    ("runs", "compare", "{run}", "{other}"),
    ("runs", "lineage", "{run}"),
    ("runs", "artifacts", "list", "{run}"),
    ("models", "list"),
    ("models", "show", "m"),
    ("models", "history"),
    ("models", "lineage", "m", "1"),
    ("versions", "list"),
    ("versions", "show", "m/2"),
    ("audit", "list"),
    ("audit", "show", "3"),
)


def _words(view: tuple[str, ...], runs: tuple[str, ...]) -> list[str]:
    return [word.format(run=runs[0], other=runs[1]) for word in view]


@pytest.mark.parametrize("view", VIEWS, ids=" ".join)
def test_in_a_pipe_every_view_is_harmless(qd: Qd, attacked: tuple[str, ...], view: tuple[str, ...]) -> None:
    for extra in ([], ["--csv"], ["--json"]):
        answer = qd(*_words(view, attacked), *extra)
        if extra != ["--json"]:
            assert "\x1b" not in answer.out
            _harmless(answer.out.encode())
        else:
            assert answer.out.isascii()


def test_every_run_is_shown_harmless(qd: Qd, attacked: tuple[str, ...]) -> None:
    for run in attacked:
        _harmless(qd("runs", "show", run).out.encode())


def test_on_a_real_terminal_only_colours_are_sent(attacked: tuple[str, ...]) -> None:
    for view in VIEWS[:1] + VIEWS[1:5] + VIEWS[10:11] + VIEWS[12:14]:
        with terminal(*_words(view, attacked), columns=120) as session:
            assert session.wait(within=30) == 0, session.output
            _harmless(session.output)


@pytest.mark.parametrize("columns", [20, 80, 250])
def test_a_table_fits_the_terminal(attacked: tuple[str, ...], columns: int) -> None:
    with terminal("runs", "list", columns=columns, rows=50) as session:
        assert session.wait(within=30) == 0
        lines = SGR.sub(b"", session.output).decode().splitlines()
    lines = [line for line in lines if not line.startswith("No room for ")]  # told on stderr
    assert all(width(line) <= columns for line in lines)
    assert len(lines) <= 3 + len(attacked)


@pytest.mark.parametrize(
    "words",
    [
        ("experiments", "show", HOSTILE["escape"]),
        ("models", "show", HOSTILE["clipboard"]),
        ("runs", "show", HOSTILE["bidi"]),
        ("versions", "show", f"m@{HOSTILE['c1']}"),
        ("runs", "list", "--filter", HOSTILE["escape"]),
        ("runs", "list", "--order-by", HOSTILE["c1"]),
        ("runs", "list", "--page-token", HOSTILE["escape"]),
        (HOSTILE["escape"],),
        ("runs", HOSTILE["clipboard"]),
        ("runs", "list", f"--{HOSTILE['escape']}"),
        ("models", "promote", "m", "1", "--to", HOSTILE["escape"], "--reason", "x"),
        ("models", "create", HOSTILE["lines"]),
        ("models", "alias", "m", HOSTILE["bidi"], "1"),
        ("--as", HOSTILE["escape"], "runs", "list"),
    ],
    ids=lambda words: ascii(" ".join(words))[:40],
)
def test_what_is_typed_comes_back_harmless_in_messages(
    qd: Qd, attacked: tuple[str, ...], words: tuple[str, ...]
) -> None:
    for code in (1, 2, 4):
        try:
            answer = qd(*words, code=code)
        except AssertionError:
            continue
        _harmless(answer.err.encode())
        assert answer.out == ""
        return
    pytest.fail("it was not refused")


def test_formulas_do_not_run_in_a_spreadsheet(qd: Qd, attacked: tuple[str, ...]) -> None:
    cells = [cell for row in qd("runs", "list", "--csv").rows for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "@", "\t", "\r")]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
