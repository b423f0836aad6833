"""Running an app so that the terminal is always given back, with an exit code that says how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from functools import partial
from types import FrameType
from typing import Any

from console.terminal.app import TerminalApp
from console.terminal.capabilities import NO_STOP, refusal
from console.terminal.driver import TerminalDriver

ENDING = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}
PATIENCE = 3.0  # seconds an app that was told to end may take before the process is ended for it
USAGE, CRASHED = 2, 1
DETAILS = "QUARTERDECK_DEBUG"  # set to 1: a crash shows where it happened


def run_app(app: TerminalApp[Any]) -> int:
    """Run an app on this process's terminal.

    Args:
        app: The app, not yet running.

    Returns:
        The exit code: the app's own (0 when it quit), 1 after a crash (told in one sentence on standard error), 2 where
        there is no terminal to run on, 143, 129 or 130 after SIGTERM, SIGHUP (or a terminal that vanished) or SIGINT.
    """
    reason = refusal(os.environ, stdin_tty=_is_terminal(0), stdout_tty=_is_terminal(1))
    if reason is not None:
        _tell(reason)
        return USAGE
    gc.disable()  # until the first frame is out: start-up makes no garbage worth a pass
    try:
        asyncio.run(_run(app))
    finally:
        gc.enable()
    if app.failure is not None:
        _tell(_sentence(app.failure, app.report(app.failure)))
        return CRASHED
    return app.return_code or 0


async def _run(app: TerminalApp[Any]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(partial(_loop_failed, app))
    ending = _Ending(app, loop)
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means it
            signal.signal(number, ending.on_signal)
    loop.add_signal_handler(signal.SIGWINCH, _with_driver, app, TerminalDriver.size_changed)
    loop.add_signal_handler(signal.SIGTSTP, _with_driver, app, _stop)
    loop.add_signal_handler(signal.SIGCONT, _with_driver, app, _continue)
    try:
        await app.run_async()
    finally:
        for number in (signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT):
            loop.remove_signal_handler(number)
        _with_driver(app, TerminalDriver.stop_application_mode)
        ending.insist(app.return_code or 0)


class _Ending:
    """Ends the app in good order at the first signal, and the process in any case soon after."""

    def __init__(self, app: TerminalApp[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._loop = loop
        self._asked = False

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        code = ENDING[signal.Signals(number)]
        if self._asked:
            self._end(code)
        self._asked = True
        self._loop.call_soon_threadsafe(partial(self._app.exit, return_code=code))
        self.insist(code)

    def insist(self, code: int) -> None:
        """End the process if it has not ended by itself in time, for example for a thread that is stuck."""
        watchdog = threading.Timer(PATIENCE, self._end, (code,))
        watchdog.daemon = True
        watchdog.start()

    def _end(self, code: int) -> None:
        with contextlib.suppress(Exception):
            _with_driver(self._app, TerminalDriver.stop_application_mode)
        os._exit(code)


def _with_driver(app: TerminalApp[Any], action: Any) -> None:
    driver = app._driver  # noqa: SLF001 - Textual keeps it private, and only it knows the terminal's state
    if isinstance(driver, TerminalDriver):
        action(driver)


def _stop(driver: TerminalDriver) -> None:
    """Ctrl-Z or `kill -TSTP`: give the terminal back, then stop; nothing where no shell would continue us."""
    if os.environ.get(NO_STOP):
        return
    if driver.restarts:
        driver.stop_application_mode()
    os.kill(os.getpid(), signal.SIGSTOP)


def _continue(driver: TerminalDriver) -> None:
    """`fg`, also after a stop we were not told of: whatever the shell did to the terminal is undone."""
    if driver.restarts:
        driver.start_application_mode()
        driver.send_message(TerminalDriver.SignalResume())


def _loop_failed(app: TerminalApp[Any], _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(error, Exception):
        app._handle_exception(error)  # noqa: SLF001 - a failure in a callback is a failure of the app


def _sentence(error: Exception, report: str) -> str:
    if os.environ.get(DETAILS):
        import traceback

        return "".join(traceback.format_exception(error)).rstrip()
    text = " ".join(str(error).split())
    told = "".join(char for char in text if char.isprintable())[:300]
    where = f"the details are in {report}" if report else f"set {DETAILS}=1 for the details"
    return f"qd: the console stopped: {type(error).__name__}: {told} ({where})"


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def _is_terminal(fd: int) -> bool:
    return os.isatty(fd)
