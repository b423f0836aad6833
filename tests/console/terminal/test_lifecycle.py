"""The console's terminal from start to every kind of end, in a real pty."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.bench.pty.session import PtySession

DEMO = (sys.executable, "-m", "tests.bench.pty.demo", "--rows", "500")
LAST = "run-000030"
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
Start = Callable[..., PtySession]


@pytest.fixture
def start() -> Iterator[Start]:
    sessions: list[PtySession] = []

    def begin(*arguments: str, **environ: str) -> PtySession:
        session = PtySession([*DEMO, *arguments], environ=environ)
        sessions.append(session)
        session.__enter__()
        session.until_text(LAST)
        session.until_quiet(0.2)
        return session

    yield begin
    for session in sessions:
        session.__exit__()


def assert_given_back(session: PtySession) -> None:
    """The alternate screen is left, the cursor shown, the mouse and the keys as they were."""
    last = session.output.rpartition(b"\x1b[?1049h")[2]
    for sequence in (
        b"\x1b[?1049l",
        b"\x1b[?25h",
        b"\x1b[?7h",
        b"\x1b[?1000l",
        b"\x1b[?1006l",
        b"\x1b[?2004l",
        b"\x1b[?1004l",
        b"\x1b[<u",
    ):
        assert sequence in last
    assert session.mode() == session.first_mode


def test_quitting_gives_the_terminal_back(start: Start) -> None:
    session = start()
    assert session.mode() != session.first_mode
    session.send("q")
    assert session.wait() == 0
    assert_given_back(session)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_gives_the_terminal_back_and_tells_in_the_exit_code(
    start: Start, number: signal.Signals, code: int
) -> None:
    session = start()
    session.signal(number)
    assert session.wait() == code
    assert_given_back(session)


def test_a_crash_gives_the_terminal_back_and_says_why_in_one_clean_line(start: Start) -> None:
    session = start()
    session.send("x")
    assert session.wait() == 1
    assert_given_back(session)
    said = session.output.rpartition(b"\x1b[?25h")[2]
    assert b"qd: the console stopped: ValueError: asked to[31m crash" in said
    assert b"\x1b" not in said
    assert b"Traceback" not in said


def test_a_crash_shows_where_when_asked(start: Start) -> None:
    session = start(QUARTERDECK_DEBUG="1")
    session.send("x")
    assert session.wait() == 1
    assert b"Traceback" in session.output


def test_a_signal_ends_an_app_that_hangs(start: Start) -> None:
    session = start()
    session.send("s")
    session.signal(signal.SIGTERM)
    assert session.wait() == 143
    assert_given_back(session)


@pytest.mark.parametrize("ignored", ["", "trap '' HUP; "])
def test_a_vanished_terminal_ends_the_process(ignored: str) -> None:
    with PtySession(["sh", "-c", f'{ignored}exec "$@"', "sh", *DEMO, "--live", "page@10"]) as session:
        session.until_text(LAST)
        session.close()
        assert session.wait() == 129


def test_stopping_and_continuing_draws_the_screen_again(start: Start) -> None:
    session = start()
    session.signal(signal.SIGTSTP)
    session.until(session.stopped)
    session.until_quiet(0.05)
    assert_given_back(session)
    session.screen.reset()
    session.signal(signal.SIGCONT)
    session.until_text(LAST)
    assert session.mode() != session.first_mode
    session.send("q")
    assert session.wait() == 0
    assert_given_back(session)


def test_a_stop_that_was_not_announced_is_mended_too(start: Start) -> None:
    session = start()
    session.signal(signal.SIGSTOP)
    session.until(session.stopped)
    session.until_quiet(0.05)
    session.screen.reset()
    session.signal(signal.SIGCONT)
    session.until_text(LAST)


def test_another_program_may_borrow_the_terminal(start: Start) -> None:
    session = start()
    session.send("e")
    session.until_text("outside")
    assert_given_back(session)
    session.screen.reset()
    session.send("\r")
    session.until_text(LAST)
    session.send("G")
    session.until_text("run-000499")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50), (40, 10), (10, 5), (120, 40)])
def test_a_resized_terminal_shows_what_a_new_one_of_that_size_shows(start: Start, columns: int, rows: int) -> None:
    session = start()
    session.resize(columns, rows)
    session.until_quiet(0.3)
    with PtySession(DEMO, columns=columns, rows=rows) as fresh:
        fresh.until_text("run-")
        fresh.until_quiet(0.3)
        assert session.screen.display == fresh.screen.display


def test_a_terminal_that_reads_nothing_gets_the_latest_frame_when_it_reads_again() -> None:
    with PtySession([*DEMO, "--live", "page@60"]) as session:
        session.until_text(LAST)
        before = session.cpu_seconds()
        while session.cpu_seconds() - before < 0.5:  # more frames than the kernel keeps, read by nobody
            assert not session.stopped()
        session.send("G")
        session.until_text("run-000499")
        session.send("q")
        assert session.wait() == 0


def test_no_motion_reports_and_no_blinking(start: Start) -> None:
    session = start()
    session.send("\x1b[<0;9;9M\x1b[<0;9;9m")
    session.until_text("7/500")
    output = session.output
    for unwanted in (b"?1003h", b"?1002h", b"\x1b[5m", b"\x1b[6m", b"\x1b]"):
        assert unwanted not in output


def test_nothing_happens_nothing_is_sent(start: Start) -> None:
    assert start().listen(1.0) == []


def test_no_color_sends_no_colour_and_still_shows_the_cursor(start: Start) -> None:
    session = start(NO_COLOR="1")
    session.send("jj")
    session.until_quiet()
    assert not COLOUR.search(session.output)
    assert session.screen.buffer[4][5].reverse


@pytest.mark.parametrize("term", ["xterm-16color", "xterm", "screen"])
def test_sixteen_colours_are_enough(term: str) -> None:
    with PtySession(DEMO, environ={"TERM": term, "COLORTERM": ""}) as session:
        session.until_text(LAST)
        assert COLOUR.search(session.output)
        assert b"38;5" not in session.output
        assert b"38;2" not in session.output


def test_ascii_only_where_the_locale_is_not_utf8(start: Start) -> None:
    session = start(LANG="C", LC_ALL="", LC_CTYPE="")
    session.send(" h")
    session.until_quiet()
    assert session.output.isascii()


def test_synchronized_output_only_where_the_terminal_said_so() -> None:
    for answers, used in (({}, False), ({b"\x1b[?2026$p": b"\x1b[?2026;2$y"}, True)):
        with PtySession(DEMO, answers=answers) as session:
            session.until_text(LAST)
            session.until_quiet(0.2)
            session.send("\x06")
            session.until_quiet(0.2)
            assert (b"\x1b[?2026h" in session.output) is used
            assert session.output.count(b"\x1b[?2026h") == session.output.count(b"\x1b[?2026l")


@pytest.mark.parametrize(
    "keys",
    [
        b"\xff\xfe\x80",
        b"\x1b[200~\x1b[31m\x00paste\x1b[201~",
        b"\x1b[<0;500;500M\x1b[<0;500;500m",
        b"\x1b[999;999;999u",
    ],
)
def test_odd_input_does_no_harm(start: Start, keys: bytes) -> None:
    session = start()
    session.send(keys)
    session.send("G")
    session.until_text("run-000499")


def test_escape_sequences_may_come_in_pieces(start: Start) -> None:
    session = start()
    for piece in ("\x1b", "[", "B"):
        session.send(piece)
    session.until_text("2/500")


@pytest.mark.parametrize(
    ("term", "stdin_tty", "word"), [("dumb", True, "TERM"), ("", True, "TERM"), ("xterm", False, "input is a pipe")]
)
def test_no_terminal_is_refused_in_one_line(term: str, stdin_tty: bool, word: str) -> None:
    argv = [*DEMO] if stdin_tty else ["sh", "-c", 'true | "$@"', "sh", *DEMO]
    with PtySession(argv, environ={"TERM": term}) as session:
        assert session.wait() == 2
        assert session.output.count(b"\n") == 1
        assert word.encode() in session.output
        assert b"qd runs list" in session.output


def test_output_to_a_pipe_is_refused_on_standard_error() -> None:
    done = subprocess.run(DEMO, capture_output=True, check=False, env={"TERM": "xterm"}, timeout=30)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1
