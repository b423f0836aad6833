"""Webhooks end to end: what happens is told once, signed, tried again, and to nobody whom the policy does not allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.access import Actor, Role
from engine.core.clock import ManualClock
from engine.core.errors import InvalidInput, NotFound, PermissionDenied
from engine.policy.webhooks import WebhookPolicy
from engine.registry.model import Stage
from engine.webhooks.model import WAITS_MS, DeliveryState, Outcome, Parcel, WebhookChange, signature
from engine.webhooks.outbox import Outbox
from engine.webhooks.sending import Sender
from tests.builders import empty_workspace
from tests.engine.webhooks.receiver import Receiver

ALL = ("model_version.created", "registered_model.created", "model_version.stage_changed")
SECRET = "a secret of this test"  # noqa: S105 of this test


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock) -> Iterator[Engine]:
    workspace = empty_workspace(tmp_path / "workspace")
    workspace.policy_file.write_text('[webhooks]\nallow_private = ["127.0.0.1"]\n')
    with engine.open(workspace.path, clock=clock) as found:
        yield found


@pytest.fixture
def outbox(opened: Engine) -> Outbox:
    return opened.outbox(Sender(patience_s=1.0))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def registered(opened: Engine, name: str = "churn") -> None:
    run = opened.runs.start("nightly", capture=False)
    opened.runs.log_bytes(run.id, b"weights", "model/weights.bin")
    opened.models.register(name, run_id=run.id)


def test_what_happens_is_told_signed_and_once(
    opened: Engine, outbox: Outbox, receiver: Receiver, clock: ManualClock
) -> None:
    opened.models.create("before")
    opened.webhooks.create("ci", receiver.url, ALL, secret=SECRET)
    registered(opened)
    opened.models.set_tag("churn", "k", "v")  # nobody listens for this
    assert outbox.fill() == clock.now_ms()
    assert outbox.send() == 2
    assert outbox.fill() is None
    assert outbox.send() == 0
    told = {message.json["entity"]: message for message in receiver.messages}
    assert set(told) == {"registered_model", "model_version"}
    message = told["model_version"]
    assert message.path == "/hook?key=1"
    assert message.json["data"]["name"] == "churn"
    assert message.json["data"]["version"] == "1"
    assert message.json["data"]["actor"] == opened.access.actor.name
    name, stamp = message.headers["webhook-id"], int(message.headers["webhook-timestamp"])
    assert stamp == clock.now_ms() // 1_000
    assert message.headers["webhook-signature"] == signature(SECRET, name, stamp, message.body.decode())
    assert message.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_promotion_is_told_as_a_change_of_stage(opened: Engine, outbox: Outbox, receiver: Receiver) -> None:
    registered(opened)
    opened.webhooks.create("ci", receiver.url, ("model_version.stage_changed", "promotion.made"))
    opened.promotions.promote("churn", 1, to=Stage.STAGING, reason="go")
    outbox.fill()
    outbox.send()
    told = {message.json["entity"]: message.json["data"] for message in receiver.messages}
    assert (told["model_version"]["from_stage"], told["model_version"]["to_stage"]) == ("Registered", "Staging")
    assert told["promotion"]["reason"] == "go"


EVENTS: dict[str, tuple[Callable[[Engine], object], str, dict[str, object]]] = {
    "alias": (
        lambda opened: opened.models.set_alias("churn", "newest", 1),
        "model_version_alias.created",
        {"name": "churn", "alias": "newest", "version": "1"},
    ),
    "version tag": (
        lambda opened: opened.models.set_version_tag("churn", 1, "k", "v"),
        "model_version_tag.set",
        {"name": "churn", "version": "1", "key": "k", "value": "v"},
    ),
    "rename": (
        lambda opened: opened.models.rename("churn", "other"),
        "registered_model.renamed",
        {"name": "churn", "new_name": "other"},
    ),
    "delete": (lambda opened: opened.models.delete("churn"), "registered_model.deleted", {"name": "churn"}),
    "version": (
        lambda opened: opened.models.delete_version("churn", 1),
        "model_version.deleted",
        {"name": "churn", "version": "1"},
    ),
}


@pytest.mark.parametrize("case", EVENTS)
def test_each_change_is_told_with_its_facts(opened: Engine, outbox: Outbox, receiver: Receiver, case: str) -> None:
    change, event, facts = EVENTS[case]
    registered(opened)
    opened.webhooks.create("ci", receiver.url, (event,))
    change(opened)
    outbox.fill()
    outbox.send()
    (message,) = receiver.messages
    assert f"{message.json['entity']}.{message.json['action']}" == event
    assert facts.items() <= message.json["data"].items()


def test_a_failed_message_is_tried_again_also_after_a_restart(
    opened: Engine, outbox: Outbox, receiver: Receiver, clock: ManualClock
) -> None:
    webhook = opened.webhooks.create("ci", receiver.url, ALL)
    opened.models.create("churn")
    receiver.status = 500
    due_ms = outbox.fill()
    assert outbox.send() == 1
    assert outbox.send() == 0
    due_ms = outbox.fill()
    assert due_ms == clock.now_ms() + WAITS_MS[0]
    (waiting,) = opened.webhooks.deliveries(webhook.id).items
    assert (waiting.state, waiting.attempts, waiting.status) == (DeliveryState.WAITING, 1, 500)
    receiver.status = 200
    clock.advance(WAITS_MS[0])
    restarted = opened.outbox(Sender())
    assert restarted.send() == 1
    (done,) = opened.webhooks.deliveries(webhook.id).items
    assert (done.state, done.attempts, done.problem) == (DeliveryState.DELIVERED, 2, "")
    assert receiver.messages[0].headers["webhook-id"] == receiver.messages[1].headers["webhook-id"] == done.id


def test_a_message_that_nobody_takes_is_given_up(
    opened: Engine, outbox: Outbox, receiver: Receiver, clock: ManualClock
) -> None:
    webhook = opened.webhooks.create("ci", receiver.url, ALL)
    opened.models.create("churn")
    receiver.status = 503
    while (due_ms := outbox.fill()) is not None:
        clock.advance(max(0, due_ms - clock.now_ms()))
        outbox.send()
    (given_up,) = opened.webhooks.deliveries(webhook.id).items
    assert (given_up.state, given_up.attempts) == (DeliveryState.FAILED, len(WAITS_MS) + 1)
    assert len(receiver.messages) == len(WAITS_MS) + 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(opened: Engine, receiver: Receiver, status: int) -> None:
    receiver.status = status
    webhook = opened.webhooks.create("ci", receiver.url, ALL)
    outcome = opened.webhooks.test(webhook.id)
    assert (outcome.delivered, outcome.status) == (False, status)
    assert len(receiver.messages) == 1


def _drip(handler: BaseHTTPRequestHandler) -> None:
    try:
        for _ in range(200):
            handler.wfile.write(b"H")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        return


def _flood(handler: BaseHTTPRequestHandler) -> None:
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(10_000):
            handler.wfile.write(b"x%d: " % number + b"a" * 1_000 + b"\r\n")
    except OSError:
        return


def _gibberish(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\xff not HTTP\r\n\r\n")


@pytest.mark.parametrize("answer", [_drip, _flood, _gibberish, lambda handler: handler.connection.close()])
def test_a_hostile_receiver_holds_nobody_up(opened: Engine, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
    with Receiver(answer=answer) as receiver:
        parcel = Parcel("1", receiver.url, "", "{}")
        began = time.monotonic()
        outcome = Sender(patience_s=1.0).send(
            parcel, now_ms=opened.clock.now_ms(), allowed=WebhookPolicy(allow_private=("127.0.0.1",))
        )
    assert not outcome.delivered
    assert time.monotonic() - began < 8
    assert len(outcome.problem) <= 200


def test_a_private_address_is_not_called_once_it_is_no_longer_allowed(
    opened: Engine, outbox: Outbox, receiver: Receiver
) -> None:
    webhook = opened.webhooks.create("ci", receiver.url, ALL)
    opened.models.create("churn")
    opened.workspace.policy_file.write_text("[webhooks]\nallow_private = []\n")
    outbox.fill()
    outbox.send()
    (refused,) = opened.webhooks.deliveries(webhook.id).items
    assert (refused.state, refused.attempts) == (DeliveryState.FAILED, 1)
    assert "private" in refused.problem
    assert receiver.messages == []


def test_a_name_that_leads_inside_is_not_called(opened: Engine) -> None:
    parcel = Parcel("1", "https://hooks.example/", "", "{}")
    sender = Sender(resolve=lambda *_: ["127.0.0.1"])
    outcome = sender.send(parcel, now_ms=opened.clock.now_ms(), allowed=WebhookPolicy())
    assert outcome == Outcome(None, "Not sent: the name leads to a private address.", final=True)


def test_nobody_is_told_of_what_was_before_or_while_it_was_off(
    opened: Engine, outbox: Outbox, receiver: Receiver, clock: ManualClock
) -> None:
    opened.models.create("before")
    webhook = opened.webhooks.create("ci", receiver.url, ALL)
    clock.advance(1)
    opened.webhooks.update(webhook.id, WebhookChange(active=False))
    opened.models.create("meanwhile")
    assert outbox.fill() is None
    opened.webhooks.update(webhook.id, WebhookChange(active=True))
    opened.models.create("after")
    outbox.fill()
    outbox.send()
    assert [message.json["data"]["name"] for message in receiver.messages] == ["after"]


def test_the_secret_is_shown_and_audited_nowhere(opened: Engine, receiver: Receiver) -> None:
    webhook = opened.webhooks.create("ci", receiver.url, ALL, secret=SECRET)
    assert webhook.signed
    opened.webhooks.update(webhook.id, WebhookChange(secret=""))
    assert not opened.webhooks.get(webhook.id).signed
    shown = f"{opened.webhooks.page().items} {opened.audit.page().items}"
    assert SECRET not in shown
    assert "key=1" not in str(opened.audit.page().items)
    assert opened.workspace.control_db.stat().st_mode & 0o007 == 0


def test_a_webhook_is_changed_and_deleted_with_its_messages(opened: Engine, outbox: Outbox, receiver: Receiver) -> None:
    webhook = opened.webhooks.create("ci", receiver.url, ALL)
    changed = opened.webhooks.update(webhook.id, WebhookChange(name="other", events=("model_version.created",)))
    assert (changed.name, changed.events, changed.url) == ("other", ("model_version.created",), receiver.url)
    registered(opened)
    assert outbox.fill() is not None
    opened.webhooks.delete(webhook.id)
    assert outbox.fill() is None
    with pytest.raises(NotFound):
        opened.webhooks.get(webhook.id)
    assert [entry.verb for entry in opened.audit.page().items if entry.kind == "webhook"] == [
        "delete",
        "update",
        "create",
    ]


CHANGES: dict[str, Callable[[Engine, str], object]] = {
    "create": lambda opened, _: opened.webhooks.create("x", "https://example.com/", ALL),
    "update": lambda opened, known: opened.webhooks.update(known, WebhookChange(name="x")),
    "delete": lambda opened, known: opened.webhooks.delete(known),
    "test": lambda opened, known: opened.webhooks.test(known),
    "show": lambda opened, known: opened.webhooks.get(known),
    "list": lambda opened, _: opened.webhooks.page(),
    "deliveries": lambda opened, known: opened.webhooks.deliveries(known),
}


@pytest.mark.parametrize("change", CHANGES)
def test_only_admins_see_and_change_webhooks(opened: Engine, receiver: Receiver, change: str) -> None:
    known = opened.webhooks.create("ci", receiver.url, ALL).id
    with pytest.raises(PermissionDenied):
        CHANGES[change](opened.acting(Actor("eve"), Role.APPROVER), known)
    assert receiver.messages == []
    assert len(opened.webhooks.page().items) == 1


@pytest.mark.parametrize("change", ["update", "delete", "test", "show", "deliveries"])
def test_an_unknown_webhook_is_said_so(opened: Engine, change: str) -> None:
    with pytest.raises(NotFound):
        CHANGES[change](opened, "0" * 32)


def test_webhooks_are_listed_in_pages(opened: Engine) -> None:
    for number in range(3):
        opened.webhooks.create(f"w{number}", "https://example.com/", ALL)
    first = opened.webhooks.page(limit=2)
    second = opened.webhooks.page(limit=2, page_token=first.next_page_token)
    assert [each.name for each in (*first.items, *second.items)] == ["w2", "w1", "w0"]
    with pytest.raises(InvalidInput):
        opened.webhooks.page(limit=0)
