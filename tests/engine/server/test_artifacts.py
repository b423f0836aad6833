"""Artifacts over the wire: in and out as they were, in ranges, in parts, and nowhere but below what they belong to."""

from __future__ import annotations

import gc
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from engine.artifacts.store import CHUNK_BYTES
from engine.tracking.logged_model_model import NewLoggedModel
from tests.engine.server.wire import Answer, Wire

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
MPU = "/api/2.0/mlflow-artifacts/mpu"


@pytest.fixture
def wire(shared_wire: Wire) -> Wire:
    return shared_wire


@pytest.fixture
def run(wire: Wire) -> str:
    """A run's artifacts, as a path of the proxy."""
    started = wire.engine.runs.start("trials", "first")
    started.finish()
    return f"{wire.engine.runs.get(started.id).experiment_id}/{started.id}/artifacts"


@pytest.fixture
def model(wire: Wire, run: str) -> str:
    """A logged model's files, as a path of the proxy."""
    made = wire.engine.logged_models.create(NewLoggedModel(int(run.partition("/")[0]), "trees"))
    return f"{made.experiment_id}/models/{made.model_id}/artifacts"


def put(wire: Wire, path: str, data: bytes) -> Answer:
    return wire.send("PUT", f"{PROXY}/{quote(path)}", data, {"content-type": "application/octet-stream"})


def get(wire: Wire, path: str, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return wire.send("GET", f"{PROXY}/{quote(path)}", None, sent)


def listed(wire: Wire, path: str) -> Any:
    return wire.call("GET", PROXY, query={"path": path}).json


def artifact_files(wire: Wire) -> set[Path]:
    return {path for path in wire.engine.workspace.artifacts.rglob("*") if path.is_file()}


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize(
    "data", [b"", b"few", os.urandom(CHUNK_BYTES), os.urandom(5 * CHUNK_BYTES + 7)], ids=["none", "few", "one", "many"]
)
@pytest.mark.parametrize("kind", ["run", "model"])
def test_bytes_come_back_as_they_were(wire: Wire, request: pytest.FixtureRequest, kind: str, data: bytes) -> None:
    path = f"{request.getfixturevalue(kind)}/deep/er/weights.bin"
    assert put(wire, path, data).json == {}
    found = get(wire, path)
    assert (found.status, found.body) == (200, data)
    assert found.headers["content-length"] == str(len(data))
    assert found.headers["etag"] == f'"{sha256(data).hexdigest()}"'


@pytest.mark.parametrize(
    "name", ["a b.txt", "ünï.txt", "100%.txt", "h#sh.txt", "q?x.txt", "semi;colon", "p+&=.txt", "'\""]
)
def test_odd_names_are_kept(wire: Wire, run: str, name: str) -> None:
    put(wire, f"{run}/{name}", b"x")
    assert listed(wire, run) == {"files": [{"path": name, "is_dir": False, "file_size": 1}]}
    assert get(wire, f"{run}/{name}").body == b"x"


def test_a_question_mark_that_a_client_did_not_encode_is_part_of_the_name(wire: Wire, run: str) -> None:
    assert wire.send("PUT", f"{PROXY}/{run}/what?.txt", b"x").status == 200
    assert [each.path for each in wire.engine.runs.artifacts(run.split("/")[1])] == ["what?.txt"]
    assert wire.send("GET", f"{PROXY}/{run}/what?.txt").body == b"x"


def test_putting_again_replaces(wire: Wire, run: str) -> None:
    put(wire, f"{run}/a", b"first")
    put(wire, f"{run}/a", b"second")
    assert get(wire, f"{run}/a").body == b"second"
    assert len(listed(wire, run)["files"]) == 1


def test_what_is_put_shows_in_the_run_and_what_the_run_logs_is_given(wire: Wire, run: str) -> None:
    run_id = run.split("/")[1]
    put(wire, f"{run}/plots/roc.png", b"png")
    assert [each.path for each in wire.engine.runs.get(run_id).artifacts] == ["plots/roc.png"]
    wire.engine.runs.log_bytes(run_id, b"text", "notes.txt")
    assert get(wire, f"{run}/notes.txt").body == b"text"


def test_folders_are_listed_from_where_one_asks(wire: Wire, run: str) -> None:
    for path in ("top.txt", "sub/one.txt", "sub/deep/two.txt"):
        put(wire, f"{run}/{path}", b"xy")
    sub, top = {"path": "sub", "is_dir": True}, {"path": "top.txt", "is_dir": False, "file_size": 2}
    deep, one = {"path": "deep", "is_dir": True}, {"path": "one.txt", "is_dir": False, "file_size": 2}
    assert listed(wire, run) == {"files": [sub, top]}
    assert listed(wire, f"{run}/sub") == {"files": [deep, one]}
    assert listed(wire, f"{run}/sub/") == {"files": [deep, one]}
    of_run = wire.mlflow("GET", "artifacts/list", query={"run_id": run.split("/")[1], "path": "sub"}).json
    assert [each["path"] for each in of_run["files"]] == ["sub/deep", "sub/one.txt"]
    assert of_run["root_uri"] == f"mlflow-artifacts:/{run}"


@pytest.mark.parametrize("path", ["missing", "top.txt", "top.txt/below"])
def test_what_is_no_folder_holds_nothing(wire: Wire, run: str, path: str) -> None:
    put(wire, f"{run}/top.txt", b"x")
    assert listed(wire, f"{run}/{path}") == {}


def test_removing_takes_a_file_or_a_folder_and_is_audited(wire: Wire, run: str) -> None:
    for path in ("top.txt", "sub/one.txt", "sub/deep/two.txt"):
        put(wire, f"{run}/{path}", b"xy")
    assert wire.send("DELETE", f"{PROXY}/{run}/sub").status == 200
    assert [each["path"] for each in listed(wire, run)["files"]] == ["top.txt"]
    entry = wire.engine.audit.page().items[0]
    assert (entry.verb, entry.kind, entry.key) == ("remove-artifact", "run", run.split("/")[1])
    assert wire.send("DELETE", f"{PROXY}/{run}/sub").json == {}  # it is removed already
    assert wire.send("DELETE", f"{PROXY}/{run}").status == 400


RANGES = [
    ("bytes=0-3", 206, (0, 4)),
    ("bytes=2-", 206, (2, 10)),
    ("bytes=-3", 206, (7, 10)),
    ("bytes=-99", 206, (0, 10)),
    ("bytes=5-99", 206, (5, 10)),
    ("bytes=9-9", 206, (9, 10)),
    ("bytes=10-", 416, None),
    ("bytes=-0", 416, None),
    ("bytes=5-2", 200, (0, 10)),
    ("bytes=0-1,4-5", 200, (0, 10)),
    ("bytes=-", 200, (0, 10)),
    ("bytes=a-b", 200, (0, 10)),
    ("lines=0-3", 200, (0, 10)),
    ("bytes=0-9999999999999999999999999", 200, (0, 10)),
]


@pytest.mark.parametrize(("asked", "status", "span"), RANGES, ids=[asked for asked, _, _ in RANGES])
def test_ranges(wire: Wire, run: str, asked: str, status: int, span: tuple[int, int] | None) -> None:
    put(wire, f"{run}/ten", b"0123456789")
    found = get(wire, f"{run}/ten", range=asked)
    assert found.status == status
    assert found.headers["accept-ranges"] == "bytes"
    if span is None:
        assert (found.body, found.headers["content-range"]) == (b"", "bytes */10")
    else:
        assert found.body == b"0123456789"[slice(*span)]
        if status == 206:
            assert found.headers["content-range"] == f"bytes {span[0]}-{span[1] - 1}/10"


def test_a_range_of_other_bytes_than_the_client_has_is_the_whole(wire: Wire, run: str) -> None:
    put(wire, f"{run}/ten", b"0123456789")
    etag = get(wire, f"{run}/ten").headers["etag"]
    assert get(wire, f"{run}/ten", range="bytes=5-", if_range=etag).status == 206
    assert get(wire, f"{run}/ten", range="bytes=5-", if_range='"other"').status == 200


@pytest.mark.parametrize("known", ["{etag}", "W/{etag}", '"x", {etag}', "*"])
def test_what_the_client_has_is_not_sent_again(wire: Wire, run: str, known: str) -> None:
    put(wire, f"{run}/a", b"abc")
    etag = get(wire, f"{run}/a").headers["etag"]
    found = get(wire, f"{run}/a", if_none_match=known.format(etag=etag))
    assert (found.status, found.body, found.headers["etag"]) == (304, b"", etag)
    assert get(wire, f"{run}/a", if_none_match='"other"').status == 200


def test_head_says_all_but_the_bytes(wire: Wire, run: str) -> None:
    put(wire, f"{run}/a.csv", b"abc")
    found = wire.send("HEAD", f"{PROXY}/{run}/a.csv")
    assert (found.status, found.body, found.headers["content-length"]) == (200, b"", "3")
    assert get(wire, f"{run}/a.csv").body == b"abc"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("page.html", "application/octet-stream"),
        ("image.svg", "application/octet-stream"),
        ("script.js", "application/octet-stream"),
        ("page.xhtml", "application/octet-stream"),
        ("none", "application/octet-stream"),
        ("a.PNG", "image/png"),
        ("a.json", "application/json"),
        ("a.txt", "text/plain; charset=utf-8"),
    ],
)
@pytest.mark.parametrize("browser", [False, True], ids=["proxy", "browser"])
def test_nothing_that_was_logged_runs_in_a_browser(wire: Wire, run: str, name: str, kind: str, browser: bool) -> None:
    put(wire, f"{run}/{name}", b"<script>alert(1)</script>")
    query = {"run_id": run.split("/")[1], "path": name}
    found = wire.call("GET", "/get-artifact", query=query) if browser else get(wire, f"{run}/{name}")
    assert found.headers["content-type"] == kind
    assert found.headers["content-disposition"].startswith("attachment;")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in found.headers["content-security-policy"]


def test_a_name_cannot_end_the_header_it_stands_in(wire: Wire, run: str) -> None:
    put(wire, f'{run}/a"; filename=evil.html', b"x")
    shown = get(wire, f'{run}/a"; filename=evil.html').headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="[\w. -]+"; filename\*=UTF-8\'\'[\w.%-]+', shown)


def test_files_of_models_and_versions_are_given_to_browsers(wire: Wire, run: str, model: str) -> None:
    put(wire, f"{model}/MLmodel", b"flavors: {}")
    put(wire, f"{run}/model/weights", b"w")
    model_id = model.split("/")[2]
    below = f"/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files"
    assert wire.call("GET", below, query={"artifact_file_path": "MLmodel"}).body == b"flavors: {}"
    wire.engine.models.register("churn", run_id=run.split("/")[1])
    link = {"name": "churn", "version": 1, "path": "weights"}
    assert wire.call("GET", "/model-versions/get-artifact", query=link).body == b"w"
    assert wire.call("GET", "/model-versions/get-artifact", query={**link, "path": "../weights"}).status == 404


UNSAFE = [
    "../control.db",
    "%2e%2e/%2e%2e/control.db",
    "%252e%252e/%252e%252e/control.db",
    "..%2f..%2fcontrol.db",
    "..%252f..%252fcontrol.db",
    "..%5c..%5ccontrol.db",
    "..%255c..%255ccontrol.db",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "a%00b",
    "a%2500/../b",
    "file:%2f%2f%2fetc%2fpasswd",
    "C:%5cwindows%5cwin.ini",
    "a;/../../b",
    "a%23/../../b",
    "a?/../../b",
    "a%3f/../../b",
    "%c0%ae%c0%ae/%c0%ae%c0%ae/control.db%ff/..",
]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("way", UNSAFE)
def test_no_way_out_over_the_wire(wire: Wire, run: str, way: str, method: str) -> None:
    before = artifact_files(wire)
    for path in (f"{PROXY}/{run}/{way}", f"{PROXY}/{way}"):
        found = wire.send(method, path, b"evil" if method == "PUT" else None)
        assert found.status in {400, 404}, (path, found.body)
        assert found.json["error_code"] in {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"}
        assert len(found.body) < 600
    assert artifact_files(wire) == before


@pytest.mark.parametrize("way", ["../..", "/etc", "a/../..", "..\\..", "%2e%2e/x", "file:///etc", "", "a\0"])
@pytest.mark.parametrize("route", ["proxy", "run", "model", "browser"])
def test_no_way_out_of_a_listing(wire: Wire, run: str, model: str, route: str, way: str) -> None:
    run_id, model_id = run.split("/")[1], model.split("/")[2]
    found = {
        "proxy": lambda: wire.call("GET", PROXY, query={"path": way}),
        "run": lambda: wire.mlflow("GET", "artifacts/list", query={"run_id": run_id, "path": way or "//"}),
        "model": lambda: wire.mlflow(
            "GET", f"logged-models/{model_id}/artifacts/directories", query={"artifact_directory_path": way or "//"}
        ),
        "browser": lambda: wire.call("GET", "/get-artifact", query={"run_id": run_id, "path": way}),
    }[route]()
    assert (found.status, found.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_run_that_is_not_there_has_no_files(wire: Wire, run: str, method: str) -> None:
    for owner in ("0/" + "f" * 32, "0/models/m-" + "f" * 32, "0/" + run.split("/")[1][:8]):
        found = wire.send(method, f"{PROXY}/{owner}/artifacts/x", b"x" if method == "PUT" else None)
        assert (found.status, found.json.get("error_code")) == (404, "RESOURCE_DOES_NOT_EXIST"), (owner, found)


def test_a_deleted_run_keeps_its_files_but_takes_none(wire: Wire, run: str) -> None:
    put(wire, f"{run}/a", b"x")
    wire.engine.runs.delete(run.split("/")[1])
    assert get(wire, f"{run}/a").body == b"x"
    assert put(wire, f"{run}/b", b"x").status == 400
    assert wire.send("DELETE", f"{PROXY}/{run}/a").status == 400
    assert [each["path"] for each in listed(wire, run)["files"]] == ["a"]


@pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")])
def test_a_file_is_no_folder(wire: Wire, run: str, first: str, second: str) -> None:
    assert put(wire, f"{run}/{first}", b"x").status == 200
    assert put(wire, f"{run}/{second}", b"y").status == 400
    assert get(wire, f"{run}/{first}").body == b"x"


def test_an_upload_that_ends_early_leaves_nothing(wire: Wire, run: str) -> None:
    parts = urlsplit(wire.url)
    before = artifact_files(wire)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as raw:
        head = f"PUT {PROXY}/{run}/big HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-length: 99999999\r\n\r\n"
        raw.sendall(head.encode() + b"x" * (3 * CHUNK_BYTES))
        assert until(lambda: artifact_files(wire) > before)
    assert until(lambda: artifact_files(wire) == before)
    assert listed(wire, run) == {}


def test_a_changed_object_is_never_given(wire: Wire, run: str) -> None:
    for name, data in (("short", os.urandom(20)), ("long", os.urandom(3 * CHUNK_BYTES))):
        put(wire, f"{run}/{name}", data)
        path = wire.engine.artifacts.path_of(sha256(data).hexdigest())
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        parts = urlsplit(wire.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        connection.request("GET", f"{PROXY}/{run}/{name}")
        answer = connection.getresponse()
        if name == "short":
            assert answer.status >= 400
        else:
            with pytest.raises(Exception, match="IncompleteRead"):
                answer.read()
        connection.close()
        assert get(wire, f"{run}/{name}", range="bytes=0-1").status >= 400


def test_memory_stays_flat_whatever_the_size(wire: Wire, run: str) -> None:
    size = 200 << 20
    parts = urlsplit(wire.url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    piece = os.urandom(1 << 20)

    def pieces() -> Iterator[bytes]:
        for _ in range(size >> 20):
            highest.append(_resident_mb())
            yield piece

    put(wire, f"{run}/warm", piece * 3)
    gc.collect()
    before = _resident_mb()
    highest: list[float] = []
    path = f"{PROXY}/{run}/big"
    connection.request("PUT", path, pieces(), {"content-length": str(size)})
    assert connection.getresponse().read() == b"{}"
    connection.request("GET", path)
    answer, received = connection.getresponse(), 0
    while taken := len(answer.read(1 << 20)):
        received += taken
        highest.append(_resident_mb())
    connection.close()
    assert received == size
    assert max(highest) - before < 50


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def begin(wire: Wire, path: str, parts: int) -> Any:
    folder, _, name = path.rpartition("/")
    return wire.call("POST", f"{MPU}/create/{folder}", {"path": f"/home/me/{name}", "num_parts": parts}).json


def send_parts(wire: Wire, begun: Any, data: list[bytes]) -> list[dict[str, object]]:
    sent = []
    for credential, piece in zip(begun["credentials"], data, strict=True):
        answer = wire.send("PUT", urlsplit(credential["url"]).path, piece, credential["headers"])
        sent.append({"part_number": credential["part_number"], "etag": answer.headers["etag"], "url": ""})
    return sent


def end(wire: Wire, how: str, path: str, begun: Any, parts: list[dict[str, object]]) -> Answer:
    folder, _, name = path.rpartition("/")
    body = {"path": f"C:\\me\\{name}", "upload_id": begun["upload_id"], "parts": parts}
    return wire.call("POST", f"{MPU}/{how}/{folder}", body)


@pytest.mark.parametrize("kind", ["run", "model"])
def test_a_file_comes_in_parts(wire: Wire, request: pytest.FixtureRequest, kind: str) -> None:
    path = f"{request.getfixturevalue(kind)}/sub/big.bin"
    data = [os.urandom(CHUNK_BYTES + 3), os.urandom(2 * CHUNK_BYTES), b"end"]
    before = artifact_files(wire)
    begun = begin(wire, path, 3)
    parts = send_parts(wire, begun, data)
    assert listed(wire, path.rpartition("/")[0]) == {}
    assert end(wire, "complete", path, begun, parts).json == {}
    assert get(wire, path).body == b"".join(data)
    assert len(artifact_files(wire) - before) == 1
    assert end(wire, "abort", path, begun, parts).status == 200


def test_an_aborted_upload_leaves_nothing(wire: Wire, run: str) -> None:
    before = artifact_files(wire)
    begun = begin(wire, f"{run}/big.bin", 2)
    send_parts(wire, begun, [b"a", b"b"])
    assert len(artifact_files(wire) - before) == 2
    assert end(wire, "abort", f"{run}/big.bin", begun, []).json == {}
    assert artifact_files(wire) == before
    assert end(wire, "complete", f"{run}/big.bin", begun, []).status == 404


@pytest.mark.parametrize("parts", [0, -1, 10_001])
def test_a_number_of_parts_is_bounded(wire: Wire, run: str, parts: int) -> None:
    answer = wire.call("POST", f"{MPU}/create/{run}", {"path": "x", "num_parts": parts})
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("name", ["..", "a/..", "x\\..", "", "."])
@pytest.mark.parametrize("how", ["create", "complete"])
def test_the_name_of_a_file_in_parts_is_no_way_out(wire: Wire, run: str, how: str, name: str) -> None:
    body = {"path": name, "num_parts": 1, "upload_id": "0" * 32, "parts": []}
    assert wire.call("POST", f"{MPU}/{how}/{run}/sub", body).status == 400


@pytest.mark.parametrize("number", ["0", "-1", "10001", "9" * 5_000, "1.5", "x", "%F0%9D%9F%99"])
def test_a_part_that_there_cannot_be_is_refused(wire: Wire, run: str, number: str) -> None:
    begun = begin(wire, f"{run}/big.bin", 1)
    answer = wire.send("PUT", f"{MPU}/part/{begun['upload_id']}/{number}", b"x")
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_a_part_of_no_upload_is_refused(wire: Wire) -> None:
    before = artifact_files(wire)
    for upload in ("0" * 32, "x", "%2e%2e", "%00"):
        assert wire.send("PUT", f"{MPU}/part/{upload}/1", b"x").status in {400, 404}
    assert artifact_files(wire) == before


def test_the_server_says_what_it_can_do(wire: Wire) -> None:
    info = wire.call("GET", "/api/3.0/mlflow/server-info").json
    assert info["multipart_uploads_enabled"] is info["multipart_downloads_enabled"] is False
    assert info["workspaces_enabled"] is False
    assert wire.call("GET", "/ajax-api/3.0/mlflow/server-info").json == info
