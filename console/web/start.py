"""Starting `qd web`: what a console in a page is started with, and what is missing for it."""

from __future__ import annotations

import sys

from engine.core.errors import InvalidInput


def start_web(workspace: str | None, *, as_user: str | None, read_only: bool, theme: str, port: int) -> int:
    """Serve the console to a browser on this machine, until it is ended.

    Args:
        workspace: The directory named by the user, or `None`.
        as_user: The name given with `--as`, or `None`.
        read_only: True refuses every change.
        theme: The theme to wear; empty for the usual choice.
        port: Where to listen; 0 takes a free one.

    Returns:
        The exit code.

    Raises:
        InvalidInput: the extra `web` is not installed, or the port is taken.
        QuarterdeckError: the workspace cannot be opened.
    """
    from engine import api

    with api.open(workspace, read_only=True, as_user=as_user, via="console") as engine:
        path = str(engine.workspace.path)  # each page opens it; here it is only seen to be one
    try:
        from console.web.server import serve
    except ModuleNotFoundError as error:
        raise InvalidInput(
            f"`qd web` needs {error.name}, which is not installed.", hint="pip install 'quarterdeck[web]'"
        ) from error
    argv = [sys.executable, "-m", "console", "--workspace", path]
    argv += ["--readonly"] if read_only else []
    argv += ["--as", as_user] if as_user else []
    argv += ["--theme", theme] if theme else []
    return serve(argv, f"qd {path}", port)
