"""What kinds of colours a stream of bytes asks for."""

from __future__ import annotations

import re

_SGR = re.compile(rb"\x1b\[([0-9;]*)m")


def colours_sent(output: bytes) -> int:
    """The kind of colours among the sequences: 0, 16, 256 or 16 million."""
    return max((_kind([int(code or 0) for code in found[1].split(b";")]) for found in _SGR.finditer(output)), default=0)


def _kind(codes: list[int]) -> int:
    for place, code in enumerate(codes):
        if code in (38, 48):
            return 256 if codes[place + 1] == 5 else 1 << 24
        if 30 <= code <= 37 or 40 <= code <= 47 or 90 <= code <= 107:
            return 16
    return 0
