"""What a writer may do: log, and nothing that hides, renames or removes what others have logged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import engine
from engine.api import Engine
from engine.core.access import Actor, Role
from engine.core.errors import PermissionDenied
from tests.builders import empty_workspace

TIME_MS = 1_760_000_000_000

LOGGING: dict[str, Callable[[Engine, str], object]] = {
    "experiments create": lambda as_writer, _: as_writer.experiments.create("another"),
    "experiments tag": lambda as_writer, _: as_writer.experiments.set_tag("nightly", "team", "risk"),
    "runs start": lambda as_writer, _: as_writer.runs.start("nightly", capture=False).finish(),
    "runs log": lambda as_writer, run: as_writer.runs.log_batch(run, metrics=[("loss", 0.5, 1, TIME_MS)]),
    "runs log (files)": lambda as_writer, run: as_writer.runs.log_bytes(run, b"...", "model.bin"),
    "runs tag": lambda as_writer, run: as_writer.runs.set_tag(run, "team", "risk"),
    "runs finish": lambda as_writer, run: as_writer.runs.finish(run),
}
CHANGING: dict[str, Callable[[Engine, str], object]] = {
    "experiments rename": lambda as_writer, _: as_writer.experiments.rename("nightly", "daily"),
    "experiments delete": lambda as_writer, _: as_writer.experiments.delete("nightly"),
    "runs rename": lambda as_writer, run: as_writer.runs.rename(run, "mine"),
    "runs delete": lambda as_writer, run: as_writer.runs.delete(run),
    "models update": lambda as_writer, _: as_writer.models.update("churn", description="mine"),
    "models rename": lambda as_writer, _: as_writer.models.rename("churn", "mine"),
    "models alias": lambda as_writer, _: as_writer.models.set_alias("churn", "newest", 1),
    "models delete": lambda as_writer, _: as_writer.models.delete("churn"),
}


@pytest.fixture
def opened(tmp_path: Path) -> Engine:
    return engine.open(empty_workspace(tmp_path / "workspace").path)


def stocked(opened: Engine) -> str:
    run = opened.runs.start("nightly", capture=False)
    opened.runs.log_bytes(run.id, b"weights", "model/weights.bin")
    opened.models.register("churn", run_id=run.id)
    return run.id


@pytest.mark.parametrize("operation", LOGGING)
def test_a_writer_logs_and_a_viewer_does_not(opened: Engine, operation: str) -> None:
    run = stocked(opened)
    with pytest.raises(PermissionDenied, match="needs the role writer"):
        LOGGING[operation](opened.acting(Actor("eve"), Role.VIEWER), run)
    LOGGING[operation](opened.acting(Actor("trainer"), Role.WRITER), run)


@pytest.mark.parametrize("operation", CHANGING)
def test_a_writer_changes_nothing_that_is_there(opened: Engine, operation: str) -> None:
    run = stocked(opened)
    with pytest.raises(PermissionDenied, match="trainer is writer"):
        CHANGING[operation](opened.acting(Actor("trainer"), Role.WRITER), run)
