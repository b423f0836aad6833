from __future__ import annotations

import csv
import io
import time
from unicodedata import category

import pytest

from engine.core.text import ELLIPSIS, SYMBOL, ascii_fold, clean, clean_json, csv_safe, fit, width


@pytest.mark.parametrize(
    "text", ["", "churn", "a b", "[/nope]", "[@click=app.quit]x[/]", "100%", "größe", "日本語", "⚠ ok"]
)
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b", "a·b"),
        ("a\x07b\x7f", "a·b·"),
        ("a\x85b\x9b", "a·b·"),
        ("a\tb", "a b"),
        ("a\nb\rc", "a·b·c"),
        ("a\x1b[31mred\x1b[0mb", "a·red·b"),
        ("a\x9b31mred", "a·red"),
        ("\x1b]52;c;aGk=\x07x", "·x"),
        ("\x1b]0;title\x1b\\x", "·x"),
        ("\x90q\x9cx", "·x"),
        ("\x1b]52;never closed", "·52;never closed"),
        ("\x1b(0x\x1bcx", "·x·x"),
        ("\x1b", "·"),
        ("pay\u202egpj.exe", "pay·gpj.exe"),
        ("\u2066x\u2069\u200e\u061c", "·x···"),
        ("a\u200bb\u200cc\u200dd\ufeffe", "a·b·c·d·e"),
        ("a\u00adb", "a·b"),
        ("x\U000e0041\U000e007f", "x··"),
        ("a\u2028b\u2029c", "a·b·c"),
        ("a\ud800b", "a·b"),
        ("a\uffff\ufdd0\U0010ffffb", "a···b"),
        ("\ue000\U000f0000", "··"),
        ("a\u00a0b\u3000c\u2003d", "a b c d"),
        ("\u3164\u115f\u2800\u034f", "····"),
        ("❤\ufe0f", "❤"),
        ("👍🏽", "👍"),
    ],
)
def test_what_could_harm_or_mislead_becomes_a_symbol(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_stacked_marks_are_thinned_and_cover_no_neighbour() -> None:
    assert clean("e" + "\u0301" * 50 + "x") == "e" + "\u0301" * 4 + "x"
    assert clean("\u0301x") == f"{SYMBOL}x"
    assert clean("x\u0301\ny\u0301", newlines=True) == "x\u0301\ny\u0301"
    assert clean("x\n\u0301y", newlines=True) == f"x\n{SYMBOL}y"
    assert clean("ก\u0e34\u0e48") == "ก\u0e34\u0e48"


def test_line_feeds_may_be_kept() -> None:
    assert clean("a\r\nb\nc\rd\x1b[m", newlines=True) == "a\nb\nc·d·"


@pytest.mark.parametrize(
    ("text", "limit", "cleaned"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("ab", 1, "…"),
        ("\x1b" * 10, 5, "····…"),
        ("a" * 10_000, 200, "a" * 199 + "…"),
        ("日本語です", 3, "日本…"),
    ],
)
def test_long_text_is_cut_with_an_ellipsis(text: str, limit: int, cleaned: str) -> None:
    assert clean(text, limit=limit) == cleaned


def test_what_hides_beyond_the_horizon_is_said_to_be_there() -> None:
    assert clean("\ufe0f" * 100_000 + "name").endswith(ELLIPSIS)


@pytest.mark.parametrize("text", ["\x1b]" * 500_000, "\x1b[" * 500_000, "e" + "\u0301" * 999_999, "\x9d" * 999_999])
def test_hostile_text_is_cleaned_at_once(text: str) -> None:
    started = time.perf_counter()
    clean(text)
    clean(text, limit=100_000)
    assert time.perf_counter() - started < 2.0


def test_json_is_cleaned_through_and_through() -> None:
    value = {"a\x1b[m": ["x\x00", 1, 2.5, None, True, ("t\n",)], "n": {"k": object}}
    cleaned = clean_json(value)
    assert isinstance(cleaned, dict)
    assert cleaned["a·"] == ["x·", 1, 2.5, None, True, ["t·"]]
    assert str(cleaned["n"]["k"]).startswith("<class")
    assert clean_json({"a\x00": 1, "a\x01": 2, "a\x02": 3}) == {"a·": 1, "a·~1": 2, "a·~2": 3}
    assert clean_json("x" * 10, limit=4) == "xxx…"


def test_bottomless_json_ends() -> None:
    value: list[object] = []
    for _ in range(10_000):
        value = [value]
    cleaned = clean_json(value)
    for _ in range(32):
        assert isinstance(cleaned, list)
        (cleaned,) = cleaned
    assert cleaned == ELLIPSIS


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+cmd|'x'!A1",
        "-2+3",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "  =1",
        "|x",
        "%x",
        "\uff1d1",
        "-",
        "+",
        "=",
        "-inf+1",
        "--1",
    ],
)
def test_a_cell_that_could_run_gets_a_quote(cell: str) -> None:
    assert csv_safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "churn", "-1", "+1.5", "-1e-3", "-.5", "-inf", "1=1", "a@b", "'=1", " ", "0"])
def test_a_plain_cell_stays_as_it_is(cell: str) -> None:
    assert csv_safe(cell) == cell


def test_a_safe_cell_survives_a_spreadsheet_file() -> None:
    file = io.StringIO()
    csv.writer(file).writerow([csv_safe('=HYPERLINK("x")'), csv_safe("-1")])
    assert next(csv.reader([file.getvalue()])) == ['\'=HYPERLINK("x")', "-1"]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("churn", "churn"),
        ("Größe", "Grosse"),
        ("naïve café", "naive cafe"),
        ("a·b…", "a.b..."),
        ("1 → 2 ≤ 3 \u00d7 4", "1 -> 2 <= 3 x 4"),
        ("“x” \u2013 \u2018y\u2019", "\"x\" - 'y'"),
        ("日本 ¼€ 한", "?? 1/4? ?"),
        ("👍", "?"),
        ("ﬁ ½", "fi 1/2"),
        ("e\u0301", "e"),
        ("Łódź Ærø", "Lodz AEro"),
    ],
)
def test_text_is_folded_to_ascii(text: str, folded: str) -> None:
    assert ascii_fold(text) == folded


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("abc", 3),
        ("größe", 5),
        ("日本", 4),
        ("e\u0301", 1),
        ("한국", 4),
        ("\u1112\u1161", 2),
        ("👍", 2),
        ("…·─│", 4),
    ],
)
def test_width_counts_terminal_cells(text: str, cells: int) -> None:
    assert width(text) == cells


@pytest.mark.parametrize(
    ("text", "cells", "fitted"),
    [
        ("abc", 5, "abc  "),
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日… "),
        ("日", 1, "…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("abc", -1, ""),
        ("", 2, "  "),
        ("e\u0301e\u0301e", 2, "e\u0301…"),
    ],
)
def test_fit_cuts_or_fills_to_the_cell(text: str, cells: int, fitted: str) -> None:
    assert fit(text, cells) == fitted


def test_fit_can_fill_on_the_left_and_end_in_ascii() -> None:
    assert fit("7", 3, right=True) == "  7"
    assert fit("日本", 3, right=True) == "日…"
    assert fit("abcdef", 4, ellipsis="~") == "abc~"
    assert fit("abcdef", 4, ellipsis="...") == "a..."
    assert fit("abcdef", 2, ellipsis="...") == ".."


def test_our_widths_are_those_our_screens_are_composed_by() -> None:
    from rich.cells import cell_len  # the tests may: they judge the table of the framework we draw with

    assigned = (f"a{chr(code)}" for code in range(0x33000) if category(chr(code)) not in ("Cn", "Co", "Cs"))
    kept = [text[1] for text in assigned if clean(text) == text]
    assert len(kept) > 100_000
    assert [hex(ord(each)) for each in kept if width(each) != cell_len(each)] == []
