"""The options that comparisons share, and what they become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engine.cli.options import gathered
from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.compute.model import Executor
    from engine.drift.model import Rules, Wanted


class How(NamedTuple):
    """How to compare; the words of the command line."""

    method: Sequence[str]
    exact: bool
    columns: str
    segments: str
    prediction: str
    label: str
    delta: float
    level: float
    importance: Sequence[str]
    classifier: bool
    pca: bool


class Where(NamedTuple):
    """What works; the words of the command line."""

    backend: str
    jobs: int
    scheduler: str


_BETWEEN = click.FloatRange(0, 1, min_open=True, max_open=True)

_HOW = (
    click.option(
        "--method",
        multiple=True,
        metavar="[COLUMN=]METHOD",
        help="margin (the default), psi>0.2, ks, chi2, wasserstein>0.1, js>0.1, hellinger, kl, linf, ad, cvm.",
    ),
    click.option("--exact", is_flag=True, help="From the values themselves, in memory, and not from counts."),
    click.option("--columns", default="", metavar="NAME,...", help="Only these columns."),
    click.option("--segments", default="", metavar="NAME,...", help="Look within each value of these columns too."),
    click.option("--prediction", default="", metavar="NAME,...", help="Columns that hold what the model answered."),
    click.option("--label", default="", metavar="NAME,...", help="Columns that hold what turned out to be true."),
    click.option("--delta", type=_BETWEEN, default=None, help="The greatest PSI that is no drift."),
    click.option("--level", type=_BETWEEN, default=None, help="Share of false discoveries allowed; usually 0.05."),
    click.option("--importance", multiple=True, metavar="NAME=WEIGHT", help="How much the model relies on a column."),
    click.option("--classifier", is_flag=True, help="Also: can a model tell the two sides apart, and by what?"),
    click.option("--pca", is_flag=True, help="Also: are the numbers still related as they were?"),
)

_WHERE = (
    click.option(
        "--backend",
        type=click.Choice(["serial", "threads", "loky", "dask"]),
        default="serial",
        show_default=True,
        help="What reads: this process, threads, processes, a Dask cluster. The answer is the same.",
    ),
    click.option("--jobs", type=click.IntRange(0, 1024), default=0, help="How many at once; 0: one a processor."),
    click.option("--scheduler", default="", metavar="ADDRESS", help="With dask: tcp://HOST:PORT, threads, processes."),
)


def comparing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options of a comparison; it receives `how`."""
    return _given(_HOW, "how", How, function)


def reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options of what reads; it receives `where`."""
    return _given(_WHERE, "where", Where, function)


def _given(options: Sequence[Any], name: str, kind: type[Any], function: Callable[..., Any]) -> Callable[..., Any]:
    decorated = gathered(name, kind)(function)
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def wanted(how: How) -> Wanted:
    """What is asked for.

    Raises:
        InvalidInput: an option's text is none of its kind.
    """
    from engine.drift.model import Wanted

    return Wanted(
        rules=_rules(how),
        exact=how.exact,
        segments=names(how.segments),
        classifier=how.classifier,
        pca=how.pca,
    )


def _rules(how: How) -> Rules:
    from engine.drift.methods import parse_methods, refuse_exact_only
    from engine.drift.model import Rules

    usual, single = parse_methods(how.method)
    given: dict[str, Any] = {"methods": single, "importance": weights(how.importance)}
    given |= {"columns": names(how.columns), "predictions": names(how.prediction), "labels": names(how.label)}
    given |= {key: value for key, value in (("delta", how.delta), ("level", how.level)) if value is not None}
    if usual is not None:
        given["method"] = usual
    rules = Rules(**given)
    if not how.exact:
        refuse_exact_only([rules.method, *single.values()])
    return rules


def weights(texts: Sequence[str]) -> dict[str, float]:
    """Weights by name.

    Args:
        texts: Such as `income=0.4`.

    Raises:
        InvalidInput: one is no such text, or below 0.
    """
    found = {}
    for text in texts:
        name, sign, weight = text.rpartition("=")
        try:
            found[name] = float(weight)
        except ValueError:
            sign = ""
        if not sign or not 0 <= found[name] < float("inf"):
            raise InvalidInput("An importance is a number at least 0.", hint="Write --importance income=0.4.")
    return found


def names(listed: str) -> tuple[str, ...]:
    """Names with commas between them, quoted as in CSV where they hold one."""
    import csv

    return tuple(next(csv.reader([listed]), ()))


@contextmanager
def executor(where: Where) -> Iterator[Executor | None]:
    """What works; `None` for this process itself.

    Raises:
        InvalidInput: there is no such backend, or it has no such scheduler.
        Unreachable: no scheduler answers.
    """
    if where.backend == "serial" and not where.scheduler:
        yield None
        return
    from engine.compute.choosing import choose

    chosen = choose(where.backend, jobs=where.jobs, scheduler=where.scheduler)
    try:
        yield chosen
    finally:
        chosen.close()
