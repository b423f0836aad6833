"""Builds through the front door: made once for the same bytes, audited, loaded by digest; pickles need a word."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

import engine
from engine.api import Engine
from engine.core.access import Actor, Role
from engine.core.errors import Conflict, IntegrityError, InvalidInput, NotFound, NotServable, PermissionDenied
from engine.registry.model import Column, Signature
from engine.runtimes.model import Rows, RuntimeKind
from tests.builders import empty_workspace

ROWS = np.random.default_rng(0).normal(size=(120, 3))
LABELS = np.where(ROWS[:, 0] > 0, "yes", "no")
BOOSTED = skops.io.dumps(GradientBoostingClassifier(n_estimators=4, random_state=0).fit(ROWS, LABELS))
LOGISTIC = skops.io.dumps(LogisticRegression().fit(ROWS, LABELS))
SIGNATURE = Signature(tuple(Column(name, "float64") for name in ("a", "b", "c")), (Column("label", "str"),))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Engine]:
    with engine.open(empty_workspace(tmp_path / "workspace").path) as found:
        yield found


def register(opened: Engine, data: bytes, name: str = "model.skops", model: str = "churn") -> int:
    with opened.runs.start("churn", "run", capture=False) as run:
        run.log_bytes(data, f"model/{name}")
    return opened.models.register(model, run_id=run.id, artifact_path="model", signature=SIGNATURE).version


def acting(opened: Engine, role: Role) -> Engine:
    return opened.acting(Actor("eve"), role)


def verbs(opened: Engine) -> list[str]:
    return [entry.verb for entry in opened.audit.page(limit=1_000).items]


def test_a_build_is_kept_with_its_parity_and_what_it_takes(opened: Engine) -> None:
    version = register(opened, BOOSTED)
    told: list[tuple[str, int, int]] = []
    build = opened.builds.build("churn", version, progress=lambda *step: told.append(step))
    assert build.kind is RuntimeKind.TWIN
    assert [each.name for each in build.interface.inputs] == ["a", "b", "c"]
    assert build.interface.classes == ("no", "yes")
    assert [report.accepted for report in build.parity] == [False, True]
    assert opened.builds.get(build.digest) == build
    assert told[0] == ("reading the model", 0, 5)
    answers = opened.builds.load(build).predict(Rows(len(ROWS), ROWS))
    assert answers["predict"].tolist() == skops.io.loads(BOOSTED, trusted=_types()).predict(ROWS).tolist()


def _types() -> list[str]:
    return list(skops.io.get_untrusted_types(data=BOOSTED))


def test_the_same_bytes_are_built_once_whatever_they_are_called(opened: Engine) -> None:
    first = opened.builds.build("churn", register(opened, LOGISTIC))
    again = opened.builds.build("other", register(opened, LOGISTIC, model="other"))
    assert again == first
    assert verbs(opened).count("build") == 1


def test_a_viewer_may_have_what_is_built_and_build_nothing(opened: Engine) -> None:
    version = register(opened, LOGISTIC)
    viewer = acting(opened, Role.WRITER)
    with pytest.raises(PermissionDenied):
        viewer.builds.build("churn", version)
    build = opened.builds.build("churn", version)
    assert viewer.builds.build("churn", version) == build
    assert opened.builds.get("0" * 64) is None


def test_an_interrupted_build_leaves_nothing(opened: Engine) -> None:
    version = register(opened, BOOSTED)
    digest = opened.models.version("churn", version).digest

    def stop(_what: str, done: int, _all: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened.builds.build("churn", version, progress=stop)
    assert opened.builds.get(digest) is None
    assert opened.builds.build("churn", version).digest == digest


def test_a_build_whose_file_is_gone_is_made_again(opened: Engine) -> None:
    version = register(opened, LOGISTIC)
    build = opened.builds.build("churn", version)
    opened.builds.path(build).unlink()
    with pytest.raises(IntegrityError):
        opened.builds.load(build)
    assert opened.builds.build("churn", version).file_digest == build.file_digest
    opened.builds.load(build)


@pytest.mark.parametrize("which", ["model", "built"])
def test_bytes_that_were_swapped_are_neither_built_nor_loaded(opened: Engine, which: str) -> None:
    version = register(opened, BOOSTED)
    if which == "model":
        entry = opened.models.files("churn", version)[0]
        _swap(opened.artifacts.path_of(entry.digest))
        with pytest.raises(IntegrityError, match="have changed"):
            opened.builds.build("churn", version)
    else:
        build = opened.builds.build("churn", version)
        _swap(opened.builds.path(build))
        with pytest.raises(IntegrityError, match="have changed"):
            opened.builds.load(build)


def _swap(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(LOGISTIC)


def test_a_version_that_cannot_be_served_says_why_and_what_to_do(opened: Engine) -> None:
    version = register(opened, b"weights", "weights.bin")
    with pytest.raises(NotServable, match=f"churn/{version} cannot be served") as refused:
        opened.builds.build("churn", version)
    assert "skops or ONNX" in refused.value.hint
    with pytest.raises(NotFound):
        opened.builds.build("churn", 99)


def test_a_pickle_needs_an_approver_s_word_on_these_very_bytes(opened: Engine) -> None:
    data = pickle.dumps(LogisticRegression().fit(ROWS, LABELS))
    version = register(opened, data, "model.pkl")
    with pytest.raises(NotServable, match="pickle is code"):
        opened.builds.build("churn", version)
    with pytest.raises(PermissionDenied):
        acting(opened, Role.OPERATOR).builds.allow_pickle("churn", version, reason="trust me")
    with pytest.raises(InvalidInput, match="reason"):
        opened.builds.allow_pickle("churn", version, reason="  ")
    acting(opened, Role.APPROVER).builds.allow_pickle("churn", version, reason="made by us, see run")
    build = opened.builds.build("churn", version)
    assert build.kind is RuntimeKind.ISOLATED
    runtime = opened.builds.load(build)
    try:
        assert runtime.predict(Rows(3, ROWS[:3]))["predict"].tolist() == LABELS[:3].tolist()
    finally:
        runtime.close()
    other = register(opened, data + b" ", "model.pkl")
    with pytest.raises(NotServable, match="pickle is code"):
        opened.builds.build("churn", other)
    assert "allow pickle" in verbs(opened)


@pytest.fixture
def pickled(opened: Engine) -> int:
    """A version that is a pickle, for which an approver answers."""
    version = register(opened, pickle.dumps(LogisticRegression().fit(ROWS, LABELS)), "model.pkl")
    opened.builds.allow_pickle("churn", version, reason="made by us")
    return version


def test_the_word_for_a_pickle_can_be_taken_back(opened: Engine, pickled: int) -> None:
    opened.builds.build("churn", pickled)
    with pytest.raises(PermissionDenied):
        acting(opened, Role.OPERATOR).builds.forbid_pickle("churn", pickled, reason="a trap")
    with pytest.raises(InvalidInput, match="reason"):
        opened.builds.forbid_pickle("churn", pickled, reason=" ")
    acting(opened, Role.APPROVER).builds.forbid_pickle("churn", pickled, reason="a trap")
    with pytest.raises(NotServable, match="pickle is code"):
        opened.builds.build("churn", pickled)
    with pytest.raises(Conflict, match="Nobody answers"):
        opened.builds.forbid_pickle("churn", pickled, reason="twice")
    said = next(each for each in opened.audit.page(limit=10).items if each.verb == "forbid pickle")
    assert (said.reason, (said.before or {})["pickle"], (said.after or {})["pickle"]) == (
        "a trap",
        "allowed",
        "forbidden",
    )
    opened.builds.allow_pickle("churn", pickled, reason="no trap after all")
    assert opened.builds.build("churn", pickled).kind is RuntimeKind.ISOLATED


def test_a_pickle_that_is_loaded_is_taken_out_before_the_word_for_it_is_taken_back(
    opened: Engine, pickled: int
) -> None:
    first = register(opened, LOGISTIC)
    opened.endpoints.create("front", "churn")
    opened.endpoints.deploy("front", first, reason="first")
    opened.endpoints.deploy("front", pickled, reason="better")
    with pytest.raises(Conflict, match="loaded behind front") as refused:
        opened.builds.forbid_pickle("churn", pickled, reason="a trap")
    assert refused.value.hint == f"Take it out first: qd endpoints retire front {pickled}."
    opened.endpoints.deploy("front", first, reason="back")
    opened.endpoints.retire("front", pickled, reason="a trap")
    opened.builds.forbid_pickle("churn", pickled, reason="a trap")
    with pytest.raises(Conflict, match="nobody answers for any more"):
        opened.endpoints.undo("front", reason="r")
    with pytest.raises(Conflict, match="no earlier live version"):
        opened.endpoints.roll_back("front", reason="r")
    with pytest.raises(NotServable):
        opened.endpoints.deploy("front", pickled, reason="r")
    assert opened.endpoints.desired()


def test_who_tried_to_route_what_cannot_be_served_is_written_down(opened: Engine) -> None:
    first, broken = register(opened, LOGISTIC), register(opened, b"weights", "weights.bin")
    opened.endpoints.create("front", "churn")
    opened.endpoints.deploy("front", first, reason="first")
    tries: dict[str, Callable[[], object]] = {
        "deploy": lambda: opened.endpoints.deploy("front", broken, reason="try it"),
        "promote": lambda: opened.rollouts.start("front", broken, plan="5% 1m -> 100%", reason="try it"),
    }
    for verb, act in tries.items():
        with pytest.raises(NotServable):
            act()
        said = opened.audit.page(limit=1).items[0]
        assert (said.verb, said.kind, said.key, said.reason) == ("refuse", "endpoint", "front", "try it")
        after = said.after or {}
        assert (after["attempt"]["verb"], after["attempt"]["version"], after["code"]) == (verb, broken, "not_servable")


def test_a_backup_holds_what_was_built(opened: Engine, tmp_path: Path) -> None:
    build = opened.builds.build("churn", register(opened, BOOSTED))
    assert opened.maintenance.backup(tmp_path / "backup").missing == 0
    assert list((tmp_path / "backup").rglob(build.file_digest[2:]))


def test_a_version_served_without_onnx_is_exported_as_onnx_all_the_same(opened: Engine) -> None:
    import onnxruntime

    version = register(opened, LOGISTIC)
    twin, report = opened.builds.export("churn", version)
    assert report.accepted
    session = onnxruntime.InferenceSession(twin)
    labels, probabilities = session.run(["predict", "predict_proba"], {"numbers": ROWS})
    assert labels.tolist() == skops.io.loads(LOGISTIC).predict(ROWS).tolist()
    assert probabilities.shape == (len(ROWS), 2)
