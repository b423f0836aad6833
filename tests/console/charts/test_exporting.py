"""Charts as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.widgets.charts.exporting import csv, file_name, save_chart, svg
from console.widgets.charts.series import Series, View
from engine.core.errors import AlreadyExists, InvalidInput

SERIES = [
    Series("a", [(0.0, 1.0), (1.0, 2.0), (2.0, 4.0)]),
    Series("raw", [(0.0, 1.0), (1.0, 2.5)], faint=True),
]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("val/loss", "val_loss.svg"),
        ("../../etc/passwd", "etc_passwd.svg"),
        (".hidden", "hidden.svg"),
        ("-rf", "rf.svg"),
        ("\x1b[31mred\n", "red.svg"),
        ("損失", "chart.svg"),
        ("", "chart.svg"),
        ("x" * 500, "x" * 80 + ".svg"),
    ],
)
def test_a_file_is_named_after_the_chart_and_stays_in_its_folder(title: str, name: str) -> None:
    found = file_name(title, "svg")
    assert found == name or (len(title) > 80 and len(found) <= 84)
    assert "/" not in found


def test_the_picture_shows_the_window_and_the_data_is_whole(tmp_path: Path) -> None:
    view = View(80, 24, "val/loss", x_range=(0.0, 1.0), log_y=True)
    text = svg(SERIES, view)
    assert "val/loss" in text
    assert "log y" in text
    assert text.count('opacity="0.35"') == 1
    assert max(len(line.split()) for line in text.splitlines() if line.startswith("<polyline")) == 3
    assert csv(SERIES).splitlines()[0] == "series,x,y"
    assert len(csv(SERIES).splitlines()) == 6


def test_the_ending_says_what_is_written_and_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    view = View(80, 24, "loss")
    assert save_chart(tmp_path / "loss.csv", SERIES, view).read_text() == csv(SERIES)
    assert save_chart(tmp_path / "loss.svg", SERIES, view).read_text() == svg(SERIES, view)
    with pytest.raises(AlreadyExists):
        save_chart(tmp_path / "loss.svg", SERIES, view)
    save_chart(tmp_path / "loss.svg", SERIES[:1], view, replace=True)
    for name in ("loss.pdf", "loss"):
        with pytest.raises(InvalidInput, match=r"saved as \.svg or \.csv"):
            save_chart(tmp_path / name, SERIES, view)
    assert (tmp_path / "loss.svg").read_text() == svg(SERIES[:1], view)
