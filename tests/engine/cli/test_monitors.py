"""`qd monitors`: made, listed, run once, back-tested; JSON that programs can read."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from random import Random

import pytest

from tests.engine.cli.driver import Qd

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A reference, two quiet files and one of another world."""
    made = tmp_path / "parts"
    made.mkdir()
    for number, (name, shift) in enumerate((("reference", 0.0), ("day-1", 0.0), ("day-2", 0.0), ("day-3", 2.0))):
        random = Random(number)
        lines = [f"{random.gauss(shift, 1)},{random.choice('abc')}" for _ in range(600)]
        (made / f"{name}.csv").write_text("\n".join(["x,letter", *lines]) + "\n")
    return made


def made(qd: Qd, folder: Path, *more: str) -> None:
    qd("monitors", "create", "days", "--target", f"files {folder}/day-*.csv", "--against",
       f"files {folder}/reference.csv", "--tests", "drift", "--lateness", "0s", *more)  # fmt: skip


def test_a_monitor_is_made_listed_and_shown_with_its_settings(qd: Qd, folder: Path) -> None:
    made(qd, folder, "--raise", "2 of 3", "--budget", "2 per 7d", "--no-auto-resolve", "--columns", "x, letter")
    (listed,) = json.loads(qd("monitors", "list", "--json").out)["items"]
    shown = json.loads(qd("monitors", "show", "days", "--json").out)
    assert listed == shown
    settings = shown["settings"]
    assert (settings["raise"], settings["budget"], settings["auto_resolve"]) == ("2 of 3", "2 per 7d", False)
    assert settings["columns"] == ["x", "letter"]
    assert "days" in qd("monitors", "list").out


def test_a_wrong_setting_is_a_usage_error_that_names_it(qd: Qd) -> None:
    found = qd("monitors", "create", "x", "--target", "endpoint y", "--window", "soon", code=2)
    assert "window" in found.err


def test_it_runs_once_and_says_what_it_found_and_raised(qd: Qd, folder: Path) -> None:
    made(qd, folder)
    dry = json.loads(qd("monitors", "run", "--once", "days", "--dry", "--json").out)
    found = json.loads(qd("monitors", "run", "--once", "days", "--json").out)
    assert [each["verdict"] for each in dry] == [each["verdict"] for each in found] == ["ok", "ok", "drift"]
    assert [each["paged"] for each in found] == [[], [], ["opened"]]
    assert json.loads(qd("monitors", "run", "--once", "--json").out) == []
    results = json.loads(qd("monitors", "results", "days", "--verdict", "drift", "--json").out)["items"]
    whole = json.loads(qd("monitors", "result", str(results[0]["id"]), "--json").out)
    assert [each["name"] for each in whole["report"]["features"] if each["drift"]] == ["x"]
    (alert,) = json.loads(qd("alerts", "list", "--json").out)["items"]
    assert alert["monitor"] == "days"
    target = folder / "report.html"
    told = qd("monitors", "result", str(results[0]["id"]), "--html", target).out
    assert "The mean rises" in told
    assert "The mean rises" in target.read_text()


def test_a_back_test_says_what_it_would_have_paged(qd: Qd, folder: Path) -> None:
    made(qd, folder)
    told = json.loads(qd("monitors", "backtest", "days", "--json").out)
    assert (told["windows"], len(told["pages"])) == (3, 1)
    human = qd("monitors", "backtest", "days", "--pages")
    assert "3 windows until" in human.err
    assert ": 1 page, where" in human.err
    assert json.loads(qd("monitors", "results", "--json").out)["items"] == []
    rows = list(csv.DictReader(qd("monitors", "backtest", "days", "--csv").out.splitlines()))
    assert [row["verdict"] for row in rows] == ["ok", "ok", "drift"]


def test_it_is_paused_changed_resumed_and_deleted(qd: Qd, folder: Path) -> None:
    made(qd, folder)
    assert json.loads(qd("monitors", "pause", "days", "--reason", "month end", "--json").out)["paused"] == "month end"
    assert json.loads(qd("monitors", "run", "--once", "--json").out) == []
    assert json.loads(qd("monitors", "resume", "days", "--json").out)["paused"] == ""
    changed = json.loads(qd("monitors", "change", "days", "--severity", "critical", "--json").out)
    assert changed["settings"]["severity"] == "critical"
    assert qd("monitors", "performance", "days", "--json").out.strip() == "[]"
    qd("monitors", "delete", "days", "--yes")
    qd("monitors", "show", "days", code=1)


def test_globs_are_meant_where_the_command_is_given(qd: Qd, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    qd("monitors", "create", "near", "--target", "files day-*.csv", "--against", "files reference.csv",
       "--tests", "drift", "--lateness", "0s")  # fmt: skip
    monkeypatch.chdir("/")
    assert len(json.loads(qd("monitors", "run", "--once", "near", "--json").out)) == 3


def test_the_file_declares_monitors_and_is_checked_by_line(qd: Qd, workspace: Path) -> None:
    (workspace / "quarterdeck.toml").write_text('[monitors.loans]\ntarget = "endpoint loans"\nwindow = "1h"\n')
    assert "loans" in qd("monitors", "list").out
    (workspace / "quarterdeck.toml").write_text('[monitors.loans]\ntarget = "endpoint loans"\nwindo = "1h"\n')
    found = qd("policy", "check", code=2)
    assert "quarterdeck.toml:3" in found.out + found.err
    assert "windo" in found.out + found.err
