"""The colours of charts, of which neighbours differ to every kind of eye; a theme may say otherwise.

They stand here and not in style sheets: eight charts of thirty looks each take longer to match than to draw.
"""

from __future__ import annotations

from functools import cache

from rich.style import Style

from console.widgets.charts.heat_map import HEATS
from console.widgets.charts.series import FAINT, ROLES

_DARK = ("#56b4e9", "#f0a020", "#2ec27e", "#e583b6", "#f2e255", "#f0644b", "#8f9bff", "#b8b8b8")
_LIGHT = ("#0072b2", "#b36b00", "#00805a", "#b0487f", "#7d7400", "#c03a1d", "#4a50c8", "#606060")
_HEATS = ("#3b528b", "#31688e", "#21908d", "#35b779", "#6ece58", "#b5de2b", "#fde725", "#ff9e3d")


@cache
def inks(*, dark: bool) -> dict[str, Style]:
    """Styles by role.

    Args:
        dark: Whether the background is.

    Returns:
        One for every role but the plain one, laid over the widget's own style.
    """
    found = {role: Style(color=color) for role, color in zip(ROLES, _DARK if dark else _LIGHT, strict=True)}
    found |= {role: Style(color=color) for role, color in zip(HEATS, _HEATS, strict=True)}
    dim = Style(dim=True)
    found |= {FAINT: dim, "axis": dim, "grid": dim, "dim": dim, "value": Style()}
    found |= {"title": Style(bold=True), "title-selected": Style(bold=True, reverse=True), "cursor": Style(bold=True)}
    found["warn"] = Style(color="red", bold=True)
    return found
