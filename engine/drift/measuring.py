"""The quantities of a column by the names of `engine.drift.methods`: from counts, or from values where there are."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from engine.drift.model import USUAL_METHOD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from engine.drift.counts import Counts, Fine
    from engine.drift.model import Rules

    OfCounts = Callable[[NDArray[Any], NDArray[Any]], float]

_DRAWS = 200
_SEED = 20_260
_TAIL = 0.025
_SHAPES = ("psi", "js", "hellinger", "linf")
_ORDERED = ("ks", "wasserstein")


@dataclass(frozen=True, slots=True)
class Measured:
    """A quantity of one column.

    Args:
        effect: The quantity.
        low: Least effect that the data do not speak against, at 95 %.
        high: Greatest such effect.
        exact: Whether `effect` is the quantity itself.
        bound: Its greatest error, where it is not.
        p: Of tests: how probable so great a difference is if there is none worth telling.
        power: Of the margin test: the probability to find a change worth finding.
    """

    effect: float
    low: float | None = None
    high: float | None = None
    exact: bool = True
    bound: float = 0.0
    p: float | None = None
    power: float | None = None


def measure(name: str, counts: Counts, rules: Rules, *, looked_at: int = 1) -> Measured:
    """Measure a column.

    Args:
        name: A method that is meant for it.
        counts: Both sides; each has rows.
        rules: The margin and what must be found.
        looked_at: How many columns are looked at together.

    Returns:
        The quantity with its interval.
    """
    if name == USUAL_METHOD:
        return _margin(counts, rules, looked_at)
    if name in _PLAIN:
        return _shape(name, counts)
    return _MEASURES[name](counts)


def distances(counts: Counts) -> Mapping[str, float]:
    """The further quantities that are shown of a column, without intervals."""
    if not counts.reference.sum() or not counts.current.sum():
        return {}
    found = {name: _PLAIN[name](counts.reference, counts.current) for name in _SHAPES}
    for name in _ORDERED if counts.ordered else ():
        found[name] = _ordered(name, counts)[0] if counts.values is not None else _shown(name, counts.fine)
    return found


def _shown(name: str, fine: Fine | None) -> float:
    """A quantity of order as close as a drawing is; where one decides, it is told from every cell."""
    from engine.stats import kolmogorov_smirnov, wasserstein

    if fine is None or not fine.reference.sum() or not fine.current.sum():
        return 0.0
    if name == "ks":
        return kolmogorov_smirnov.binned(fine.reference, fine.current)[0]
    scale = fine.scale if fine.scale > 0 else None
    return wasserstein.binned(fine.reference, fine.current, fine.lows, fine.highs, scale=scale)[0]


def _psi(reference: NDArray[Any], current: NDArray[Any]) -> float:
    from engine.stats.psi import psi

    return psi(reference, current)


def _js(reference: NDArray[Any], current: NDArray[Any]) -> float:
    from engine.stats.jensen_shannon import distance

    return distance(reference, current)


def _hellinger(reference: NDArray[Any], current: NDArray[Any]) -> float:
    from engine.stats.hellinger import distance

    return distance(reference, current)


def _kl(reference: NDArray[Any], current: NDArray[Any]) -> float:
    from engine.stats.kullback_leibler import divergence

    return divergence(reference, current)


def _linf(reference: NDArray[Any], current: NDArray[Any]) -> float:
    from engine.stats.l_infinity import distance

    return distance(reference, current)


_PLAIN: dict[str, OfCounts] = {"psi": _psi, "js": _js, "hellinger": _hellinger, "kl": _kl, "linf": _linf}


def _margin(counts: Counts, rules: Rules, looked_at: int) -> Measured:
    from engine.stats.margin import Sought, psi_exceeds

    # What one feature must reach where none of the others has changed: the correction's hardest case.
    sought = Sought(rules.detectable, rules.level / max(looked_at, 1))
    found = psi_exceeds(
        counts.reference,
        counts.current,
        rules.delta,
        ordered=counts.in_order,
        inflation=max(1.0, rules.inflations.get(counts.name, rules.inflation)),
        sought=sought,
    )
    return Measured(found.effect, found.low, found.high, exact=counts.exact, p=found.p, power=found.power)


def _shape(name: str, counts: Counts) -> Measured:
    """A distance of two shapes, with a basic bootstrap interval (Davison and Hinkley 1997, section 5.2)."""
    distance = _PLAIN[name]
    effect = distance(counts.reference, counts.current)
    low, high = _interval(effect, counts.reference, counts.current, distance)
    return Measured(effect, low, high, exact=counts.exact)


def _interval(effect: float, reference: NDArray[Any], current: NDArray[Any], distance: OfCounts) -> tuple[float, float]:
    """What redrawn counts say of an effect; its pull away from zero, which is twice in redrawn ones, is taken off."""
    import numpy as np

    source = np.random.default_rng(_SEED)
    sides = [
        source.multinomial(int(side.sum()), side / side.sum(), _DRAWS) if side.sum() else np.zeros((_DRAWS, len(side)))
        for side in (reference, current)
    ]
    drawn = np.array([distance(one, other) for one, other in zip(*sides, strict=True)])
    low, high = np.quantile(drawn, (_TAIL, 1 - _TAIL))
    return max(0.0, float(2 * effect - high)), max(effect, float(2 * effect - low))


def _ordered(name: str, counts: Counts) -> tuple[float, float, bool]:
    """A quantity of ordered values: its value, its greatest error, whether it is exact."""
    from engine.stats import kolmogorov_smirnov, wasserstein

    if counts.values is None:
        value, bound = (0.0, 0.0) if counts.quantity is None else counts.quantity(name)
        return value, bound, bound == 0
    ref, cur, fine = counts.values.reference, counts.values.current, counts.fine
    if not len(ref) or not len(cur):
        return 0.0, 0.0, True
    if name == "ks":
        return kolmogorov_smirnov.exact(ref, cur).statistic, 0.0, True
    scale = fine.scale if fine is not None and fine.scale > 0 else None
    return wasserstein.exact(ref, cur, scale=scale), 0.0, True


def _ks(counts: Counts) -> Measured:
    """Kolmogorov-Smirnov; its interval is that of Dvoretzky, Kiefer and Wolfowitz with Massart's constant."""
    from engine.stats import kolmogorov_smirnov

    effect, bound, exact = _ordered("ks", counts)
    n, m = finite(counts)
    if not n or not m:
        return Measured(effect, p=1.0)
    if counts.values is not None:
        p = kolmogorov_smirnov.exact(counts.values.reference, counts.values.current).p
    else:
        from scipy.special import kolmogorov

        p = float(kolmogorov(effect * sqrt(n * m / (n + m))))
    wide = 1.3581 * sqrt(1 / n + 1 / m)
    return Measured(effect, max(0.0, effect - wide), min(1.0, effect + bound + wide), exact=exact, bound=bound, p=p)


def _wasserstein(counts: Counts) -> Measured:
    from engine.stats import wasserstein

    effect, bound, exact = _ordered("wasserstein", counts)
    fine = counts.fine
    if fine is None or fine.scale <= 0 or not fine.reference.sum() or not fine.current.sum():
        return Measured(effect, exact=exact, bound=bound)

    def binned(reference: NDArray[Any], current: NDArray[Any]) -> float:
        return wasserstein.binned(reference, current, fine.lows, fine.highs, scale=fine.scale)[0]

    centre = binned(fine.reference, fine.current)
    low, high = _interval(centre, fine.reference, fine.current, binned)
    shift = effect - centre
    return Measured(effect, max(0.0, low + shift), high + shift + bound, exact=exact, bound=bound)


def _chi2(counts: Counts) -> Measured:
    """Chi-square; its effect is Cramér's V, which does not grow with the number of rows."""
    from engine.stats import chi_square

    found = chi_square.pooled(counts.reference, counts.current)
    total = float(counts.reference.sum() + counts.current.sum())

    def strength(reference: NDArray[Any], current: NDArray[Any]) -> float:
        return sqrt(max(chi_square.pooled(reference, current).statistic, 0.0) / total)

    effect = sqrt(max(found.statistic, 0.0) / total) if total else 0.0
    low, high = _interval(effect, counts.reference, counts.current, strength)
    return Measured(effect, low, high, exact=counts.exact, p=found.p)


def _anderson_darling(counts: Counts) -> Measured:
    from engine.stats import anderson_darling

    if counts.values is None or min(map(len, (counts.values.reference, counts.values.current))) < 2:
        return Measured(0.0, p=1.0)
    found = anderson_darling.k_sample(counts.values.reference, counts.values.current)
    return Measured(found.statistic, p=found.p)


def _cramer_von_mises(counts: Counts) -> Measured:
    from engine.stats import cramer_von_mises

    if counts.values is None or min(map(len, (counts.values.reference, counts.values.current))) < 2:
        return Measured(0.0, p=1.0)
    found = cramer_von_mises.two_sample(counts.values.reference, counts.values.current)
    return Measured(found.statistic, p=found.p)


def finite(counts: Counts) -> tuple[int, int]:
    """Finite numbers of the reference and of the current data; none where values have no order."""
    if counts.values is not None:
        return len(counts.values.reference), len(counts.values.current)
    ordered = slice(counts.in_order)
    return (int(counts.reference[ordered].sum()), int(counts.current[ordered].sum())) if counts.ordered else (0, 0)


_MEASURES: dict[str, Callable[[Counts], Measured]] = {
    "ks": _ks,
    "wasserstein": _wasserstein,
    "chi2": _chi2,
    "ad": _anderson_darling,
    "cvm": _cramer_von_mises,
}
