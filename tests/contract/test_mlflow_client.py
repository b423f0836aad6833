"""The real client against our server: its own tests run in its own environment, and what fails there fails here."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from engine.core.access import Role
from tests.clients.runner import CLIENTS, problems, run_program
from tests.clients.server import running_server

FILES = sorted(CLIENTS.glob("test_*.py"))
PROCESSES = 2
"""The client takes longer to load than most of its files to run; so few processes share them, as two cores can."""

PROGRAMS = sorted(path.name for path in (CLIENTS / "programs").glob("*.py"))
POLICY = """
[defaults]
protected_aliases = ["champion"]

[roles]
approver = ["maria"]
operator = ["*"]

[models.churn.production]
gates = [{ gate = "metric", metric = "accuracy", min = 0.9 }]
approvals = 1
approvers = ["maria"]
"""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("part", range(PROCESSES))
def test_the_real_client_is_served_as_by_its_own_server(part: int, tmp_path: Path) -> None:
    with running_server(tmp_path / "workspace") as server:
        told = problems(server, FILES[part::PROCESSES], tmp_path)
    assert not told, f"{len(told)} of the client's tests failed:\n" + "\n".join(told)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_people_paste_runs_as_it_stands(name: str, tmp_path: Path) -> None:
    with running_server(tmp_path / "workspace") as server:
        done = run_program(server, CLIENTS / "programs" / name, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_policy_holds_for_the_client_and_every_attempt_is_audited(tmp_path: Path) -> None:
    workspace = engine.create(tmp_path / "workspace").path
    (workspace / "quarterdeck.toml").write_text(POLICY)
    with running_server(workspace) as server:
        told = problems(server, [CLIENTS / "guarded" / "test_promotion.py"], tmp_path)
    assert not told, "\n".join(told)
    with engine.open(workspace) as opened:
        records = opened.audit.page(limit=200).items
        assert opened.audit.verify().ok
    verbs = [(record.verb, record.key) for record in records]
    assert ("refuse", "churn/1") in verbs
    assert ("promote", "churn/1") in verbs


def test_a_token_in_the_clients_environment_is_all_it_takes(tmp_path: Path) -> None:
    workspace = engine.create(tmp_path / "workspace").path
    with engine.open(workspace) as opened:
        token = opened.tokens.create("ci", scope=Role.WRITER)
    with running_server(workspace, "--require-tokens") as server:
        told = problems(server, [CLIENTS / "guarded" / "test_token.py"], tmp_path, token=token.secret)
    assert not told, "\n".join(told)
