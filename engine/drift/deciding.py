"""From counts to decisions: one rule for profiles and for values.

A column drifted when its own evidence holds against all the other columns that were looked at with it: the p-values of
tests are corrected by Benjamini and Hochberg. What did not drift is only called stable where a change worth finding
would have been found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.drift.changing import what_changed
from engine.drift.measuring import Measured, distances, finite, measure
from engine.drift.methods import METHODS, Sense, fitting
from engine.drift.model import (
    SCHEMA,
    USUAL_METHOD,
    Bin,
    Decision,
    DriftReport,
    FeatureResult,
    Method,
    Path,
    Rules,
    Side,
)
from engine.drift.shaping import histogram
from engine.drift.words import count, effect, named, probability, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.drift.counts import Counts

LEAST_ROWS = 30
"""Fewer rows than this are never held against a fixed threshold, which takes no account of chance."""

_MOST_BINS = 40
_MOST_LEVELS = 20


@dataclass(frozen=True, slots=True)
class Judged:
    """One column on its way to a decision.

    Args:
        counts: Both sides.
        method: By what it is decided.
        measured: The quantity.
    """

    counts: Counts
    method: Method
    measured: Measured


def decide(
    compared: Iterable[Counts | FeatureResult], rules: Rules, *, whole: bool = True
) -> tuple[FeatureResult, ...]:
    """Decide over all columns of a comparison.

    Args:
        compared: Each column's counts, or what is already said of it because there is nothing to count.
        rules: By what.
        whole: With shapes, bins and further distances of every column, not only of those that drifted.

    Returns:
        The results, those that matter most first.
    """
    settled: list[FeatureResult] = []
    asked: list[Counts] = []
    for each in compared:
        verdict = each if isinstance(each, FeatureResult) else _without_test(each)
        if verdict is not None:
            settled.append(verdict)
        elif not isinstance(each, FeatureResult):
            asked.append(each)
    judged = [_judged(each, rules, len(asked)) for each in asked]
    results = [
        *settled,
        *(_result(one, q, rules, whole=whole) for one, q in zip(judged, _corrected(judged), strict=True)),
    ]
    return _ranked(results, rules)


def _judged(counts: Counts, rules: Rules, looked_at: int) -> Judged:
    method = fitting(rules.method_of(counts.name), ordered=counts.ordered)
    if METHODS[method.name].sense is Sense.ORDERED and not all(finite(counts)):
        method = Method()  # there is nothing in order, but what is missing, infinite or of another type tells too
    judged = [
        Judged(each, method, measure(method.name, each, rules, looked_at=looked_at * (1 + len(counts.aspects))))
        for each in (counts, *counts.aspects)
        if each.reference.sum() and each.current.sum()
    ]
    if len(judged) <= 1:
        return judged[0] if judged else Judged(counts, method, Measured(0.0, p=1.0, power=0.0))
    found = min(judged, key=_strength)
    # Whichever aspect says most speaks for the column, at the price of having been chosen (Bonferroni).
    p = found.measured.p
    return replace(found, measured=replace(found.measured, p=None if p is None else min(1.0, p * len(judged))))


def _strength(one: Judged) -> tuple[float, float]:
    p = one.measured.p
    return (1.0 if p is None else p, -one.measured.effect)


def report_of(
    features: tuple[FeatureResult, ...],
    sides: tuple[Side, Side],
    rules: Rules,
    path: Path,
    *,
    problems: Sequence[str] = (),
) -> DriftReport:
    """Put results into a report.

    Args:
        features: The results, ranked.
        sides: The reference and the current data.
        rules: By what they were decided.
        path: How the numbers were made.
        problems: What could not be read as it should.

    Returns:
        The report.
    """
    reference, current = sides
    return DriftReport(
        reference=reference,
        current=current,
        features=features,
        decided_by=_decided_by(rules, path),
        sentence=_sentence(features, current.rows),
        path=path,
        level=rules.level,
        problems=tuple(problems),
    )


def _without_test(counts: Counts) -> FeatureResult | None:
    """What is said of a column that cannot be compared."""
    reason = ""
    decision = Decision.LEFT_OUT
    if not counts.n_ref:
        reason = "The reference has no rows."
    elif not counts.n_cur:
        decision, reason = Decision.NOT_ENOUGH, "There are no rows to compare."
    elif counts.nulls_ref == counts.n_ref and counts.nulls_cur == counts.n_cur:
        reason = "Every value is missing, in the reference and now."
    return _plain(counts, decision, reason) if reason else None


def _plain(counts: Counts, decision: Decision, reason: str) -> FeatureResult:
    return FeatureResult(
        name=counts.name,
        kind=counts.kind,
        decision=decision,
        exact=counts.exact,
        n_ref=counts.n_ref,
        n_cur=counts.n_cur,
        nulls_ref=counts.nulls_ref / max(counts.n_ref, 1),
        nulls_cur=counts.nulls_cur / max(counts.n_cur, 1),
        reason=reason,
    )


def _corrected(judged: Sequence[Judged]) -> list[float | None]:
    """Each test's p-value, corrected for how many there are; `None` for fixed thresholds."""
    found: list[float | None] = [None] * len(judged)
    tested = [place for place, one in enumerate(judged) if _is_tested(one)]
    if tested:
        import numpy as np

        from engine.stats.benjamini_hochberg import adjusted

        values = adjusted(np.array([judged[place].measured.p for place in tested], dtype=float))
        for place, q in zip(tested, values, strict=True):
            found[place] = float(q)
    return found


def _is_tested(one: Judged) -> bool:
    return one.method.threshold is None and one.measured.p is not None


def _result(one: Judged, q: float | None, rules: Rules, *, whole: bool) -> FeatureResult:
    counts, measured = one.counts, one.measured
    decision, reason = _verdict(one, q, rules)
    looked_into = whole or decision is Decision.DRIFT
    return FeatureResult(
        name=counts.name,
        kind=counts.kind,
        decision=decision,
        n_ref=counts.n_ref,
        n_cur=counts.n_cur,
        nulls_ref=counts.nulls_ref / max(counts.n_ref, 1),
        nulls_cur=counts.nulls_cur / max(counts.n_cur, 1),
        reason=reason,
        method=str(one.method),
        exact=measured.exact,
        bound=measured.bound,
        effect=measured.effect,
        effect_low=measured.low,
        effect_high=measured.high,
        p=measured.p,
        q=q,
        threshold=rules.delta if one.method.name == USUAL_METHOD else one.method.threshold,
        power=measured.power,
        changed=what_changed(counts) if decision is Decision.DRIFT else "",
        distances=distances(counts) if looked_into else {},
        new_levels=counts.new_levels[:_MOST_LEVELS],
        bins=_bins(counts) if looked_into else (),
        histogram=histogram(counts) if looked_into else None,
    )


def _verdict(one: Judged, q: float | None, rules: Rules) -> tuple[Decision, str]:
    if q is None:
        return _by_threshold(one)
    margin = f" beyond the margin of {rules.delta:g}" if one.method.name == USUAL_METHOD else ""
    aspect = f" of {one.counts.aspect}" if one.counts.aspect else ""
    told = f"{'PSI' if margin else one.method.name}{aspect} {effect(one.measured.effect)}"
    if q <= rules.level:
        return Decision.DRIFT, f"{told} is{margin or ' more than chance'}, q {probability(q)}."
    told = f"{told} is not certainly{margin or ' more than chance'}, q {probability(q)}"
    if not _found_would_be(one, rules):
        few = f"{count(one.counts.n_cur, 'row')} against {one.counts.n_ref:,}"
        return Decision.NOT_ENOUGH, f"{told}; but {few} would seldom show a change worth finding."
    return Decision.STABLE, f"{told}."


def _found_would_be(one: Judged, rules: Rules) -> bool:
    if one.measured.power is not None and not _is_constant(one.counts):
        return one.measured.power >= rules.power
    ordered = METHODS[one.method.name].sense is Sense.ORDERED
    return min(finite(one.counts) if ordered else (one.counts.n_ref, one.counts.n_cur)) >= LEAST_ROWS


def _is_constant(counts: Counts) -> bool:
    """Whether every row of either side is in the same bin, where no power can be computed."""
    return int(((counts.reference > 0) | (counts.current > 0)).sum()) == 1


def _by_threshold(one: Judged) -> tuple[Decision, str]:
    threshold = one.method.threshold or 0.0
    told = f"{one.method.name} {effect(one.measured.effect)}"
    if min(one.counts.n_ref, one.counts.n_cur) < LEAST_ROWS:
        return Decision.NOT_ENOUGH, f"{told}, from fewer than {LEAST_ROWS} rows."
    if one.measured.effect > threshold:
        return Decision.DRIFT, f"{told} is above {threshold:g}."
    return Decision.STABLE, f"{told} is not above {threshold:g}."


def _bins(counts: Counts) -> tuple[Bin, ...]:
    """The table that was compared; of very many levels, those with most rows."""
    reference, current = ([int(count) for count in side.tolist()] for side in (counts.reference, counts.current))
    places: Sequence[int] = range(len(counts.labels))
    if len(counts.labels) > _MOST_BINS:
        heavy = sorted(places, key=lambda place: -reference[place] - current[place])
        places = sorted(heavy[:_MOST_BINS])
    return tuple(
        Bin(
            counts.labels[place],
            reference[place],
            current[place],
            *_ends(counts.lows[place], counts.highs[place]),
        )
        for place in places
    )


def _ends(low: float, high: float) -> tuple[float | None, float | None]:
    return (None, None) if low != low else (low, high)  # noqa: PLR0124 NaN: no range of numbers


def _ranked(results: list[FeatureResult], rules: Rules) -> tuple[FeatureResult, ...]:
    """Those that matter most first: drift, then importance times the lower end of the effect."""
    total = sum(abs(weight) for weight in rules.importance.values()) or 1.0
    known = {name: abs(weight) / total for name, weight in rules.importance.items()}
    usual = sum(known.values()) / len(known) if known else 1.0
    scored = [
        replace(
            each,
            role=rules.role_of(each.name),
            importance=known.get(each.name),
            score=known.get(each.name, usual)
            * (each.effect_low if each.effect_low is not None else each.effect or 0.0),
        )
        for each in results
    ]
    order = list(Decision)
    order[1], order[2] = order[2], order[1]  # what is not known stands before what is known to be stable
    # A column that is gone stops the model, whatever else has changed.
    return tuple(
        sorted(scored, key=lambda each: (order.index(each.decision), each.method != SCHEMA, -each.score, each.name))
    )


def _sentence(features: Sequence[FeatureResult], rows: int) -> str:
    drifted = [feature.name for feature in features if feature.drift]
    looked = sum(feature.decision is not Decision.LEFT_OUT for feature in features)
    unsure = sum(feature.decision is Decision.NOT_ENOUGH for feature in features)
    of = count(looked, "feature")
    if drifted:
        told = f"{len(drifted)} of {of} drifted: {named(drifted)}."
    elif unsure == looked and looked:
        told = f"Not enough data: {count(rows, 'row')} cannot tell whether {of} drifted."
    else:
        told = f"No drift in {of}." if looked else "There is nothing to compare."
    if unsure and unsure < looked:
        told += f" Not enough data for {unsure:,} of them."
    return told


def _decided_by(rules: Rules, path: Path) -> str:
    method = rules.method
    if method.name == USUAL_METHOD:
        told = (
            f"Margin test: is the PSI beyond {rules.delta:g}? Benjamini-Hochberg over all features at "
            f"{share(rules.level)}; not enough data where a PSI of {rules.detectable:g} is found with a probability "
            f"below {share(rules.power)}."
        )
    elif method.threshold is None:
        told = f"{METHODS[method.name].title}; Benjamini-Hochberg over all features at {share(rules.level)}."
    else:
        told = f"{METHODS[method.name].title}, drift above {method.threshold:g}; chance is not taken into account."
    more = f" {count(len(rules.methods), 'feature')} by a method of its own." if rules.methods else ""
    return f"{told}{more} {'From the values.' if path is Path.EXACT else 'From profiles.'}"
