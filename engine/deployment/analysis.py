"""Is the candidate worse than what is live now? Pure: counts in, evidence and a verdict out.

Each measure is a share of requests: of those that failed, of those slower than 95 % of the live ones, of those a shadow
answered differently; or by how much a shadow's scores differ on average. Two bets run on each (`engine.stats.betting`):
one against "it exceeds the live one's by the tolerance at most", which ends in a failure; one against "it exceeds it by
the tolerance at least", which lets it pass. Both may be looked at after every batch of requests; what neither has
settled when the time is over is for a human.
"""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from engine.core.frozen import frozen
from engine.policy.rollout import RolloutPolicy
from engine.stats.betting import Bet, dealt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SLOW_SHARE = 0.05
"""The share of live requests that counts as slow: those above its 95th percentile."""

_SEEDS = 3


class Measure(StrEnum):
    """What is compared."""

    ERRORS = "errors"
    SLOW = "slow"
    DISAGREEMENT = "disagreement"
    SCORE = "score"


class Verdict(StrEnum):
    """What a step has shown."""

    WAITING = "waiting"
    PASS = "pass"  # noqa: S105 a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@frozen
class Tally:
    """What one deployment was seen to do since some moment; grows.

    Args:
        requests: How many it answered.
        errors: How many of them failed.
        latencies: How many were how slow, by bucket from fast to slow.
        compared: How many of its answers as a shadow were compared.
        disagreed: How many of those differed from the live ones.
        apart: The sum of the absolute differences of their scores, each in [0, 1] for probabilities.
    """

    requests: int = 0
    errors: int = 0
    latencies: tuple[int, ...] = ()
    compared: int = 0
    disagreed: int = 0
    apart: float = 0.0

    def since(self, before: Tally) -> Tally:
        """What has been added; never negative, should a count have been lost."""
        length = max(len(self.latencies), len(before.latencies))
        later, earlier = (each.latencies + (0,) * (length - len(each.latencies)) for each in (self, before))
        return Tally(
            max(0, self.requests - before.requests),
            max(0, self.errors - before.errors),
            tuple(max(0, now - then) for now, then in zip(later, earlier, strict=True)),
            max(0, self.compared - before.compared),
            max(0, self.disagreed - before.disagreed),
            max(0.0, self.apart - before.apart),
        )

    def slower_than(self, bucket: int) -> int:
        """How many requests were slower than a bucket."""
        return sum(self.latencies[bucket + 1 :])


@frozen
class Comparison:
    """One measure of a rollout so far.

    Args:
        measure: Which.
        tolerance: How much higher the candidate's share may be.
        candidate: Requests it was measured on, and how many of them were bad; for scores the sum of the differences.
        live: The same of the live version; none for what only a shadow has.
        harm: The bet against "not worse than tolerated".
        safety: The bet against "worse than tolerated".
    """

    measure: Measure
    tolerance: float
    candidate: tuple[int, float]
    live: tuple[int, float]
    harm: Bet
    safety: Bet

    @property
    def difference(self) -> float | None:
        """The candidate's share less the live one's; `None` before both were seen."""
        if not self.candidate[0]:
            return None
        base = self.live[1] / self.live[0] if self.live[0] else 0.0
        return self.candidate[1] / self.candidate[0] - base

    def extended(self, candidate: tuple[int, float], live: tuple[int, float], *, seed: int) -> Comparison:
        """Add what an interval has shown.

        Args:
            candidate: Requests and bad ones of the candidate.
            live: Of the live version in the same interval.
            seed: Of the deal into pairs.
        """
        requests, bad = candidate
        if self.measure is Measure.DISAGREEMENT:
            values, times = (1.0, 0.0), (int(bad), requests - int(bad))
            harm, safety = self.harm.extended(values, times), self.safety.extended((-1.0, 0.0), times)
        elif self.measure is Measure.SCORE:
            # Only the sum of an interval is known: its mean counts as one value, which is fair but timid.
            means = [min(1.0, bad / requests)] if requests else []
            harm, safety = self.harm.extended(means), self.safety.extended([-each for each in means])
        else:
            pairs = dealt((requests, int(bad)), (live[0], int(live[1])), seed=seed)
            harm, safety = self.harm.extended(pairs), self.safety.extended([-each for each in pairs])
        return replace(
            self,
            candidate=(self.candidate[0] + candidate[0], self.candidate[1] + candidate[1]),
            live=(self.live[0] + live[0], self.live[1] + live[1]),
            harm=harm,
            safety=safety,
        )


@frozen
class Evidence:
    """All that a rollout has seen; every tick makes a new one.

    Args:
        candidate: The candidate's tally at the last tick.
        live: The live version's at the last tick.
        step_requests: Requests of the candidate since the step began.
        ticks: How many intervals were counted; the seed of the next deal.
        comparisons: By measure.
        generation: The routing generation that the tallies are of.
    """

    candidate: Tally
    live: Tally
    step_requests: int
    ticks: int
    comparisons: tuple[Comparison, ...]
    generation: int = 0

    def to_json(self) -> str:
        """The evidence as JSON; `evidence_from_json` reads back the same bits."""
        from dataclasses import asdict  # only an analysis needs it

        return json.dumps(asdict(self))


def evidence_from_json(text: str) -> Evidence:
    """Read evidence.

    Args:
        text: What `Evidence.to_json` wrote.
    """
    value: dict[str, Any] = json.loads(text)
    candidate, live = (
        Tally(**(value[side] | {"latencies": tuple(value[side]["latencies"])})) for side in ("candidate", "live")
    )
    return Evidence(
        candidate,
        live,
        step_requests=value["step_requests"],
        ticks=value["ticks"],
        comparisons=tuple(_comparison(each) for each in value["comparisons"]),
        generation=value["generation"],
    )


def _comparison(value: Mapping[str, Any]) -> Comparison:
    harm, safety = (Bet(**(value[bet] | {"logs": tuple(value[bet]["logs"])})) for bet in ("harm", "safety"))
    return Comparison(
        Measure(value["measure"]), value["tolerance"], tuple(value["candidate"]), tuple(value["live"]), harm, safety
    )


def first_evidence(policy: RolloutPolicy) -> Evidence:
    """The evidence of a rollout that begins: none.

    Args:
        policy: The tolerances.
    """
    tolerances = (
        (Measure.ERRORS, policy.errors, -1.0),
        (Measure.SLOW, policy.slow, -1.0),
        (Measure.DISAGREEMENT, policy.disagreement, 0.0),
        (Measure.SCORE, policy.score, 0.0),
    )
    comparisons = tuple(
        Comparison(measure, limit, (0, 0), (0, 0), Bet(limit, least, 1.0), Bet(-limit, -1.0, -least))
        for measure, limit, least in tolerances
        if limit < 1.0  # a tolerance of everything is no question
    )
    return Evidence(Tally(), Tally(), 0, 0, comparisons)


def gathered(evidence: Evidence, candidate: Tally, live: Tally, *, shadow: bool, policy: RolloutPolicy) -> Evidence:
    """Add what happened since the last tick.

    Args:
        evidence: So far.
        candidate: The candidate's tally now.
        live: The live version's tally now.
        shadow: Whether the candidate is mirrored: then its latency says nothing, since it waits for idle moments.
        policy: What was tolerated when the rollout began.

    Returns:
        The evidence with it.
    """
    ours, theirs = candidate.since(evidence.candidate), live.since(evidence.live)
    if not theirs.requests and ours.requests >= max(1, policy.min_requests):
        theirs = Tally(ours.requests)  # the live version is asked nothing: it is taken for faultless
    elif not ours.requests or not theirs.requests:
        return evidence  # what one side alone has seen waits until the other one has seen something too
    slow_from = _slow_from(evidence.live.latencies, policy.min_requests)

    def extended(comparison: Comparison) -> Comparison:
        pair: tuple[tuple[int, float], tuple[int, float]]
        match comparison.measure:
            case Measure.ERRORS:
                pair = (ours.requests, ours.errors), (theirs.requests, theirs.errors)
            case Measure.SLOW:
                if slow_from is None or shadow:
                    return comparison
                pair = (
                    (sum(ours.latencies), ours.slower_than(slow_from)),
                    (sum(theirs.latencies), theirs.slower_than(slow_from)),
                )
            case Measure.DISAGREEMENT:
                pair = (ours.compared, ours.disagreed), (0, 0)
            case Measure.SCORE:
                pair = (ours.compared, ours.apart), (0, 0)
        return comparison.extended(*pair, seed=evidence.ticks * _SEEDS)

    return Evidence(
        candidate=candidate,
        live=live,
        step_requests=evidence.step_requests + ours.requests,
        ticks=evidence.ticks + 1,
        comparisons=tuple(map(extended, evidence.comparisons)),
        generation=evidence.generation,
    )


def next_step(evidence: Evidence, generation: int) -> Evidence:
    """The evidence as a step takes it over: all of it, but the step counts its own requests.

    Args:
        evidence: So far.
        generation: The routing generation of the step. What an earlier one had is told apart from it even when it comes
            late; the same one goes on where it was.
    """
    if generation == evidence.generation:
        return replace(evidence, step_requests=0)
    return replace(evidence, step_requests=0, candidate=Tally(), live=Tally(), generation=generation)


def _slow_from(latencies: Sequence[int], least: int) -> int | None:
    """The bucket above which nearest to 5 % of what came before lie; known before the bet, so that it is fair.

    `None` until enough was seen.
    """
    total = sum(latencies)
    if total < max(least, 1):
        return None
    above = [total - upto for upto in accumulate(latencies)]
    return min(range(len(above)), key=lambda bucket: abs(above[bucket] / total - SLOW_SHARE))


@frozen
class Judgement:
    """A verdict with what it rests on.

    Args:
        verdict: What the step has shown.
        sentence: Why, for people.
    """

    verdict: Verdict
    sentence: str


def judged(evidence: Evidence, policy: RolloutPolicy, *, shadow: bool, over: bool) -> Judgement:
    """Judge a step.

    Args:
        evidence: So far.
        policy: What was tolerated when the rollout began.
        shadow: Whether the candidate is mirrored in this step.
        over: Whether the step has lasted its time.

    Returns:
        The verdict; `WAITING` until the step is over or something is wrong.
    """
    alpha = policy.false_alarm / max(1, len(evidence.comparisons))
    worse = [each for each in evidence.comparisons if each.harm.rejects(alpha)]
    if worse:
        return Judgement(Verdict.FAIL, " ".join(_said(each) for each in worse))
    if not over:
        return Judgement(Verdict.WAITING, "")
    open_ = list(_unsettled(evidence, policy, shadow=shadow))
    if open_:
        return Judgement(Verdict.INCONCLUSIVE, " ".join(open_))
    return Judgement(Verdict.PASS, f"{evidence.step_requests} requests, none of the measures above its tolerance.")


_OF_SHADOWS = (Measure.DISAGREEMENT, Measure.SCORE)


def _unsettled(evidence: Evidence, policy: RolloutPolicy, *, shadow: bool) -> Iterator[str]:
    if evidence.step_requests < policy.min_requests:
        yield f"Only {evidence.step_requests} requests; a verdict takes {policy.min_requests}."
        return
    for each in evidence.comparisons:
        asked = shadow if each.measure in _OF_SHADOWS else each.measure is Measure.ERRORS or not shadow
        if asked and not each.safety.rejects(policy.doubt):
            yield f"Undecided: {_said(each)}"


_WORDS = {
    Measure.ERRORS: "failed",
    Measure.SLOW: "were slower than 95 % of the live version's",
    Measure.DISAGREEMENT: "were answered otherwise than by the live version",
    Measure.SCORE: "is how far the scores lie from the live version's on average",
}


def _said(comparison: Comparison) -> str:
    (requests, bad), (beside, bad_beside) = comparison.candidate, comparison.live
    share = f"{bad / requests:.1%}" if requests else "none"
    live = f" (live: {bad_beside / beside:.1%} of {beside})" if beside else ""
    words = _WORDS[comparison.measure]
    return f"{share} of {requests} requests {words}{live}; tolerated {comparison.tolerance:.1%} more."
