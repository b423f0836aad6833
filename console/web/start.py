"""Starting `qd web`: what a console in a page is started with, and what is missing for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from engine.core.wish import Wish


def start_web(wish: Wish, port: int) -> int:
    """Serve the console to a browser on this machine, until it is ended.

    Args:
        wish: Which console, on which workspace.
        port: Where to listen; 0 takes a free one.

    Returns:
        The exit code.

    Raises:
        InvalidInput: the extra `web` is not installed, or the port is taken.
        QuarterdeckError: the workspace cannot be opened.
    """
    from engine import api

    with api.open(wish.workspace, read_only=True, as_user=wish.as_user, via="console") as engine:
        path = str(engine.workspace.path)  # each page opens it; here it is only seen to be one
    try:
        from console.web.server import serve
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"`qd web` needs {error.name}, which is not installed.", hint="pip install 'quarterdeck[web]'"
        ) from error
    argv = [sys.executable, "-m", "console", "--workspace", path]
    argv += ["--readonly"] if wish.read_only else []
    argv += ["--as", wish.as_user] if wish.as_user else []
    argv += ["--theme", wish.theme] if wish.theme else []
    return serve(argv, f"qd {path}", port)
