"""The options of the gates that try a version: what they say, their defaults, and what is refused with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import PolicyInvalid
from engine.policy.file import parse_policy
from engine.policy.model import GATES, GateSpec
from engine.policy.served import (
    COMPILED,
    MEASURING,
    RUNTIMES,
    LatencyGate,
    ParityGate,
    ReplayGate,
    ResourcesGate,
    ScanGate,
)
from engine.runtimes.model import RuntimeKind

HEAD = "[models.churn.production]\n\n"


def gate_of(options: str) -> GateSpec:
    (gate,) = parse_policy(f"{HEAD}gates = [{{{options}}}]\n").stage("churn", "production").gates
    return gate


@pytest.mark.parametrize(
    ("options", "gate"),
    [
        ('gate = "latency", p95 = "5ms"', LatencyGate(p95_us=5_000)),
        ('gate = "latency", p95 = "250us"', LatencyGate(p95_us=250)),
        ('gate = "latency", p95 = "0.25 ms"', LatencyGate(p95_us=250)),
        ('gate = "latency", p95 = "1.5s"', LatencyGate(p95_us=1_500_000)),
        ('gate = "latency", p95 = "12\N{MICRO SIGN}s"', LatencyGate(p95_us=12)),
        (
            'gate = "latency", p95 = "5ms", memory = "200MB", not_slower = 1.2, rows = 100, duration = "500ms"',
            LatencyGate(5_000, 200_000_000, 1.2, 100, 500),
        ),
        ('gate = "latency", not_slower = 1', LatencyGate(not_slower=1.0)),
        ('gate = "parity"', ParityGate(COMPILED)),
        (
            'gate = "parity", runtimes = ["onnx-twin", "linear"], max_difference = 1e-6',
            ParityGate(("onnx-twin", "linear"), 1e-6),
        ),
        ('gate = "scan"', ScanGate()),
        ('gate = "scan", allow_pickle = true, max = "1GB"', ScanGate(allow_pickle=True, max_bytes=1_000_000_000)),
        ('gate = "replay"', ReplayGate(500, 50, 0, None)),
        ('gate = "replay", rows = 20', ReplayGate(20, 20)),
        ('gate = "replay", rows = 9, needed = 0, max_refused = 2, max_disagreement = 0.2', ReplayGate(9, 0, 2, 0.2)),
        (
            'gate = "resources", file = "1MB", memory = "200MB", load_time = "2s"',
            ResourcesGate(1_000_000, 200_000_000, 2_000),
        ),
    ],
)
def test_options_are_read(options: str, gate: GateSpec) -> None:
    assert gate_of(options) == gate


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ('gate = "latency"', "gates[0]", "needs p95, memory or not_slower"),
        ('gate = "latency", p95 = 5', "p95", "text with a unit"),
        ('gate = "latency", p95 = "5"', "p95", "no length of time"),
        ('gate = "latency", p95 = "0us"', "p95", "longer than nothing"),
        ('gate = "latency", p95 = "0ms"', "p95", "longer than nothing"),
        ('gate = "latency", p95 = "1ms", rows = 0', "rows", "from 1 to 10000"),
        ('gate = "latency", p95 = "1ms", rows = 10001', "rows", "from 1 to 10000"),
        ('gate = "latency", p95 = "1ms", rows = true', "rows", "whole number"),
        ('gate = "latency", p95 = "1ms", duration = "99ms"', "duration", "from 100ms to 1m"),
        ('gate = "latency", p95 = "1ms", duration = "2h"', "duration", "from 100ms to 1m"),
        ('gate = "latency", memory = "0MB"', "memory", "above zero"),
        ('gate = "latency", memory = "much"', "memory", "no size"),
        ('gate = "latency", not_slower = 0', "not_slower", "above 0"),
        ('gate = "latency", not_slower = nan', "not_slower", "above 0"),
        ('gate = "latency", not_slower = inf', "not_slower", "above 0"),
        ('gate = "latency", not_slower = "1.2"', "not_slower", "above 0"),
        ('gate = "latency", p95 = "1ms", p99 = "2ms"', "p99", "not known here"),
        ('gate = "parity", runtimes = []', "runtimes", "nothing could pass"),
        ('gate = "parity", runtimes = ["onnx-twn"]', "runtimes[0]", "onnx-twin"),
        ('gate = "parity", max_difference = -1', "max_difference", "at least 0"),
        ('gate = "scan", allow_pickle = "yes"', "allow_pickle", "true or false"),
        ('gate = "scan", max = 0', "max", "above zero"),
        ('gate = "replay", rows = 10, needed = 11', "needed", "nothing could pass"),
        ('gate = "replay", max_disagreement = 1.1', "max_disagreement", "at most 1"),
        ('gate = "replay", max_refused = -1', "max_refused", "whole number"),
        ('gate = "resources"', "gates[0]", "needs file, memory or load_time"),
        ('gate = "resources", load_time = "fast"', "load_time", "no length of time"),
        ('gate = "replays"', "gate", "replay"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_key(options: str, key: str, words: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        gate_of(options)
    (problem,) = caught.value.details["problems"]  # type: ignore[misc]  # a list of one
    assert problem["line"] == 3  # type: ignore[has-type]  # as above
    assert str(problem["key"]).endswith(key)  # type: ignore[has-type]  # as above
    assert words in f"{problem['message']} {problem['hint']}"  # type: ignore[has-type]  # as above


@given(st.integers(1, 999_999_999))
def test_a_latency_is_read_to_the_microsecond(us: int) -> None:
    assert gate_of(f'gate = "latency", p95 = "{us}us"') == LatencyGate(p95_us=us)


def test_the_policy_speaks_of_the_runtimes_there_are() -> None:
    assert set(RUNTIMES) == {kind.value for kind in RuntimeKind}


def test_every_gate_that_takes_long_is_known_as_such() -> None:
    assert {GATES[spec.gate] for spec in MEASURING} == set(MEASURING)
