"""Webhooks over the wire that clients speak, and their messages from a server that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.api import Engine
from engine.server.mlflow.webhooks import HEADER_NAMES
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from engine.webhooks.model import signature
from tests.builders import empty_workspace
from tests.engine.server.wire import Wire
from tests.engine.webhooks.receiver import Receiver

SECRET = "of this test"  # noqa: S105 of this test
CREATED = {"entity": "REGISTERED_MODEL", "action": "CREATED"}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Engine]:
    workspace = empty_workspace(tmp_path / "workspace")
    workspace.policy_file.write_text('[webhooks]\nallow_private = ["127.0.0.1"]\n')
    with engine.open(workspace.path, via="http") as found:
        yield found


@pytest.fixture
def served(opened: Engine) -> Iterator[Wire]:
    with ThreadedServer(opened, Settings(port=0)) as url, Wire(url, opened) as wire:
        yield wire


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def made(wire: Wire, url: str, **more: object) -> dict[str, Any]:
    answer = wire.mlflow("POST", "webhooks", {"name": "ci", "url": url, "events": [CREATED], **more})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json["webhook"]
    return found


def test_a_webhook_lives_on_the_wire(served: Wire) -> None:
    webhook = made(served, "https://example.com/hook", description="d", secret=SECRET, status="DISABLED")
    assert (webhook["status"], webhook["events"], webhook["description"]) == ("DISABLED", [CREATED], "d")
    assert "secret" not in webhook
    path = f"webhooks/{webhook['webhook_id']}"
    assert served.mlflow("GET", path).json["webhook"] == webhook
    changed = served.mlflow("PATCH", path, {"status": "ACTIVE", "name": "other"}).json["webhook"]
    assert (changed["status"], changed["name"], changed["url"]) == ("ACTIVE", "other", webhook["url"])
    assert [each["name"] for each in served.mlflow("GET", "webhooks").json["webhooks"]] == ["other"]
    assert served.mlflow("DELETE", path).json == {}
    assert served.mlflow("GET", path).json["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert served.mlflow("GET", "webhooks").json.get("webhooks", []) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "ci", "url": "https://example.com/"},
        {"name": "ci", "url": "https://example.com/", "events": []},
        {"name": "ci", "url": "https://example.com/", "events": [{"entity": "X", "action": "CREATED"}]},
        {"name": "ci", "url": "https://example.com/", "events": ["model_version.created"]},
        {"name": "a b", "url": "https://example.com/", "events": [CREATED]},
        {"name": "ci", "url": "https://10.0.0.1/", "events": [CREATED]},
        {"name": "ci", "url": "file:///etc/passwd", "events": [CREATED]},
        {"name": "ci", "url": "https://example.com/", "events": [CREATED], "status": "ON"},
    ],
)
def test_what_cannot_be_is_a_user_error(served: Wire, body: dict[str, object]) -> None:
    answer = served.mlflow("POST", "webhooks", body)
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_a_running_server_tells_under_both_sets_of_names(served: Wire, receiver: Receiver) -> None:
    made(served, receiver.url, secret=SECRET)
    with engine.open(served.engine.workspace.path) as other:  # it happens in another process
        other.models.create("churn")
    message = receiver.wait_for(1)[0]
    assert message.json["data"]["name"] == "churn"
    name, stamp, mark = (message.headers[each] for each in HEADER_NAMES)
    assert mark == signature(SECRET, name, int(stamp), message.body.decode())
    assert message.headers["webhook-signature"] == mark


def test_what_happened_while_no_server_ran_is_told_when_one_starts(opened: Engine, receiver: Receiver) -> None:
    opened.webhooks.create("ci", receiver.url, ("registered_model.created",))
    opened.models.create("churn")
    with ThreadedServer(opened, Settings(port=0)):
        receiver.wait_for(1)


def test_a_test_says_what_came_of_it(served: Wire, receiver: Receiver) -> None:
    path = f"webhooks/{made(served, receiver.url)['webhook_id']}/test"
    assert served.mlflow("POST", path, {}).json == {"result": {"success": True, "response_status": 204}}
    receiver.status = 500
    failed = served.mlflow("POST", path, {"event": {"entity": "PROMPT", "action": "CREATED"}}).json["result"]
    assert (failed["success"], failed["response_status"]) == (False, 500)
    assert receiver.messages[1].json["entity"] == "prompt"
