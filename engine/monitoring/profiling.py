"""Counting the rows of a window by the layout of its reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.monitoring.steps import profile_of

if TYPE_CHECKING:
    from engine.monitoring.looking import Look
    from engine.profiles.profile import Profile
    from engine.profiles.reference import Reference


def profiled(look: Look, reference: Reference) -> Profile:
    """Count a window's rows: what was counted as they came, where that is kept, else these.

    Args:
        look: The window.
        reference: What it is compared with.

    Returns:
        The counts.

    Raises:
        QuarterdeckError: a file cannot be read.
    """
    from engine.profiles.profiling import profile
    from engine.tables.source import open_table

    if look.window.file:
        return profile(open_table([look.window.file]), reference.layout)
    stored = None if look.stored is None else look.stored(reference)
    return profile_of(look.batch, reference) if stored is None else stored
