"""Every known way out of an artifact root, and every odd JSON, against a real server: refused, or a plain name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

import engine
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from tests.builders import empty_workspace
from tests.engine.server.wire import Answer, Wire

SECRET = b"kept beside the artifacts"
JSON = {"content-type": "application/json"}
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class World:
    """A server, a run of it with one file, and what lies beside."""

    wire: Wire
    experiment: str
    run: str
    beside: Path

    @property
    def files(self) -> set[Path]:
        """What lies outside of the artifacts, but for the database and what the server tells."""
        kept = {"artifacts", "workspace"}
        return {path for path in self.beside.rglob("*") if kept.isdisjoint(path.relative_to(self.beside).parts)}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    beside = tmp_path_factory.mktemp("hostile")
    with (
        engine.open(empty_workspace(beside / "workspace").path, via="http") as opened,
        ThreadedServer(opened, Settings(port=0)) as url,
        Wire(url, opened) as wire,
    ):
        (opened.workspace.path / "secret.txt").write_bytes(SECRET)
        (beside / "secret.txt").write_bytes(SECRET)
        experiment = wire.mlflow("POST", "experiments/create", {"name": "e"}).json["experiment_id"]
        run = wire.mlflow("POST", "runs/create", {"experiment_id": experiment}).json["run"]["info"]["run_id"]
        yield World(wire, experiment, run, beside)


def checked(answer: Answer) -> Answer:
    """What holds of every answer to something hostile."""
    assert answer.status < 500, answer.body[:300]
    assert SECRET not in answer.body
    assert b"root:x" not in answer.body
    assert b"Traceback" not in answer.body
    if answer.status >= 400:
        assert len(answer.body) < 1_000
    return answer


WAYS_OUT = [
    "..",
    "../..",
    "../../secret.txt",
    "../" * 12 + "etc/passwd",
    "a/../../../secret.txt",
    "%2e%2e/%2e%2e/secret.txt",
    "%252e%252e%252fsecret.txt",
    "%25252e%25252e%25252fsecret.txt",
    "..%2f..%2fsecret.txt",
    "..%5c..%5csecret.txt",
    "..\\secret.txt",
    ".%2e/secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "file:%2f%2f%2fetc/passwd",
    "http://169.254.169.254/latest",
    "C:%5cwindows%5cwin.ini",
    "a%00.txt",
    "secret.txt%00",
    "a%0d%0ax:%20y",
    "a//b",
    "a" * 5_000,
    "",
]


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_path_leads_out_of_a_run(world: World, method: str, way: str) -> None:
    before = world.files
    body = b"written" if method == "PUT" else None
    for root in ("", f"{world.experiment}/{world.run}/artifacts/"):
        path = f"/api/2.0/mlflow-artifacts/artifacts/{root}{way}"
        assert 400 <= checked(world.wire.send(method, path, body)).status < 500
    assert world.files == before


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_query_leads_out_of_a_run(world: World, way: str) -> None:
    once = way if "%" in way else quote(way, safe="")
    for path in (
        f"/api/2.0/mlflow-artifacts/artifacts?path={once}",
        f"/api/2.0/mlflow/artifacts/list?run_id={world.run}&path={once}",
        f"/get-artifact?run_id={world.run}&path={once}",
        f"/get-artifact?run_uuid={once}&path=secret.txt",
        f"/model-versions/get-artifact?name=m&version=1&path={once}",
        f"/api/3.0/mlflow/traces/{once}",
        f"/api/3.0/mlflow/logged-models/{once}",
        f"/api/qd/v1/runs/{once}",
    ):
        checked(world.wire.send("GET", path))


@pytest.mark.parametrize("name", ["a%23f", "a%3ff", "a%3bf", "a;f", "~root", "...", "%u002e%u002e", "%F0%9F%98%80"])
def test_an_odd_name_is_a_plain_name_of_a_file(world: World, name: str) -> None:
    before = world.files
    path = f"/api/2.0/mlflow-artifacts/artifacts/{world.experiment}/{world.run}/artifacts/odd/{name}"
    assert checked(world.wire.send("PUT", path, name.encode())).status == 200
    assert checked(world.wire.send("GET", path)).body == name.encode()
    assert world.files == before


PLACES = [
    "/etc",
    "../x",
    "file:///etc",
    "FILE:///etc",
    "file://localhost/etc",
    " file:///etc",
    "http://169.254.169.254/",
    "s3://bucket/key",
    "dbfs:/x",
    "runs:/../x",
    "models:/../x",
    "\\\\evil\\share",
    "C:\\x",
    "\0",
    "a\0b",
    "mlflow-artifacts:/../../x",
    "mlflow-artifacts:/%2e%2e/x",
    "mlflow-artifacts:/%252e%252e/x",
    "mlflow-artifacts://evil.example/x",
    "mlflow-artifacts:/1/x#y",
    "mlflow-artifacts:/1/x?y",
    "mlflow-artifacts:/1/x;y",
    "x" * 100_000,
]


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_files_of_an_experiment_are_kept_here_wherever_they_were_wanted(world: World, place: str) -> None:
    name = f"place {PLACES.index(place)}"
    made = checked(world.wire.mlflow("POST", "experiments/create", {"name": name, "artifact_location": place}))
    if made.status == 200:
        key = made.json["experiment_id"]
        found = world.wire.mlflow("GET", "experiments/get", query={"experiment_id": key})
        assert found.json["experiment"]["artifact_location"] == f"mlflow-artifacts:/{key}"


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_no_version_comes_from_elsewhere(world: World, place: str) -> None:
    world.wire.mlflow("POST", "registered-models/create", {"name": "m"})
    for named in ({}, {"run_id": world.run}):
        answer = checked(world.wire.mlflow("POST", "model-versions/create", {"name": "m", "source": place, **named}))
        assert answer.status == 400


@pytest.mark.parametrize("text", [*PLACES, *WAYS_OUT, "\u202e", "\x1b[2J"])
def test_hostile_texts_are_names_or_refused_wherever_a_name_is_taken(world: World, text: str) -> None:
    run = world.run
    for path, body in (
        ("registered-models/create", {"name": text}),
        ("registered-models/set-tag", {"name": text, "key": text, "value": text}),
        ("registered-models/alias", {"name": text, "alias": text, "version": "1"}),
        ("runs/set-tag", {"run_id": run, "key": text, "value": text}),
        ("runs/log-parameter", {"run_id": run, "key": text, "value": text}),
        ("runs/log-metric", {"run_id": run, "key": text, "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"run_id": text, "key": "k", "value": 1, "timestamp": 1}),
        ("runs/search", {"experiment_ids": [text], "filter": text}),
        ("runs/search", {"experiment_ids": [world.experiment], "filter": f"params.`{text}` = 'x'"}),
        ("logged-models", {"experiment_id": world.experiment, "name": text}),
    ):
        checked(world.wire.mlflow("POST", path, body))
    trace = {"trace": {"trace_info": {"trace_id": text}}}
    checked(world.wire.call("POST", "/api/3.0/mlflow/traces", trace))


METRIC = b'{"run_id": "%s", "key": "k", "value": %s, "timestamp": %s}'
LONG_BUT_RIGHT = "a fraction of ten million digits"
ODD_JSON: dict[str, bytes] = {
    "too large a number": METRIC % (b"R", b"1e400", b"1"),
    "too small a number": METRIC % (b"R", b"-1e400", b"1"),
    "too large a time": METRIC % (b"R", b"1", b"1e400"),
    "an integer of ten million digits": METRIC % (b"R", b"9" * 10 * MIB, b"1"),
    "a time of ten million digits": METRIC % (b"R", b"1", b"9" * 10 * MIB),
    LONG_BUT_RIGHT: METRIC % (b"R", b"0." + b"1" * 10 * MIB, b"1"),
    "NaN without quotes": METRIC % (b"R", b"NaN", b"1"),
    "half a character": b'{"run_id": "R", "key": "\\ud800", "value": 1, "timestamp": 1}',
    "no UTF-8": b'{"name": "\xff\xfe"}',
    "a byte order mark": b'\xef\xbb\xbf{"name": "bom"}',
    "deep lists": b"[" * 10_000 + b"]" * 10_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "lists without end": b'{"run_id":' + b"[" * 10_000,
    "more after the end": b'{"name": "x"} {}',
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "a long key": b'{"' + b"k" * 10 * MIB + b'": 1}',
}


@pytest.mark.parametrize("case", ODD_JSON)
def test_odd_json_is_no_server_error(world: World, case: str) -> None:
    body = ODD_JSON[case].replace(b'"R"', b'"%s"' % world.run.encode())
    logged = "runs/log-metric"
    for path in (logged, "runs/log-batch", "runs/search", "registered-models/create", "experiments/create"):
        answer = checked(world.wire.send("POST", f"/api/2.0/mlflow/{path}", body, JSON))
        assert path != logged or answer.status == 400 or case == LONG_BUT_RIGHT
    for path in ("/api/qd/v1/tokens/create", "/v1/traces"):
        checked(world.wire.send("POST", path, body, JSON))


def test_of_a_key_said_twice_the_last_one_holds_everywhere(world: World) -> None:
    made = world.wire.send("POST", "/api/2.0/mlflow/experiments/create", b'{"name": "one", "name": "two"}', JSON)
    found = world.wire.mlflow("GET", "experiments/get", query={"experiment_id": made.json["experiment_id"]})
    assert found.json["experiment"]["name"] == json.loads(b'{"name": "one", "name": "two"}')["name"]


@pytest.mark.parametrize(
    "query",
    [
        "x" * 60_000,
        "&".join(f"a{number}=1" for number in range(8_000)),
        "%",
        "%zz",
        "run_id=" + "%00" * 100,
        "max_results=" + "9" * 5_000,
        "filter=" + "(" * 50_000,
        "order_by=" + "a&order_by=" * 3_000,
    ],
    ids=range(8),
)
def test_huge_and_odd_queries_are_no_server_error(world: World, query: str) -> None:
    for path in ("experiments/search", "runs/get", "metrics/get-history", "registered-models/search"):
        checked(world.wire.send("GET", f"/api/2.0/mlflow/{path}?{query}"))
