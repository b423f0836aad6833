"""A process for each piece of work, out of one that has loaded the client, which takes longer than the work."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable


def apart(work: Callable[[str], None], uri: str) -> None:
    """Do it in a child of this process and wait for it; ends this process with 1 when it failed."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]:
            sys.exit(1)
        return
    code = 1
    try:
        work(uri)
        code = 0
    except BaseException:  # noqa: BLE001 - the child must not go on with what is its parent's
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
