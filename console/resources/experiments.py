"""Experiments: groups of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field, Needs
from console.commanding.shell_words import qd, tagged
from console.formats import age, count
from console.location import Location
from console.resources.memory import Facts, MemorySource, all_pages
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.core.access import Role
from engine.core.query.schema import EXPERIMENTS as SCHEMA
from engine.core.query.schema import Kind
from engine.tracking.model import Experiment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.app import ConsoleApp
    from console.views import View
    from engine.api import Engine

SHOWN: tuple[Shown[Experiment], ...] = (
    Shown(
        Column("name", "EXPERIMENT", width=20, minimum=10, maximum=60, weight=3, priority=9, whole=60),
        lambda experiment, _now: (experiment.name, "name" if experiment.lifecycle == "active" else "dim"),
        "name",
    ),
    Shown(
        Column("runs", "RUNS", width=8, minimum=6, align="right", priority=8),
        lambda experiment, _now: (count(experiment.run_count), ""),
        value=lambda experiment: experiment.run_count,
        kind=Kind.NUMBER,
    ),
    Shown(
        Column("state", "STATE", width=8, minimum=7, priority=5),
        lambda experiment, _now: (experiment.lifecycle, "" if experiment.lifecycle == "active" else "warn"),
        "lifecycle_stage",
    ),
    Shown(
        Column("updated", "CHANGED", width=7, minimum=7, align="right", priority=6),
        lambda experiment, now: (age(experiment.updated_ms, now), "dim"),
        "last_update_time",
    ),
    Shown(
        Column("tags", "TAGS", width=16, minimum=8, weight=2, priority=2),
        lambda experiment, _now: (" ".join(f"{key}={value}" for key, value in experiment.tags.items()), "dim"),
    ),
)


def facts(experiment: Experiment) -> Facts:
    """An experiment as filters see it."""
    return Facts(
        {
            "name": experiment.name,
            "experiment_id": str(experiment.id),
            "lifecycle_stage": experiment.lifecycle,
            "creation_time": experiment.created_ms,
            "last_update_time": experiment.updated_ms,
        },
        tags=experiment.tags,
    )


def _fetch(engine: Engine, _location: Location) -> Iterable[Experiment]:
    return all_pages(lambda token: engine.experiments.page(limit=1_000, page_token=token, include_deleted=True))


def _open(app: ConsoleApp, experiment: Experiment, _answers: Answers) -> None:
    app.enter(Location("runs", experiment.name))


def _create(app: ConsoleApp, _subject: object, answers: Answers) -> None:
    name = answers["name"]
    app.act(
        lambda: app.engine.experiments.create(name),
        lambda _: app.say(f"Experiment {name} made."),
        f"qd experiments create {name}",
    )


def _rename(app: ConsoleApp, experiment: Experiment, answers: Answers) -> None:
    new = answers["name"]
    app.act(
        lambda: app.engine.experiments.rename(experiment.name, new),
        lambda _: app.say(f"Renamed to {new}. Undo: rename it back."),
        f"qd experiments rename {experiment.name} {new}",
    )


def _tag(app: ConsoleApp, experiment: Experiment, answers: Answers) -> None:
    key, value = answers["key"], answers["value"] or None
    app.act(
        lambda: app.engine.experiments.set_tag(experiment.name, key, value),
        lambda _: app.say(f"Tag {key} of {experiment.name} {'set' if value else 'taken away'}."),
    )


def _delete(app: ConsoleApp, experiment: Experiment, _answers: Answers) -> None:
    app.act(
        lambda: app.engine.experiments.delete(experiment.name),
        lambda _: app.say(f"{experiment.name} deleted. Undo: u restores it."),
        f"qd experiments delete {experiment.name}",
    )


def _restore(app: ConsoleApp, experiment: Experiment, _answers: Answers) -> None:
    app.act(
        lambda: app.engine.experiments.restore(experiment.name),
        lambda _: app.say(f"{experiment.name} restored."),
        f"qd experiments restore {experiment.name}",
    )


def _deleted(experiment: Experiment) -> str | None:
    return None if experiment.lifecycle == "deleted" else f"{experiment.name} is not deleted."


def _active(experiment: Experiment) -> str | None:
    return None if experiment.lifecycle == "active" else f"{experiment.name} is deleted already."


ACTIONS: tuple[Action, ...] = (
    Action("open", "Enter", "runs", _open, "The experiment's runs."),
    Action(
        "create",
        "n",
        "new",
        _create,
        "Make an experiment.",
        danger=Danger.REVERSIBLE,
        needs=Needs.NOTHING,
        role=Role.WRITER,
        ask=lambda _none: (Field("name", "name"),),
        twin=lambda _it, said: qd("experiments", "create", said["name"]),
    ),
    Action(
        "rename",
        "N",
        "rename",
        _rename,
        "Rename the experiment.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        ask=lambda experiment: (Field("name", "name", experiment.name),),
        twin=lambda it, said: qd("experiments", "rename", it.name, said["name"]),
    ),
    Action(
        "tag",
        "t",
        "tag",
        _tag,
        "Set a tag; an empty value takes it away.",
        danger=Danger.REVERSIBLE,
        role=Role.WRITER,
        ask=lambda _experiment: (Field("key", "tag"), Field("value", "value", required=False)),
        twin=lambda it, said: qd("experiments", "tag", it.name, tagged(said)),
    ),
    Action(
        "delete",
        "D",
        "delete",
        _delete,
        "Delete the experiment and its runs; they can be restored.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        enabled=_active,
        twin=lambda it, _said: qd("experiments", "delete", it.name),
    ),
    Action(
        "restore",
        "u",
        "restore",
        _restore,
        "Restore a deleted experiment.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        enabled=_deleted,
        twin=lambda it, _said: qd("experiments", "restore", it.name),
    ),
)

EXPERIMENTS: Resource[Experiment] = Resource(
    name="experiments",
    noun="experiment",
    source=MemorySource(_fetch, lambda experiment: experiment.name, SHOWN, facts, SCHEMA),
    actions=ACTIONS,
    kinds=frozenset({"experiment"}),
    empty=("No experiments yet.", "n makes one; so does the first run:  engine.open().runs.start('churn')"),
)


def view(location: Location) -> View:
    """The list of experiments."""
    return ListView(EXPERIMENTS, location)
