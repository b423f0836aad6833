"""The operator's own folders: settings of all workspaces, and what is remembered between sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.core.places import user_config, user_state

if TYPE_CHECKING:
    from pathlib import Path


class Own(NamedTuple):
    """Where an operator's own files are; neither folder need exist.

    Args:
        config: Of settings: `views.toml`, `themes/`.
        state: Of what is remembered: `history`, `console.log`, `crashes/`.
    """

    config: Path
    state: Path

    @classmethod
    def usual(cls) -> Own:
        """The folders by the XDG base directory specification."""
        return cls(user_config(), user_state())
