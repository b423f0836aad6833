"""The terminal's clipboard (OSC 52): what is sent to put text there, also from inside tmux and GNU screen. Pure."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 74_000
"""Characters of encoded text: terminals drop more than about 74,990 without a word."""

_CHUNK = 500
"""Characters that screen passes on at once: it drops strings of more than 768 bytes."""

_ESC = "\x1b"
_END = "\x1b\\"


def fits(text: str) -> bool:
    """Whether terminals take a text of this length."""
    return (len(text.encode("utf-8", "replace")) + 2) // 3 * 4 <= MOST


def sequence(text: str, environ: Mapping[str, str]) -> str:
    """What to send to the terminal.

    Tmux takes the plain sequence where `set-clipboard` is on, and passes the wrapped one on where `allow-passthrough`
    is: both are sent, for neither is shown where it is not taken. Screen passes on short strings only, and shows
    what is wrapped for tmux: where one runs in the other, it is taken for screen unless `TERM` says tmux, which drops
    what it does not know.

    Args:
        text: What to put on the clipboard.
        environ: The environment that the console was started in.

    Returns:
        Control sequences that show nothing and move nothing.
    """
    encoded = b64encode(text.encode("utf-8", "replace")).decode()
    plain = f"{_ESC}]52;c;{encoded}\a"
    term = environ.get("TERM", "")
    if term.startswith("tmux") or ("TMUX" in environ and "STY" not in environ):
        return f"{plain}{_ESC}Ptmux;{plain.replace(_ESC, _ESC * 2)}{_END}"
    if "STY" in environ or term.startswith("screen"):
        chunks = (plain[start : start + _CHUNK] for start in range(0, len(plain), _CHUNK))
        return "".join(f"{_ESC}P{chunk}{_END}" for chunk in chunks)
    return plain
