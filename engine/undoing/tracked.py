"""How changes of runs, experiments, logged models and traces are undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.undoing.inverse import Answer, Case, Inverse, Never, State

if TYPE_CHECKING:
    from collections.abc import Mapping

_REAPED = Never("A run whose process had died does not go on; start it again as a new run.")
_REMOVED = Never("A file that was removed is taken from its run; log it again.")
_IMPORTED = Never("An import makes and changes many things at once; delete what it brought one by one.")


def _run_name(case: Case) -> State:
    return {"name": case.services.runs.get(case.key).name}


def _run_note(case: Case) -> State:
    return {"note": case.services.runs.get(case.key).note}


def _run_tag(case: Case) -> State:
    tags = case.services.runs.get(case.key).tags
    return {key: tags.get(key) for key in case.after}


def _run_lifecycle(case: Case) -> State:
    return {"lifecycle": case.services.runs.get(case.key).lifecycle}


def _tag_run(case: Case, _why: str) -> None:
    for key, value in case.before.items():
        case.services.runs.set_tag(case.key, key, value)


def _experiment_name(case: Case) -> State:
    return {"name": case.services.experiments.get(case.key).name}


def _experiment_tag(case: Case) -> State:
    tags = case.services.experiments.get(case.key).tags
    return {key: tags.get(key) for key in case.after}


def _tag_experiment(case: Case, _why: str) -> None:
    for key, value in case.before.items():
        case.services.experiments.set_tag(case.key, key, value)


def _experiment_lifecycle(case: Case) -> State:
    return {"lifecycle": case.services.experiments.get(case.key).lifecycle}


def _without_runs(case: Case) -> tuple[State, State]:
    """The number of runs is told for readers; it is no field that could be otherwise since."""
    return {"lifecycle": case.before.get("lifecycle")}, {"lifecycle": case.after.get("lifecycle")}


def _created_experiment(case: Case) -> State:
    found = case.services.experiments.get(case.key)
    return None if found.lifecycle == "deleted" else {"name": found.name, "tags": found.tags}


def _holds_runs(case: Case) -> str:
    runs = case.services.experiments.get(case.key).run_count
    return f"It has {runs} runs by now; delete it with them: qd experiments delete." if runs else ""


def _model_lifecycle(case: Case) -> State:
    return {"lifecycle": case.services.logged_models.get(case.key, include_deleted=True).lifecycle}


TRACKED: Mapping[tuple[str, str], Answer] = {
    ("run", "rename"): Inverse(
        Role.OPERATOR,
        _run_name,
        lambda case, _why: case.services.runs.rename(case.key, case.before["name"]),
        becomes="rename",
    ),
    ("run", "tag"): Inverse(Role.WRITER, _run_tag, _tag_run, becomes="tag"),
    ("run", "note"): Inverse(
        Role.WRITER,
        _run_note,
        lambda case, _why: case.services.runs.set_note(case.key, case.before["note"]),
        becomes="note",
    ),
    ("run", "delete"): Inverse(
        Role.OPERATOR,
        _run_lifecycle,
        lambda case, _why: case.services.runs.restore(case.key),
        becomes="restore",
    ),
    ("run", "restore"): Inverse(
        Role.OPERATOR,
        _run_lifecycle,
        lambda case, _why: case.services.runs.delete(case.key),
        becomes="delete",
    ),
    ("run", "reap"): _REAPED,
    ("run", "remove-artifact"): _REMOVED,
    ("run", "import"): _IMPORTED,
    ("experiment", "create"): Inverse(
        Role.OPERATOR,
        _created_experiment,
        lambda case, _why: case.services.experiments.delete(case.key),
        becomes="delete",
        refuse=_holds_runs,
    ),
    ("experiment", "rename"): Inverse(
        Role.OPERATOR,
        _experiment_name,
        lambda case, _why: case.services.experiments.rename(case.key, case.before["name"]),
        becomes="rename",
    ),
    ("experiment", "tag"): Inverse(Role.WRITER, _experiment_tag, _tag_experiment, becomes="tag"),
    ("experiment", "delete"): Inverse(
        Role.OPERATOR,
        _experiment_lifecycle,
        lambda case, _why: case.services.experiments.restore(case.key),
        becomes="restore",
        states=_without_runs,
    ),
    ("experiment", "restore"): Inverse(
        Role.OPERATOR,
        _experiment_lifecycle,
        lambda case, _why: case.services.experiments.delete(case.key),
        becomes="delete",
        states=_without_runs,
    ),
    ("experiment", "import"): _IMPORTED,
    ("logged_model", "delete"): Inverse(
        Role.OPERATOR,
        _model_lifecycle,
        lambda case, _why: case.services.logged_models.restore(case.key),
        becomes="restore",
    ),
    ("logged_model", "restore"): Inverse(
        Role.OPERATOR,
        _model_lifecycle,
        lambda case, _why: case.services.logged_models.delete(case.key),
        becomes="delete",
    ),
    ("logged_model", "remove-artifact"): Never("A file that was removed is taken from its model; log it again."),
    ("logged_model", "import"): _IMPORTED,
    ("trace", "delete"): Never("Deleted traces leave the workspace with all their spans."),
    ("trace", "prune"): Never("Pruned traces leave the workspace with all their spans."),
}
"""By kind and verb."""
