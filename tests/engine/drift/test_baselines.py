"""Baselines: numbered, kept with their version, made from files, from what a run logged, from production."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import InvalidInput, NotFound, PermissionDenied, PolicyInvalid, ReadOnlyMode
from engine.drift.baseline_model import BaselineKind, Stretch
from engine.drift.model import Rules, Wanted
from engine.gates.model import Status
from engine.maintenance.store import stored_objects
from engine.registry.model import Stage
from tests.engine.drift.tables import honest, write
from tests.engine.gates.bakery import NAMES, Bakery

READER_POLICY = """
[roles]
admin = ["root"]
operator = ["bob"]
writer = ["carol"]
viewer = ["eve"]
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Bakery]:
    made = Bakery(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return write(tmp_path / "reference.csv", honest(500))


def test_baselines_are_numbered_and_the_newest_is_in_force(world: Bakery, reference: Path, tmp_path: Path) -> None:
    world.shelve({"weights.bin": b"w"})
    drift = world.engine("bob").drift
    assert drift.baselines("churn", 1) == ()
    first = drift.baseline("churn", 1, [str(reference)], labels=["region"], reason="the first")
    second = drift.baseline("churn", 1, [str(write(tmp_path / "more.parquet", honest(700)))])
    assert [each.number for each in drift.baselines("churn", 1)] == [2, 1]
    assert drift.baselines("churn", 1) == (second, first)
    assert (first.rows, first.features, first.labels, first.kind) == (500, 4, ("region",), BaselineKind.DATA)
    assert drift.reference("churn", 1)[0] == second
    found, content = drift.reference("churn", 1, 1)
    assert (found, content.profile.rows) == (first, 500)


def test_data_is_compared_with_the_baseline_in_force(world: Bakery, reference: Path, tmp_path: Path) -> None:
    world.shelve({"weights.bin": b"w"})
    drift = world.engine("bob").drift
    drift.baseline("churn", 1, [str(reference)], predictions=["income"])
    current = write(tmp_path / "now.csv", honest(500, 1, shift=1))
    report = drift.check("churn/1", str(current))
    assert [(each.name, each.role.value) for each in report.drifted] == [("income", "prediction")]
    assert (report.reference.version, report.reference.baseline, report.reference.rows) == ("churn/1", 1, 500)


def test_what_matters_to_the_model_is_kept_with_the_baseline(world: Bakery, reference: Path, tmp_path: Path) -> None:
    world.shelve({"weights.bin": b"w"})
    drift = world.engine("bob").drift
    drift.baseline("churn", 1, [str(reference)], importance={"tenure": 9, "income": 1})
    current = honest(2_000, 1, shift=1)
    current["tenure"] = current["tenure"] * 2
    report = drift.check("churn/1", str(write(tmp_path / "now.csv", current)))
    assert [(each.name, each.importance) for each in report.drifted] == [("tenure", 0.9), ("income", 0.1)]


def test_what_was_made_is_audited_and_backed_up(world: Bakery, reference: Path) -> None:
    world.shelve({"weights.bin": b"w"})
    engine = world.engine("bob")
    made = engine.drift.baseline("churn", 1, [str(reference)], reason="before the launch")
    last = engine.audit.entries_for("version", "churn/1", world.clock.now_ms())[-1]
    assert (last.verb, last.reason, last.actor) == ("baseline", "before the launch", "bob")
    assert last.after is not None
    assert (last.after["digest"], last.after["rows"]) == (made.digest, 500)
    with engine.database.snapshot() as view:
        assert (made.digest, made.size_bytes) in stored_objects(view)


def test_the_first_baseline_is_made_of_what_the_run_logged(world: Bakery, reference: Path) -> None:
    engine = world.engine("carol")
    run = engine.runs.start("default", capture=False)
    run.log_bytes(b"w", "model/weights.bin")
    run.log_bytes(reference.read_bytes(), "data/reference.csv")
    run.log_bytes(b"other,columns\n1,2\n", "data/train.csv")
    run.finish()
    version = engine.models.register("churn", run_id=run.id)
    made = engine.drift.at_registration(version)
    assert made is not None
    assert (made.kind, made.source, made.rows) == (BaselineKind.TRAINING, "data/reference.csv of its run", 500)
    assert engine.drift.at_registration(version) is None


def test_whatever_front_registered_a_version_its_baseline_is_made_once(world: Bakery, reference: Path) -> None:
    drift = world.engine("bob").drift
    assert drift.make_missing() == ()
    world.shelve({"reference.csv": reference.read_bytes()})
    world.shelve({"weights.bin": b"w"})
    world.shelve({"reference.csv": b""})
    assert [each.key for each in drift.make_missing()] == ["churn/1 baseline 1"]
    assert drift.make_missing() == ()
    assert world.engine("dave").drift.make_missing() == ()


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"\xff\xfe\x00", b"a\n" + b"1,2,3\n" * 5])
def test_reference_data_that_cannot_be_used_keeps_no_version_from_being_registered(
    world: Bakery, content: bytes
) -> None:
    version = world.shelve({"reference.csv": content})
    engine = world.engine("bob")
    assert engine.drift.at_registration(version) in (None, *engine.drift.baselines("churn", 1))


def test_nothing_is_read_that_a_run_only_names(world: Bakery, reference: Path) -> None:
    from engine.tracking.model import DatasetInput

    engine = world.engine("bob")
    run = engine.runs.start("default", capture=False)
    run.log_bytes(b"w", "model/weights.bin")
    run.log_dataset(DatasetInput("d", "d1", context="training", source_type="local", source=str(reference)))
    run.finish()
    version = engine.models.register("churn", run_id=run.id)
    assert engine.drift.at_registration(version) is None
    with pytest.raises(NotFound, match="holds reference data"):
        engine.drift.baseline_from_training("churn", version.version)


def test_only_operators_make_baselines_of_files(world: Bakery, reference: Path) -> None:
    world.shelve({"weights.bin": b"w"})
    world.set_policy(READER_POLICY, people="")
    for who in ("carol", "eve"):
        with pytest.raises(PermissionDenied):
            world.engine(who).drift.baseline("churn", 1, [str(reference)])
    assert world.engine("eve").drift.baselines("churn", 1) == ()


@pytest.mark.parametrize(
    ("operation", "more", "error", "said"),
    [
        ("reference", (), NotFound, "has no baseline"),
        ("reference", (7,), NotFound, "has no baseline 7"),
        ("baseline", (["no.csv"],), NotFound, "No CSV"),
        ("baseline", ([],), InvalidInput, "."),
        ("baseline_from_training", (), NotFound, "holds reference data"),
        ("baseline_from_production", (Stretch(0),), NotFound, "Nothing was captured"),
        ("baseline_from_production", (Stretch(9, 8),), InvalidInput, "before it begins"),
        ("skew", (Stretch(0),), NotFound, "has no baseline"),
    ],
)
def test_what_cannot_be_made_says_why(
    world: Bakery, operation: str, more: tuple[Any, ...], error: type[Exception], said: str
) -> None:
    world.shelve({"weights.bin": b"w"})
    with pytest.raises(error, match=said):
        getattr(world.engine("bob").drift, operation)("churn", 1, *more)


def test_columns_and_versions_that_are_not_there_are_refused(world: Bakery, reference: Path) -> None:
    world.shelve({"weights.bin": b"w"})
    drift = world.engine("bob").drift
    with pytest.raises(NotFound, match="has no version 9"):
        drift.baseline("churn", 9, [str(reference)])
    with pytest.raises(InvalidInput, match="no column nope"):
        drift.baseline("churn", 1, [str(reference)], labels=["nope"])
    with pytest.raises(NotFound, match="has no baseline"):
        drift.check("churn/1", str(reference))


def test_a_gate_demands_a_baseline_with_rows_enough(world: Bakery, reference: Path) -> None:
    world.shelve({"weights.bin": b"w"})
    engine = world.engine("bob")
    refused = world.gate('{gate = "baseline"}', 1)
    assert (refused.status, "`qd drift baseline churn 1 FILE` makes one" in refused.message) == (Status.FAIL, True)
    engine.drift.baseline("churn", 1, [str(reference)])
    passed = world.gate('{gate = "baseline", rows = 500}', 1)
    assert (passed.status, passed.value, passed.margin) == (Status.PASS, 500, 0)
    assert world.gate('{gate = "baseline", rows = 501}', 1).status is Status.FAIL
    world.clock.advance(3 * 3_600_000)
    old = world.gate('{gate = "baseline", max_age = "2h"}', 1)
    assert (old.status, "make another" in old.message) == (Status.FAIL, True)


def test_promotion_waits_for_the_baseline(world: Bakery, reference: Path) -> None:
    world.shelve({"weights.bin": b"w"})
    world.set_policy('[models.churn.production]\ngates = [{gate = "baseline"}]\n')
    gates = world.engine("bob").gates
    assert not gates.check("churn", 1, to=Stage.PRODUCTION).passed
    world.engine("bob").drift.baseline("churn", 1, [str(reference)])
    assert gates.check("churn", 1, to=Stage.PRODUCTION).passed


def test_production_may_be_the_baseline_and_may_be_skewed_against_it(world: Bakery, tmp_path: Path) -> None:
    world.bake()
    world.open(1)
    drift = world.engine("bob").drift
    source = np.random.default_rng(5)
    trained = {name: source.normal(size=2_000) for name in NAMES}
    drift.baseline("churn", 1, [str(write(tmp_path / "trained.parquet", trained))])
    rows = source.normal(size=(400, 3))
    rows[:, 1] += 1
    start_ms = world.clock.now_ms()
    world.ask(rows.tolist(), [int(each > 0) for each in rows[:, 0]])
    skewed = drift.skew("churn", 1, Stretch(start_ms))
    assert [each.name for each in skewed.drifted] == ["income"]
    made = drift.baseline_from_production("churn", 1, Stretch(start_ms), reason="the new normal")
    assert (made.kind, made.rows, made.predictions) == (BaselineKind.PRODUCTION, 400, ("prediction",))
    later = write(tmp_path / "later.csv", {name: rows[:, place] for place, name in enumerate(NAMES)})
    report = drift.check("churn/1", str(later), Wanted(Rules(columns=NAMES)))
    assert not report.drift
    assert drift.skew("churn", 1, Stretch(start_ms)).reference.baseline == 1


def test_a_read_only_engine_makes_none(world: Bakery, reference: Path) -> None:
    import engine

    world.shelve({"weights.bin": b"w"})
    with engine.open(world.workspace.path, read_only=True) as opened, pytest.raises(ReadOnlyMode):
        opened.drift.baseline("churn", 1, [str(reference)])


def test_a_deleted_version_takes_its_baselines_along(world: Bakery, reference: Path) -> None:
    world.shelve({"weights.bin": b"w"})
    engine = world.engine("root")
    engine.drift.baseline("churn", 1, [str(reference)])
    engine.models.delete_version("churn", 1, reason="wrong")
    with pytest.raises(NotFound):
        engine.drift.baselines("churn", 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("rows = 0", "at least 1"),
        ('rows = "many"', "whole number"),
        ("max_age = 3", "unit"),
        ("age = 3", "age"),
    ],
)
def test_a_gate_that_makes_no_sense_is_no_policy(world: Bakery, options: str, said: str) -> None:
    world.set_policy(f'[models.churn.production]\ngates = [{{gate = "baseline", {options}}}]\n')
    with pytest.raises(PolicyInvalid, match=said):
        world.policy_file.read()
