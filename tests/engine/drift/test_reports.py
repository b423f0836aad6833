"""What reports say to people: one file that needs nothing, however wide the table and hostile its names."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.drift.document import document, report_from
from engine.drift.html import MAX_BYTES, page
from engine.drift.methods import METHODS, parse_method, parse_methods
from engine.drift.model import Bin, Decision, DriftReport, FeatureResult, Histogram, Side
from engine.drift.words import named, number, probability, share
from tests.engine.drift.tables import compared, honest, normal

HOSTILE = '<script>alert("x")</script>\x1b[31m\u202e&"\'`'


class Elements(HTMLParser):
    """The elements of a page, with what would load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href", "onload", "onerror", "onclick")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(written: str) -> Elements:
    found = Elements()
    found.feed(written)
    found.close()
    return found


def wide(columns: int, name: str = "feature", bins: int = 12) -> DriftReport:
    features = tuple(
        FeatureResult(
            f"{name} {place} {'x' * 200}",
            "number",
            Decision.DRIFT if place % 2 else Decision.STABLE,
            method="margin",
            n_ref=1000,
            n_cur=1000,
            effect=0.123456789,
            effect_low=0.1,
            effect_high=0.2,
            q=0.001,
            reason="PSI 0.123 is beyond the margin of 0.0025 (q <0.001).",
            changed="The mean rises from 1 to 2.",
            distances={"psi": 0.1, "js": 0.2, "ks": 0.3},
            bins=tuple(Bin(f"{low} to {low + 1}", 100, 120) for low in range(bins)),
            histogram=Histogram(0, 1, tuple(np.linspace(0, 0.1, 30)), tuple(np.linspace(0.1, 0, 30))),
        )
        for place in range(columns)
    )
    return DriftReport(Side("r", 1000), Side(HOSTILE, 1000), features, "by rules", "told")


@pytest.mark.parametrize("columns", [1, 500, 5_000])
def test_a_page_fits_whatever_the_number_of_columns(columns: int) -> None:
    written = page(wide(columns, "Ж<&>"), made_ms=0)
    assert len(written.encode()) <= MAX_BYTES
    found = read(written)
    assert (found.found.count("html"), found.loads, "script" in found.found) == (1, [], False)
    if columns == 500:
        assert found.found.count("tr") >= 500


def test_logged_text_is_text_on_a_page() -> None:
    report = compared({HOSTILE: normal(500), "b": honest(500)["region"]}, {HOSTILE: normal(500, 1), "c": normal(500)})
    written = page(report)
    assert "\x1b" not in written
    assert "\u202e" not in written
    assert "<script" not in written
    assert any('<script>alert("x")</script>' in text for text in read(written).text)
    assert "default-src 'none'" in written


def test_a_page_draws_both_shapes_and_lists_the_bins() -> None:
    written = page(compared(honest(2000), honest(500, 1, shift=1)))
    found = read(written)
    assert found.found.count("svg") == 4
    assert found.found.count("path") == 8
    assert "income" in "".join(found.text)
    assert "The mean rises" in "".join(found.text)


def test_a_page_of_nothing_is_a_page() -> None:
    empty = DriftReport(Side("r", 0), Side("c", 0), (), "by", "There is nothing to compare.")
    assert "There is nothing to compare." in page(empty)


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"schema_version": 2}', '{"schema_version": 1, "features": 7}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    import json

    with pytest.raises(InvalidInput, match="no drift report"):
        report_from(json.loads(text))


@given(st.floats(allow_nan=False), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_numbers_read_short_and_never_break(value: float, part: float) -> None:
    assert 0 < len(number(value)) <= 20
    assert len(probability(part)) <= 6
    assert share(part).endswith(" %")
    assert (share(part) == "0 %") == (part == 0)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_names_are_listed_shortly(names: list[str]) -> None:
    told = named(names)
    assert (" more" in told) or len(names) <= 3
    assert "\n" not in told


@pytest.mark.parametrize("name", METHODS)
def test_methods_read_back_as_they_are_written(name: str) -> None:
    assert parse_method(str(parse_method(name))) == parse_method(name)


def test_columns_may_have_methods_of_their_own() -> None:
    usual, single = parse_methods(["js>0.2", "a=b=psi>0.3", "income=ks"])
    assert (str(usual), {name: str(method) for name, method in single.items()}) == (
        "js>0.2",
        {"a=b": "psi>0.3", "income": "ks"},
    )


@pytest.mark.parametrize("text", ["", "psi>", "psi>-1", "psi>nan", "psi>inf", "ks<0.1", "=", "x" * 500])
def test_words_that_are_no_method_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_method(text)


def test_a_report_survives_as_json_to_the_last_digit() -> None:
    report = compared(honest(2000), honest(500, 1, shift=1), "wasserstein")
    assert document(report_from(document(report))) == document(report)
