"""`make screenshots`: drive the real console over a fresh demo, in a real pseudo-terminal, and draw what it shows."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import engine
from engine.tracking.model import RunQuery
from tests.bench.pty.session import PtySession
from tests.screenshots.picture import Picture
from tests.screenshots.terminal import replay
from tests.screenshots.traffic import served

FOLDER = Path(__file__).parents[2] / "screenshots"
WIDE, SMALL = (160, 45), (80, 24)
LIVE_SECONDS = 25
REST_S = 1.2


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture.

    Args:
        name: The file's name, without its ending.
        start: Where the console opens.
        keys: What is typed, with a while between.
        size: Columns and rows.
    """

    name: str
    start: tuple[str, ...]
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = WIDE


SHOTS = (
    Shot("pulse", ("pulse",)),
    Shot("runs", ("runs",)),
    Shot("run-live", ("runs",), ("/network-live", "\r", "\r")),
    Shot("compare", ("runs",), ("/boost experiment=car-loan", "\r", " ", "j", " ", "j", " ", "x")),
    Shot("promote", ("models",), ("p",)),
    Shot("board", ("versions",), ("v",)),
    Shot("audit", ("audit",)),
    Shot("server", ("server",), ("",) * 8),
    Shot("endpoints", ("endpoints",), ("",) * 3),
    Shot("endpoint", ("endpoint", "breast-cancer"), ("",) * 6),
    Shot("traffic", ("endpoint", "breast-cancer"), ("", "t", "\x7f\x7f25")),
    Shot("trace", ("traces",), ("/state=error", "\r", "\r")),
    Shot("promote-80x24", ("models",), ("p",), SMALL),
    Shot("endpoint-80x24", ("endpoint", "breast-cancer"), ("",) * 6, SMALL),
    Shot("pulse-80x24", ("pulse",), (), SMALL),
    Shot("drift", ("drift",), ("",) * 4),
    Shot("alert", ("alerts",), ("", "\r", "")),
)


def take(workspace: Path, shot: Shot) -> None:
    """Open the console, type, and draw it once it has come to rest."""
    columns, rows = shot.size
    command = [sys.executable, "-m", "console", "--workspace", str(workspace), "console", *shot.start]
    with PtySession(command, columns=columns, rows=rows, environ={"LANG": "C.UTF-8"}) as session:
        session.until_text(shot.start[0])
        session.listen(REST_S)  # a live screen never comes to rest, so a fixed while it is
        for keys in shot.keys:
            session.send(keys)
            session.listen(REST_S)
        Picture(replay(session.output, columns, rows)).save(FOLDER / f"{shot.name}.png")


def main() -> int:
    """Make the demo, let its live run move, take every picture (or those named)."""
    wanted = set(sys.argv[1:])
    workspace = Path(tempfile.gettempdir()) / "quarterdeck" / "demo"  # a plain path, since the pictures show it
    shutil.rmtree(workspace.parent, ignore_errors=True)
    command = [sys.executable, "-m", "console", "--workspace", str(workspace), "demo", "--headless"]
    subprocess.run(command, check=True)
    try:
        FOLDER.mkdir(exist_ok=True)
        with PtySession([sys.executable, "-c", "input()"]) as waiting:
            waiting.listen(LIVE_SECONDS)  # so that the live run has a curve to show
        with served(workspace):
            for shot in SHOTS:
                if not wanted or shot.name in wanted:
                    take(workspace, shot)
                    print(f"screenshots/{shot.name}.png")
    finally:
        stop_live(workspace)
        shutil.rmtree(workspace.parent, ignore_errors=True)
    return 0


def stop_live(workspace: Path) -> None:
    """End the demo's background training."""
    with engine.open(workspace) as opened:
        for run in opened.runs.page(RunQuery(filter="run_name = 'network-live'", limit=5)).items:
            environment = opened.runs.get(run.run_id).environment
            if environment is not None:
                with suppress(ProcessLookupError):
                    os.kill(environment.pid, signal.SIGTERM)


if __name__ == "__main__":
    raise SystemExit(main())
