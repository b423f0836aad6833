"""A file system whose N-th call fails, below one folder; for what is written beside the database."""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

CALLS = (
    (io, "open"), (builtins, "open"),
    (os, "fsync"), (os, "mkdir"), (os, "rename"), (os, "replace"), (os, "link"), (os, "sendfile"),
)  # fmt: skip

_OPEN = io.open


class DiskFaults:
    """Counts the calls that open to write, write through, make, link or rename below a folder, and fails one.

    Args:
        monkeypatch: Puts the functions back.
        folder: Calls on other paths are left alone.
        number: The call that fails, from 1.
        code: How, such as `errno.ENOSPC`.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, number: int, code: int) -> None:
        self._folder = str(folder)
        self._left = number
        self._code = code
        self.hit = False
        for module, name in CALLS:
            monkeypatch.setattr(module, name, self._counting(getattr(module, name)))

    def _counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **options: Any) -> Any:
            writes = function is not _OPEN or not str((*args, options.get("mode", "r"))[1]).startswith("r")
            if writes and (isinstance(args[0], int) or self._folder in os.fspath(args[0])):
                self._left -= 1
                if self._left == 0:
                    self.hit = True
                    raise OSError(self._code, os.strerror(self._code))
            return function(*args, **options)

        return counting


FULL, BROKEN = errno.ENOSPC, errno.EIO
