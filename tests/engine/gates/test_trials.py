"""Gates that try a version for real: processes, builds, captured rows and hostile files."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.core.errors import PermissionDenied
from engine.gates.model import Status, Trying
from engine.registry.model import Stage
from tests.engine.gates.bakery import NAMES, Bomb, joblib_of, pickle_of, skops_of

if TYPE_CHECKING:
    from tests.engine.gates.bakery import Bakery

QUICK = 'duration = "100ms"'


def test_a_version_within_its_budget_passes_and_says_how_quick_it_is(bakery: Bakery) -> None:
    bakery.bake("boosting")
    result = bakery.gate(f'{{gate = "latency", p95 = "1s", memory = "1GB", {QUICK}}}', 1)
    assert result.passed, result.message
    told = result.evidence["candidate"]
    assert isinstance(told, dict)
    assert 0 < told["p50_us"] <= told["p95_us"] <= told["p99_us"] <= told["slowest_us"]
    assert told["runtime"] == "onnx-twin"
    assert told["calls"] >= 7 * 20
    assert told["resident_bytes"] >= told["imports_bytes"] > 0


@pytest.mark.parametrize("limit", ['p95 = "0.001us"', 'memory = "1B"', "not_slower = 0.0001"])
def test_a_version_over_its_budget_fails(bakery: Bakery, limit: str) -> None:
    bakery.bake("linear")
    bakery.bake("boosting")
    bakery.open(1)
    result = bakery.gate(f'{{gate = "latency", {limit}, {QUICK}}}', 2)
    assert result.status is Status.FAIL, result.message
    assert result.margin is not None
    assert result.margin < 0


def test_a_version_is_about_as_quick_as_its_twin_brother(bakery: Bakery) -> None:
    bakery.bake("boosting")
    bakery.bake("boosting")
    bakery.open(1)
    report = bakery.engine("bob").gates.measure("churn", 2, duration_ms=500)
    assert report.measured.live is not None
    assert report.measured.live.version == 1
    assert report.measured.ratio is not None
    assert 0.2 < report.measured.ratio < 5
    assert sum(report.measured.candidate.buckets.values()) == report.measured.candidate.calls
    assert report.verdict is None


@pytest.mark.parametrize("kind", ["linear", "boosting", "neighbours", "numbers"])
def test_every_runtime_can_be_called_with_many_rows(bakery: Bakery, kind: str) -> None:
    bakery.bake(kind)
    report = bakery.engine("bob").gates.measure("churn", 1, rows=50, duration_ms=100, compare=False)
    assert report.measured.rows_from == "made-up rows"
    assert report.measured.candidate.calls > 0


def test_rows_it_was_trained_on_are_better_than_made_up_ones_and_captured_ones_than_both(bakery: Bakery) -> None:
    csv = (",".join(NAMES) + "\n" + "1,2,3\n" * 5).encode()
    bakery.bake("linear", reference__csv=csv)
    gates = bakery.engine("bob").gates
    assert gates.measure("churn", 1, duration_ms=100).measured.rows_from == "training rows"
    bakery.open(1)
    bakery.ask([[1.0, 2.0, 3.0]])
    assert gates.measure("churn", 1, duration_ms=100).measured.rows_from == "captured rows"


def test_measuring_says_what_the_gate_of_production_would(bakery: Bakery) -> None:
    bakery.bake()
    bakery.set_policy('[models.churn.production]\ngates = [{gate = "latency", p95 = "0.001us"}]')
    verdict = bakery.engine("bob").gates.measure("churn", 1, duration_ms=100).verdict
    assert verdict is not None
    assert verdict.status is Status.FAIL


def test_measuring_takes_an_operator(bakery: Bakery) -> None:
    bakery.bake()
    with pytest.raises(PermissionDenied):
        bakery.engine("victor").gates.measure("churn", 1)


def test_a_version_that_holds_no_model_fails_with_a_reason(bakery: Bakery) -> None:
    bakery.shelve({"notes.txt": b"nothing"})
    for gate in ('"latency", p95 = "1s"', '"parity"', '"resources", memory = "1GB"'):
        result = bakery.gate(f"{{gate = {gate}}}", 1)
        assert result.status is Status.FAIL
        assert "cannot be served" in result.message
    assert bakery.gate('{gate = "scan"}', 1).passed


def test_what_loading_takes_is_measured(bakery: Bakery) -> None:
    bakery.bake("boosting")
    assert bakery.gate('{gate = "resources", file = "1MB", memory = "500MB", load_time = "30s"}', 1).passed
    assert bakery.gate('{gate = "resources", file = "1kB"}', 1).status is Status.FAIL


def test_parity_tells_which_runtime_serves(bakery: Bakery) -> None:
    bakery.bake("linear")
    assert bakery.gate('{gate = "parity"}', 1).evidence["runtime"] == "linear"
    refused = bakery.gate('{gate = "parity", runtimes = ["onnx"]}', 1)
    assert refused.status is Status.FAIL
    assert "served by linear" in refused.message


# --- scan


def _bombed(path: Path) -> bytes:
    return pickle.dumps(Bomb(str(path)))


def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b"\0" * (100 << 20))
    return stream.getvalue()


def _leading_out() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("../../outside.txt", b"x")
    return stream.getvalue()


def _onnx(**extra: object) -> bytes:
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [
            helper.make_node(
                "Odd" if extra.get("custom") else "Identity", ["x"], ["y"], domain=str(extra.get("custom", ""))
            )
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 3])],
    )
    if extra.get("external"):
        weight = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
        weight.ClearField("float_data")
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="../../../etc/passwd")
        graph.initializer.append(weight)
    opsets = [helper.make_opsetid("", 17)]
    if extra.get("custom"):
        opsets.append(helper.make_opsetid(str(extra["custom"]), 1))
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString())


def test_a_sound_model_passes_the_scan(bakery: Bakery) -> None:
    bakery.bake()
    bakery.shelve({"model.onnx": _onnx()})
    for version in (1, 2):
        result = bakery.gate('{gate = "scan"}', version)
        assert result.passed, result.message


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("model.skops", _zip_bomb, "would unpack to"),
        ("model.skops", _leading_out, "leads out of its folder"),
        ("model.skops", lambda: b"PK\x03\x04 cut off", "damaged"),
        ("model.skops", lambda: skops_of("linear")[:2_000], "damaged"),
        ("model.onnx", lambda: _onnx(external=True), "a file beside it"),
        ("model.onnx", lambda: _onnx(custom="com.evil"), "operators of com.evil"),
        ("model.onnx", lambda: b"\xff" * 100, "no sound ONNX model"),
        ("model.pkl", lambda: b"\x80\x05garbage", "cannot be read to its end"),
        ("model.pkl", lambda: b"", "cannot be read to its end"),
        ("sub/odd\x1b[31m.bin", lambda: b"cos\nsystem\n(S'x'\ntR.", "imports os.system"),
        ("hidden.json", lambda: pickle_of("linear"), "a pickle is code"),
    ],
)
def test_a_hostile_file_is_found(bakery: Bakery, name: str, make: object, words: str) -> None:
    assert callable(make)
    bakery.shelve({name.replace("\x1b", "_"): make()})
    result = bakery.gate('{gate = "scan", allow_pickle = true}', 1)
    assert result.status is Status.FAIL, result.message
    assert words in result.message


@pytest.mark.parametrize("gate", ['"scan", allow_pickle = true', '"latency", p95 = "1s"', '"parity"', '"replay"'])
def test_no_gate_runs_a_pickle_that_nobody_answers_for(bakery: Bakery, tmp_path: Path, gate: str) -> None:
    canary = tmp_path / "canary"
    bakery.shelve({"model.pkl": _bombed(canary)})
    result = bakery.gate(f"{{gate = {gate}}}", 1)
    assert result.passed is (gate == '"replay"')  # nothing is live, so nothing is asked of it
    assert not canary.exists()


def test_an_approvers_word_does_not_let_a_pickle_through_that_reaches_for_the_system(
    bakery: Bakery, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    bakery.shelve({"model.pkl": _bombed(canary)})
    bakery.engine("alice").builds.allow_pickle("churn", 1, reason="we made it")
    result = bakery.gate('{gate = "scan", allow_pickle = true}', 1)
    assert result.status is Status.FAIL
    assert "system" in result.message
    assert not canary.exists()


@pytest.mark.parametrize(("name", "make"), [("model.pkl", pickle_of), ("model.joblib", joblib_of)])
def test_a_pickle_of_scikit_learn_passes_with_an_approvers_word(bakery: Bakery, name: str, make: object) -> None:
    assert callable(make)
    bakery.shelve({name: make("linear")})
    gate = '{gate = "scan", allow_pickle = true}'
    before = bakery.gate(gate, 1)
    assert before.status is Status.FAIL
    assert "qd models allow-pickle" in before.message
    bakery.engine("alice").builds.allow_pickle("churn", 1, reason="we made it")
    assert bakery.gate(gate, 1).passed
    assert bakery.gate('{gate = "scan"}', 1).status is Status.FAIL
    allowed = bakery.gate('{gate = "parity", runtimes = ["isolated"]}', 1)
    assert allowed.passed, allowed.message
    quick = bakery.gate(f'{{gate = "latency", p95 = "5s", memory = "2GB", {QUICK}}}', 1)
    assert quick.passed, quick.message


def test_a_file_over_the_limit_is_not_opened(bakery: Bakery) -> None:
    bakery.bake()
    result = bakery.gate('{gate = "scan", max = "10kB"}', 1)
    assert result.status is Status.FAIL
    assert "10,000 are allowed" in result.message


def test_bytes_that_have_changed_are_an_error_and_never_a_pass(bakery: Bakery) -> None:
    bakery.bake()
    engine = bakery.engine("bob")
    path = engine.artifacts.path_of(next(e.digest for e in engine.models.files("churn", 1) if e.path == "model.skops"))
    path.chmod(0o600)
    path.write_bytes(skops_of("boosting"))
    for gate in ('"scan"', '"parity"', '"latency", p95 = "1s"'):
        result = bakery.gate(f"{{gate = {gate}}}", 1)
        assert result.status is Status.ERROR
        assert "changed" in result.message


# --- replay


def test_rows_that_the_live_version_was_asked_are_asked_again(bakery: Bakery) -> None:
    bakery.bake("linear")
    bakery.bake("linear")
    bakery.open(1)
    bakery.asked_truly(60)
    result = bakery.gate('{gate = "replay", max_disagreement = 0}', 2)
    assert result.passed, result.message
    assert (result.evidence["rows"], result.evidence["compared"], result.evidence["live"]) == (60, 60, [1])


def test_another_model_disagrees(bakery: Bakery) -> None:
    bakery.bake("linear")
    bakery.bake("boosting")
    bakery.open(1)
    bakery.asked_truly(60)
    result = bakery.gate('{gate = "replay", max_disagreement = 0.01}', 2)
    assert result.status is Status.FAIL
    assert "answered differently" in result.message


def test_numbers_disagree_when_they_are_far_apart_for_their_spread(bakery: Bakery) -> None:
    bakery.bake("numbers")
    bakery.open(1)
    bakery.asked_truly(50, "numbers")
    assert bakery.gate('{gate = "replay", max_disagreement = 0}', 1).passed
    bakery.ask([[0.0, 0.0, 0.0]] * 50, [1e6] * 50)
    assert bakery.gate('{gate = "replay", rows = 100, max_disagreement = 0.4}', 1).status is Status.FAIL


def test_rows_that_it_refuses_are_counted_by_reason_and_never_echoed(bakery: Bakery) -> None:
    bakery.bake("linear")
    bakery.open(1)
    bakery.ask([[1.0, "SECRET", 3.0]] * 3 + [[1.0, None, 3.0]] * 2 + [[1.0, 2.0, 3.0]] * 50)
    result = bakery.gate('{gate = "replay", max_refused = 4}', 1)
    assert (result.status, result.value, result.threshold) == (Status.FAIL, 5, 4)
    reasons = result.evidence["reasons"]
    assert isinstance(reasons, dict)
    assert sorted(reasons.values()) == [2, 3]
    assert "SECRET" not in json.dumps(result.evidence) + result.message
    assert bakery.gate('{gate = "replay", max_refused = 5}', 1).passed


def test_what_nobody_else_can_write_is_counted_like_any_other_row(bakery: Bakery) -> None:
    bakery.bake("linear")
    bakery.open(1)
    odd: list[list[object]] = [
        [10**30, 2.0, 3.0],
        ["\ud800", 2.0, 3.0],
        [10**400, 2.0, 3.0],
        [float("nan"), 2.0, 3.0],
        [[1.0], {"a": 1}, True],
        [],
    ]
    bakery.ask(odd, [10**30] * len(odd))
    result = bakery.gate('{gate = "replay", needed = 1, max_refused = 6}', 1)
    assert result.passed, result.message
    assert result.evidence["rows"] == len(odd)
    assert 4 <= float(result.value or 0) <= 6
    quick = bakery.gate(f'{{gate = "latency", p95 = "5s", {QUICK}}}', 1)
    assert quick.passed, quick.message


def test_an_input_that_todays_callers_do_not_send_is_found(bakery: Bakery) -> None:
    bakery.bake("linear")
    bakery.open(1)
    bakery.ask([[1.0, 2.0]] * 50, columns=NAMES[:2])
    result = bakery.gate('{gate = "replay"}', 1)
    assert (result.status, result.value) == (Status.FAIL, 50)
    assert "tenure" in result.message


@pytest.mark.parametrize(("share", "status"), [("shadow", 200), ("canary", 200), ("live", 400), ("live", 500)])
def test_only_what_the_live_version_answered_is_replayed(bakery: Bakery, share: str, status: int) -> None:
    bakery.bake("linear")
    bakery.open(1)
    bakery.ask([[1.0, 2.0, 3.0]] * 3, share=share, status=status)
    assert bakery.gate('{gate = "replay", needed = 1}', 1).value == 0


@pytest.mark.parametrize(("needed", "passes"), [(0, True), (1, False)])
def test_without_captured_rows_the_policy_says_what_happens(bakery: Bakery, needed: int, passes: bool) -> None:
    bakery.bake("linear")
    bakery.open(1)
    result = bakery.gate(f'{{gate = "replay", needed = {needed}}}', 1)
    assert result.passed is passes
    assert "0 captured rows" in result.message


def test_the_newest_rows_are_replayed(bakery: Bakery) -> None:
    bakery.bake("linear")
    bakery.open(1)
    bakery.ask([["old", "old", "old"]] * 50)
    bakery.clock.advance(1_000)
    bakery.ask([[1.0, 2.0, 3.0]] * 50)
    assert bakery.gate('{gate = "replay", rows = 50}', 1).passed
    assert bakery.gate('{gate = "replay", rows = 51}', 1).value == 1


# --- when gates run


HEAVY = '{gate = "latency", p95 = "1s", duration = "100ms"}, {gate = "parity"}, {gate = "scan"}, {gate = "replay"}'


def test_nothing_is_built_when_no_gate_asks_for_it(bakery: Bakery) -> None:
    version = bakery.bake()
    assert bakery.report('{gate = "metric", metric = "auc", min = 0.5}, {gate = "size", max = "1MB"}', 1).passed
    assert bakery.engine("bob").builds.get(version.digest) is None


def test_a_dry_run_leaves_out_what_takes_long_and_says_so(bakery: Bakery) -> None:
    version = bakery.bake()
    report = bakery.report(f'{HEAVY}, {{gate = "metric", metric = "auc", min = 0.5}}', 1, store=False, by="victor")
    assert [each.status.value for each in report.results] == ["skipped"] * 4 + ["pass"]
    assert (report.passed, report.failures, len(report.skipped)) == (False, (), 4)
    assert bakery.engine("bob").builds.get(version.digest) is None


def test_a_dry_run_tells_what_was_found_before_while_it_is_young(bakery: Bakery) -> None:
    bakery.bake()
    kept = bakery.report(HEAVY, 1)
    assert kept.passed
    gates = bakery.engine("victor").gates
    again = gates.check("churn", 1, to=Stage.STAGING, store=False)
    assert [each.status for each in again.results] == [Status.PASS] * 4
    assert again.results[0].value == kept.results[0].value
    assert again.results[0].evidence["report"] == kept.id
    bakery.clock.advance(25 * 3_600_000)
    assert len(gates.check("churn", 1, to=Stage.STAGING, store=False).skipped) == 4


def test_a_dry_run_does_not_believe_what_another_policy_found(bakery: Bakery) -> None:
    bakery.bake()
    bakery.report(HEAVY, 1)
    assert len(bakery.report(f'{HEAVY}, {{gate = "size", max = "1MB"}}', 1, store=False).skipped) == 4


class Stopped(Exception):
    """The operator pressed escape."""


@pytest.mark.parametrize(
    "at", ["latency: calling version 1", "latency: loading version 1", "scan: looking into", "replay"]
)
def test_stopping_stops_at_once_and_keeps_nothing(bakery: Bakery, at: str) -> None:
    bakery.bake()
    told: list[str] = []

    def progress(what: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        told.append(what)
        if what.startswith(at):
            raise Stopped

    with pytest.raises(Stopped):
        bakery.report(HEAVY, 1, progress=progress)
    assert told[-1].startswith(at)
    assert bakery.engine("bob").gates.latest("churn", 1, Stage.STAGING) is None


def test_progress_names_every_gate(bakery: Bakery) -> None:
    bakery.bake()
    told: list[str] = []
    bakery.report(HEAVY, 1, progress=lambda what, _done, _total: told.append(what))
    assert [each for each in told if ":" not in each] == ["latency", "parity", "scan", "replay"]
    assert "latency: calling version 1" in told
    assert any(each.startswith("scan: looking into model.skops") for each in told)


def test_an_answer_stands_only_while_production_is_the_same(bakery: Bakery) -> None:
    bakery.bake()
    bakery.bake()
    bakery.report(HEAVY, 1)
    gates = bakery.engine("bob").gates
    assert not gates.check("churn", 1, to=Stage.STAGING, store=False).skipped
    bakery.promote(2)
    assert len(gates.check("churn", 1, to=Stage.STAGING, store=False).skipped) == 4


def test_a_rollout_that_ends_takes_what_was_found_when_it_began(bakery: Bakery) -> None:
    bakery.bake()
    first = bakery.report(HEAVY, 1)
    gates = bakery.engine("bob").gates
    told: list[str] = []
    second = gates.check(
        "churn", 1, to=Stage.STAGING, trying=Trying.UNLESS_KNOWN, progress=lambda what, _done, _all: told.append(what)
    )
    assert second.passed
    assert second.id > first.id
    assert told == ["latency", "parity", "scan", "replay"]
    assert gates.latest("churn", 1, Stage.STAGING) == second
    bakery.clock.advance(25 * 3_600_000)
    third = gates.check("churn", 1, to=Stage.STAGING, trying=Trying.UNLESS_KNOWN)
    assert "report" not in third.results[0].evidence


def test_a_rollback_takes_the_newest_answer_however_old_or_says_that_there_is_none(bakery: Bakery) -> None:
    bakery.bake()
    first = bakery.report(HEAVY, 1)
    bakery.clock.advance(400 * 24 * 3_600_000)
    bakery.set_policy(f'[models.churn.staging]\ngates = [{HEAVY}, {{gate = "resources", memory = "1GB"}}]\n')
    gates = bakery.engine("bob").gates
    report = gates.check("churn", 1, to=Stage.STAGING, trying=Trying.NEVER)
    assert [each.status for each in report.results] == [Status.PASS] * 4 + [Status.ERROR]
    assert report.results[0].evidence["report"] == first.id
    again = gates.check("churn", 1, to=Stage.STAGING, trying=Trying.NEVER)
    assert again.results[0] == report.results[0]


def test_many_reasons_for_refusals_are_cut_to_the_most_frequent(bakery: Bakery) -> None:
    bakery.bake()
    bakery.open(1)
    for number in range(25):
        bakery.ask([[1.0, 2.0, 3.0, 4.0]], columns=(*NAMES, f"extra{number}"))
    result = bakery.gate('{gate = "replay", needed = 1}', 1)
    assert result.value == 25
    reasons = result.evidence["reasons"]
    assert isinstance(reasons, dict)
    assert len(reasons) <= 20
