"""How one thing reads: the units in field names decide, and nothing is lost on the way to CSV."""

from __future__ import annotations

import time

import pytest

from engine.cli.cells import number, pairs, short, size, text
from engine.cli.documents import flatten, heading, lay_out, reading
from engine.core.plain import plain


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("size_bytes", 1_234_567, "1.2 MB"),
        ("size_bytes", 999, "999 B"),
        ("duration_ms", 61_000, "1m 01s"),
        ("approval_expiry_ms", 86_400_000, "1d 00h"),
        ("evidence_max_age_ms", 3_600_000, "1h 00m"),
        ("telemetry_keep_ms", 604_800_000, "7d 00h"),
        ("end_ms", None, "-"),
        ("note", "", "-"),
        ("tags", {}, "-"),
        ("production", [3, 7], "3, 7"),
        ("override", True, "yes"),
        ("auc", 0.123456789, "0.123457"),
        ("by", {"name": "ada", "on_behalf_of": "root"}, "ada (by root)"),
        ("by", {"name": "ada", "on_behalf_of": ""}, "ada"),
    ],
)
def test_a_field_reads_by_its_unit(name: str, value: object, shown: str) -> None:
    assert reading(name, value) == shown


def test_moments_tell_their_distance_in_both_directions() -> None:
    now_ms = time.time_ns() // 1_000_000
    assert reading("created_ms", now_ms - 7_300_000).endswith("(2h ago)")
    assert reading("expires_ms", now_ms + 86_400_000 * 3 + 5_000).endswith("(in 3d)")
    assert reading("created_ms", 0).startswith("1970-01-01T00:00:00Z (")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("created_ms", "created"), ("stage_ms", "since"), ("wal_bytes", "wal size"), ("run_id", "run id")],
)
def test_headings_are_words(name: str, shown: str) -> None:
    assert heading(name) == shown


def test_nested_fields_become_blocks_after_the_plain_ones() -> None:
    document = {"params": {"lr": "0.1"}, "name": "a\nb", "files": [{"path": "x", "size_bytes": 5}], "empty": {}}
    assert list(lay_out(document)) == [
        "name   a",
        "       b",
        "empty  -",
        "",
        "params",
        "  lr  0.1",
        "",
        "files",
        "  path  size",
        "  x     5 B",
    ]


def test_a_long_block_says_what_it_leaves_out() -> None:
    lines = list(lay_out({"packages": {f"p{number}": "1" for number in range(100)}}))
    assert lines[-1].strip() == "… and 60 more; --json shows them all"
    assert len(lines) == 2 + 40 + 1


def test_csv_has_every_leaf_with_its_path() -> None:
    document = {"name": "a", "metrics": {"auc": 0.1 + 0.2}, "empty": {}, "tags": ["x", "y"], "files": [{"path": "p"}]}
    assert list(flatten(document)) == [
        ("name", "a"),
        ("metrics.auc", "0.30000000000000004"),
        ("empty", "{}"),
        ("tags", "x, y"),
        ("files", '[{"path": "p"}]'),
    ]


def test_numbers_are_exact_for_programs_and_short_for_people() -> None:
    assert (text(1 / 3), number(1 / 3), short(1 / 3)) == (repr(1 / 3), "0.333333", "0.333333")
    assert [number(value) for value in (float("nan"), float("inf"), -float("inf"), None)] == [
        "NaN",
        "Infinity",
        "-Infinity",
        "-",
    ]
    assert plain([float("nan"), b"\x01", (1,), None, True]) == ["NaN", "01", [1], None, True]
    assert (size(None), size(1_500_000_000_000_000), pairs({}), pairs({"a": 1.0})) == ("-", "1500.0 TB", "-", "a=1")
