"""Options that many verbs share: paging, filters, reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

import click

from engine.core.errors import QuarterdeckError

F = TypeVar("F", bound=Callable[..., Any])


class Search:
    """What part of a list is asked for.

    Args:
        filter: In the filter language; empty for all.
        order_by: Sort keys such as `metrics.auc desc`.
        limit: At most so many.
        page_token: Continues an earlier page.
    """

    # A plain class: a named tuple takes ten times as long to define, at every start.
    __slots__ = _fields = ("filter", "limit", "order_by", "page_token")

    def __init__(
        self,
        *,
        filter: str = "",  # noqa: A002 the word of every list
        order_by: tuple[str, ...] = (),
        limit: int = 100,
        page_token: str | None = None,
    ) -> None:
        self.filter = filter
        self.order_by = order_by
        self.limit = limit
        self.page_token = page_token


def gathered(name: str, kind: type[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Hand several options to a verb as one value; stands below the options.

    Args:
        name: The verb's parameter.
        kind: A class whose `_fields` are called like the options, such as a named tuple.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def verb(*args: Any, **options: Any) -> Any:
            fields = {field: options.pop(field) for field in kind._fields if field in options}
            return function(*args, **{name: kind(**fields)}, **options)

        return verb

    return decorate


def paging_options(function: F) -> F:
    """Give a list verb `--limit` and `--page-token`."""
    function = click.option("--page-token", metavar="TOKEN", help="Continue a list where an earlier page ended.")(
        function
    )
    return click.option(
        "--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, help="At most so many."
    )(function)


def search_options(*, example: str, order: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a list verb `--filter`, `--order-by`, `--limit` and `--page-token`; it receives one `search`.

    Args:
        example: A filter, for the help.
        order: A sort key, for the help; empty where the list has one order only.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        decorated = paging_options(gathered("search", Search)(function))
        if order:
            decorated = click.option(
                "--order-by", multiple=True, metavar="KEY [ASC|DESC]", help=f"Such as '{order}'; may be repeated."
            )(decorated)
        return click.option("--filter", default="", metavar="TEXT", help=f'Such as "{example}".')(decorated)

    return decorate


def reason_option(function: F) -> F:
    """Give a verb `--reason`."""
    return click.option("--reason", required=True, help="Why; kept in the audit log.")(function)


def yes_option(function: F) -> F:
    """Give an irreversible verb `--yes`."""
    return click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")(function)


def past_option(function: F) -> F:
    """Give a verb that only reads `--at`: everything it says is of that moment, and nothing else of it changes."""

    def look_back(ctx: click.Context, param: click.Parameter, text: str | None) -> None:
        if text is not None:
            from engine.core.clock import SystemClock
            from engine.core.moment import past_moment

            try:
                ctx.obj.moment = past_moment(text, SystemClock().now_ms())
            except QuarterdeckError as error:
                raise click.BadParameter(f"{error.message} {error.hint}", ctx, param) from error

    words = "As it was at a past time (2026-11-03T09:00, 5m, 'yesterday 09:00'), or after a change (#1182)."
    option = click.option("--at", metavar="TIME", expose_value=False, is_eager=True, callback=look_back, help=words)
    return option(function)


def as_mapping(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of a repeated option; the last one of a key wins.

    Args:
        pairs: Keys and values.
    """
    return dict(pairs)
