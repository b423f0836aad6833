"""A monitor's settings as people type them one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.monitoring.model import Monitor


def typed(monitor: Monitor, key: str, text: str) -> Any:
    """What was typed, as `quarterdeck.toml` would hold it; the engine says what is wrong with it.

    Args:
        monitor: Whose settings tell what kind a setting is of.
        key: The setting.
        text: What was typed; empty for the usual.

    Returns:
        A list, a number, a flag, or the text itself.
    """
    now = monitor.written.get(key)
    if not text.strip():
        return None
    if isinstance(now, list):
        return text.replace(",", " ").split()
    if isinstance(now, bool):
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    try:
        return int(text) if isinstance(now, int) else float(text) if isinstance(now, float) or now is None else text
    except ValueError:
        return text
