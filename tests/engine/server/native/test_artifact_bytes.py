"""Files over our own API: the same bytes and the same care as through the proxy of the other dialect."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import pytest

from engine.server.intake import BUFFER_BYTES
from engine.tracking.logged_model_model import NewLoggedModel
from tests.engine.server.wire import Answer, Wire, served

FILES = "/api/qd/v1/artifacts"


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with served(tmp_path_factory.mktemp("native") / "workspace") as found:
        yield found


@pytest.fixture
def run(wire: Wire) -> str:
    started = wire.engine.runs.start("trials", "first")
    started.finish()
    return started.id


def put(wire: Wire, path: str, data: bytes) -> Answer:
    return wire.send("PUT", f"{FILES}/{quote(path)}", data)


@pytest.mark.parametrize("size", [0, 5, 5 * BUFFER_BYTES + 3])
@pytest.mark.parametrize("kind", ["runs", "logged_models"])
def test_bytes_come_back_as_they_were(wire: Wire, run: str, kind: str, size: int) -> None:
    owner = run
    if kind == "logged_models":
        model = NewLoggedModel(wire.engine.runs.get(run).experiment_id, "trees")
        owner = wire.engine.logged_models.create(model).model_id
    data = os.urandom(size)
    kept = put(wire, f"{kind}/{owner}/deep/a b.bin", data)
    digest = sha256(data).hexdigest()
    assert kept.json == {"path": "deep/a b.bin", "digest": digest, "size_bytes": size, "is_dir": False}
    found = wire.send("GET", f"{FILES}/{kind}/{owner}/deep/a%20b.bin")
    assert (found.status, found.body, found.headers["etag"]) == (200, data, f'"{digest}"')
    listed = wire.call("GET", f"{FILES}/{kind}/{owner}", query={"path": "deep"}).json
    assert listed == [kept.json]


def test_a_version_gives_its_files_and_takes_none(wire: Wire, run: str) -> None:
    put(wire, f"runs/{run}/model/weights.bin", b"weights")
    wire.engine.models.create("churn")
    wire.engine.models.register("churn", run_id=run)
    (folder,) = wire.call("GET", f"{FILES}/versions/churn/1").json
    assert folder["path"] == "weights.bin"
    assert wire.send("GET", f"{FILES}/versions/churn/1/weights.bin").body == b"weights"
    assert wire.send("GET", f"{FILES}/versions/churn/1/weights.bin", None, {"range": "bytes=1-2"}).body == b"ei"
    assert put(wire, "versions/churn/1/weights.bin", b"other").status == 405
    assert wire.send("GET", f"{FILES}/versions/churn/2").status == 404
    assert wire.send("GET", f"{FILES}/versions/churn/x").status == 400


UNSAFE = ("../secret", "%2e%2e/secret", "a/../../secret", "a%00b", "a%5C..%5Cb", "//etc/passwd")


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_no_path_leads_out(wire: Wire, run: str, method: str, path: str) -> None:
    answer = wire.send(method, f"{FILES}/runs/{run}/{path}", b"x" if method == "PUT" else None)
    assert answer.status in (400, 404)
    assert wire.call("GET", f"{FILES}/runs/{run}").json == []


def test_files_of_nobody_are_not_found(wire: Wire) -> None:
    assert put(wire, f"runs/{'0' * 32}/a", b"x").status == 404
    assert wire.send("GET", f"{FILES}/logged_models/m-none/a").status == 404


def test_the_document_tells_of_them(wire: Wire) -> None:
    document = wire.call("GET", "/api/qd/v1/openapi.json").json
    methods = {
        path.removeprefix(FILES): sorted(told) for path, told in document["paths"].items() if path.startswith(FILES)
    }
    assert methods == {
        "/runs/{run_id}": ["get"],
        "/runs/{run_id}/{path}": ["get", "put"],
        "/logged_models/{model_id}": ["get"],
        "/logged_models/{model_id}/{path}": ["get", "put"],
        "/versions/{name}/{version}": ["get"],
        "/versions/{name}/{version}/{path}": ["get"],
    }
    assert "Artifact" in document["components"]["schemas"]
