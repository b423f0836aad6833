"""A live screen over traffic that does not move sends nothing."""

from __future__ import annotations

import pytest

from tests.bench.pty.session import PtySession
from tests.bench.tape import AS_INSTALLED
from tests.console.served import Served
from tests.hostile.console_sweep import qd

QUIET_SECONDS = 3.0


@pytest.mark.parametrize("place", [("endpoints",), ("endpoint", "churn"), ("pulse",)])
def test_while_nothing_changes_no_byte_is_sent(served: Served, place: tuple[str, ...]) -> None:
    argv = [qd(), "--workspace", str(served.workspace.path), "console", *place]
    with PtySession(argv, 80, 24, AS_INSTALLED, folder=served.workspace.path) as session:
        session.until_text("healthy")
        session.listen(QUIET_SECONDS)  # planes and servers were looked at for the first time
        before = len(session.output)
        session.listen(QUIET_SECONDS)
        assert session.output[before:] == b""
