"""What can be done with a run whose view is open: close it by hand, restore it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field
from console.commanding.shell_words import given, qd
from engine.core.access import Role
from engine.tracking.model import RunDetail, RunStatus

if TYPE_CHECKING:
    from console.app import ConsoleApp

ENDS = ("finished", "failed", "killed")
"""How a run may be closed by hand."""


def _restore(app: ConsoleApp, run: RunDetail, _answers: Answers) -> None:
    app.act(
        lambda: app.engine.runs.restore(run.run_id), lambda _: app.say("Restored."), f"qd runs restore {run.run_id}"
    )


def _finish(app: ConsoleApp, run: RunDetail, answers: Answers) -> None:
    status = RunStatus(answers["status"])
    app.act(lambda: app.engine.runs.finish(run.run_id, status), lambda _: app.say(f"Closed as {status.value}."))


def _not_over(run: RunDetail) -> str | None:
    return f"The run is {run.status.value} already." if run.status.is_over else None


def _is_deleted(run: RunDetail) -> str | None:
    return None if run.lifecycle == "deleted" else "The run is not deleted."


RUN_ACTS = (
    Action(
        "close-run",
        "K",
        "close",
        _finish,
        "Close a run whose program is gone, as finished, failed or killed.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        enabled=_not_over,
        ask=lambda _run: (Field("status", "close as", "killed", among=ENDS),),
        twin=lambda it, said: qd("runs", "finish", it.run_id, given("status", said["status"])),
        hint=False,
    ),
    Action(
        "restore",
        "U",
        "restore",
        _restore,
        "Restore a deleted run.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        enabled=_is_deleted,
        hint=False,
        twin=lambda it, _said: qd("runs", "restore", it.run_id),
    ),
)
"""In the order of help."""
