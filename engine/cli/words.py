"""What single words on a command line mean: times, spans, stages and `key=value` pairs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from engine.core.errors import QuarterdeckError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from engine.registry.model import Stage


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


class TrafficShare(click.ParamType[int]):
    """A share of the requests such as `12.5%`; becomes steps of 0.1 %."""

    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the text, or pass on what has been read."""
        from engine.core.percent import parse_percent

        if isinstance(value, int):
            return value
        try:
            return parse_percent(str(value))
        except QuarterdeckError as error:
            self.fail(str(error), param, ctx)


MOMENT = Moment()
DURATION = Duration()
PAIR = Pair()
MEASURE = Measure()
SHARE = TrafficShare()
STAGE = StageWord()
