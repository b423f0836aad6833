"""Zoom, pan and the rest of what an operator chooses: rules that hold wherever the window stands."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.charting.settings import FACTORS, MODES, Settings, matching

WHOLE = st.tuples(st.floats(-1e9, 1e9), st.floats(1, 1e9)).map(lambda pair: (pair[0], pair[0] + pair[1]))
POSITIVE = st.tuples(st.floats(1e-3, 1e6), st.floats(1, 1e9)).map(lambda pair: (pair[0], pair[0] + pair[1]))
SHARES = st.floats(0, 1)


def between(whole: tuple[float, float], share: float) -> float:
    return whole[0] + (whole[1] - whole[0]) * share


@given(whole=WHOLE, share=SHARES, times=st.integers(1, 12))
def test_zooming_in_narrows_around_the_place_and_stays_inside(
    whole: tuple[float, float], share: float, times: int
) -> None:
    at = between(whole, share)
    settings = Settings()
    width = whole[1] - whole[0]
    room = 1e-6 * (abs(whole[0]) + abs(whole[1]))
    for _ in range(times):
        settings = settings.zoomed(whole, at, 2)
        if settings.window is None:
            return
        low, high = settings.window
        assert high - low <= width / 2 + room or width <= room * 10
        assert whole[0] - room <= low <= at + room
        assert at - room <= high <= whole[1] + room
        width = high - low


@given(whole=WHOLE, share=SHARES, times=st.integers(1, 8))
def test_zooming_out_as_often_as_in_shows_everything_again(
    whole: tuple[float, float], share: float, times: int
) -> None:
    settings = Settings()
    for _ in range(times):
        settings = settings.zoomed(whole, between(whole, share), 2)
    for _ in range(times + 1):
        settings = settings.zoomed(whole, None, 0.5)
    assert settings.window is None


@given(whole=WHOLE, share=SHARES, pans=st.lists(st.floats(-3, 3), max_size=10))
def test_panning_keeps_the_width_and_stays_inside(whole: tuple[float, float], share: float, pans: list[float]) -> None:
    settings = Settings().zoomed(whole, between(whole, share), 8)
    if settings.window is None:
        return
    width = settings.window[1] - settings.window[0]
    room = 1e-6 * (abs(whole[0]) + abs(whole[1]))
    for pan in pans:
        settings = settings.panned(whole, pan)
        assert settings.window is not None
        low, high = settings.window
        assert high - low == pytest.approx(width, abs=room)
        assert whole[0] - room <= low
        assert high <= whole[1] + room


@given(whole=POSITIVE, share=SHARES)
def test_on_a_log_axis_a_zoom_halves_the_decades(whole: tuple[float, float], share: float) -> None:
    settings = Settings(log_x=True).zoomed(whole, between(whole, share), 2)
    if settings.window is None:
        return
    low, high = settings.window
    assert math.log10(high / low) == pytest.approx(math.log10(whole[1] / whole[0]) / 2, abs=1e-6)


@pytest.mark.parametrize(("x", "first"), [("step", 1), ("elapsed", 0.001), ("metrics.epoch", 0.001)])
def test_a_log_axis_from_zero_is_zoomed_from_the_first_place_it_has(x: str, first: float) -> None:
    settings = Settings(x=x, log_x=True).zoomed((0, 1_000), None, 2)
    assert settings.window is not None
    low, high = settings.window
    assert math.log10(high / low) == pytest.approx(math.log10(1_000 / first) / 2)
    assert low >= first


def test_panning_all_there_is_changes_nothing() -> None:
    assert Settings().panned((0, 100), 0.25) == Settings()


def test_smoothing_and_views_come_round() -> None:
    settings = Settings()
    seen = []
    for _ in FACTORS:
        settings = settings.smoother()
        seen.append(settings.smoothing)
    assert seen == [0.6, 0.9, 0.99, 0.0]
    for _ in MODES:
        settings = settings.next_mode()
    assert settings == Settings()


def test_another_x_forgets_the_window_and_the_same_keeps_it() -> None:
    zoomed = Settings(window=(3, 4))
    assert zoomed.along("step") == zoomed
    assert zoomed.along("time") == Settings(x="time")


def test_a_page_has_at_least_one_chart() -> None:
    assert Settings().reshaped((1, 1), -1, -1).shape == (1, 1)
    assert Settings().reshaped((2, 3), 1, -1).shape == (3, 2)


def test_everything_that_a_chart_hides_or_changes_is_said() -> None:
    settings = Settings(
        x="elapsed", window=(60, 120), log_x=True, log_y=True, smoothing=0.9, clip=True, mode="bars", group="params.lr"
    )
    assert settings.words() == [
        "x elapsed",
        "from 1m to 2m",
        "log x",
        "log y",
        "smoothed 0.9",
        "clipped to 1%..99%",
        "mean and range by params.lr",
        "bars",
    ]
    assert Settings().words() == []
    assert Settings(window=(1234, 56789)).words() == ["from 1,234 to 56,789"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", ["loss", "val_loss", "val_Acc"]),
        ("val", ["val_loss", "val_Acc"]),
        ("VAL acc", ["val_Acc"]),
        ("loss !val", ["loss"]),
        ("-val", ["loss"]),
        ("!", ["loss", "val_loss", "val_Acc"]),
        ("nothing", []),
    ],
)
def test_words_choose_metrics(text: str, left: list[str]) -> None:
    assert matching(["loss", "val_loss", "val_Acc"], text) == left


def test_only_what_is_read_decides_whether_to_read_anew() -> None:
    assert Settings(smoothing=0.9, clip=True, log_y=True).as_read == Settings().as_read
    assert replace(Settings(), window=(1, 2)).as_read != Settings().as_read
