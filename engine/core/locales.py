"""Which letters the terminal takes, as the user's locale says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("LC_ALL", "LC_CTYPE", "LANG")
"""The variables that say it; the first that is set decides."""


def is_utf8(environ: Mapping[str, str]) -> bool:
    """Whether a locale is one of UTF-8; where it is not, only ASCII is sure to be shown.

    Args:
        environ: Environment variables, as `launch_environ` gives them.
    """
    chosen = next((value for name in NAMES if (value := environ.get(name))), "C")
    return chosen.lower().replace("-", "").endswith(("utf8", "utf8@euro"))


def launch_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment as the user set it.

    Python rewrites `LC_CTYPE` to `C.UTF-8` in its own environment when it starts under the C locale (PEP 538), which
    hides that the terminal asked for ASCII. The kernel keeps the original; where it cannot be read, `environ` stands.

    Args:
        environ: The environment of this process.
    """
    result = dict(environ)
    try:
        raw = Path("/proc/self/environ").read_bytes()
    except OSError:
        return result
    original = dict(item.partition("=")[::2] for item in raw.decode(errors="replace").split("\0"))
    if "LC_CTYPE" not in original and environ.get("LC_CTYPE") == "C.UTF-8":
        result.pop("LC_CTYPE")
    return result
