"""Importing models as another registry had them: who may, what is recorded, and what a second import changes."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

import engine
from engine.artifacts.model import ManifestEntry
from engine.core.access import Access, Actor, Role
from engine.core.errors import InvalidInput, NotFound, PermissionDenied
from engine.registry.importing import ModelImport, ModelImports, VersionImport
from engine.registry.model import Stage
from tests.builders import empty_workspace

FILE = ManifestEntry("MLmodel", sha256(b"x").hexdigest(), 1)
V1 = VersionImport(1, Stage.ARCHIVED, 100, 200, source="s3://a", created_by="grace", tags={"a": "b"})
V3 = VersionImport(
    3, Stage.REGISTERED, 150, 250, run_id="ab" * 16, files=(FILE,), params={"lr": "1"}, metrics={"auc": 0.5}
)
MODEL = ModelImport("churn", 50, 300, "who", {"team": "risk"}, {"next": 3}, (V1, V3))


@pytest.fixture
def opened(tmp_path: Path) -> engine.Engine:
    empty_workspace(tmp_path / "w")
    return engine.open(tmp_path / "w")


def imports(opened: engine.Engine, role: Role = Role.ADMIN) -> ModelImports:
    return ModelImports(opened.database, Access(Actor("ada"), role))


def test_a_model_is_stored_as_it_was(opened: engine.Engine) -> None:
    assert imports(opened).import_model(MODEL, opened.policy) == 4
    model = opened.models.get("churn")
    assert (model.description, model.tags, model.aliases) == ("who", {"team": "risk"}, {"next": 3})
    assert (model.created_ms, model.updated_ms) == (50, 300)
    first, third = opened.models.version("churn", 1), opened.models.version("churn", 3)
    assert (first.stage, first.stage_ms, first.created_ms, first.created_by) == (Stage.ARCHIVED, 200, 100, "grace")
    assert (first.source, first.tags, first.size_bytes) == ("s3://a", {"a": "b"}, 0)
    assert (third.run_id, third.params, third.metrics, third.size_bytes) == ("ab" * 16, {"lr": "1"}, {"auc": 0.5}, 1)
    assert opened.models.files("churn", 3) == (FILE,)
    opened.close()


def test_numbers_go_on_after_the_greatest(opened: engine.Engine) -> None:
    imports(opened).import_model(MODEL, opened.policy)
    with opened.runs.start("e", capture=False) as run:
        run.log_bytes(b"1", "model/f")
    assert opened.models.register("churn", run_id=run.id).version == 4
    opened.close()


def test_every_version_is_an_audit_record_that_tells_the_past(opened: engine.Engine) -> None:
    staged = replace(MODEL, versions=(V1, replace(V3, stage=Stage.PRODUCTION)))
    imports(opened).import_model(staged, opened.policy)
    records = [entry for entry in opened.audit.page().items if entry.verb == "import"]
    assert {(entry.kind, entry.key) for entry in records} == {
        ("model", "churn"), ("version", "churn/1"), ("version", "churn/3")
    }  # fmt: skip
    states = opened.promotions.at("churn", 2**62)
    assert [(each.version, each.stage, each.aliases) for each in states] == [
        (1, Stage.ARCHIVED, ()), (3, Stage.PRODUCTION, ("next",))
    ]  # fmt: skip
    opened.close()


def test_a_second_import_changes_what_changed_alone(opened: engine.Engine) -> None:
    imports(opened).import_model(MODEL, opened.policy)
    size = opened.audit.head().size
    assert imports(opened).import_model(MODEL, opened.policy) == 0
    assert opened.audit.head().size == size
    changed = replace(V1, stage=Stage.STAGING, description="better", files=(FILE,))
    assert imports(opened).import_model(replace(MODEL, versions=(changed, V3)), opened.policy) == 1
    first = opened.models.version("churn", 1)
    assert (first.stage, first.description, first.size_bytes) == (Stage.STAGING, "better", 1)
    assert opened.audit.head().size == size + 1
    opened.close()


@pytest.mark.parametrize(
    "given",
    [
        replace(MODEL, versions=(replace(V1, stage=Stage.PRODUCTION), V3)),
        replace(MODEL, versions=(replace(V1, stage=Stage.STAGING), V3)),
        replace(MODEL, aliases={"production": 3}),
    ],
    ids=["production", "staging", "protected alias"],
)
def test_what_serves_is_imported_by_an_admin_alone(opened: engine.Engine, given: ModelImport) -> None:
    for role in (Role.OPERATOR, Role.APPROVER):
        with pytest.raises(PermissionDenied):
            imports(opened, role).import_model(given, opened.policy)
    assert opened.models.get("churn").production == ()
    assert "production" not in opened.models.get("churn").aliases
    imports(opened).import_model(given, opened.policy)
    opened.close()


def test_a_version_that_serves_is_taken_out_by_an_admin_alone(opened: engine.Engine) -> None:
    imports(opened).import_model(replace(MODEL, versions=(replace(V1, stage=Stage.PRODUCTION), V3)), opened.policy)
    with pytest.raises(PermissionDenied):
        imports(opened, Role.OPERATOR).import_model(MODEL, opened.policy)
    assert opened.models.get("churn").production == (1,)
    opened.close()


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (replace(MODEL, name="a/b"), InvalidInput),
        (replace(MODEL, description="x" * 20_001), InvalidInput),
        (replace(MODEL, aliases={"v7": 1}), InvalidInput),
        (replace(MODEL, versions=(replace(V1, number=0),)), InvalidInput),
        (replace(MODEL, versions=(replace(V1, tags={"": "x"}),)), InvalidInput),
        (replace(MODEL, aliases={"next": 9}), NotFound),
    ],
)
def test_what_cannot_be_kept_is_refused(opened: engine.Engine, bad: ModelImport, error: type[Exception]) -> None:
    with pytest.raises(error):
        imports(opened).import_model(bad, opened.policy)
    opened.close()
