"""The methods there are: what each measures, what it is held against, and for which columns it is meant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.suggest import did_you_mean
from engine.drift.model import USUAL_METHOD, Method

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sense(Enum):
    """For which columns a method is meant."""

    ANY = "any"
    ORDERED = "ordered"
    """Numbers and times; a column of levels is decided by the method's `instead`."""


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """What is known of a method.

    Args:
        name: Its name.
        title: What it is, in words.
        usual: The threshold it is held against where none is given; `None` for tests, which are decided by their
            p-value, corrected for the number of columns.
        sense: For which columns it is meant.
        instead: The method of other columns.
        exact_only: Whether it needs the values themselves.
    """

    name: str
    title: str
    usual: float | None = None
    sense: Sense = Sense.ANY
    instead: str = ""
    exact_only: bool = False


METHODS = {
    info.name: info
    for info in (
        MethodInfo(USUAL_METHOD, "margin test: is the PSI more than a margin that does not matter?"),
        MethodInfo("psi", "population stability index over the reference's deciles, in nats", 0.2),
        MethodInfo("ks", "Kolmogorov-Smirnov", None, Sense.ORDERED, "chi2"),
        MethodInfo("chi2", "chi-square of homogeneity, sparse levels pooled"),
        MethodInfo("wasserstein", "Wasserstein-1 in standard deviations of the reference", 0.1, Sense.ORDERED, "js"),
        MethodInfo("js", "Jensen-Shannon distance, base 2, square root", 0.1),
        MethodInfo("hellinger", "Hellinger distance", 0.1),
        MethodInfo("kl", "Kullback-Leibler divergence of the current data from the reference, in nats", 0.1),
        MethodInfo("linf", "greatest difference of a share (L-infinity)", 0.1),
        MethodInfo("ad", "Anderson-Darling, two samples", None, Sense.ORDERED, "chi2", exact_only=True),
        MethodInfo("cvm", "Cramér-von Mises, two samples", None, Sense.ORDERED, "chi2", exact_only=True),
    )
}
"""Every method by name."""


def parse_method(text: str) -> Method:
    """Read a method.

    Args:
        text: Such as `margin`, `ks` (decided by its corrected p-value) or `psi>0.25` (by a fixed threshold).

    Returns:
        The method.

    Raises:
        InvalidInput: there is no such method, or the threshold is no number at least 0.
    """
    name, sign, limit = text.replace(" ", "").partition(">")
    if name not in METHODS:
        raise InvalidInput(
            f"There is no method {name[:50]!r}.",
            hint=did_you_mean(name[:50], list(METHODS)) or f"Methods are {', '.join(METHODS)}.",
        )
    if not sign:
        return Method(name, METHODS[name].usual)
    if name == USUAL_METHOD:
        raise InvalidInput("The margin test has no fixed threshold.", hint="Write psi>0.2, or set the margin.")
    try:
        threshold = float(limit)
    except ValueError:
        threshold = -1.0
    if not (isfinite(threshold) and threshold >= 0):
        raise InvalidInput(f"The threshold of {name} must be a number at least 0.", hint=f"Write {name}>0.1.")
    return Method(name, threshold)


def parse_methods(texts: Sequence[str]) -> tuple[Method | None, dict[str, Method]]:
    """Read the methods of a whole comparison.

    Args:
        texts: Each a method for all columns, or `COLUMN=METHOD` for one; the last one wins.

    Returns:
        The method for all columns, `None` where none was named, and those of single columns.

    Raises:
        InvalidInput: as `parse_method`.
    """
    usual: Method | None = None
    single: dict[str, Method] = {}
    for text in texts:
        column, sign, method = text.rpartition("=")
        if sign:
            single[column] = parse_method(method)
        else:
            usual = parse_method(method)
    return usual, single


def fitting(method: Method, *, ordered: bool) -> Method:
    """The method itself where it is meant for such a column, else what stands in for it there.

    Args:
        method: As asked for.
        ordered: Whether the column's values have an order.
    """
    info = METHODS[method.name]
    if ordered or info.sense is Sense.ANY:
        return method
    return Method(info.instead, METHODS[info.instead].usual)


def refuse_exact_only(methods: Sequence[Method]) -> None:
    """Refuse methods that need the values themselves.

    Args:
        methods: What is asked for.

    Raises:
        InvalidInput: one of them does.
    """
    for method in methods:
        if METHODS[method.name].exact_only:
            raise InvalidInput(
                f"{METHODS[method.name].title} needs the values themselves, and profiles hold counts.",
                hint="Add --exact, or choose ks.",
            )
