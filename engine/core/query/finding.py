"""Run queries as they are typed: `cfg.lr>=1e-3 -note:debug churn`. One meaning in the shell and in the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Protocol

    from engine.core.query.quick import QuickFilter
    from engine.core.query.tree import Filter

    class Known(Protocol):
        """The keys there are."""

        @property
        def metrics(self) -> Collection[str]:
            """Every metric."""

        @property
        def params(self) -> Collection[str]:
            """Every parameter."""


SEARCHED = ("run_name", "run_id", "experiment", "status", "user_id")
"""What a free word is looked for in."""


def parse_runs(text: str, known: Known, now_ms: int) -> QuickFilter:
    """Parse a run query.

    Args:
        text: As `engine.core.query.quick` reads it.
        known: The metrics and parameters there are.
        now_ms: The present, in milliseconds since the epoch, for ages such as `start_time>2h`.

    Raises:
        FilterSyntaxError: an unknown key, a wrong value, or an expression that does not compile.
    """
    from engine.core.query.quick import parse_quick  # a list without a query does without
    from engine.core.query.schema import RUNS

    return parse_quick(text, RUNS, known.metrics, known.params, now_ms)


def narrowed(tree: Filter | None, query: str, known: Known, now_ms: int) -> Filter | None:
    """A filter and a run query as one filter.

    Args:
        tree: The filter; `None` for all.
        query: A run query; empty for all.
        known: The metrics and parameters there are.
        now_ms: The present, in milliseconds since the epoch.

    Returns:
        What both let through; `None` for all.

    Raises:
        FilterSyntaxError: the query does not parse.
        InvalidInput: the query holds a regular expression.
    """
    from engine.core.query.tree import And

    asked = parse_runs(query, known, now_ms).tree(SEARCHED)
    if tree is None or asked is None:
        return tree or asked
    return And((*_parts(tree), *_parts(asked)))


def _parts(tree: Filter) -> tuple[Filter, ...]:
    """What a filter joins by AND, flat: indexes are looked for on one level."""
    from engine.core.query.tree import And

    return tree.parts if isinstance(tree, And) else (tree,)
