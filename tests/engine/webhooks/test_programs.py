"""Being told by a program of this machine: only those that the policy names, with the message as input alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.errors import InvalidInput, PolicyInvalid
from engine.policy.webhooks import WebhookPolicy
from engine.webhooks.model import DeliveryState, Parcel
from engine.webhooks.sending import Sender
from tests.builders import empty_workspace

EVENT = ("registered_model.created",)
HOSTILE = "$(touch owned); \x1b[2J\r\nBcc: eve@example.org"


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    return tmp_path / "heard"


@pytest.fixture
def opened(tmp_path: Path, heard: Path) -> Iterator[Engine]:
    program = tmp_path / "tell"
    program.write_text(f'#!/bin/sh\ncat > "{heard}"; echo "$QD_EVENT $SECRET $#" > "{heard}.facts"\n')
    program.chmod(0o755)
    workspace = empty_workspace(tmp_path / "workspace")
    workspace.policy_file.write_text(
        f'[webhooks]\nsendmail = ["{program}", "-t"]\nmail_from = "qd@example.org"\n'
        f'[webhooks.commands]\npage = ["{program}", "--urgent"]\nbroken = ["/bin/sh", "-c", "echo no >&2; exit 3"]\n'
        'gone = ["/nowhere/at/all"]\n'
    )
    with engine.open(workspace.path) as found:
        yield found


def told(opened: Engine, url: str) -> DeliveryState:
    webhook = opened.webhooks.create("page", url, EVENT)
    opened.models.create("churn", description="a model", owner="ada")
    outbox = opened.outbox(Sender(patience_s=5.0))
    outbox.fill()
    outbox.send()
    (delivery,) = opened.webhooks.deliveries(webhook.id).items
    return delivery.state


def test_a_command_gets_the_message_on_its_standard_input(
    opened: Engine, heard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "must not leak")
    assert told(opened, "command:page") is DeliveryState.DELIVERED
    message = json.loads(heard.read_text())
    assert (message["entity"], message["data"]["name"]) == ("registered_model", "churn")
    assert heard.with_name("heard.facts").read_text() == "registered_model.created  1\n"


def test_a_mail_is_made_of_the_message(opened: Engine, heard: Path) -> None:
    assert told(opened, "mailto:ops@example.org,night@example.org") is DeliveryState.DELIVERED
    mail = message_from_bytes(heard.read_bytes(), policy=default)
    assert (mail["To"], mail["From"]) == ("ops@example.org, night@example.org", "qd@example.org")
    assert mail["Subject"].startswith("[quarterdeck] registered_model.created:")
    assert "churn" in mail["Subject"]


def test_what_users_logged_can_neither_add_headers_nor_run(tmp_path: Path) -> None:
    heard = tmp_path / "mail"
    allowed = WebhookPolicy(sendmail=("/usr/bin/tee", str(heard)))
    payload = json.dumps({"entity": "alert", "action": "opened", "data": {"sentence": HOSTILE, HOSTILE: 1}})
    outcome = Sender().send(Parcel("1", "mailto:ops@example.org", "", payload), now_ms=0, allowed=allowed)
    assert outcome.delivered
    mail = message_from_bytes(heard.read_bytes(), policy=default)
    assert mail["Bcc"] is None
    assert b"\x1b" not in heard.read_bytes()
    assert not Path("owned").exists()


def test_a_command_that_fails_is_tried_again_and_its_words_are_kept(opened: Engine) -> None:
    assert told(opened, "command:broken") is DeliveryState.WAITING
    (webhook,) = opened.webhooks.page().items
    (delivery,) = opened.webhooks.deliveries(webhook.id).items
    assert delivery.problem == "It ended with 3. no"


def test_a_program_that_is_not_there_is_tried_again(opened: Engine) -> None:
    assert told(opened, "command:gone") is DeliveryState.WAITING


def test_a_command_that_the_policy_names_no_more_is_not_run(opened: Engine) -> None:
    opened.webhooks.create("page", "command:page", EVENT)
    opened.workspace.policy_file.write_text("[webhooks]\n")
    opened.models.create("churn")
    outbox = opened.outbox(Sender())
    outbox.fill()
    outbox.send()
    (webhook,) = opened.webhooks.page().items
    (delivery,) = opened.webhooks.deliveries(webhook.id).items
    assert delivery.state is DeliveryState.FAILED


def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    line = ("/bin/sh", "-c", f'(sleep 60; touch "{mark}") & cat > /dev/null; sleep 60')
    allowed = WebhookPolicy(commands={"slow": line})
    began = time.monotonic()
    outcome = Sender(patience_s=0.3).send(Parcel("1", "command:slow", "", "{}"), now_ms=0, allowed=allowed)
    assert not outcome.delivered
    assert "0.3 s" in outcome.problem
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "url",
    ["command:", "command:unknown", "command:page --more", "command:../page", "mailto:", "mailto:a b@c.d",
     "mailto:a@b.c?cc=d@e.f", "mailto:-oQ/tmp/x", "mailto:a@b.c,", "file:/etc/passwd"],
)  # fmt: skip
def test_whom_the_policy_does_not_name_is_not_told(opened: Engine, url: str) -> None:
    with pytest.raises(InvalidInput):
        opened.webhooks.create("page", url, EVENT)


@pytest.mark.parametrize(
    "line",
    ['"/bin/true"', '["relative"]', "[]", "[1]", '["/bin/true", "a\\u0000b"]'],
    ids=["text", "relative", "empty", "number", "nul"],
)
def test_a_command_that_cannot_be_one_makes_the_policy_invalid(opened: Engine, line: str) -> None:
    opened.workspace.policy_file.write_text(f"[webhooks.commands]\npage = {line}\n")
    with pytest.raises(PolicyInvalid):
        _ = opened.policy


@pytest.mark.parametrize(
    ("line", "delivered"),
    [("sleep 60 & exit 0", True), ("yes >&2", False), ("exec 2>&-; exit 0", True)],
    ids=["leaves one behind that holds its output", "complains without an end", "closes its output"],
)
def test_a_program_is_judged_by_its_own_end_alone(line: str, delivered: bool) -> None:
    allowed = WebhookPolicy(commands={"tell": ("/bin/sh", "-c", line)})
    began = time.monotonic()
    outcome = Sender(patience_s=0.5).send(Parcel("1", "command:tell", "", "{}"), now_ms=0, allowed=allowed)
    assert outcome.delivered is delivered
    assert time.monotonic() - began < 5


def test_a_program_need_not_read_a_long_message() -> None:
    allowed = WebhookPolicy(commands={"deaf": ("/bin/true",)})
    payload = json.dumps({"data": {"sentence": "x" * 300_000}})
    assert Sender().send(Parcel("1", "command:deaf", "", payload), now_ms=0, allowed=allowed).delivered


def test_a_sender_that_is_no_address_stops_no_other_message() -> None:
    allowed = WebhookPolicy(sendmail=("/bin/true",), mail_from="<")
    outcome = Sender().send(Parcel("1", "mailto:ops@example.org", "", "{}"), now_ms=0, allowed=allowed)
    assert (outcome.delivered, "mail_from" in outcome.problem) == (False, True)
