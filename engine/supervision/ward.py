"""A process that does not outlive who started it: `python -m engine.supervision.ward MODULE WORD…`.

Whoever starts it keeps the other end of its standard input open and never writes. When that end closes, whatever the
way in which its holder died, this process gets a SIGTERM, and SIGKILL if it has not ended in time.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

PATIENCE_S = 15.0
"""How long it may take to end once it is alone, in seconds."""


def _watch() -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_S)
    os.kill(os.getpid(), signal.SIGKILL)


def main(words: list[str]) -> None:
    """Run a module as a program for as long as standard input is open.

    Args:
        words: The module, then its arguments.
    """
    threading.Thread(target=_watch, name="ward", daemon=True).start()
    module, *sys.argv[1:] = words
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
