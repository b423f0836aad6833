"""A role lost while a session is open is lost for every change, and a wrong file ends no training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.access import Role
from engine.core.errors import PermissionDenied, PolicyInvalid
from engine.policy.identity import os_user
from tests.builders import empty_workspace


@pytest.fixture(params=["api", "cli"])
def session(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An admin's session over a model and a run."""
    workspace = empty_workspace(tmp_path / "workspace")
    workspace.policy_file.write_text(f'[roles]\nadmin = ["{os_user()}"]\n')
    with engine.open(workspace.path, via=request.param) as opened:
        opened.models.create("churn")
        yield opened


CHANGES: dict[str, Callable[[Engine], object]] = {
    "delete": lambda opened: opened.models.delete("churn"),
    "rename": lambda opened: opened.models.rename("churn", "other"),
    "tag": lambda opened: opened.models.set_tag("churn", "k", "v"),
    "experiment": lambda opened: opened.experiments.create("e"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_role_lost_during_a_session_counts_for_no_change(session: Engine, change: str) -> None:
    session.workspace.policy_file.write_text('[roles]\nadmin = ["somebody-else"]\n')
    with pytest.raises(PermissionDenied, match="is viewer"):
        CHANGES[change](session)
    assert session.access.role is Role.VIEWER


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_is_made_while_nobody_can_tell_the_role(session: Engine, change: str) -> None:
    session.workspace.policy_file.write_text("[roles\n")
    with pytest.raises(PolicyInvalid):
        CHANGES[change](session)
    assert session.access.role is Role.ADMIN  # shown as it was known last


def test_a_training_goes_on_while_the_file_is_wrong_and_ends_with_its_role(session: Engine) -> None:
    run = session.runs.start("e", "training", capture=False)
    session.workspace.policy_file.write_text("[roles\n")
    run.log_metric("loss", 0.5)
    session.workspace.policy_file.write_text('[roles]\nadmin = ["somebody-else"]\n')
    with pytest.raises(PermissionDenied):
        run.finish()
