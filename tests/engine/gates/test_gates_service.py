from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.errors import NotFound, PermissionDenied, ReadOnlyMode
from engine.gates.answering import guarded
from engine.gates.model import Facts, Status
from engine.gates.service import specs_for
from engine.policy.model import FieldsGate, IntegrityGate, MetricGate, Policy, SizeGate, StagePolicy
from engine.registry.model import Stage
from tests.engine.deployment.world import HOUR_MS, World
from tests.engine.gates.builders import make_facts, make_version

EVERY_GATE = """
[models.churn.production]
gates = [
  {gate = "metric", metric = "auc", min = 0.8},
  {gate = "not-worse", metric = "auc", margin = 0.01},
  {gate = "integrity"},
  {gate = "size", max = "1MB"},
  {gate = "signature"},
  {gate = "fields", required = ["owner", "description", "data_digest"]},
  {gate = "evidence-age", max = "24h"},
]
"""
NAMES = ["metric", "not-worse", "integrity", "size", "signature", "fields", "evidence-age"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, EVERY_GATE)
    yield world
    world.database.close()


def test_every_gate_of_the_policy_answers_in_order(world: World) -> None:
    version = world.register()
    report = world.engine("bob").gates.check("churn", 1, to=Stage.PRODUCTION)
    assert [result.gate for result in report.results] == NAMES
    assert report.passed
    assert (report.digest, report.target, report.actor) == (version.digest, Stage.PRODUCTION, "bob")
    assert report.policy_digest == world.policy_file.read().digest
    assert report.sound


def test_what_was_kept_reads_back_as_it_was(world: World) -> None:
    world.register(auc=0.5)
    gates = world.engine("bob").gates
    report = gates.check("churn", 1, to=Stage.PRODUCTION)
    assert gates.get(report.id) == report
    assert gates.latest("churn", 1, Stage.PRODUCTION) == report
    assert gates.latest("churn", 1, Stage.STAGING) is None
    assert [result.label for result in report.failures] == ["metric auc"]


def test_a_dry_run_leaves_nothing_behind_and_is_free_to_all(world: World) -> None:
    world.register()
    for name, read_only in (("victor", False), ("bob", True)):
        gates = world.engine(name, read_only=read_only).gates
        assert gates.check("churn", 1, to=Stage.PRODUCTION, store=False).id == 0
        assert gates.latest("churn", 1, Stage.PRODUCTION) is None


def test_keeping_evidence_takes_an_operator(world: World) -> None:
    world.register()
    with pytest.raises(PermissionDenied):
        world.engine("victor").gates.check("churn", 1, to=Stage.PRODUCTION)
    with pytest.raises(ReadOnlyMode):
        world.engine("bob", read_only=True).gates.check("churn", 1, to=Stage.PRODUCTION)


def test_the_production_version_is_the_baseline(world: World) -> None:
    world.register(auc=0.95)
    world.promote(1)
    world.register(auc=0.90)
    world.register(auc=0.99, data="d2")
    gates = world.engine("bob").gates
    worse = gates.check("churn", 2, to=Stage.PRODUCTION)
    assert (worse.baseline, [result.gate for result in worse.failures]) == ((1,), ["not-worse"])
    elsewhere = gates.check("churn", 3, to=Stage.PRODUCTION)
    assert "different data" in elsewhere.failures[0].message


def test_damage_on_disk_fails_the_integrity_gate_and_names_the_file(world: World) -> None:
    world.register()
    world.damage(1)
    report = world.engine("bob").gates.check("churn", 1, to=Stage.PRODUCTION)
    assert [result.gate for result in report.failures] == ["integrity"]
    assert "weights.bin" in report.failures[0].message
    assert not report.sound


def test_measurements_grow_old(world: World) -> None:
    world.register()
    world.clock.advance(24 * HOUR_MS)
    gates = world.engine("bob").gates
    assert gates.check("churn", 1, to=Stage.PRODUCTION).passed
    world.clock.advance(1)
    assert [r.gate for r in gates.check("churn", 1, to=Stage.PRODUCTION).failures] == ["evidence-age"]


def test_a_run_that_ends_later_does_not_make_older_metrics_young(world: World) -> None:
    runs = world.engine("bob").runs
    run = runs.start("default", capture=False)
    run.log_metric("auc", 0.9)
    run.log_bytes(b"weights", "model/weights.bin")
    world.engine("bob").models.register("churn", run_id=run.id, owner="a", description="b", data_digest="d1")
    world.clock.advance(25 * HOUR_MS)
    run.finish()
    report = world.engine("bob").gates.check("churn", 1, to=Stage.PRODUCTION)
    assert "evidence-age" in [result.gate for result in report.failures]


def test_unknown_versions_and_reports_are_not_found(world: World) -> None:
    world.register()
    gates = world.engine("bob").gates
    for model, number in (("churn", 2), ("chrun", 1)):
        with pytest.raises(NotFound):
            gates.check(model, number, to=Stage.PRODUCTION)
        with pytest.raises(NotFound):
            gates.latest(model, number, Stage.PRODUCTION)
    for report in (0, 99, -1, 2**70):
        with pytest.raises(NotFound):
            gates.get(report)


def test_a_gate_that_breaks_is_an_error_and_never_a_pass() -> None:
    broken = FieldsGate(required=("no_such_field",))
    result = guarded(broken, make_facts())
    assert (result.status, result.passed) == (Status.ERROR, False)
    assert "AttributeError" in result.message


@pytest.mark.parametrize("spec", [MetricGate("auc", min=0.5), SizeGate(max_bytes=5)])
def test_facts_of_the_wrong_kind_are_an_error_and_never_a_pass(spec: MetricGate | SizeGate) -> None:
    nonsense: Facts = replace(make_facts(), version=make_version(metrics={"auc": "high"}, size_bytes="big"))
    assert guarded(spec, nonsense).status is Status.ERROR


def test_production_always_reads_the_bytes() -> None:
    assert specs_for(Policy(), "churn", Stage.PRODUCTION) == (IntegrityGate(),)
    assert specs_for(Policy(), "churn", Stage.STAGING) == ()
    policy = Policy(stages={("churn", "production"): StagePolicy(gates=(IntegrityGate(), SizeGate(1)))})
    assert specs_for(policy, "churn", Stage.PRODUCTION) == (IntegrityGate(), SizeGate(1))
