"""Expressions that could keep the console busy for ever are refused; ordinary ones are not."""

from __future__ import annotations

import re

import pytest

from engine.core.errors import FilterSyntaxError
from engine.core.query import RUNS
from engine.core.query.explosive import why_explosive
from engine.core.query.quick import parse_quick


@pytest.mark.parametrize(
    "expression",
    [
        "(x+)+y",
        "(x*)*y",
        "(?:x+)*y",
        "(?P<a>x+)+y",
        "((x+))+y",
        "(x|x)*y",
        "(x|xx){40}y",
        "(x{1,9}){9,}y",
        "(x+?)+?y",
        "(?=(x+))(x+)+y",
        "([)]x+)+y",
        "x*x*x*x*x*y",
        ".*.*.*.*.*!",
    ],
)
def test_what_tries_too_many_ways_is_refused(expression: str) -> None:
    re.compile(expression)
    assert why_explosive(expression)
    with pytest.raises(FilterSyntaxError, match="could take for ever"):
        parse_quick(f"/{expression}/", RUNS)


@pytest.mark.parametrize(
    "expression",
    [
        "v[0-9]+",
        r"v\d+\.\d+\.\d+-[a-z]+",
        "(net|forest)-[0-9]{2}",
        "(net|forest)?-1",
        "(ab)+c",
        "(?i:Net)work.*-(16|32)$",
        r"\(x+\)+",
        "[(]x+[)]+",
        "^(?!test).*$",
        "a{2}b{1,3}",
    ],
)
def test_ordinary_expressions_pass(expression: str) -> None:
    assert why_explosive(expression) == ""
    assert parse_quick(f"/{expression}/", RUNS).words[0].text == expression
