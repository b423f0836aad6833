"""A table of terminals: what each is sent, and that keys work and everything is given back."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from typing import NamedTuple

import pytest

from tests.bench.pty.session import PtySession
from tests.console.terminal.sequences import colours_sent

DEMO = (sys.executable, "-m", "tests.bench.pty.demo", "--rows", "500")
LAST = "run-000030"


class Row(NamedTuple):
    """A terminal: its environment, and the most colours it may be sent."""

    environ: dict[str, str]
    colours: int


TERMINALS = {
    "xterm": Row({"TERM": "xterm", "COLORTERM": ""}, 16),
    "xterm-256color": Row({"TERM": "xterm-256color", "COLORTERM": ""}, 256),
    "kitty": Row({"TERM": "xterm-kitty", "COLORTERM": "truecolor"}, 1 << 24),
    "linux": Row({"TERM": "linux", "COLORTERM": ""}, 16),
    "screen": Row({"TERM": "screen", "COLORTERM": "", "STY": "1.screen"}, 16),
    "tmux": Row({"TERM": "tmux-256color", "COLORTERM": "", "TMUX": "x,1,0"}, 256),
    "mosh": Row({"TERM": "xterm-256color", "COLORTERM": "", "SSH_CONNECTION": "a 1 b 2"}, 256),
    "vt220": Row({"TERM": "vt220", "COLORTERM": ""}, 0),
    "no colour": Row({"NO_COLOR": "1"}, 0),
}


@pytest.mark.parametrize("name", TERMINALS)
def test_each_terminal_gets_what_it_understands_and_back_what_it_had(name: str) -> None:
    row = TERMINALS[name]
    with PtySession(DEMO, columns=80, rows=24, environ=row.environ) as session:
        session.until_text("run-000020")
        session.send("\x1b[B\x1bOB")  # arrows, as in normal and in application mode
        session.until_text("3/500")
        session.until_quiet(0.05)
        assert session.screen.cursor.y == 4, "the cursor sits on the row it is on"
        session.send("q")
        assert session.wait() == 0
        assert colours_sent(session.output) <= row.colours
        assert (colours_sent(session.output) > 0) is (row.colours > 0)
        for unwanted in (b"?1003", b"?1002", b"\x1b[5m", b"\x1b[6m"):
            assert unwanted not in session.output
        assert session.mode() == session.first_mode
        assert session.output.rstrip().endswith(b"\x1b[?25h")


def test_a_storm_of_sizes_costs_few_pictures_and_ends_in_the_right_one() -> None:
    with PtySession(DEMO, columns=120, rows=40) as session:
        session.until_text(LAST)
        whole = sum(len(chunk.data) for chunk in session.until_quiet(0.2)) + len(session.output)
        before = len(session.output)
        for step in range(200):
            session.resize(100 + step % 20, 30 + step % 7)
        session.resize(90, 25)
        session.until_quiet(0.3)
        assert len(session.output) - before < 20 * whole
        with PtySession(DEMO, columns=90, rows=25) as fresh:
            fresh.until_text("run-000020")
            fresh.until_quiet(0.2)
            assert session.screen.display == fresh.screen.display


def test_nobody_looking_means_fewer_frames_until_somebody_does() -> None:
    with PtySession([*DEMO, "--live", "38@30"]) as session:
        session.until_text(LAST)
        session.listen(0.2)
        seen = len(session.listen(1.0))
        session.send("\x1b[O")
        session.listen(0.2)
        unseen = len(session.listen(1.0))
        assert seen >= 8
        assert unseen <= 3
        session.send("\x1b[I")
        session.listen(0.2)
        assert len(session.listen(1.0)) >= 8


def test_a_key_is_answered_at_once_though_the_terminal_said_nobody_looks() -> None:
    with PtySession([*DEMO, "--live", "38@30"]) as session:
        session.until_text(LAST)
        session.send("\x1b[O")
        session.listen(0.2)
        at = session.send("G")
        session.until_text("run-000499")
        assert time.monotonic() - at < 0.5


def test_a_far_terminal_is_painted_at_most_ten_times_a_second() -> None:
    with PtySession([*DEMO, "--live", "38@60"], environ={"SSH_CONNECTION": "a 1 b 2"}) as session:
        session.until_text(LAST)
        session.listen(0.2)
        assert len(session.listen(1.0)) <= 14


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_in_a_real_tmux(tmp_path: object) -> None:
    tmux = ["tmux", "-S", f"{tmp_path}/socket", "-f", "/dev/null"]

    def screen() -> str:
        return subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True).stdout

    subprocess.run([*tmux, "new-session", "-d", "-x", "100", "-y", "30", "sh"], check=True)
    try:
        subprocess.run([*tmux, "send-keys", " ".join(DEMO), "Enter"], check=True)
        _until(lambda: "run-000020" in screen())
        subprocess.run([*tmux, "send-keys", "G"], check=True)
        _until(lambda: "run-000499" in screen())
        subprocess.run([*tmux, "send-keys", "q"], check=True)
        _until(lambda: ("run-000499" not in screen() and "$" in screen()) or "#" in screen())
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


def _until(holds: object, within: float = 10.0) -> None:
    assert callable(holds)
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
