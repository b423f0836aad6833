from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.widgets.table.titles import told_apart

AUTOLOGGED = [
    "training_accuracy_score",
    "training_f1_score",
    "training_log_loss",
    "training_precision_score",
    "training_recall_score",
    "training_roc_auc",
]


def test_what_fits_is_not_touched() -> None:
    assert told_apart(["NAME", "auc", "loss"], [10, 9, 9]) == ["NAME", "auc", "loss"]


@pytest.mark.parametrize("width", [7, 8, 9, 12, 14])
def test_metrics_that_begin_alike_show_where_they_differ(width: int) -> None:
    shown = told_apart(["NAME", *AUTOLOGGED], [10, *[width] * len(AUTOLOGGED)])
    heads = [text.strip("…")[: width - 2] for text in shown]
    assert len(set(heads)) == len(heads), shown
    assert shown[2].startswith("…f1")


def test_a_long_title_without_a_double_is_cut_at_its_end() -> None:
    assert told_apart(["auc", "validation_loss"], [9, 9]) == ["auc", "validati…"]


def test_titles_that_differ_only_at_the_end_of_one_word_keep_both_ends() -> None:
    assert told_apart(["temperature1", "temperature2"], [9, 9]) == ["temp…ure1", "temp…ure2"]


def test_columns_of_different_widths_do_not_pass_for_one_another() -> None:
    shown = told_apart(["training_accuracy", "training_recall"], [8, 10])
    assert shown == ["…accura…", "…recall"]


@given(
    st.lists(st.text("ab_漢", min_size=1, max_size=20), min_size=1, max_size=6, unique=True),
    st.integers(6, 14),
)
def test_different_titles_never_look_the_same_and_always_fit(titles: list[str], width: int) -> None:
    shown = told_apart(titles, [width] * len(titles))
    assert all(cell_len(text) <= width for text in shown)
    assert len(set(shown)) == len(shown)
