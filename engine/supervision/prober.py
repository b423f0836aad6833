"""The prober: a process that asks external endpoints how they are, for as long as its parent lives.

Started by `qd up` as `python -m engine.supervision.prober WORKSPACE`. A second one waits until the first is gone.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.clock import SystemClock
from engine.core.errors import QuarterdeckError
from engine.core.text import clean
from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.migrations import TELEMETRY
from engine.db.workspace import Workspace, require_workspace
from engine.probing.asking import Asker
from engine.probing.rounds import Rounds
from engine.supervision.alone import Alone, parent_watch

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCK = "prober.lock"
"""The file that the one prober of a workspace holds."""

_STANDBY_S = 0.5


def main(arguments: Sequence[str]) -> int:
    """Run as a process of its own: until SIGTERM, or until whoever started it is gone.

    Args:
        arguments: The workspace's directory.

    Returns:
        The exit code.
    """
    try:
        asyncio.run(_run(require_workspace(Workspace(Path(arguments[0]).absolute()))))
    except QuarterdeckError as error:
        _say(str(error))
        return error.exit_code
    return 0


async def _run(workspace: Workspace) -> None:
    orphaned, stop = parent_watch(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)

    async def rest(seconds: float) -> bool:
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            return orphaned()
        return True

    clock = SystemClock()
    database = Database(workspace.control_db, clock=clock)
    telemetry = Database(workspace.telemetry_db, clock=clock, durability=Durability.RELAXED, schema=TELEMETRY)
    with Alone(workspace.path / LOCK) as alone:
        while not alone.take():
            if await rest(_STANDBY_S):
                return
        database.migrate()
        try:
            await Rounds(database, telemetry, clock, Asker(clock)).run(rest, _say)
        finally:
            database.close()
            telemetry.close()


def _say(problem: str) -> None:
    sys.stderr.write(f"prober: {clean(problem, limit=500)}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
