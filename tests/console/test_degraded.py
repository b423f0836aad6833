"""The real console on poor terminals: every kind of screen, in the bytes that a terminal gets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.registry.model import Stage
from tests.bench.pty.session import PtySession
from tests.console.terminal.sequences import colours_sent
from tests.console.world import World

SCREENS = (
    "runs",
    "models",
    "versions churn",
    "board",
    "audit",
    "lineage churn/1",
    "endpoints",
    "drift",
    "workspace",
    "help",
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = World(tmp_path_factory.mktemp("degraded"))
    world.promote(world.version(), to=Stage.STAGING)
    world.promote(world.engine.models.version("churn", 1))
    world.run("tree")
    world.close()
    return world.workspace.path


def console(workspace: Path, *options: str, **environ: str) -> PtySession:
    argv = [sys.executable, "-m", "console", "--workspace", str(workspace), *options]
    home = {"HOME": str(workspace), "XDG_CONFIG_HOME": "", "XDG_STATE_HOME": "", "PYTHONPATH": str(Path.cwd())}
    return PtySession(argv, columns=80, rows=24, environ={**home, **environ})


def visit(session: PtySession) -> None:
    """Every kind of screen, a chart, a dialog, a filter being typed, and out again."""
    session.until_text("pulse")
    for screen in SCREENS:
        session.send(f":{screen}\r")
        session.until(lambda name=screen: session.screen.display[1].startswith(f" {name}"))  # type: ignore[misc]
    session.send(":runs\r")
    session.until_text("2 runs")
    session.send("\r")
    session.until_text("auc")
    session.until_settled()
    session.send(":models\r")
    session.until_text("1 model")
    session.send("n")
    session.until_text("Make a model.")
    session.send("\x1b")
    session.until(lambda: not any("Make a model." in line for line in session.screen.display))
    session.send("/zz")
    session.until_text("No model matches")
    session.send("\r")
    session.until_settled()


def test_no_color_and_the_c_locale_hold_on_every_screen_and_the_cursor_still_shows(workspace: Path) -> None:
    with console(workspace, NO_COLOR="1", LANG="C", LC_ALL="", LC_CTYPE="") as session:
        visit(session)
        session.send(":models\r")
        session.until_text("1 model")
        session.until_settled()
        assert colours_sent(session.output) == 0
        assert session.output.isascii()
        row = session.screen.cursor.y
        assert "churn" in session.screen.display[row]
        assert session.screen.buffer[row][2].reverse


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "xterm", "COLORTERM": ""}, 16),
        ({"TERM": "xterm-256color", "COLORTERM": "", "theme": "dark"}, 256),
        ({"theme": "mono"}, 0),
    ],
)
def test_a_theme_and_a_terminal_decide_the_colours(workspace: Path, environ: dict[str, str], colours: int) -> None:
    theme = environ.pop("theme", "")
    with console(workspace, *(["--theme", theme] if theme else []), **environ) as session:
        session.send(":models\r")
        session.until_text("◆ 1")  # Production, by a mark and its column, whatever the colours
        session.until_settled()
        assert colours_sent(session.output) == colours


def test_a_theme_is_changed_on_the_way_and_remembered(workspace: Path, tmp_path: Path) -> None:
    with console(workspace, HOME=str(tmp_path)) as session:
        session.until_text("pulse")
        session.until_settled()
        assert colours_sent(session.output) == 16
        before = len(session.output)
        session.send(":theme light\r")
        session.until_text("Theme light.")
        session.until_settled()
        assert colours_sent(session.output[before:]) == 1 << 24
        picture = list(session.screen.display)
        session.resize(81, 24)
        session.resize(80, 24)
        session.until_settled()
        assert session.screen.display[:-1] == picture[:-1]
        before = len(session.output)
        session.send(":theme nope\r")
        session.until_text("There is no theme")
    with console(workspace, HOME=str(tmp_path)) as session:
        session.until_text("pulse")
        session.until_settled()
        assert colours_sent(session.output) == 1 << 24
    (tmp_path / ".local/state/quarterdeck/theme").write_text("gone\n")
    with console(workspace, HOME=str(tmp_path)) as session:
        session.until_text("There is no theme")


def test_a_terminal_that_is_too_small_says_so_takes_no_keys_and_recovers(workspace: Path) -> None:
    with console(workspace) as session:
        session.until_text("pulse")
        session.until_settled()
        picture = list(session.screen.display)
        session.resize(40, 10)
        session.until_text("60x15 needed")
        session.send(":models\rq")
        session.until_settled()
        session.resize(80, 24)
        session.until(lambda: session.screen.display == picture)
        session.resize(20, 4)
        session.until_text("60x15 needed")
        session.send("\x03")
        assert session.wait() == 0
        assert session.mode() == session.first_mode


def test_the_shell_draws_its_tables_in_ascii_under_the_c_locale(workspace: Path) -> None:
    argv = [sys.executable, "-m", "console", "--workspace", str(workspace), "models", "list"]
    environ = {"LANG": "C", "LC_ALL": "", "LC_CTYPE": "", "PYTHONPATH": str(Path.cwd())}
    with PtySession(argv, environ=environ) as session:
        assert session.wait() == 0
        assert b"----" in session.output
        assert session.output.isascii()
