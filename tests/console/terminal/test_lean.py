"""What a start leaves out of Textual, and that it is there for whoever asks for it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from console.terminal.lean import PALETTE, import_textual
import_textual()
import textual.app
assert not {PALETTE, "textual.types", "textual.widgets._option_list"} & set(sys.modules), sorted(sys.modules)
import_textual()
from textual.command import CommandPalette
from textual.screen import ModalScreen
assert issubclass(CommandPalette, ModalScreen)
"""


def test_a_start_loads_no_palette_of_textuals_and_who_asks_for_it_gets_the_whole() -> None:
    # a process of its own: in this one Textual has been imported long ago
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=60)
