from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.formats import age, at_home, delta, duration, logged, moment, number, pill, plural, size
from console.text import crop, edges, fit, measure, paint, plain, table, wrap

TEXT = st.text(max_size=60) | st.text(alphabet="ab \x1b[漢\u0301\u202e\n", max_size=40)
WIDTH = st.integers(0, 40)


@given(TEXT, WIDTH, st.booleans())
def test_a_fitted_text_has_exactly_its_width_and_nothing_that_does_not_print(
    text: str, width: int, right: bool
) -> None:
    fitted = fit(text, width, right=right)
    assert cell_len(fitted) == width
    assert fitted.isprintable()


@given(TEXT, st.integers(2, 40))
def test_wrapped_lines_fit_and_keep_every_word(text: str, width: int) -> None:
    lines = list(wrap(text, width))
    assert lines
    assert all(cell_len(line) <= width for line in lines)
    kept = "".join("".join(lines).split())
    assert kept == "".join(plain([(text.replace("\n", " "), "")]).split()) or "\n" in text or "\x1b" in text


@given(st.lists(st.tuples(TEXT, st.sampled_from(["", "dim", "bad"])), max_size=6), WIDTH)
def test_a_painted_line_fills_its_width_exactly(row: list[tuple[str, str]], width: int) -> None:
    strip = paint(row, width)
    assert strip.cell_length == width
    assert sum(cell_len(segment.text) for segment in strip) == width


@given(st.lists(st.tuples(TEXT, st.just("")), max_size=4), st.lists(st.tuples(TEXT, st.just("")), max_size=3), WIDTH)
def test_the_right_edge_is_kept_and_the_left_one_gives_way(
    left: list[tuple[str, str]], right: list[tuple[str, str]], width: int
) -> None:
    parts = edges(left, right, width)
    if right and measure(right) < width:
        assert measure(parts) == width
        assert plain(parts).endswith(plain(right))


@given(st.lists(st.tuples(TEXT, st.just("")), max_size=5), WIDTH)
def test_a_cropped_line_is_never_too_long(row: list[tuple[str, str]], width: int) -> None:
    assert measure(crop(row, width)) <= width


def test_a_table_lines_up_its_columns() -> None:
    lines = table([[("a", ""), ("1", "")], [("long", ""), ("22", "")]], right=frozenset({1}))
    assert [plain(line) for line in lines] == ["a      1", "long  22"]
    assert table([]) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.982143, "0.98214"),
        (3.0, "3"),
        (1e-12, "1e-12"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (float("-inf"), "-∞"),
        (None, "–"),  # noqa: RUF001 the dash for nothing
        (1234567.0, "1234567"),
    ],
)
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (12_345, "12.3 kB"), (999_900, "1 MB"), (5 * 10**15, "5e+03 TB")],
)
def test_sizes_have_units(count: int, text: str) -> None:
    assert size(count) == text


def test_differences_carry_their_sign() -> None:
    assert delta(0.125)[0] == "+0.125"
    assert delta(-2)[0] == "-2"
    assert delta(0)[0] == "="


def test_times_ages_and_lengths_are_dashes_when_there_is_none() -> None:
    assert {age(None, 0), duration(None), moment(None)} == {"–"}  # noqa: RUF001 the dash for nothing
    assert age(0, 180_000) == "3m"
    assert moment(1_760_000_000_123) == "2025-10-09 08:53:20Z"


def test_logged_numbers_are_shortened_and_words_are_not() -> None:
    assert logged("0.030000000000000002") == "0.03"
    assert logged("a.long.dotted.word") == "a.long.dotted.word"
    assert logged("123456789") == "123456789"


def test_unknown_states_stand_as_they_are() -> None:
    assert pill({}, "odd") == ("odd", "")
    assert plural(1, "run") == "1 run"
    assert plural(2000, "run") == "2,000 runs"


@pytest.mark.parametrize(
    ("home", "path", "shown"),
    [
        ("/home/ada", "/home/ada/churn", "~/churn"),
        ("/home/ada/", "/home/ada", "~"),
        ("/home/ada", "/home/adam/churn", "/home/adam/churn"),
        ("", "/srv/churn", "/srv/churn"),
        ("/", "/srv/churn", "/srv/churn"),
    ],
)
def test_a_path_in_the_home_folder_begins_with_a_tilde(
    monkeypatch: pytest.MonkeyPatch, home: str, path: str, shown: str
) -> None:
    monkeypatch.setenv("HOME", home)
    assert at_home(path) == shown
