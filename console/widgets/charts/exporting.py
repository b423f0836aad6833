"""A chart as a file: the picture as SVG, its data as CSV."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.plotting.picture import Curve, Look, csv_text
from engine.core.plotting.picture import svg as draw_svg
from engine.core.saving import save
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.widgets.charts.series import Series, View

_LONGEST = 80
_ODD = re.compile(r"[^\w.\-]+", re.ASCII)
KINDS = ("svg", "csv")
"""What a chart can be saved as."""


def svg(series: Sequence[Series], view: View) -> str:
    """The chart as an SVG file.

    Args:
        series: Its curves.
        view: Its title and axes; the size is a picture's own.
    """
    look = Look(title=view.title, x=view.x, log_x=view.log_x, log_y=view.log_y)
    return draw_svg(_curves(series, view.x_range), look)


def csv(series: Sequence[Series]) -> str:
    """The chart's points as CSV: `series,x,y`, of reduced curves also `low` and `high`; all of them, zoomed or not."""
    return csv_text(_curves(series))


def file_name(title: str, kind: str) -> str:
    """A name for a file, such as `val_loss.svg`, that stays in the folder it is put into, whatever the title is.

    Args:
        title: A metric's name; any text.
        kind: `svg` or `csv`.
    """
    name = _ODD.sub("_", clean(title, limit=_LONGEST)).strip("._-")
    return f"{name or 'chart'}.{kind}"


def save_chart(target: Path, series: Sequence[Series], view: View, *, replace: bool = False) -> Path:
    """Write a chart to a file: SVG or CSV, as the file is called.

    Args:
        target: Where.
        series: Its curves.
        view: Its title and axes.
        replace: Replace what is there.

    Returns:
        The file's full path.

    Raises:
        AlreadyExists: a file is there already.
        InvalidInput: it cannot be written there, or is called neither `.svg` nor `.csv`.
    """
    ending = target.suffix.lower()
    if ending not in (".svg", ".csv"):
        raise InvalidInput(f"A chart is saved as .svg or .csv, not as {ending or 'a file without an ending'}.")
    text = csv(series) if ending == ".csv" else svg(series, view)
    place = Path(target).expanduser().absolute()
    save(place, text.encode(), replace=replace)
    return place


def _curves(series: Sequence[Series], x_range: tuple[float, float] | None = None) -> list[Curve]:
    low, high = x_range or (-math.inf, math.inf)
    return [
        Curve(one.name, [point for point in one.points if low <= point[0] <= high], faint=one.faint) for one in series
    ]
