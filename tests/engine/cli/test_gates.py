"""The way of a model into Production past every gate there is, at the command line, with a real model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import engine
from engine.policy.identity import os_user
from tests.engine.cli.driver import COMMAND, Qd, terminal
from tests.engine.gates.bakery import NAMES, SIGNATURE, skops_of

if TYPE_CHECKING:
    from engine.registry.model import Version

EVERY_GATE = """
[roles]
admin = ["{user}"]

[models.churn.production]
gates = [
  {{ gate = "metric", metric = "auc", min = 0.8 }},
  {{ gate = "not-worse", metric = "auc", margin = 0.01 }},
  {{ gate = "integrity" }},
  {{ gate = "size", max = "5MB" }},
  {{ gate = "signature" }},
  {{ gate = "fields", required = ["owner", "data_digest"] }},
  {{ gate = "evidence-age", max = "7d" }},
  {{ gate = "latency", p95 = "{p95}", memory = "500MB", not_slower = 100, duration = "{duration}" }},
  {{ gate = "parity" }},
  {{ gate = "scan" }},
  {{ gate = "replay", max_disagreement = 0.5, needed = 0 }},
  {{ gate = "resources", file = "5MB", memory = "500MB", load_time = "1m" }},
]
"""
TRIED = ["latency", "parity", "scan", "replay", "resources"]


def bake(workspace: Path, kind: str) -> Version:
    """Register a version that holds a fitted model."""
    with engine.open(workspace) as opened:
        with opened.runs.start("default", kind, capture=False) as run:
            run.log_metric("auc", 0.9)
            run.log_bytes(skops_of(kind), "model/model.skops")
            run.log_bytes((",".join(NAMES) + "\n1,2,3\n").encode(), "model/reference.csv")
        return opened.models.register("churn", run_id=run.id, owner="ada", data_digest="d1", signature=SIGNATURE)


def set_policy(workspace: Path, p95: str = "10s", duration: str = "100ms") -> None:
    """All gates, with this limit on the latency."""
    text = EVERY_GATE.format(user=os_user(), p95=p95, duration=duration)
    (workspace / "quarterdeck.toml").write_text(text)


@pytest.fixture
def shelf(workspace: Path) -> Path:
    """A workspace with two versions of churn, and every gate before Production."""
    bake(workspace, "linear")
    bake(workspace, "boosting")
    set_policy(workspace)
    return workspace


@pytest.mark.usefixtures("shelf")
def test_a_version_passes_every_gate_into_production_and_back(qd: Qd) -> None:
    plan = qd("models", "promote", "churn", "1", "--to", "production", "--dry-run").out
    assert "first these gates run, which takes a while: latency, parity, scan, replay, resources" in plan
    dry = qd("models", "check", "churn", "1", "--dry-run")
    assert f"Not run in a dry run, since they build, load or call the model: {', '.join(TRIED)}." in dry.err
    assert "7 gates passed." in dry.err
    checked = qd("models", "check", "churn", "1")
    assert "12 gates passed." in checked.err
    assert "first these gates" not in qd("models", "promote", "churn", "1", "--to", "production", "--dry-run").out
    for version in ("1", "2"):
        qd("models", "promote", "churn", version, "--to", "production", "--reason", "good")
    report = qd("models", "report", "churn", "2", "--json").json
    assert {each["gate"]: each["status"] for each in report["results"][7:]} == dict.fromkeys(TRIED, "pass")
    began_s = time.monotonic()
    qd("models", "rollback", "churn", "--reason", "odd scores")
    assert time.monotonic() - began_s < 2
    kept = qd("models", "report", "churn", "1", "--json").json
    assert [each["status"] for each in kept["results"]] == ["pass"] * 12


def test_a_gate_that_fails_stops_the_promotion_with_its_numbers(qd: Qd, shelf: Path) -> None:
    set_policy(shelf, p95="0.001us")
    refused = qd("models", "check", "churn", "1", code=4)
    assert "qd: churn/1 may not enter Production: latency did not pass." in refused.err
    assert "is over 0.001 us" in refused.err
    assert "us" in next(line for line in refused.out.splitlines() if line.startswith("latency"))
    promoted = qd("models", "promote", "churn", "1", "--to", "production", "--reason", "go", code=4)
    assert "The gate latency does not pass" in promoted.err
    bench = qd("models", "bench", "churn", "1", "--duration", "100ms", code=4)
    assert "the latency gate of Production does not pass" in bench.err


@pytest.mark.usefixtures("shelf")
def test_a_bench_shows_how_latencies_lie(qd: Qd) -> None:
    qd("models", "promote", "churn", "1", "--to", "production", "--reason", "go")
    shown = qd("models", "bench", "churn", "2", "--duration", "100ms").out
    for word in ("p50", "p95", "p99", "churn/2, calls by latency", "training rows", "which is live", "#"):
        assert word in shown
    told = qd("models", "bench", "churn", "2", "--duration", "100ms", "--rows", "10", "--alone", "--json").json
    assert told["rows"] == 10
    assert told["measured"]["live"] is None
    assert sum(told["measured"]["candidate"]["buckets"].values()) == told["measured"]["candidate"]["calls"]
    lines = qd("models", "bench", "churn", "2", "--duration", "100ms", "--csv").rows
    assert [row[0] for row in lines] == ["version", "2", "1"]


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("churn", "1", "--rows", "0"), 2),
        (("churn", "1", "--rows", "10001"), 2),
        (("churn", "1", "--duration", "soon"), 2),
        (("churn", "1", "--duration", "1ms"), 2),
        (("churn", "9"), 1),
    ],
)
def test_a_bench_that_cannot_be_is_refused(qd: Qd, words: tuple[str, ...], code: int) -> None:
    assert qd("models", "bench", *words, code=code).err


def test_progress_is_shown_on_a_terminal(shelf: Path) -> None:
    set_policy(shelf, duration="3s")
    with terminal("models", "check", "churn", "1") as session:
        session.until_text("latency: calling version 1", within=30)
        session.until_text("12 gates passed.", within=60)


def test_interrupted_gates_leave_no_process_and_no_evidence(qd: Qd, shelf: Path) -> None:
    set_policy(shelf, duration="1m")
    qd("models", "build", "churn", "1")
    words = [*COMMAND, "models", "check", "churn", "1"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ.copy()) as process:
        _until(lambda: _trials_of(process.pid))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130
    _until(lambda: not _trials_of(process.pid))
    assert "never run" in qd("models", "report", "churn", "1", code=1).err


def _trials_of(pid: int) -> list[str]:
    """The processes that a process has started; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []


def _until(condition: object, seconds: float = 20) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come true in time ({sys.platform})"
        time.sleep(0.01)
