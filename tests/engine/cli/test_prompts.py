"""`qd prompts`, and `qd models register` from other sources than a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import engine
from engine.tracking.logged_model_model import NewLoggedModel
from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import Qd

MESSAGES = [{"role": "system", "content": "Be {{style}}."}, {"role": "user", "content": "{{question}}"}]


@pytest.fixture
def greeting(qd: Qd, workspace: Path, tmp_path: Path) -> str:
    """A prompt with two texts."""
    for number, text in enumerate(("Hello {{name}},\nhow are you?\n", "Hello {{name}},\nwelcome.\n"), start=1):
        (tmp_path / "greeting.txt").write_text(text)
        words = ("--message", f"take {number}", "--tag", f"size={number}")
        qd("prompts", "register", "greeting", tmp_path / "greeting.txt", *words)
    return "greeting"


def test_a_file_becomes_the_next_version(qd: Qd, greeting: str) -> None:
    made = qd("prompts", "show", "greeting/1", "--json").json
    assert (made["key"], made["kind"], made["commit_message"]) == ("greeting/1", "text", "take 1")
    assert (made["template"], made["tags"]) == ("Hello {{name}},\nhow are you?\n", {"size": "1"})
    assert [each["key"] for each in qd("prompts", "versions", "--json").json["items"]] == ["greeting/2", "greeting/1"]
    [prompt] = qd("prompts", "list", "--json").json["items"]
    assert (prompt["name"], prompt["versions"], prompt["latest"]) == ("greeting", 2, 2)


def test_a_chat_is_read_from_json(qd: Qd, workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "chat.json"
    file.write_text(json.dumps(MESSAGES))
    words = ("--chat", "--model-config", '{"temperature": 0.5}', "--response-format", '{"type": "object"}')
    made = qd("prompts", "register", "assistant", file, *words, "--json").json
    assert (made["kind"], made["model_config"], made["response_format"]) == (
        "chat",
        '{"temperature": 0.5}',
        '{"type": "object"}',
    )
    assert "system:\nBe {{style}}.\n" in qd("prompts", "show", "assistant").out
    file.write_text("no json")
    assert "must be JSON" in qd("prompts", "register", "assistant", file, "--chat", code=2).err
    file.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in qd("prompts", "register", "assistant", file, code=2).err


def test_people_read_the_template_and_what_else_there_is(qd: Qd, greeting: str) -> None:
    lines = qd("prompts", "show", "greeting").out.splitlines()
    assert "welcome." in lines
    assert lines[lines.index("versions") + 1 :][1].startswith("greeting")
    assert "versions" not in qd("prompts", "show", "greeting/2").out.splitlines()


def test_a_difference_is_shown_line_by_line(qd: Qd, greeting: str) -> None:
    assert qd("prompts", "diff", "greeting", "1", "2").out.splitlines() == [
        "--- greeting/1",
        "+++ greeting/2",
        " Hello {{name}},",
        "-how are you?",
        "+welcome.",
    ]
    told = qd("prompts", "diff", "greeting", "1", "2", "--json").json
    assert (told["same"], told["settings"]) == (False, [])
    assert told["lines"][1] == {"mark": "-", "text": "how are you?"}
    assert qd("prompts", "diff", "greeting", "1", "2", "--csv").rows[2] == ["removed", "how are you?"]


def test_aliases_and_references(qd: Qd, greeting: str) -> None:
    assert qd("prompts", "alias", "greeting", "champion", "1", "--json").json["aliases"] == ["champion"]
    assert qd("prompts", "show", "greeting@champion", "--json").json["version"] == 1
    assert qd("prompts", "unalias", "greeting", "champion", "--json").json["aliases"] == {}
    assert "has no alias champion" in qd("prompts", "show", "greeting@champion", code=1).err


def test_what_is_said_beside_changes(qd: Qd, greeting: str) -> None:
    assert qd("prompts", "update", "greeting", "--description", "polite", "--json").json["description"] == "polite"
    assert qd("prompts", "update", "greeting", "--json").json["description"] == "polite"
    changed = qd("prompts", "update", "greeting", "--version", "1", "--message", "better", "--json").json
    assert changed["commit_message"] == "better"
    assert qd("prompts", "tag", "greeting", "a=1", "--json").json["tags"] == {"a": "1"}
    tagged = qd("prompts", "tag", "greeting", "b=2", "--remove", "size", "--version", "1", "--json").json
    assert tagged["tags"] == {"b": "2"}
    assert qd("prompts", "create", "empty", "--description", "d", "--tag", "k=v", "--json").json["tags"] == {"k": "v"}
    assert qd("prompts", "about", "empty", "--json").json["versions"] == 0


def test_deleting_asks_first(qd: Qd, greeting: str) -> None:
    reason = ("--reason", "wrong")
    assert qd("prompts", "delete", "greeting", "--version", "1", *reason, code=2).err
    qd("prompts", "delete", "greeting", "--version", "1", *reason, "--yes")
    assert qd("prompts", "about", "greeting", "--json").json["versions"] == 1
    qd("prompts", "delete", "greeting", *reason, "--yes")
    assert "no prompt greeting" in qd("prompts", "about", "greeting", code=1).err


def test_hostile_templates_do_not_reach_the_terminal(qd: Qd, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "evil.txt").write_text("\x1b]0;owned\x07[bold]hello[/nope]\u202e")
    qd("prompts", "register", "evil", tmp_path / "evil.txt", "--message", "\x1b[2J")
    for words in (("show", "evil"), ("list",), ("versions",), ("diff", "evil", "1", "1")):
        shown = qd("prompts", *words).out
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_a_version_is_registered_from_another_version(qd: Qd, sample: Sample) -> None:
    made = qd("models", "register", "churn-eu", "--version", "churn/2", "--owner", "bob", "--json").json
    original = qd("versions", "show", "churn/2", "--json").json
    assert (made["key"], made["digest"], made["run_id"]) == ("churn-eu/1", original["digest"], original["run_id"])


def test_a_version_is_registered_from_a_logged_model(qd: Qd, sample: Sample) -> None:
    with engine.open(sample.path) as opened:
        experiment = opened.experiments.get("churn").id
        logged = opened.logged_models.create(NewLoggedModel(experiment, "trees", sample.runs[0]))
        opened.logged_models.files.keep_bytes(logged.model_id, b"w", "weights.bin")
    made = qd("models", "register", "churn", "--logged-model", logged.model_id, "--json").json
    assert (made["model_id"], made["run_id"]) == (logged.model_id, sample.runs[0])


@pytest.mark.parametrize("words", [(), ("--run", "a", "--version", "churn/1"), ("--logged-model", "m", "--run", "a")])
def test_a_version_comes_from_one_place(qd: Qd, sample: Sample, words: tuple[str, ...]) -> None:
    assert "Name where it comes from" in qd("models", "register", "churn", *words, code=2).err
