"""Arguments that many verbs share: paging, filters, reasons, times, stages and `key=value` pairs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from engine.registry.model import Stage

F = TypeVar("F", bound=Callable[..., Any])


class Search(NamedTuple):
    """What part of a list is asked for.

    Args:
        filter: In the filter language; empty for all.
        order_by: Sort keys such as `metrics.auc desc`.
        limit: At most so many.
        page_token: Continues an earlier page.
    """

    filter: str = ""
    order_by: tuple[str, ...] = ()
    limit: int = 100
    page_token: str | None = None


def gathered(name: str, kind: type[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Hand several options to a verb as one named tuple; stands below the options.

    Args:
        name: The verb's parameter.
        kind: The named tuple; its fields are called like the options.
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


class Moment(click.ParamType[int]):
    """A point in time: ISO 8601, `2h` (ago), `yesterday 09:00`; becomes milliseconds since the epoch."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the text, or pass on what has been read."""
        from engine.core.timetext import parse_time

        if isinstance(value, int):
            return value
        try:
            return parse_time(str(value), time.time_ns() // 1_000_000)
        except QuarterdeckError as error:
            self.fail(str(error), param, ctx)


class Duration(click.ParamType[int]):
    """A span of time such as `10m` or `1d12h`; becomes milliseconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the text, or pass on what has been read."""
        from engine.core.timetext import parse_duration

        if isinstance(value, int):
            return value
        try:
            return parse_duration(str(value))
        except QuarterdeckError as error:
            self.fail(str(error), param, ctx)


class Pair(click.ParamType[tuple[str, str]]):
    """A key and its value, written `key=value`; the value may hold further `=`."""

    name = "key=value"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Cut at the first `=`."""
        key, equals, rest = str(value).partition("=")
        if not key or not equals:
            self.fail(f"{value!r} is not written as key=value.", param, ctx)
        return key, rest


class Measure(click.ParamType[tuple[str, float]]):
    """A metric and its value, written `key=number`; `nan`, `inf` and `-inf` are numbers."""

    name = "key=number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        """Cut at the last `=`, for metric keys may hold one."""
        key, _, rest = str(value).rpartition("=")
        try:
            measured = float(rest)
        except ValueError:
            key = ""
        if not key:
            self.fail(f"{value!r} is not written as key=number.", param, ctx)
        return key, measured


class StageWord(click.ParamType["Stage"]):
    """A stage, in any case; the shell completes it."""

    name = "stage"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Stage:
        """Read the word, or pass on what has been read."""
        from engine.registry.model import Stage

        try:
            return Stage.parse(str(value))
        except QuarterdeckError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The stages that continue what was typed, in its case."""
        del ctx, param
        from click.shell_completion import CompletionItem

        from engine.registry.model import Stage

        words = [stage.value.lower() if incomplete[:1].islower() else stage.value for stage in Stage]
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def as_mapping(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of a repeated option; the last one of a key wins.

    Args:
        pairs: Keys and values.
    """
    return dict(pairs)


MOMENT = Moment()
DURATION = Duration()
PAIR = Pair()
MEASURE = Measure()
STAGE = StageWord()
