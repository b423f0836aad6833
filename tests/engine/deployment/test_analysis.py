"""Is the candidate worse? Simulated traffic in, verdicts out."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.deployment.analysis import (
    Evidence,
    Judgement,
    Measure,
    Tally,
    Verdict,
    evidence_from_json,
    first_evidence,
    gathered,
    judged,
    next_step,
)
from engine.policy.rollout import RolloutPolicy, parse_plan

POLICY = RolloutPolicy(parse_plan("10% 10m -> 100%"))
BUCKETS = 20


@dataclass
class Traffic:
    """A deployment that answers: how many requests a tick, how many fail, how many are slow, how many differ."""

    rate: int
    errors: float = 0.0
    slow: float = 0.05
    differ: float | None = None
    tally: Tally = field(default_factory=lambda: Tally(latencies=(0,) * BUCKETS))

    def tick(self, random_: random.Random) -> Tally:
        counts = list(self.tally.latencies)
        for _ in range(self.rate):
            counts[15 if random_.random() < self.slow else random_.randint(3, 9)] += 1
        self.tally = Tally(
            self.tally.requests + self.rate,
            self.tally.errors + sum(random_.random() < self.errors for _ in range(self.rate)),
            tuple(counts),
            self.tally.compared + (0 if self.differ is None else self.rate),
            self.tally.disagreed + sum(random_.random() < (self.differ or 0) for _ in range(self.rate)),
        )
        return self.tally


def rolled_out(
    candidate: Traffic,
    live: Traffic,
    *,
    ticks: int = 200,
    policy: RolloutPolicy = POLICY,
    shadow: bool = False,
    seed: int = 1,
) -> tuple[Judgement, Evidence]:
    random_ = random.Random(seed)
    evidence = replace(first_evidence(policy), candidate=candidate.tally, live=live.tally)
    for tick in range(ticks):
        evidence = gathered(evidence, candidate.tick(random_), live.tick(random_), shadow=shadow, policy=policy)
        judgement = judged(evidence, policy, shadow=shadow, over=tick == ticks - 1)
        if judgement.verdict is not Verdict.WAITING:
            break
    return judgement, evidence


def test_a_candidate_that_fails_every_request_is_given_up_within_a_few_dozen() -> None:
    judgement, evidence = rolled_out(Traffic(12, errors=1.0), Traffic(112))
    assert judgement.verdict is Verdict.FAIL
    assert evidence.candidate.requests <= 24
    assert "100.0% of" in judgement.sentence
    assert "tolerated 1.0% more" in judgement.sentence


def test_a_slow_candidate_is_given_up() -> None:
    judgement, _ = rolled_out(Traffic(12, slow=0.6), Traffic(112))
    assert judgement.verdict is Verdict.FAIL
    assert "slower than 95 %" in judgement.sentence


def test_an_equal_candidate_passes_when_its_time_is_over() -> None:
    judgement, evidence = rolled_out(Traffic(12, errors=0.02), Traffic(112, errors=0.02), ticks=400)
    assert judgement.verdict is Verdict.PASS
    assert str(evidence.step_requests) in judgement.sentence


def test_both_failing_alike_is_no_fault_of_the_candidate() -> None:
    judgement, _ = rolled_out(Traffic(12, errors=0.5), Traffic(112, errors=0.5), ticks=60)
    assert judgement.verdict is not Verdict.FAIL


def test_of_a_hundred_equal_candidates_at_most_one_is_given_up() -> None:
    verdicts = [
        rolled_out(Traffic(6, errors=0.01), Traffic(54, errors=0.01), ticks=60, seed=seed)[0].verdict
        for seed in range(100)
    ]
    assert verdicts.count(Verdict.FAIL) <= 1


def test_too_few_requests_decide_nothing() -> None:
    judgement, _ = rolled_out(Traffic(1), Traffic(50), ticks=20)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "Only 20 requests; a verdict takes 50" in judgement.sentence


def test_what_is_neither_proved_better_nor_worse_waits_for_a_human() -> None:
    judgement, _ = rolled_out(Traffic(12, errors=0.01), Traffic(112), ticks=50)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "Undecided" in judgement.sentence


def test_a_shadow_is_judged_by_its_answers_and_not_by_its_patience() -> None:
    policy = replace(POLICY, disagreement=0.05)
    good, _ = rolled_out(Traffic(20, slow=0.9, differ=0.0), Traffic(20), policy=policy, shadow=True)
    bad, _ = rolled_out(Traffic(20, differ=0.3), Traffic(20), policy=policy, shadow=True)
    assert good.verdict is Verdict.PASS
    assert bad.verdict is Verdict.FAIL
    assert "answered otherwise" in bad.sentence


@pytest.mark.parametrize(("apart", "verdict"), [(0.001, Verdict.PASS), (0.4, Verdict.FAIL)])
def test_a_shadow_is_judged_by_how_far_its_scores_lie_off(apart: float, verdict: Verdict) -> None:
    policy = replace(POLICY, score=0.05)
    evidence = first_evidence(policy)
    for tick in range(1, 200):
        tally = Tally(20 * tick, 0, (0,) * BUCKETS, 20 * tick, 0, 20 * tick * apart)
        evidence = gathered(evidence, tally, Tally(20 * tick), shadow=True, policy=policy)
        judgement = judged(evidence, policy, shadow=True, over=tick == 199)
        if judgement.verdict is not Verdict.WAITING:
            break
    assert judgement.verdict is verdict


def test_a_tolerance_of_everything_asks_nothing() -> None:
    evidence = first_evidence(POLICY)
    assert Measure.DISAGREEMENT not in [each.measure for each in evidence.comparisons]


def test_what_was_before_the_rollout_does_not_count() -> None:
    bad_past = Tally(10_000, 9_000, (0,) * BUCKETS)
    judgement, evidence = rolled_out(replace_tally(Traffic(12), bad_past), Traffic(112), ticks=100)
    assert judgement.verdict is Verdict.PASS
    assert evidence.comparisons[0].candidate == (1_200, 0)


def replace_tally(traffic: Traffic, tally: Tally) -> Traffic:
    traffic.tally = tally
    return traffic


def test_the_next_step_keeps_the_evidence_and_counts_its_own_requests() -> None:
    _, evidence = rolled_out(Traffic(12), Traffic(112), ticks=10)
    following = next_step(evidence, 7)
    assert following.comparisons == evidence.comparisons
    assert (following.step_requests, following.candidate, following.live) == (0, Tally(), Tally())


def test_a_step_that_is_resumed_counts_nothing_twice() -> None:
    _, evidence = rolled_out(Traffic(12), Traffic(112), ticks=10)
    again = next_step(evidence, evidence.generation)
    assert (again.step_requests, again.candidate) == (0, evidence.candidate)


@given(st.integers(1, 20), st.floats(0, 0.2), st.integers(0, 1_000))
def test_evidence_survives_a_restart_bit_for_bit(ticks: int, errors: float, seed: int) -> None:
    _, evidence = rolled_out(Traffic(5, errors=errors), Traffic(20), ticks=ticks, seed=seed)
    assert evidence_from_json(evidence.to_json()) == evidence


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8))
def test_counts_that_were_lost_never_become_negative(counts: list[int]) -> None:
    tallies = [Tally(count, count, (count,), count, count, count) for count in counts]
    for before, now in pairwise(tallies):
        since = now.since(before)
        assert min(since.requests, since.errors, since.compared, since.disagreed, since.apart, *since.latencies) >= 0


@pytest.mark.parametrize("shadow", [True, False])
def test_nothing_is_said_before_the_time_is_over_unless_something_is_wrong(shadow: bool) -> None:
    evidence = first_evidence(POLICY)
    assert judged(evidence, POLICY, shadow=shadow, over=False).verdict is Verdict.WAITING
