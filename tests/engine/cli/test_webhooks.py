"""`qd webhooks`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.cli.driver import Qd
from tests.engine.webhooks.receiver import Receiver


def test_a_webhook_lives_on_the_command_line(qd: Qd, workspace: Path) -> None:
    (workspace / "quarterdeck.toml").write_text('[webhooks]\nallow_private = ["127.0.0.1"]\n')
    with Receiver() as receiver:
        words = ["--event", "model_version.created", "--secret", "hush"]
        made = qd("webhooks", "create", "ci", receiver.url, *words, "--json").json
        assert (made["signed"], made["active"], made["events"]) == (True, True, ["model_version.created"])
        assert qd("webhooks", "show", made["id"], "--json").json == made
        assert "status 204" in qd("webhooks", "test", made["id"]).err
        assert receiver.messages[0].json["data"]["test"] is True
        receiver.status = 500
        assert "500" in qd("webhooks", "test", made["id"], code=1).err
    changed = qd("webhooks", "update", made["id"], "--off", "--name", "other", "--json").json
    assert (changed["name"], changed["active"], changed["signed"]) == ("other", False, True)
    assert "hush" not in qd("webhooks", "list").out + qd("audit", "list").out
    assert qd("webhooks", "deliveries", made["id"], "--json").json["items"] == []
    assert "nobody can be asked" in qd("webhooks", "delete", made["id"], code=2).err
    qd("webhooks", "delete", made["id"], "--yes")
    assert qd("webhooks", "list", "--json").json["items"] == []


def test_the_events_are_listed(qd: Qd, workspace: Path) -> None:
    assert workspace.is_dir()
    assert "model_version.stage_changed" in qd("webhooks", "events").out.splitlines()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["create", "ci", "https://example.com/"], 2),
        (["create", "ci", "https://10.0.0.1/", "--event", "prompt.created"], 2),
        (["create", "ci", "https://example.com/", "--event", "nothing"], 2),
        (["show", "nothing"], 1),
    ],
)
def test_what_cannot_be_is_said_in_few_words(qd: Qd, workspace: Path, words: list[str], code: int) -> None:
    assert workspace.is_dir()
    assert qd("webhooks", *words, code=code).out == ""
