"""What a cell means, and how that looks. Named colours only: the terminal's own palette, and two bytes each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.style import Style

if TYPE_CHECKING:
    Roles = Mapping[str, Style]

PLAIN = Style()

DEFAULT_ROLES: Roles = {
    "ok": Style(color="green"),
    "warn": Style(color="yellow"),
    "bad": Style(color="red", bold=True),
    "dim": Style(color="bright_black"),
    "production": Style(color="magenta", bold=True),
    "accent": Style(color="cyan"),
    "number": PLAIN,
    "header": Style(bold=True),
    "sorted": Style(bold=True, color="cyan"),
    "column-cursor": Style(bold=True, reverse=True),
    "cursor": Style(reverse=True),
    "cursor-blurred": Style(underline=True),
    "mark": Style(color="yellow", bold=True),
    "news": Style(color="cyan", bold=True),
}
"""Every role the table itself or the screens use. A role that is missing here is shown plain."""
