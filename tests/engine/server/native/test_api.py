"""Our own API: every operation by its name, typed, and held to the document it serves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from engine.api import Engine
from engine.server.native.operations import OPERATIONS, Way
from tests.contract.reach import operations
from tests.engine.server.wire import Wire

API = "/api/qd/v1"

NOT_OVER_HTTP = {
    "webhooks.by": "how a front says what its receivers call the headers",
    "artifacts": "bytes are reached through the run, model or version they belong to",
    "audit.entries_for": "the past of one object, for replaying; readers list by kind and key",
    "analyst.tick": "the analysis process, four times a second",
    "analyst.settle": "same",
    "builds": "deploying builds what it deploys; the rest is about files of the server's machine",
    "endpoints.acknowledge": "a data plane has the workspace itself",
    "endpoints.desired": "same",
    "endpoints.prepare": "part of promotion",
    "endpoints.wait": "a caller asks `endpoints.get` again",
    "experiments.ensure_default": "the server's own start",
    "experiments.find": "`experiments.get` says which error it is",
    "experiments.get_by_id": "names are the public keys here; the MLflow dialect has integers",
    "experiments.search": "`experiments.page` with the same filter",
    "gates.gather": "part of asking for an approval",
    "gates.measure": "load on the server's machine that ends in no verdict; `gates.check` measures for one",
    "lineages.tree": "a caller goes from fan to fan with `lineages.fan`",
    "past": "the steps of people through the past; a caller reads `audit.page`",
    "logged_models.create": "programs log models through the MLflow dialect",
    "logged_models.log_metrics": "same",
    "logged_models.manifest": "part of registering a version",
    "logged_models.now_ms": "the clock of a running program",
    "logged_models.open_artifact": "bytes are streamed by the artifact routes",
    "maintenance.backup": "writes to a directory of the server's machine, which a caller must not choose",
    "maintenance.restore": "same, and replaces what the server serves",
    "models.newest": "part of reading lists of models",
    "models.register_from": "the MLflow dialect's way to register, with its kinds of sources",
    "prompts.has": "`prompts.get` says which error it is",
    "jobs": "a job is a program of the server's machine; who may log in there starts it",
    "storage": "whether the disk takes writes: a server that cannot write answers so",
    "processes.stop_server": "a caller must not end the server they call",
    "processes.stop_up": "same",
    "promotions.finish": "the end of a rollout, for the analyst",
    "scoring.run": "reads and writes files of the server's machine, which a caller must not choose",
    "runs.artifact_manifest": "part of registering a version",
    "runs.complete_environment": "a running program's slow half of its start",
    "runs.export_runs": "an export writes the other side itself: `qd export`",
    "runs.import_experiments": "an import reads the other side itself: `qd import`",
    "runs.import_runs": "same",
    "runs.merge_runs": "same",
    "runs.link_runs": "same",
    "runs.keys": "the order behind the console's virtual table",
    "runs.redacted": "what logging does to what it is given, for importers",
    "runs.rows": "the visible rows of that table",
    "runs.grouped": "the groups of that table, as integers; `runs.groups` is a page of them",
    "runs.group_rows": "the visible groups of that table",
    "runs.knows": "`runs.get` says which error it is",
    "runs.latest_values": "`runs.page` brings them",
    "runs.link": "datasets and models are linked through the MLflow dialect",
    "runs.log_bytes": "bytes are streamed by the artifact routes",
    "runs.log_columns": "the checked half of `log_batch`",
    "runs.log_files": "files of the server's machine, which a caller must not choose",
    "runs.now_ms": "the clock of a running program",
    "runs.open_artifact": "bytes are streamed by the artifact routes",
    "runs.read_artifact": "same",
    "alerts.advance": "time passes in the process that runs monitors",
    "drift.at_registration": "registering does it",
    "drift.make_missing": "same",
    "alerts.of_version": "what the analysis of rollouts reads; `alerts.page` filters by model and version",
    "drift.baseline": "reads files of the server's own machine, which a caller must not choose",
    "drift.check": "same",
    "drift.reference": "what a comparison reads, as Python has it",
    "monitors.change": "a target may name files of the server's own machine; `qd monitors` there, or its policy",
    "monitors.create": "same",
    "monitors.end_undeclared": "the process that runs monitors",
    "monitors.look": "same",
    "runs.encoded": "`runs.page` in the shape of the MLflow dialect",
    "runs.record": "`runs.get` in the shape of the MLflow dialect",
    "runs.records": "`runs.page` in the shape of the MLflow dialect",
    "runs.sample": "`runs.history` in the shape of the MLflow dialect",
    "runs.series": "`runs.metric_points` in the shape of the MLflow dialect",
    "runs.start": "`runs.create`; a heartbeat is the caller's own",
    "telemetry.changed": "a connection of the console's own",
    "telemetry.import_labels": "reads a file of the server's own machine; `telemetry.label` takes labels",
    "tokens.create_first": "the server's own start",
    "uploads": "bytes come in parts through the MLflow dialect",
    "traces": "spans come as OTLP; what else programs say of them is in the MLflow dialect",
}
"""Operations, or whole services, that the API does not have, each with its reason."""


@pytest.fixture
def document(wire: Wire) -> dict[str, Any]:
    told: dict[str, Any] = wire.call("GET", f"{API}/openapi.json").json
    return told


def _run(opened: Engine) -> str:
    with opened.runs.start("api", "first", params={"depth": 3}, capture=False) as run:
        run.log_metrics({"auc": 0.9, "loss": float("nan")})
        return run.id


def test_every_operation_of_the_engine_is_here_or_says_why_not(wire: Wire) -> None:
    missing = [
        each
        for each in operations(wire.engine)
        if each not in OPERATIONS and each not in NOT_OVER_HTTP and each.partition(".")[0] not in NOT_OVER_HTTP
    ]
    assert missing == []


def test_every_operation_named_is_one_of_the_engine(wire: Wire) -> None:
    known = set(operations(wire.engine))
    assert [each for each in OPERATIONS if each not in known] == []
    services = {each.partition(".")[0] for each in known}
    assert [each for each in NOT_OVER_HTTP if each not in known and each not in services] == []


def test_the_document_names_every_operation_and_refers_to_nothing_missing(document: dict[str, Any]) -> None:
    methods = {Way.READ: "get", Way.WRITE: "post", Way.ACT: "post"}
    for name, way in OPERATIONS.items():
        told = document["paths"][f"{API}/{name.replace('.', '/')}"][methods[way]]
        assert told["operationId"] == name
        assert told["summary"]
    for reference in _references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
        assert place, f"{reference} says nothing"


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _held_to(document: dict[str, Any], name: str, method: str, answer: Any) -> None:
    told = document["paths"][f"{API}/{name.replace('.', '/')}"][method]["responses"]["200"]
    schema = {**told["content"]["application/json"]["schema"], "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer)


READINGS: list[tuple[str, dict[str, object]]] = [
    ("runs.page", {"filter": "metrics.auc > 0.5", "order_by": ["metrics.auc DESC"]}),
    ("runs.get", {"run_id": "RUN"}),
    ("runs.by_status", {}),
    ("runs.columns", {}),
    ("runs.count", {"lifecycle": "all"}),
    ("runs.compare", {"run_ids": ["RUN", "OTHER"]}),
    ("runs.history", {"run_id": "RUN", "key": "auc", "points": 10}),
    ("runs.metric_points", {"run_id": "RUN", "key": "auc"}),
    ("runs.artifacts", {"run_id": "RUN"}),
    ("experiments.page", {}),
    ("experiments.get", {"name": "api"}),
    ("models.page", {}),
    ("audit.page", {"kind": "run", "limit": 5}),
    ("audit.head", {}),
    ("promotions.history", {}),
    ("promotions.at", {"time_ms": 1}),
    ("approvals.page", {}),
    ("approvals.inbox", {}),
    ("processes.server", {}),
    ("tokens.page", {}),
    ("maintenance.stats", {}),
    ("logged_models.page", {}),
]


@pytest.mark.parametrize(("name", "given"), READINGS, ids=[name for name, _ in READINGS])
def test_a_reading_answers_as_its_schema_says(
    wire: Wire, document: dict[str, Any], name: str, given: dict[str, object]
) -> None:
    ids = {"RUN": _run(wire.engine), "OTHER": _run(wire.engine)}
    asked = {
        key: [ids.get(each, each) for each in value] if isinstance(value, list) else ids.get(str(value), value)
        for key, value in given.items()
    }
    answer = wire.call("GET", f"{API}/{name.replace('.', '/')}", query=asked)
    assert answer.status == 200, answer.body
    _held_to(document, name, "get", answer.json)


def test_a_page_continues(wire: Wire) -> None:
    first, second = _run(wire.engine), _run(wire.engine)
    page = wire.call("GET", f"{API}/runs/page", query={"limit": 1, "order_by": "attributes.run_id"}).json
    token = page["next_page_token"]
    query = {"limit": 1, "order_by": "attributes.run_id", "page_token": token}
    rest = wire.call("GET", f"{API}/runs/page", query=query).json
    assert [page["items"][0]["run_id"], rest["items"][0]["run_id"]] == sorted([first, second])


def test_nan_is_a_word(wire: Wire) -> None:
    run = _run(wire.engine)
    assert wire.call("GET", f"{API}/runs/get", query={"run_id": run}).json["metrics"] == {"auc": 0.9, "loss": "NaN"}


def test_a_change_is_made_audited_and_answered_as_its_schema_says(wire: Wire, document: dict[str, Any]) -> None:
    made = wire.call("POST", f"{API}/experiments/create", {"name": "churn", "tags": {"team": "crm"}})
    assert made.status == 200
    _held_to(document, "experiments.create", "post", made.json)
    (entry,) = wire.engine.audit.page(limit=1).items
    assert (entry.verb, entry.key, entry.via) == ("create", "churn", "http")


def test_a_role_is_written_as_its_label(wire: Wire) -> None:
    made = wire.call("POST", f"{API}/tokens/create", {"name": "ci", "scope": "writer"})
    assert made.status == 200, made.body
    assert made.json["token"]["scope"] == "writer"


REFUSED: list[tuple[str, str, object, int, str]] = [
    ("POST", "experiments/create", {}, 400, "name"),
    ("POST", "experiments/create", {"name": 5}, 400, "str"),
    ("POST", "experiments/create", {"name": "a", "nmae": "b"}, 400, "nmae"),
    ("POST", "experiments/create", [1], 400, "object"),
    ("POST", "experiments/create", {"name": ""}, 400, "empty"),
    ("POST", "experiments/delete", {"name": "nobody"}, 404, "nobody"),
    ("POST", "tokens/create", {"name": "ci", "scope": "king"}, 400, "king"),
    ("POST", "runs/create", {}, 400, "experiment"),
    ("POST", "runs/report", {"run_id": "f" * 32}, 404, "Run"),
    ("POST", "webhooks/update", {"webhook_id": "none"}, 404, "webhook"),
    ("GET", "runs/get", None, 400, "run_id"),
    ("GET", "runs/get?run_id=ffffffffffffffffffffffffffffffff", None, 404, "run"),
    ("GET", "runs/page?limit=many", None, 400, "limit"),
    ("GET", "runs/page?limit=1&limit=2", None, 200, ""),
    ("GET", "runs/page?filter=metrics.auc%20%3E", None, 400, ""),
    ("GET", "runs/page?page_token=%00", None, 400, ""),
    ("POST", "runs/page", {}, 405, "GET"),
    ("GET", "runs/nothing", None, 404, ""),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "says"), REFUSED)
def test_bad_input_is_refused_in_words(
    wire: Wire, method: str, path: str, body: object, status: int, says: str
) -> None:
    answer = wire.call(method, f"{API}/{path}", body)
    assert answer.status == status, answer.body
    if status != 200:
        assert says in json.dumps(answer.json["error"])


def test_what_was_sent_is_not_given_back_at_length(wire: Wire) -> None:
    answer = wire.call("GET", f"{API}/runs/get", query={"run_id": "x" * 5_000})
    assert answer.status == 404
    assert len(answer.body) < 700


class Listener:
    """A client of the event stream."""

    def __init__(self, wire: Wire, headers: dict[str, str] | None = None, query: str = "") -> None:
        parts = urlsplit(wire.url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        self._connection.request("GET", f"{API}/events{query}", headers=headers or {})
        self.answer = self._connection.getresponse()

    def message(self) -> dict[str, str]:
        """The next message; comments are signs of life."""
        fields: dict[str, str] = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if not line and fields:
                return fields
            name, _, value = line.partition(": ")
            if line and name:
                fields[name] = value

    def about(self, kind: str) -> dict[str, str]:
        """The next message about a kind of thing; a change is told together with its audit record."""
        while True:
            message = self.message()
            if json.loads(message["data"])["kind"] == kind:
                return message

    def close(self) -> None:
        """Go away."""
        self.answer.close()
        self._connection.close()

    def refused(self) -> int:
        """The status of an answer that is no stream."""
        self.answer.read()
        self.close()
        return self.answer.status


def test_news_come_as_they_happen_and_go_on_after_a_break(wire: Wire) -> None:
    listener = Listener(wire)
    wire.engine.experiments.create("one")
    first = listener.about("experiment")
    listener.close()
    assert json.loads(first["data"])["key"] == "one"
    wire.engine.experiments.create("two\nevent: forged")
    again = Listener(wire, {"last-event-id": first["id"]})
    second = again.about("experiment")
    again.close()
    assert json.loads(second["data"])["key"] == "two\nevent: forged"
    assert "event" not in second


def test_an_id_that_is_none_is_refused(wire: Wire) -> None:
    assert Listener(wire, {"last-event-id": "-1"}).refused() == 400
    for after in ("x", "-1", str(2**63), str(10**30)):
        assert Listener(wire, query=f"?after={after}").refused() == 400
