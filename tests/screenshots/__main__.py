"""`make screenshots`: drive the real console over a fresh demo, in a real pseudo-terminal, and draw what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.pty.session import PtySession
from tests.screenshots.cast import make_cast
from tests.screenshots.picture import Picture
from tests.screenshots.place import command, demo, headless, home_of, neutral
from tests.screenshots.shots import SHOTS, Shot
from tests.screenshots.terminal import replay
from tests.screenshots.traffic import served

FOLDER = Path(__file__).parents[2] / "screenshots"
LIVE_SECONDS = 25
REST_S = 1.2
OPENING_S = 15.0
PROMPT = "qd>"


def take(workspace: Path, shot: Shot) -> None:
    """Open the console, type, and draw it once it has come to rest."""
    columns, rows = shot.size
    headless(workspace, shot.headless)
    words = [*shot.options, *(("console", *shot.start) if shot.start else ())]
    with PtySession(
        command(workspace, *words), columns=columns, rows=rows, environ=home_of(workspace, shot.name)
    ) as session:
        session.until_text(shot.start[0] if shot.start else PROMPT, within=OPENING_S)
        session.listen(REST_S)  # a live screen never comes to rest, so a fixed while it is
        for keys in shot.keys:
            session.send(keys)
            session.listen(REST_S)
        screen = replay(session.output, columns, rows)
    neutral("\n".join(screen.display), workspace)
    Picture(screen, light=shot.light).save(FOLDER / f"{shot.name}.png")


def _take_all(workspace: Path, shots: Sequence[Shot]) -> int:
    """Take pictures; one that fails does not take the others along.

    Returns:
        How many failed.
    """
    failed = 0
    for shot in shots:
        try:
            take(workspace, shot)
        except (AssertionError, subprocess.CalledProcessError) as error:
            failed += 1
            print(f"{shot.name}: {error}", file=sys.stderr)
        else:
            print(f"screenshots/{shot.name}.png", flush=True)
    return failed


def main() -> int:
    """Make the demo, let its live run move, take every picture (or those named), record the session.

    `QD_PICTURES` names a demo that is there already, which is then used and kept.
    """
    wanted = set(sys.argv[1:])
    FOLDER.mkdir(exist_ok=True)
    kept = os.environ.get("QD_PICTURES")
    with demo(Path(kept) if kept else None) as workspace:
        if not kept:
            with PtySession([sys.executable, "-c", "input()"]) as waiting:
                waiting.listen(LIVE_SECONDS)  # so that the live run has a curve to show
        shots = [shot for shot in SHOTS if not wanted or shot.name in wanted]
        with served(workspace):
            failed = _take_all(workspace, [shot for shot in shots if not shot.last])
        if not wanted or "session" in wanted:
            for path in make_cast(workspace, FOLDER):
                print(f"screenshots/{path.name}")
        failed += _take_all(workspace, [shot for shot in shots if shot.last])
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
