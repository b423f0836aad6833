"""Running the console as lines, with an exit code that says how it ended."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from console.plain.app import SIZE
from console.plain.session import Session
from console.plain.stream import STANDARD, Ends, Lines
from console.terminal.capabilities import detect, launch_environ

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from console.plain.app import PlainApp

ENDING = {signal.SIGTERM: 143, signal.SIGHUP: 129}
CRASHED = 1


def run_plain(app: PlainApp) -> int:
    """Talk on standard input and output until it is over.

    Args:
        app: The console without a picture, not yet running.

    Returns:
        The exit code: 0, that of a line that failed where nobody types, 1 after a crash, 130 when Ctrl-C ended a
        script, 143 or 129 after SIGTERM or SIGHUP.
    """
    try:
        return asyncio.run(converse(app))
    except KeyboardInterrupt:  # before or after the conversation
        return 130


async def converse(app: PlainApp, ends: Ends = STANDARD) -> int:
    """Talk until it is over, in a running event loop of the main thread.

    Args:
        app: The console without a picture, not yet running.
        ends: Where lines come from and go to.

    Returns:
        The exit code, as `run_plain` says.
    """
    loop = asyncio.get_running_loop()
    code = 0
    lines = Lines(unicode=detect(launch_environ(os.environ)).unicode, on_gone=lambda: end(0), ends=ends)

    def end(with_code: int) -> None:
        nonlocal code
        code = code or with_code
        app.exit(with_code)

    async def talk(pilot: Pilot[object]) -> None:
        nonlocal code
        talking = asyncio.ensure_future(Session(app, lines, pilot).run())
        gone = asyncio.ensure_future(app.left.wait())
        await asyncio.wait((talking, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if talking.done():
            code = code or talking.result()
        talking.cancel()
        app.exit(code)

    loop.add_signal_handler(signal.SIGINT, lines.interrupt)
    for number, value in ENDING.items():
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, end, value)
    await app.run_async(headless=True, size=SIZE, auto_pilot=talk)
    if app.failure is not None:
        lines.complain(f"qd: the console stopped: {type(app.failure).__name__}: {app.failure}")
        return CRASHED
    return code
