from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.core.timetext import format_age, format_duration, format_time, parse_duration, parse_time

NOW_MS = 1_793_698_245_678  # 2026-11-03T09:30:45.678Z
MIDNIGHT_MS = 1_793_664_000_000  # 2026-11-03T00:00:00Z
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-11-03", MIDNIGHT_MS),
        (" 2026-11-03T00:00 ", MIDNIGHT_MS),
        ("2026-11-03 00:00:00", MIDNIGHT_MS),
        ("2026-11-03T00:00:00Z", MIDNIGHT_MS),
        ("2026-11-03T02:00+02:00", MIDNIGHT_MS),
        ("2026-11-02T19:00-05:00", MIDNIGHT_MS),
        ("2026-11-03T00:00:00.123", MIDNIGHT_MS + 123),
        ("20261103", MIDNIGHT_MS),
        ("1969-12-31T23:59:59.999Z", -1),
        ("1793664000000", MIDNIGHT_MS),
        ("-17936640000", -17_936_640_000),
        ("now", NOW_MS),
        ("NOW", NOW_MS),
        ("2h", NOW_MS - 2 * HOUR_MS),
        ("2h ago", NOW_MS - 2 * HOUR_MS),
        ("now-2h", NOW_MS - 2 * HOUR_MS),
        ("1d12h", NOW_MS - 36 * HOUR_MS),
        ("1.5h", NOW_MS - 90 * MINUTE_MS),
        ("1w", NOW_MS - 7 * DAY_MS),
        ("today", MIDNIGHT_MS),
        ("yesterday", MIDNIGHT_MS - DAY_MS),
        ("yesterday 09:00", MIDNIGHT_MS - 15 * HOUR_MS),
        ("Yesterday at 9:05", MIDNIGHT_MS - 15 * HOUR_MS + 5 * MINUTE_MS),
        ("today 23:59", MIDNIGHT_MS + DAY_MS - MINUTE_MS),
    ],
)
def test_a_moment_is_iso_text_an_age_or_a_day(text: str, ms: int) -> None:
    assert parse_time(text, NOW_MS) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-13-01",
        "2026-11-03T25:00",
        "2h3",
        "h",
        "-2h",
        "1793664000",
        "9" * 16,
        "x" * 100,
        "yesterday 24:00",
        "today 10:60",
        "2026-11-03T09:00\x00",
        "٢h",
        "ago",
    ],
)
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_time(text, NOW_MS)
    assert caught.value.hint
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["now", "2h", "yesterday"])
def test_without_a_present_only_absolute_times_are_read(text: str) -> None:
    with pytest.raises(InvalidInput, match="depends on the present"):
        parse_time(text, None)
    assert parse_time("2026-11-03", None) == MIDNIGHT_MS


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("500ms", 500),
        ("90s", 90_000),
        ("10m", 10 * MINUTE_MS),
        ("10 min", 10 * MINUTE_MS),
        ("1h30m", 90 * MINUTE_MS),
        ("1H 30M", 90 * MINUTE_MS),
        ("2.5d", 60 * HOUR_MS),
        ("1w", 7 * DAY_MS),
        ("0s", 0),
        ("0.0004s", 0),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "10", "m", "10x", "1h30", "-1h", "1.h", "1e3s", "1h" * 100, "10 m in"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(InvalidInput, match="no length of time"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (NOW_MS, "2026-11-03T09:30:45.678Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_001, "1970-01-01T00:00:01.001Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "253402300800000 ms"),
        (-(2**63), f"{-(2**63)} ms"),
    ],
)
def test_a_moment_is_written_in_utc(ms: int, text: str) -> None:
    assert format_time(ms) == text


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_a_written_moment_is_read_as_the_same(ms: int) -> None:
    assert parse_time(format_time(ms), None) == ms


@given(st.text(max_size=30) | st.text("0123456789hdms.: -+TZyesterdaynow", max_size=20))
def test_no_text_breaks_the_readers(text: str) -> None:
    for read in (partial(parse_time, now_ms=NOW_MS), parse_duration):
        with suppress(InvalidInput):
            assert isinstance(read(text), int)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (999, "0s"),
        (45_000, "45s"),
        (MINUTE_MS - 1, "59s"),
        (3 * MINUTE_MS, "3m"),
        (2 * HOUR_MS, "2h"),
        (5 * DAY_MS, "5d"),
        (364 * DAY_MS, "364d"),
        (800 * DAY_MS, "2y"),
    ],
)
def test_an_age_is_one_number_and_unit(ms: int, text: str) -> None:
    assert format_age(ms) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0ms"),
        (350, "350ms"),
        (12_345, "12.3s"),
        (59_999, "59.9s"),
        (4 * MINUTE_MS + 5_000, "4m 05s"),
        (2 * HOUR_MS + 5 * MINUTE_MS, "2h 05m"),
        (3 * DAY_MS + 4 * HOUR_MS, "3d 04h"),
        (-1_500, "-1.5s"),
    ],
)
def test_a_duration_is_written_in_two_units_at_most(ms: int, text: str) -> None:
    assert format_duration(ms) == text


@given(st.integers(0, 10**12))
def test_a_written_duration_is_read_back_to_its_precision(ms: int) -> None:
    read = parse_duration(format_duration(ms))
    assert 0 <= ms - read <= max(100, ms // 20)
