"""Textual without what no console shows: its own command palette, which brings eleven widgets along.

They take a twentieth of the time a minimal Textual app takes to be there. Whoever asks for them later gets them.
"""

from __future__ import annotations

import sys
from types import ModuleType

PALETTE = "textual.command"
NAMES = ("CommandListItem", "CommandPalette", "DiscoveryHit", "Hit", "Hits", "Provider", "SimpleProvider")
"""What Textual's application asks that module for; it is switched off in ours (`ENABLE_COMMAND_PALETTE`)."""


def import_textual() -> None:
    """Import Textual's application, with empty classes for those names; nothing, where it was imported before."""
    if "textual.app" in sys.modules or PALETTE in sys.modules:
        return
    module = ModuleType(PALETTE)
    for name in NAMES:
        setattr(module, name, type(name, (), {}))
    sys.modules[PALETTE] = module
    try:
        import textual.app  # noqa: F401 for what it imports in its turn
    finally:
        del sys.modules[PALETTE]
