"""What a start loads: a headless verb needs sqlite3 and click, not a screen and not a laboratory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import engine

HEAVY = ("textual", "rich", "pandas", "numpy", "scipy", "sklearn", "joblib", "sqlite_utils", "httpx", "skops")

PROBE = """
import json, sys
from engine.cli import main
try:
    code = main(sys.argv[1:])
finally:
    print(json.dumps([name for name in {heavy!r} if name in sys.modules]), file=sys.stderr)
"""

VERBS = (
    ["--version"],
    ["--help"],
    ["experiments", "list", "--json"],
    ["runs", "list", "--json"],
    ["runs", "list", "--csv"],
    ["runs", "list"],
    ["runs", "list", "--filter", "metrics.auc > 0.5 and params.p = 'x'", "--order-by", "metrics.auc desc", "--json"],
    ["experiments", "create", "churn"],
    ["experiments", "tag", "churn", "team=risk"],
    ["runs", "start", "--param", "p=x", "--tag", "t=y"],
    ["runs", "count"],
    ["runs", "reap"],
    ["models", "create", "churn"],
    ["models", "list", "--json"],
    ["models", "list", "--filter", "owner = 'ada'", "--order-by", "updated desc"],
    ["models", "show", "churn"],
    ["models", "show", "churn", "--csv"],
    ["models", "history"],
    ["models", "promote", "--help"],
    ["versions", "list", "--json"],
    ["versions", "list", "--filter", "stage = 'production'"],
    ["approvals", "list", "--json"],
    ["approvals", "list", "--inbox"],
    ["audit", "list", "--json"],
    ["audit", "verify"],
    ["audit", "head"],
    ["policy", "show"],
    ["policy", "check"],
    ["policy", "whoami"],
    ["completion", "bash"],
    ["db", "check"],
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine.create(tmp_path_factory.mktemp("start") / "workspace").path


def test_importing_the_engine_loads_nothing_heavy() -> None:
    script = f"import sys, engine; engine.errors; engine.open; print([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_headless_verb_loads_nothing_heavy(workspace: Path, words: list[str]) -> None:
    command = [sys.executable, "-c", PROBE.format(heavy=HEAVY), "--workspace", str(workspace), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert json.loads(done.stderr.splitlines()[-1]) == [], done.stderr
    assert done.returncode == 0, done.stderr


NOT_FOR_A_LIST = (
    "_hashlib",
    "asyncio",
    "difflib",
    "engine.audit.service",
    "engine.core.events",
    "engine.db.feed",
    "engine.policy.model",
    "engine.registry.model",
    "engine.tracking.detail_model",
    "engine.tracking.importing",
    "engine.tracking.recording",
    "importlib.metadata",
    "logging",
    "subprocess",
    "tomllib",
)
"""What a list of runs has no use for; each costs a millisecond or many of the hundred it may take."""


def test_a_list_of_runs_loads_only_what_it_shows(workspace: Path) -> None:
    (workspace / "quarterdeck.toml").write_text("[models.churn.production]\napprovals = 1\n")
    words = ["runs", "list", "--limit", "10", "--json"]
    command = [sys.executable, "-c", PROBE.format(heavy=NOT_FOR_A_LIST), "--workspace", str(workspace), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stderr.splitlines()[-1]) == []
