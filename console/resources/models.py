"""Registered models: what is in Production, and how to get there and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field, Needs
from console.commanding.shell_words import given, option, qd, tagged, why
from console.formats import NONE, age
from console.location import Location
from console.resources.memory import Facts, MemorySource, all_pages
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.core.access import Role
from engine.core.query.schema import MODELS as SCHEMA
from engine.core.query.schema import Kind
from engine.registry.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from console.app import ConsoleApp
    from console.text import Part
    from console.views import View
    from engine.api import Engine


def _numbers(versions: tuple[int, ...], look: str, mark: str) -> Part:
    return (f"{mark} " + ", ".join(map(str, versions)), look) if versions else (NONE, "dim")


SHOWN: tuple[Shown[Model], ...] = (
    Shown(
        Column("name", "MODEL", width=16, minimum=10, maximum=40, weight=3, priority=9, whole=160),
        lambda model, _now: (model.name, "name"),
        "name",
    ),
    Shown(
        Column("production", "PRODUCTION", width=10, minimum=10, priority=8),
        lambda model, _now: _numbers(model.production, "production", "◆"),
        value=lambda model: max(model.production, default=None),
        kind=Kind.NUMBER,
    ),
    Shown(
        Column("staging", "STAGING", width=9, minimum=7, priority=7),
        lambda model, _now: _numbers(model.staging, "staging", "◇"),
        value=lambda model: max(model.staging, default=None),
        kind=Kind.NUMBER,
    ),
    Shown(
        Column("versions", "VERSIONS", width=8, minimum=8, align="right", priority=6),
        lambda model, _now: (str(model.versions), ""),
        value=lambda model: model.versions,
        kind=Kind.NUMBER,
    ),
    Shown(
        Column("aliases", "ALIASES", width=14, minimum=8, maximum=40, weight=1, priority=4),
        lambda model, _now: (" ".join(f"@{alias}={number}" for alias, number in sorted(model.aliases.items())), "link"),
    ),
    Shown(
        Column("owner", "OWNER", width=8, minimum=6, maximum=20, priority=3),
        lambda model, _now: (model.owner, ""),
        "owner",
    ),
    Shown(
        Column("updated", "CHANGED", width=7, minimum=7, align="right", priority=5),
        lambda model, now: (age(model.updated_ms, now), "dim"),
        "last_updated_timestamp",
    ),
    Shown(
        Column("description", "DESCRIPTION", width=14, minimum=12, weight=4, priority=1),
        lambda model, _now: (model.description, "dim"),
        "description",
    ),
)


def facts(model: Model) -> Facts:
    """A model as filters see it."""
    return Facts(
        {
            "name": model.name,
            "owner": model.owner,
            "description": model.description,
            "creation_timestamp": model.created_ms,
            "last_updated_timestamp": model.updated_ms,
        },
        tags=model.tags,
    )


def _fetch(engine: Engine, _location: Location) -> Iterable[Model]:
    return all_pages(lambda token: engine.models.page(limit=1_000, page_token=token))


# --- what can be done to models


def _open(app: ConsoleApp, model: Model, _answers: Answers) -> None:
    app.enter(Location("versions", model.name))


def _board(app: ConsoleApp, model: Model, _answers: Answers) -> None:
    app.enter(Location("board", model.name))


def _roll_back(app: ConsoleApp, model: Model, _answers: Answers) -> None:
    app.enter(Location("promotion", f"{model.name}/rollback"))


def _promote(app: ConsoleApp, model: Model, _answers: Answers) -> None:
    number = max(model.staging) if model.staging else model.latest
    stage = "production" if model.staging else "staging"
    app.enter(Location("promotion", f"{model.name}/{number}/{stage}"))


def _history(app: ConsoleApp, model: Model, _answers: Answers) -> None:
    app.enter(Location("history", model.name))


def _json(app: ConsoleApp, model: Model, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, model.name, model)


def _create(app: ConsoleApp, _subject: object, answers: Answers) -> None:
    name = answers["name"]
    app.act(
        lambda: app.engine.models.create(name, answers["description"], answers["owner"]),
        lambda _: app.say(f"Model {name} made."),
        f"qd models create {name}",
    )


def _edit(app: ConsoleApp, model: Model, answers: Answers) -> None:
    app.act(
        lambda: app.engine.models.update(model.name, description=answers["description"], owner=answers["owner"]),
        lambda _: app.say(f"{model.name} edited."),
    )


def _rename(app: ConsoleApp, model: Model, answers: Answers) -> None:
    new = answers["name"]
    app.act(
        lambda: app.engine.models.rename(model.name, new),
        lambda _: app.say(f"Renamed to {new}. Undo: rename it back."),
        f"qd models rename {model.name} {new}",
    )


def _tag(app: ConsoleApp, model: Model, answers: Answers) -> None:
    key, value = answers["key"], answers["value"] or None
    app.act(
        lambda: app.engine.models.set_tag(model.name, key, value),
        lambda _: app.say(f"Tag {key} of {model.name} {'set' if value else 'taken away'}."),
    )


def _remove_alias(app: ConsoleApp, model: Model, answers: Answers) -> None:
    alias = answers["alias"]
    app.act(
        lambda: app.engine.models.remove_alias(model.name, alias),
        lambda _: app.say(f"@{alias} no longer points anywhere."),
    )


def _alias_danger(model: Model) -> Danger:
    """Production is touched only where an alias points at a version that is in it."""
    served = set(model.production) & set(model.aliases.values())
    return Danger.PRODUCTION if served else Danger.REVERSIBLE


def _delete(app: ConsoleApp, model: Model, answers: Answers) -> None:
    app.act(
        lambda: app.engine.models.delete(model.name, reason=answers["reason"]),
        lambda _: app.say(f"Model {model.name} deleted."),
        f"qd models delete {model.name}",
    )


def _not_serving(model: Model) -> str | None:
    serving = (*model.production, *model.staging)
    return f"{model.name} has versions in Production or Staging; archive them first." if serving else None


def _has_versions(model: Model) -> str | None:
    return None if model.versions else f"{model.name} has no versions; register one from a run with R."


def _has_aliases(model: Model) -> str | None:
    return None if model.aliases else f"{model.name} has no aliases."


ACTIONS: tuple[Action, ...] = (
    Action("open", "Enter", "versions", _open, "The model's versions."),
    Action("promote", "p", "promote", _promote, "Plan the next promotion.", enabled=_has_versions, plans=True),
    Action(
        "rollback",
        "z",
        "roll back",
        _roll_back,
        "Plan the way back to the previous Production version.",
        plans=True,
    ),
    Action("board", "v", "board", _board, "Four columns, one a stage."),
    Action("history", "h", "history", _history, "Promotions and rollbacks."),
    Action("json", "y", "json", _json, "Everything about it, as JSON.", hint=False),
    Action(
        "create",
        "n",
        "new",
        _create,
        "Make a model.",
        danger=Danger.REVERSIBLE,
        needs=Needs.NOTHING,
        role=Role.OPERATOR,
        ask=lambda _model: (
            Field("name", "name"),
            Field("owner", "owner", required=False),
            Field("description", "description", required=False),
        ),
        hint=False,
        twin=lambda _it, said: qd(
            "models", "create", said["name"], option("owner", said["owner"]), option("description", said["description"])
        ),
    ),
    Action(
        "edit",
        "e",
        "edit",
        _edit,
        "Edit owner and description.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        ask=lambda model: (
            Field("owner", "owner", model.owner, required=False),
            Field("description", "description", model.description, required=False),
        ),
        hint=False,
        twin=lambda it, said: qd(
            "models", "update", it.name, given("owner", said["owner"]), given("description", said["description"])
        ),
    ),
    Action(
        "rename",
        "N",
        "rename",
        _rename,
        "Rename the model.",
        danger=lambda model: Danger.PRODUCTION if model.production else Danger.REVERSIBLE,
        role=Role.OPERATOR,
        ask=lambda model: (Field("name", "name", model.name),),
        consequences=lambda model: (f"{model.name}: versions, aliases and requests follow the new name.",),
        hint=False,
        twin=lambda it, said: qd("models", "rename", it.name, said["name"]),
    ),
    Action(
        "tag",
        "t",
        "tag",
        _tag,
        "Set a tag; an empty value takes it away.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        ask=lambda _model: (Field("key", "tag"), Field("value", "value", required=False)),
        hint=False,
        twin=lambda it, said: qd("models", "tag", it.name, tagged(said)),
    ),
    Action(
        "remove-alias",
        "X",
        "remove alias",
        _remove_alias,
        "Take an alias away.",
        danger=_alias_danger,
        role=Role.OPERATOR,
        enabled=_has_aliases,
        ask=lambda _model: (Field("alias", "alias"),),
        consequences=lambda model: tuple(f"@{alias} → {model.name}/{to}" for alias, to in model.aliases.items()),
        hint=False,
        twin=lambda it, said: qd("models", "unalias", it.name, said["alias"]),
    ),
    Action(
        "delete",
        "D",
        "delete",
        _delete,
        "Delete the model and all its versions for ever.",
        danger=Danger.IRREVERSIBLE,
        warning="CANNOT BE UNDONE",
        role=Role.ADMIN,
        enabled=_not_serving,
        ask=lambda _model: (Field("reason", "reason"),),
        object_name=lambda model: model.name,
        consequences=lambda model: (f"{model.name} and its {model.versions} versions go.",),
        hint=False,
        twin=lambda it, said: qd("models", "delete", it.name, why(said), ["--yes"]),
    ),
)

MODELS: Resource[Model] = Resource(
    name="models",
    noun="model",
    source=MemorySource(_fetch, lambda model: model.name, SHOWN, facts, SCHEMA),
    actions=ACTIONS,
    kinds=frozenset({"model", "version"}),
    empty=(
        "No registered models yet.",
        "Register a version from a run:  R in the list of runs, or  qd models register MODEL --run ID",
    ),
    sort=("name", False),
)


def view(location: Location) -> View:
    """The list of models."""
    return ListView(MODELS, location)
