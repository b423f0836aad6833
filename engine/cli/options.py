"""Arguments that many verbs share: paging, filters, times, and names that complete from the workspace."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from engine.api import Engine

F = TypeVar("F", bound=Callable[..., Any])


def paging_options(function: F) -> F:
    """Give a list verb `--limit` and `--page-token`."""
    function = click.option("--page-token", metavar="TOKEN", help="Continue a list where an earlier page ended.")(
        function
    )
    return click.option(
        "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many."
    )(function)


def search_options(function: F) -> F:
    """Give a list verb `--filter`, `--order-by`, `--limit` and `--page-token`."""
    function = paging_options(function)
    function = click.option(
        "--order-by",
        multiple=True,
        metavar="KEY [ASC|DESC]",
        help="Order, such as 'metrics.auc desc'; may be repeated.",
    )(function)
    return click.option(
        "--filter",
        "filter_text",
        default="",
        metavar="TEXT",
        help="Such as \"metrics.auc > 0.9 and params.lr = '0.1'\".",
    )(function)


def reason_option(function: F) -> F:
    """Give a verb `--reason`."""
    return click.option("--reason", required=True, help="Why; kept in the audit log.")(function)


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


class LiveName(click.ParamType[str]):
    """A name of something in the workspace; the shell completes it from what is there now.

    Args:
        name: What the argument is called in help.
        names: Takes the engine and the beginning of a word, gives names.
    """

    def __init__(self, name: str, names: Callable[[Engine, str], Sequence[str]]) -> None:
        self.name = name
        self._names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that continue what was typed; none when the workspace cannot be read."""
        del param
        from click.shell_completion import CompletionItem

        from engine import api
        from engine.core.text import clean

        root = ctx.find_root()
        try:
            with api.open(root.params.get("workspace"), read_only=True, via="cli") as opened:
                names = self._names(opened, incomplete)
        except QuarterdeckError:
            return []
        # A name that does not survive cleaning could not be typed, and must not reach the terminal.
        return [CompletionItem(name) for name in names if name.startswith(incomplete) and clean(name) == name]


def _experiments(engine: Engine, _begin: str) -> Sequence[str]:
    return [experiment.name for experiment in engine.experiments.page(limit=200).items]


def _models(engine: Engine, _begin: str) -> Sequence[str]:
    return [model.name for model in engine.models.page(limit=200).items]


def _runs(engine: Engine, _begin: str) -> Sequence[str]:
    from engine.tracking.model import RunQuery

    return [run.run_id for run in engine.runs.page(RunQuery(limit=100)).items]


EXPERIMENT = LiveName("experiment", _experiments)
MODEL = LiveName("model", _models)
RUN = LiveName("run", _runs)
MOMENT = Moment()
DURATION = Duration()
STAGE = click.Choice(["Registered", "Staging", "Production", "Archived"], case_sensitive=False)
