from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.arranging.orders import Order, further, read_orders, sorted_by, write_orders
from console.arranging.terms import key_of, last_value, of_column, without

ORDERS = st.lists(
    st.builds(Order, st.sampled_from(["a", "metrics.b", "tags.`c d`"]), st.booleans()), unique_by=lambda it: it.key
).map(tuple)
FIRST = st.builds(Order, st.sampled_from(["a", "metrics.b", "d"]), st.booleans())


@given(ORDERS)
def test_what_is_written_is_read_again(orders: tuple[Order, ...]) -> None:
    assert read_orders(write_orders(orders)) == orders


def test_the_first_mention_of_a_key_counts_and_nothing_is_nothing() -> None:
    assert read_orders("-a, a,,+b") == (Order("a", descending=True), Order("b"))


@given(ORDERS, FIRST)
def test_sorting_by_a_column_again_turns_it_round(orders: tuple[Order, ...], first: Order) -> None:
    once = sorted_by(orders, first)
    assert [order.key for order in once] == [first.key]
    assert sorted_by(once, first) == (once[0].reversed,)


@given(ORDERS, FIRST)
def test_a_further_order_comes_last_turns_round_and_goes(orders: tuple[Order, ...], first: Order) -> None:
    others = tuple(order for order in orders if order.key != first.key)
    added = further(others, first)
    assert added == (*others, first)
    turned = further(added, first)
    assert turned == (*others, first.reversed)
    assert further(turned, first) == others


@pytest.mark.parametrize(
    ("term", "key"),
    [
        ("metrics.auc>0.9", "metrics.auc"),
        ("!status=failed", "status"),
        ("tags.`a b`~x", "tags.`a b`"),
        ("params.config$.optimizer.lr>=0.1", "params.config$.optimizer.lr"),
        ("word", ""),
        ("/a=b/", ""),
        ("'a=b'", ""),
        ("=5", ""),
    ],
)
def test_a_term_tells_which_column_it_compares(term: str, key: str) -> None:
    assert key_of(term) == key


def test_terms_of_one_column_are_told_from_those_of_others() -> None:
    terms = ("word", "metrics.auc>0.5", "auc<0.9", "status=failed")
    keys = {"metrics.auc", "auc"}
    assert of_column(terms, keys) == ("metrics.auc>0.5", "auc<0.9")
    assert without(terms, keys) == ("word", "status=failed")


@pytest.mark.parametrize(
    ("text", "typed"),
    [("status=", ""), ("status=fai", "fai"), ("status=failed,ki", "ki"), ("a>=0.5", "0.5"), ("x", "")],
)
def test_the_value_being_typed_stands_behind_the_last_operator_or_comma(text: str, typed: str) -> None:
    start, value = last_value(text)
    assert (text[start:], value) == (typed, typed)
