"""Sections about a version on its way: the plan, the canary against the live one, the shadow, the verdicts."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from console.endpoints import words
from console.formats import NONE, age, count, duration, number, pill
from console.text import Part, table, wrap
from console.widgets.charts.spark import bar
from console.widgets.document import Line, heading
from engine.deployment.analysis import Comparison, Measure, Verdict
from engine.deployment.rollout_model import RolloutState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.endpoints.detail import Detail
    from engine.deployment.rollout_model import Rollout, StepVerdict
    from engine.telemetry.model import Totals

_BAR = 6

_JUDGED: dict[str, Part] = {
    Verdict.WAITING.value: ("· waiting", "dim"),
    Verdict.PASS.value: ("✓ pass", "good"),
    Verdict.FAIL.value: ("✗ FAIL", "bad"),
    Verdict.INCONCLUSIVE.value: ("? inconclusive", "warn"),
}

_MEASURES = {Measure.ERRORS: "failed", Measure.SLOW: "slow", Measure.DISAGREEMENT: "differ", Measure.SCORE: "score"}


def rollout_lines(detail: Detail, now_ms: int, width: int, *, unicode: bool) -> list[Line]:
    """The plan with its current step, the state of each test, the verdicts; nothing where there was no rollout."""
    rollout = detail.rollout
    if rollout is None:
        return []
    versions = (
        f"{rollout.version} against {rollout.live_version}, by {rollout.by.name} {age(rollout.created_ms, now_ms)} ago"
    )
    lines = [heading("Rollout", versions), _plan(rollout, now_ms)]
    if rollout.note:
        look = (
            "warn" if rollout.state is RolloutState.PAUSED else "bad" if rollout.state is RolloutState.FAILED else "dim"
        )
        lines += [Line([(f"  {part}", look)]) for part in wrap(rollout.note, max(width - 4, 20))]
    lines += _tests(rollout, unicode=unicode)
    return lines + _verdicts(detail.verdicts, now_ms, width)


def _plan(rollout: Rollout, now_ms: int) -> Line:
    parts: list[Part] = [("  ", ""), pill(words.ROLLOUTS, rollout.state.value), ("  ", "")]
    for place, step in enumerate(rollout.policy.steps):
        here = place == rollout.step and rollout.state.open
        done = place < rollout.step or rollout.state is RolloutState.PASSED
        parts += [(" → ", "dim")] if place else []
        parts.append((f" {step.words} " if here else step.words, "selected" if here else "good" if done else "dim"))
    left = words.left_ms(rollout, now_ms)
    if left is not None:
        parts.append((f"  {duration(left)} left" if left else "  time is over", "running"))
    elif rollout.state is RolloutState.RUNNING:
        parts.append(("  waits for the data planes", "warn"))
    return Line(parts)


def _tests(rollout: Rollout, *, unicode: bool) -> list[Line]:
    """Candidate against live: the shares, how far apart, what is tolerated, and how near each verdict is."""
    evidence, policy = rollout.evidence, rollout.policy
    if not evidence.comparisons:
        return []
    alpha = policy.false_alarm / len(evidence.comparisons)
    names = (f"{rollout.version} %", f"{rollout.live_version} %")
    titles = ("", *names, "differ", "allowed", "towards FAIL", "towards pass")
    rows: list[list[Part]] = [[(f"  {title}" if not place else title, "dim") for place, title in enumerate(titles)]]
    rows += [
        [
            (f"  {_MEASURES[each.measure]}", ""),
            _share(each.candidate),
            _share(each.live),
            _difference(each),
            (f"+{each.tolerance * 100:g}", "dim"),
            _towards(each.harm.log_wealth, alpha, "bad", unicode=unicode),
            _towards(each.safety.log_wealth, policy.doubt, "good", unicode=unicode),
        ]
        for each in evidence.comparisons
    ]
    seen = max(evidence.comparisons, key=lambda each: each.candidate[0])
    need = f"  {count(evidence.step_requests)} requests of this step, {count(policy.min_requests)} needed; "
    need += f"{count(seen.candidate[0])} compared with {count(seen.live[0])}"
    lines = [Line(row) for row in table(rows, right=frozenset({1, 2, 3, 4}))]
    return [*lines, Line([(need, "dim" if evidence.step_requests >= policy.min_requests else "warn")])]


def _share(counted: tuple[int, float]) -> Part:
    requests, bad = counted
    return (f"{100 * bad / requests:.2f}", "") if requests else (NONE, "dim")


def _difference(comparison: Comparison) -> Part:
    difference = comparison.difference
    if difference is None:
        return (NONE, "dim")
    look = "bad" if difference > comparison.tolerance else "good" if difference <= 0 else ""
    return (f"{difference * 100:+.2f}", look)


def progress(log_wealth: float, alpha: float) -> float:
    """How near a bet is to its verdict, 0 to 1: the share of the evidence that settles it.

    Args:
        log_wealth: Logarithm of what the bet has won.
        alpha: The probability of a false verdict, in (0, 1).
    """
    return min(max(log_wealth / log(1 / alpha), 0.0), 1.0)


def _towards(log_wealth: float, alpha: float, look: str, *, unicode: bool) -> Part:
    near = progress(log_wealth, alpha)
    return (f"{bar(near, _BAR, unicode=unicode)} {near * 100:3.0f} %", look if near >= 1 else "" if near else "dim")


def _verdicts(verdicts: Sequence[StepVerdict], now_ms: int, width: int) -> list[Line]:
    lines: list[Line] = []
    for each in verdicts:
        first, *rest = wrap(each.sentence, max(width - 34, 20))
        said: list[Part] = [(f"  {age(each.time_ms, now_ms):>4} step {each.step + 1} ", "dim")]
        word, look = pill(_JUDGED, each.verdict.value)
        lines.append(Line([*said, (f"{word:<14} ", look), (first, "")]))
        lines += [Line([(" " * 28 + part, "")]) for part in rest]
    return lines


def shadow_lines(detail: Detail) -> list[Line]:
    """What shadows answered beside the live version; nothing where there is none."""
    shadows = [each for each in detail.standing.endpoint.deployments if each.id in detail.measured.shadows]
    if not shadows:
        return []
    titles = ("  VER", "agreement", "compared", "score differs by", "spread", "copies not made")
    rows: list[list[Part]] = [[(title, "dim") for title in titles]]
    rows += [[(f"  {each.version}", "name"), *_agreement(detail.measured.shadows[each.id])] for each in shadows]
    lines = [Line(row) for row in table(rows, right=frozenset({1, 2, 3, 4, 5}))]
    return [heading("Shadow", "beside the live version, the last three hours"), *lines]


def _agreement(totals: Totals) -> list[Part]:
    if not totals.compared:
        return [(NONE, "dim"), ("0", "dim"), (NONE, "dim"), (NONE, "dim"), (count(totals.unmirrored), "dim")]
    agreed, mean = totals.agreed / totals.compared, totals.delta / totals.compared
    spread = max(totals.delta_squares / totals.compared - mean * mean, 0.0) ** 0.5
    return [
        (f"{agreed * 100:.2f} %", "good" if agreed == 1 else "warn"),
        (count(totals.compared), ""),
        (number(mean, 3), ""),
        (number(spread, 3), "dim"),
        (count(totals.unmirrored), "warn" if totals.unmirrored else "dim"),
    ]
