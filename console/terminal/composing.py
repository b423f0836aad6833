"""Textual's compositor, asking widgets for the lines that have changed alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual._compositor import Compositor
from textual.geometry import Region

if TYPE_CHECKING:
    from textual.strip import Strip


class LineCompositor(Compositor):
    """Composes a screen; Textual's own has every widget draw all of its lines for each that changed somewhere."""

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """What widgets draw.

        Args:
            crop: What is wanted; everything when `None`. Only its lines count: parts of lines are cut out later.

        Returns:
            For each widget its region, what of it is seen and wanted, and the lines of that.
        """
        if crop is None:
            yield from super()._get_renders()
            return
        lines = Region(0, crop.y, self.size.width, crop.height)
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip).intersection(lines)
            if seen:
                yield region, seen, widget.render_lines(seen.translate(-region.offset))
