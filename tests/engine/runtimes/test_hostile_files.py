"""Model files that are damaged, swapped, foreign or bad: never run, never believed."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from engine.core.errors import IntegrityError, NotServable
from engine.runtimes.building import build, find_model
from engine.runtimes.loading import load
from engine.runtimes.model import Interface, RuntimeKind
from engine.runtimes.scanning import scan
from tests.engine.runtimes.trained import built, some_rows, with_classes

NOTHING = Interface((), ())


class Canary:
    """Touches a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


class Foreign(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    def predict(self, rows: Any) -> Any:
        return np.zeros(len(rows))


def fitted() -> RandomForestClassifier:
    rows = some_rows(60, 3)
    return RandomForestClassifier(3, random_state=0).fit(rows, with_classes(rows, [0, 1]))


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.pickle"])
def test_a_pickle_is_never_loaded_without_a_word_for_it(tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"
    data = pickle.dumps(Canary(str(canary)))
    with pytest.raises(NotServable, match="pickle is code") as refused:
        build({name: lambda: data})
    assert "allow-pickle" in refused.value.hint
    assert not canary.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_a_scan_names_what_a_pickle_would_import_and_runs_nothing(tmp_path: Path, protocol: int) -> None:
    canary = tmp_path / "canary"
    report = scan(pickle.dumps({"model": Canary(str(canary))}, protocol=protocol), "model.pkl")
    assert not report.safe
    assert any("system" in finding for finding in report.findings)
    assert not canary.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.",
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93\x8c\x04true\x85R.",
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x02\x82\x01.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"csklearn.tree._tree\nTree.__init__\n.",
        b"\x80\x04}\x93.",
        b"\x80\x04\x95\xff\xff",
        b"",
    ],
)
def test_crafted_pickles_are_not_safe(data: bytes) -> None:
    assert not scan(data, "model.pkl").safe


def test_a_plain_estimator_is_safe_as_far_as_is_known() -> None:
    report = scan(pickle.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1])), "model.pkl")
    assert report.findings == ()
    assert report.safe


def test_what_cannot_be_read_to_its_end_is_not_called_safe() -> None:
    report = scan(_joblib(LogisticRegression().fit([[0.0], [1.0]], [0, 1])), "model.joblib")
    assert not report.safe
    assert "read to its end" in report.findings[0]


def _joblib(model: Any) -> bytes:
    stream = io.BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue()


@given(data=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_whatever_the_bytes_a_scan_ends_with_a_report(data: bytes) -> None:
    for name in ("model.pkl", "model.skops", "model.onnx", "model"):
        assert scan(data, name).size_bytes == len(data)


def test_a_type_of_somebody_else_is_not_trusted() -> None:
    data = skops.io.dumps(Foreign())
    with pytest.raises(NotServable, match="not trusted"):
        build({"model.skops": lambda: data})
    report = scan(data, "model.skops")
    assert (report.format, report.safe) == ("skops", False)


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", bytes(100 << 20))
    data = stream.getvalue()
    with pytest.raises(NotServable, match="unpack to"):
        build({"model.skops": lambda: data})
    assert not scan(data, "model.skops").safe


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_model_that_is_cut_off_is_refused(share: float) -> None:
    whole = skops.io.dumps(fitted())
    data = whole[: int(len(whole) * share)]
    with pytest.raises(NotServable, match="skops"):
        build({"model.skops": lambda: data})


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_an_onnx_model_that_is_cut_off_is_refused(share: float) -> None:
    whole = built(fitted()).data
    data = whole[: int(len(whole) * share)]
    with pytest.raises(NotServable):
        build({"model.onnx": lambda: data})


@pytest.mark.parametrize("kind", [RuntimeKind.LINEAR, RuntimeKind.TREES, RuntimeKind.TWIN, RuntimeKind.SKLEARN])
def test_a_built_file_of_something_else_is_refused(tmp_path: Path, kind: RuntimeKind) -> None:
    path = tmp_path / "built"
    for data in (b"", b"nonsense", pickle.dumps([1]), _array_of_objects()):
        path.write_bytes(data)
        with pytest.raises(NotServable):
            load(path, kind, "skops", NOTHING)


def _array_of_objects() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, header=np.array([{"a": 1}], dtype=object))
    return stream.getvalue()


def test_a_swapped_file_is_not_loaded(tmp_path: Path) -> None:
    made = built(fitted())
    path = tmp_path / "built"
    path.write_bytes(made.data)
    digest = sha256(made.data).hexdigest()
    load(path, made.kind, made.file_format, made.interface, digest=digest).close()
    path.write_bytes(built(fitted().set_params(n_estimators=3)).data + b"\0")
    with pytest.raises(IntegrityError, match="changed"):
        load(path, made.kind, made.file_format, made.interface, digest=digest)
    path.unlink()
    with pytest.raises(IntegrityError, match="missing"):
        load(path, made.kind, made.file_format, made.interface, digest=digest)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["MLmodel", "model.skops", "conda.yaml"], ("model.skops", "skops")),
        (["model/model.onnx"], ("model/model.onnx", "onnx")),
        (["model.pkl", "model.skops"], ("model.skops", "skops")),
        (["other.skops", "model.skops"], ("model.skops", "skops")),
    ],
)
def test_the_model_is_found_among_the_files(names: list[str], found: tuple[str, str]) -> None:
    assert find_model(names) == found


@pytest.mark.parametrize("names", [[], ["weights.bin"], ["a.skops", "b.skops"]])
def test_files_without_one_model_are_refused_with_what_to_do(names: list[str]) -> None:
    with pytest.raises(NotServable) as refused:
        find_model(names)
    assert refused.value.hint


def test_an_estimator_that_is_not_fitted_is_refused() -> None:
    data = skops.io.dumps(RandomForestClassifier())
    with pytest.raises(NotServable):
        build({"model.skops": lambda: data})


def test_a_transformer_alone_predicts_nothing() -> None:
    from sklearn.preprocessing import StandardScaler

    data = skops.io.dumps(StandardScaler().fit([[1.0], [2.0]]))
    with pytest.raises(NotServable, match="predicts nothing"):
        build({"model.skops": lambda: data})
