"""What is measured against what is allowed: boundaries, which limit is shown, and the words for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gates import latency, parity, replay, resources, scan
from engine.gates.budget import Limit, judge, shown
from engine.gates.model import Status, Unit
from engine.gates.trial_model import ScannedFile
from engine.policy.served import LatencyGate, ParityGate, ReplayGate, ResourcesGate, ScanGate
from engine.runtimes.model import ParityReport, RuntimeKind
from tests.engine.gates.trial_facts import MEASURED, REPLAYED, TIMING, WEIGHT, facts, make_build, report


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (45.25, Unit.MICROSECONDS, "45.2 us"),
        (999.0, Unit.MICROSECONDS, "999 us"),
        (3_200.0, Unit.MICROSECONDS, "3.2 ms"),
        (1_500_000.0, Unit.MICROSECONDS, "1.5 s"),
        (12.0, Unit.MILLISECONDS, "12 ms"),
        (999, Unit.BYTES, "999 bytes"),
        (1_000, Unit.BYTES, "1 KB"),
        (200_000_000, Unit.BYTES, "200 MB"),
        (1.234, Unit.NUMBER, "1.23"),
    ],
)
def test_numbers_read_in_the_unit_that_suits_them(value: float, unit: Unit, words: str) -> None:
    assert shown(value, unit) == words


@given(
    st.lists(st.tuples(st.floats(0, 1e9, allow_nan=False), st.floats(0, 1e9, allow_nan=False)), min_size=1, max_size=4)
)
def test_one_broken_limit_fails_them_all_and_is_the_one_shown(pairs: list[tuple[float, float]]) -> None:
    limits = [Limit(f"m{place}", value, most, Unit.NUMBER) for place, (value, most) in enumerate(pairs)]
    result = judge("g", "", limits, {})
    broken = [pair for pair in pairs if pair[0] > pair[1]]
    assert result.passed is not bool(broken)
    assert (result.value, result.threshold) == (broken or pairs)[0]
    assert result.margin is not None
    assert (result.margin >= 0) is result.passed


def test_what_is_no_number_does_not_pass() -> None:
    assert not judge("g", "", [Limit("p95", float("nan"), 5.0, Unit.MICROSECONDS)], {}).passed


@pytest.mark.parametrize(("p95_us", "status"), [(199.9, Status.FAIL), (200.0, Status.PASS), (201, Status.PASS)])
def test_a_latency_at_the_limit_passes(p95_us: float, status: Status) -> None:
    result = latency.run(LatencyGate(p95_us=p95_us), facts())
    assert (result.status, result.value, result.threshold, result.unit) == (status, 200, p95_us, Unit.MICROSECONDS)


@pytest.mark.parametrize(("most", "status"), [(9_999_999, Status.FAIL), (10_000_000, Status.PASS)])
def test_memory_is_the_models_and_not_its_libraries(most: int, status: Status) -> None:
    result = latency.run(LatencyGate(memory_bytes=most), facts())
    assert (result.status, result.value, result.unit) == (status, 10_000_000, Unit.BYTES)
    assert "memory" in result.message.lower()


@pytest.mark.parametrize(("ratio", "status"), [(1.2, Status.PASS), (1.2001, Status.FAIL), (0.5, Status.PASS)])
def test_the_ratio_to_what_is_live_is_held_against_the_limit(ratio: float, status: Status) -> None:
    result = latency.run(LatencyGate(not_slower=1.2), facts(latency=replace(MEASURED, ratio=ratio)))
    assert (result.status, result.value, result.threshold) == (status, ratio, 1.2)
    assert "version 6" in result.message


def test_nothing_live_is_nothing_to_be_slower_than() -> None:
    alone = replace(MEASURED, live=None, ratio=None)
    result = latency.run(LatencyGate(not_slower=1.2), facts(latency=alone))
    assert result.passed
    assert "Nothing is live" in result.message
    assert not latency.run(LatencyGate(p95_us=1.0, not_slower=1.2), facts(latency=alone)).passed


def test_a_latency_says_what_was_measured_and_where() -> None:
    result = latency.run(LatencyGate(p95_us=500, rows=10), facts())
    assert result.label == "latency 10 rows"
    assert "onnx-twin in a process of its own, not over HTTP: 1,000 calls of 10 rows, captured rows" in result.message
    assert result.evidence["machine"] == "2 cores of a test"
    assert json.loads(json.dumps(result.evidence, allow_nan=False)) == result.evidence


@pytest.mark.parametrize(
    ("spec", "told", "status"),
    [
        (ResourcesGate(file_bytes=1_999), {}, Status.FAIL),
        (ResourcesGate(file_bytes=2_000), {}, Status.PASS),
        (ResourcesGate(memory_bytes=9_999_999), {}, Status.FAIL),
        (ResourcesGate(memory_bytes=10_000_000), {}, Status.PASS),
        (ResourcesGate(load_ms=11), {}, Status.FAIL),
        (ResourcesGate(load_ms=12), {}, Status.PASS),
        (ResourcesGate(file_bytes=10_000, memory_bytes=20_000_000, load_ms=5), {}, Status.FAIL),
        (ResourcesGate(load_ms=5), {"loaded": replace(WEIGHT, load_ms=1.0, imports_ms=900.0)}, Status.PASS),
    ],
)
def test_what_loading_takes_is_held_against_its_limits(
    spec: ResourcesGate, told: dict[str, Any], status: Status
) -> None:
    assert resources.run(spec, facts(**told)).status is status


def test_a_compiled_runtime_that_was_accepted_passes() -> None:
    result = parity.run(ParityGate(), facts(built=make_build(RuntimeKind.LINEAR)))
    assert result.passed
    assert "100 rows" in result.message
    assert result.evidence["runtime"] == "linear"


@pytest.mark.parametrize("kind", [RuntimeKind.SKLEARN, RuntimeKind.ISOLATED])
def test_a_runtime_that_is_not_compiled_fails_unless_it_is_allowed(kind: RuntimeKind) -> None:
    twin = report(RuntimeKind.TWIN, 0.3, accepted=False, reason="The answers differ by up to 0.3.")
    build = make_build(kind, twin, ParityReport(kind, True, 1e-5, ()))  # noqa: FBT003 the field's place
    refused = parity.run(ParityGate(), facts(built=build))
    assert refused.status is Status.FAIL
    assert f"served by {kind.value}" in refused.message
    assert "onnx-twin: The answers differ" in refused.message
    assert parity.run(ParityGate((kind.value,)), facts(built=build)).passed


@pytest.mark.parametrize(
    ("difference", "status"),
    [(1e-6, Status.PASS), (1.0000001e-6, Status.FAIL), (0.0, Status.PASS), (float("nan"), Status.FAIL)],
)
def test_a_difference_at_the_limit_passes(difference: float, status: Status) -> None:
    build = make_build(RuntimeKind.TWIN, report(RuntimeKind.TWIN, difference))
    assert parity.run(ParityGate(max_difference=1e-6), facts(built=build)).status is status


def test_a_build_without_an_accepted_report_fails() -> None:
    build = make_build(RuntimeKind.TWIN, report(RuntimeKind.TWIN, float("inf"), accepted=False, reason="It differs."))
    result = parity.run(ParityGate(), facts(built=build))
    assert result.status is Status.FAIL
    json.dumps(result.evidence, allow_nan=False)


@pytest.mark.parametrize(
    ("rows", "needed", "status"),
    [(0, 0, Status.PASS), (0, 1, Status.FAIL), (49, 50, Status.FAIL), (50, 50, Status.PASS)],
)
def test_too_few_captured_rows_fail(rows: int, needed: int, status: Status) -> None:
    result = replay.run(ReplayGate(needed=needed), facts(asked=replace(REPLAYED, rows=rows, compared=rows)))
    assert result.status is status
    assert ("are needed" in result.message) is (status is Status.FAIL)


@pytest.mark.parametrize(("refused", "most", "status"), [(0, 0, Status.PASS), (1, 0, Status.FAIL), (3, 3, Status.PASS)])
def test_refused_rows_are_counted_with_their_reasons(refused: int, most: int, status: Status) -> None:
    asked = replace(REPLAYED, refused=refused, reasons={"income is missing.": refused}, compared=100 - refused)
    result = replay.run(ReplayGate(max_refused=most), facts(asked=asked))
    assert (result.status, result.value, result.threshold) == (status, refused, most)
    if status is Status.FAIL:
        assert "1 x income is missing." in result.message


@pytest.mark.parametrize(
    ("disagreed", "most", "status"),
    [(20, 0.2, Status.PASS), (21, 0.2, Status.FAIL), (0, 0.0, Status.PASS), (100, None, Status.PASS)],
)
def test_other_answers_are_held_against_the_limit(disagreed: int, most: float | None, status: Status) -> None:
    asked = replace(REPLAYED, disagreed=disagreed)
    assert replay.run(ReplayGate(max_disagreement=most), facts(asked=asked)).status is status


def test_answers_that_cannot_be_compared_do_not_pass_a_limit() -> None:
    asked = replace(REPLAYED, compared=0)
    assert not replay.run(ReplayGate(max_disagreement=0.5), facts(asked=asked)).passed
    assert replay.run(ReplayGate(), facts(asked=asked)).passed


def test_nothing_live_is_nothing_to_replay() -> None:
    asked = replace(REPLAYED, live=(), rows=0, compared=0)
    assert replay.run(ReplayGate(), facts(asked=asked)).passed


PICKLE = ScannedFile("model.pkl", "pickle", 10, (), ())
STRANGE = replace(PICKLE, findings=("It imports lightgbm.Booster.",))
EVIL = replace(PICKLE, findings=("It imports os.system.",), dangerous=("It imports os.system.",))


@pytest.mark.parametrize(
    ("file", "allow", "word", "status"),
    [
        (PICKLE, False, False, Status.FAIL),
        (PICKLE, False, True, Status.FAIL),
        (PICKLE, True, False, Status.FAIL),
        (PICKLE, True, True, Status.PASS),
        (STRANGE, True, False, Status.FAIL),
        (STRANGE, True, True, Status.PASS),
        (EVIL, True, True, Status.FAIL),
        (EVIL, False, False, Status.FAIL),
    ],
)
def test_a_pickle_takes_the_policys_and_an_approvers_word(
    file: ScannedFile, allow: bool, word: bool, status: Status
) -> None:
    result = scan.run(ScanGate(allow_pickle=allow), facts(files=(file,), allowed=word))
    assert result.status is status
    assert json.dumps(list(file.findings)) in json.dumps(result.evidence)


def test_an_approvers_word_is_for_pickles_alone() -> None:
    bad = ScannedFile("model.onnx", "onnx", 10, ("It reads weights from a file beside it.",), ())
    assert not scan.run(ScanGate(allow_pickle=True), facts(files=(PICKLE, bad), allowed=True)).passed


def test_many_findings_are_counted_and_the_first_are_told() -> None:
    bad = ScannedFile("m.skops", "skops", 10, tuple(f"It holds the type t{n}." for n in range(9)), ())
    result = scan.run(ScanGate(), facts(files=(bad,)))
    assert result.value == 9
    assert result.message.endswith("And 6 more.")


def test_a_slow_machine_does_not_change_what_is_compared() -> None:
    slow = replace(TIMING, p95_us=9e6)
    result = latency.run(LatencyGate(not_slower=1.5), facts(latency=replace(MEASURED, candidate=slow, ratio=1.4)))
    assert result.passed
