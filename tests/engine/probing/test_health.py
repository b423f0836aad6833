"""How an external endpoint does, in a word: pure rules over what was found there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.probing.model import DAY_MS, HealthState, Probe, health_of, overdue_ms
from tests.engine.probing.test_asking import external

ENDPOINT = external("http://theirs.example", timeout_ms=1_000)
NOW_MS = 1_760_000_000_000
GOOD = Probe(NOW_MS, ok=True, status=200, latency_us=2_500)
BAD = Probe(NOW_MS, ok=False, status=500, problem="It answered 500; 200 is expected.")


@pytest.mark.parametrize(
    ("probes", "state", "words"),
    [
        ([], HealthState.UNKNOWN, "It was never probed; `qd up` runs the prober."),
        ([GOOD], HealthState.HEALTHY, "It answered in 2.5 ms."),
        ([BAD], HealthState.FAILING, "It answered 500; 200 is expected."),
        ([BAD, GOOD], HealthState.DEGRADED, "The last probe failed: It answered 500; 200 is expected."),
        ([BAD, BAD, GOOD], HealthState.FAILING, "It answered 500; 200 is expected. (2 times in a row)"),
        ([GOOD, BAD, BAD], HealthState.DEGRADED, "2 of the last 3 probes failed."),
        ([GOOD] * 5 + [BAD] * 9, HealthState.HEALTHY, "It answered in 2.5 ms."),
        ([replace(GOOD, latency_us=800_000)], HealthState.DEGRADED, "It took up to 800 ms to answer."),
        (
            [replace(GOOD, tls_expires_ms=NOW_MS - 1)],
            HealthState.DEGRADED,
            "Its certificate ends in 0 days.",
        ),
        ([replace(GOOD, tls_expires_ms=NOW_MS + 60 * DAY_MS)], HealthState.HEALTHY, "It answered in 2.5 ms."),
    ],
)
def test_health_follows_from_the_newest_probes(probes: list[Probe], state: HealthState, words: str) -> None:
    found = health_of(ENDPOINT, probes, NOW_MS)
    assert (found.state, found.words) == (state, words)
    assert found.last == (probes[0] if probes else None)


def test_nobody_knows_how_an_endpoint_does_that_was_not_asked_for_long() -> None:
    later_ms = NOW_MS + overdue_ms(ENDPOINT)
    assert health_of(ENDPOINT, [GOOD], later_ms).state is HealthState.HEALTHY
    assert health_of(ENDPOINT, [GOOD], later_ms + 1).state is HealthState.UNKNOWN


@given(st.lists(st.booleans(), max_size=12))
def test_healthy_means_that_nothing_failed_lately_and_failing_that_the_newest_did(outcomes: list[bool]) -> None:
    state = health_of(ENDPOINT, [GOOD if ok else BAD for ok in outcomes], NOW_MS).state
    assert (state is HealthState.HEALTHY) == (bool(outcomes) and all(outcomes[:5]))
    assert (state is HealthState.FAILING) == (outcomes[:2] == [False, False] or outcomes == [False])
