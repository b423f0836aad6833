"""`qd alerts`: the whole life of an alert from a shell."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from engine.alerts.model import Level, Severity, Signal
from engine.alerts.raising import observe
from tests.engine.cli.driver import Qd

HOSTILE = "[/nope] \x1b[2J went up"


def raised(workspace: Path, *, sentence: str = "car_value went up", key: str = "drift") -> None:
    """A workspace in which a monitor has found something."""
    with engine.open(workspace) as opened, opened.database.transaction(opened.access.actor) as tx:
        observe(
            tx,
            Signal(
                "loans",
                key,
                Level.BAD,
                tx.now_ms - 60_000,
                tx.now_ms,
                severity=Severity.WARNING,
                sentence=sentence,
                next_step="Look at car_value.",
                model="car-loan",
                version=2,
                evidence={"psi": 0.31},
            ),
        )


def test_an_alert_is_taken_on_given_back_and_resolved(qd: Qd, workspace: Path) -> None:
    raised(workspace)
    (listed,) = qd("alerts", "list", "--json").json["items"]
    assert (listed["subject"], listed["state"], listed["severity"]) == ("car-loan/2", "open", "warning")
    taken = qd("alerts", "acknowledge", "1", "--for", "2h", "--reason", "looking", "--json").json
    assert taken["state"] == "acknowledged"
    assert taken["until_ms"] - taken["updated_ms"] == pytest.approx(7_200_000, abs=5_000)
    assert qd("alerts", "give-back", "1", "--json").json["owner"] == ""
    assert qd("alerts", "resolve", "1", "--reason", "retrained", "--json").json["resolution"] == "retrained"
    assert qd("alerts", "list", "--json").json["items"] == []
    assert len(qd("alerts", "list", "--all", "--json").json["items"]) == 1
    changes = [each["change"] for each in qd("alerts", "changes", "1", "--json").json["items"]]
    assert changes == ["opened", "acknowledged", "reopened", "resolved"]
    verbs = [each["verb"] for each in qd("audit", "list", "--kind", "alert", "--json").json["items"]]
    assert verbs == ["resolve", "reopen", "acknowledge", "open"]


def test_an_alert_is_shown_with_its_numbers_and_what_to_do(qd: Qd, workspace: Path) -> None:
    raised(workspace)
    shown = qd("alerts", "show", "1").out
    for words in (
        "warning, open",
        "car-loan/2",
        "car_value went up",
        "Next: Look at car_value.",
        "psi: 0.31",
        "opened",
    ):
        assert words in shown
    assert qd("alerts", "show", "1", "--json").json["history"][0]["change"] == "opened"


def test_a_silence_is_made_listed_and_ended(qd: Qd, workspace: Path) -> None:
    raised(workspace)
    assert qd("alerts", "silences").err == "Nothing is silenced.\n"
    made = qd("alerts", "silence", "--monitor", "loans", "--for", "1h", "--reason", "known", "--json").json
    assert "(silenced)" in qd("alerts", "list").out
    assert qd("alerts", "counts", "--json").json["silenced"] == 1
    assert "monitor loans" in qd("alerts", "silences").out
    assert qd("alerts", "unsilence", made["id"], "--json").json["ended_by"] != ""
    assert "(silenced)" not in qd("alerts", "list").out


def test_a_filter_is_added_to_what_is_listed(qd: Qd, workspace: Path) -> None:
    raised(workspace)
    raised(workspace, key="nulls")
    listed = qd("alerts", "list", "--filter", "key = 'nulls' OR key = 'drift'", "--order-by", "key", "--json").json
    assert [each["key"] for each in listed["items"]] == ["drift", "nulls"]


def test_what_was_found_in_hostile_data_harms_no_terminal(qd: Qd, workspace: Path) -> None:
    raised(workspace, sentence=HOSTILE)
    for words in (("list",), ("show", "1"), ("changes", "1")):
        assert "\x1b" not in qd("alerts", *words).out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show", "9"], 1),
        (["show", "x"], 2),
        (["resolve", "1"], 2),
        (["silence", "--for", "1h", "--reason", "x"], 2),
        (["silence", "--for", "never", "--reason", "x", "--model", "m"], 2),
        (["silence", "--for", "91d", "--reason", "x", "--model", "m"], 2),
        (["unsilence", "9"], 1),
        (["give-back", "1"], 1),
        (["list", "--filter", "colour = 'red'"], 2),
    ],
)
def test_what_cannot_be_is_said_in_few_words(qd: Qd, workspace: Path, words: list[str], code: int) -> None:
    raised(workspace)
    refused = qd("alerts", *words, code=code)
    assert refused.out == ""
    assert 1 <= len(refused.err.splitlines()) <= 2
