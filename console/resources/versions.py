"""Versions of a model, or of all models."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field, Needs
from console.commanding.shell_words import given, qd, tagged, why
from console.drift.baselines import BASELINE_ACTIONS
from console.endpoints.measuring import OF_VERSION
from console.formats import STAGES, age, logged, number, pill, size
from console.location import Location
from console.resources.memory import Facts, MemorySource, all_pages
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.core.access import Role
from engine.core.query.schema import VERSIONS as SCHEMA
from engine.core.query.schema import Kind
from engine.registry.model import Stage, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from console.app import ConsoleApp
    from console.views import View
    from engine.api import Engine

NEXT_STAGE = {
    Stage.REGISTERED: Stage.STAGING,
    Stage.STAGING: Stage.PRODUCTION,
    Stage.PRODUCTION: Stage.ARCHIVED,
    Stage.ARCHIVED: Stage.STAGING,
}
"""Where `p` leads from each stage; the promotion screen changes it."""

USUAL_METRICS = 3

SHOWN: tuple[Shown[Version], ...] = (
    Shown(
        Column("key", "VERSION", width=18, minimum=18, maximum=40, weight=3, priority=9, whole=160),
        lambda version, _now: (version.key, "production" if version.stage is Stage.PRODUCTION else "name"),
        "version_number",
    ),
    Shown(
        Column("stage", "STAGE", width=12, minimum=12, priority=8),
        lambda version, _now: pill(STAGES, version.stage.value),
        "stage",
    ),
    Shown(
        Column("since", "SINCE", width=5, minimum=5, align="right", priority=6),
        lambda version, now: (age(version.stage_ms, now), "dim"),
        value=lambda version: version.stage_ms,
        kind=Kind.TIME,
    ),
    Shown(
        Column("aliases", "ALIASES", width=10, minimum=7, maximum=24, weight=1, priority=5),
        lambda version, _now: (" ".join(f"@{alias}" for alias in version.aliases), "link"),
    ),
    Shown(
        Column("metrics", "METRICS", width=22, minimum=12, maximum=60, weight=2, priority=7),
        lambda version, _now: (some_metrics(version), ""),
    ),
    Shown(
        Column("size_bytes", "SIZE", width=7, minimum=7, align="right", priority=3),
        lambda version, _now: (size(version.size_bytes), ""),
        "size_bytes",
    ),
    Shown(
        Column("owner", "OWNER", width=8, minimum=6, maximum=20, priority=3),
        lambda version, _now: (version.owner, ""),
        "owner",
    ),
    Shown(
        Column("created", "AGE", width=4, minimum=4, align="right", priority=4),
        lambda version, now: (age(version.created_ms, now), "dim"),
        "creation_timestamp",
    ),
)


def some_metrics(version: Version) -> str:
    """A version's first metrics, such as `auc 0.91  loss 0.2`."""
    return "  ".join(f"{key} {number(value, 4)}" for key, value in sorted(version.metrics.items())[:USUAL_METRICS])


def chosen_column(name: str) -> Shown[Version]:
    """A column of choice: `metrics.KEY` or `params.KEY`; a bare key is a metric."""
    kind, dot, key = name.partition(".")
    if not dot or kind not in ("metrics", "params"):
        kind, key = "metrics", name
    column = Column(
        f"{kind}.{key}", key, width=9, minimum=7, align="right" if kind == "metrics" else "left", priority=7
    )
    sort = f"{kind}.`{key}`"
    if kind == "metrics":
        return Shown(column, lambda version, _now: (number(version.metrics.get(key)), ""), sort)
    return Shown(column, lambda version, _now: (logged(version.params.get(key, "")), ""), sort)


def facts(version: Version) -> Facts:
    """A version as filters see it."""
    return Facts(
        {
            "name": version.model,
            "version_number": version.version,
            "run_id": version.run_id,
            "source_path": version.artifact_path,
            "owner": version.owner,
            "description": version.description,
            "digest": version.digest,
            "stage": version.stage.value.lower(),
            "size_bytes": version.size_bytes,
            "creation_timestamp": version.created_ms,
            "last_updated_timestamp": version.updated_ms,
        },
        version.metrics,
        version.params,
        version.tags,
    )


def fetch(engine: Engine, location: Location) -> Iterable[Version]:
    """The versions of a location, newest first within each model."""
    name = location.name or None
    return all_pages(lambda token: engine.models.versions(name, limit=1_000, page_token=token))


def choices(engine: Engine) -> Sequence[str]:
    """Metrics and parameters that versions were registered with."""
    versions = list(fetch(engine, Location("versions")))
    metrics = dict.fromkeys(f"metrics.{key}" for version in versions for key in version.metrics)
    return [*metrics, *dict.fromkeys(f"params.{key}" for version in versions for key in version.params)]


# --- what can be done to versions


def _open(app: ConsoleApp, version: Version, _answers: Answers) -> None:
    app.enter(Location("version", version.key))


def _promote(app: ConsoleApp, version: Version, _answers: Answers) -> None:
    app.enter(Location("promotion", f"{version.key}/{NEXT_STAGE[version.stage].value.lower()}"))


def _roll_back(app: ConsoleApp, version: Version, _answers: Answers) -> None:
    app.enter(Location("promotion", f"{version.model}/rollback"))


def _lineage(app: ConsoleApp, version: Version, _answers: Answers) -> None:
    app.enter(Location("lineage", version.key))


def _history(app: ConsoleApp, version: Version, _answers: Answers) -> None:
    app.enter(Location("history", version.model))


def _board(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    here = app.navigator.here
    other = "versions" if here.resource == "board" else "board"
    app.replace(Location(other, here.name, at=here.at))


def _json(app: ConsoleApp, version: Version, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, version.key, version)


def _alias(app: ConsoleApp, version: Version, answers: Answers) -> None:
    alias = answers["alias"]
    app.act(
        lambda: app.engine.models.set_alias(version.model, alias, version.version),
        lambda _: app.say(f"@{alias} points to {version.key}."),
        f"qd models alias {version.model} {alias} {version.version}",
    )


def _describe(app: ConsoleApp, version: Version, answers: Answers) -> None:
    app.act(
        lambda: app.engine.models.update_version(
            version.model, version.version, description=answers["description"], owner=answers["owner"]
        ),
        lambda _: app.say(f"{version.key} described."),
    )


def _tag(app: ConsoleApp, version: Version, answers: Answers) -> None:
    key, value = answers["key"], answers["value"] or None
    app.act(
        lambda: app.engine.models.set_version_tag(version.model, version.version, key, value),
        lambda _: app.say(f"Tag {key} of {version.key} {'set' if value else 'taken away'}."),
    )


def _delete(app: ConsoleApp, version: Version, answers: Answers) -> None:
    app.act(
        lambda: app.engine.models.delete_version(version.model, version.version, reason=answers["reason"]),
        lambda _: app.say(f"{version.key} deleted."),
    )


def _allow_pickle(app: ConsoleApp, version: Version, answers: Answers) -> None:
    reason = answers["reason"]
    app.act(
        lambda: app.engine.builds.allow_pickle(version.model, version.version, reason=reason),
        lambda _: app.say(f"The pickle of {version.key} may be loaded, in a process of its own."),
        f"qd models allow-pickle {quote(version.model)} {version.version} --reason {quote(reason)}",
    )


def _forbid_pickle(app: ConsoleApp, version: Version, answers: Answers) -> None:
    reason = answers["reason"]
    app.act(
        lambda: app.engine.builds.forbid_pickle(version.model, version.version, reason=reason),
        lambda _: app.say(f"The pickle of {version.key} is not loaded any more."),
        f"qd models forbid-pickle {quote(version.model)} {version.version} --reason {quote(reason)}",
    )


def _not_serving(version: Version) -> str | None:
    if version.stage in (Stage.PRODUCTION, Stage.STAGING):
        return f"{version.key} is in {version.stage.value}; archive it first."
    return None


ACTIONS: tuple[Action, ...] = (
    Action("open", "Enter", "open", _open, "Open the version."),
    Action("promote", "p", "promote", _promote, "Plan the move to the next stage.", plans=True),
    Action(
        "rollback",
        "z",
        "roll back",
        _roll_back,
        "Plan the way back to the previous Production version.",
        plans=True,
    ),
    Action("board", "v", "board", _board, "Four columns, one a stage; and back to the table.", needs=Needs.NOTHING),
    Action("lineage", "l", "lineage", _lineage, "Dataset, run and version it belongs to."),
    Action("history", "h", "history", _history, "Promotions and rollbacks of the model."),
    OF_VERSION,
    *BASELINE_ACTIONS,
    Action("json", "y", "json", _json, "Everything about it, as JSON.", hint=False),
    Action(
        "alias",
        "A",
        "alias",
        _alias,
        "Point an alias to it.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        ask=lambda _version: (Field("alias", "alias"),),
        hint=False,
        twin=lambda it, said: qd("models", "alias", it.model, said["alias"], it.version),
    ),
    Action(
        "describe",
        "e",
        "edit",
        _describe,
        "Edit owner and description.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        ask=lambda version: (
            Field("owner", "owner", version.owner, required=False),
            Field("description", "description", version.description, required=False),
        ),
        hint=False,
        twin=lambda it, said: qd(
            "versions", "update", it.key, given("owner", said["owner"]), given("description", said["description"])
        ),
    ),
    Action(
        "tag",
        "t",
        "tag",
        _tag,
        "Set a tag; an empty value takes it away.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        ask=lambda _version: (Field("key", "tag"), Field("value", "value", required=False)),
        hint=False,
        twin=lambda it, said: qd("versions", "tag", it.key, tagged(said)),
    ),
    Action(
        "allow-pickle",
        "",
        "allow pickle",
        _allow_pickle,
        "Answer for the pickle in it: a pickle is code.",
        danger=Danger.PRODUCTION,
        warning="IT MAY RUN CODE",
        role=Role.APPROVER,
        ask=lambda _version: (Field("reason", "reason"),),
        consequences=lambda version: (f"{version.key} may be loaded, in a process of its own. A pickle is code.",),
        hint=False,
        twin=lambda it, said: qd("models", "allow-pickle", it.model, it.version, why(said)),
    ),
    Action(
        "forbid-pickle",
        "",
        "forbid pickle",
        _forbid_pickle,
        "Take the word for the pickle in it back.",
        danger=Danger.REVERSIBLE,
        role=Role.APPROVER,
        ask=lambda _version: (Field("reason", "reason"),),
        hint=False,
        twin=lambda it, said: qd("models", "forbid-pickle", it.model, it.version, why(said)),
    ),
    Action(
        "delete",
        "D",
        "delete",
        _delete,
        "Delete the version for ever.",
        danger=Danger.IRREVERSIBLE,
        warning="CANNOT BE UNDONE",
        role=Role.ADMIN,
        enabled=_not_serving,
        ask=lambda _version: (Field("reason", "reason"),),
        object_name=lambda version: version.key,
        consequences=lambda version: (f"{version.key} ({version.stage.value}) goes, with its tags and aliases.",),
        hint=False,
        twin=lambda it, said: qd("versions", "delete", it.key, why(said), ["--yes"]),
    ),
)

VERSIONS: Resource[Version] = Resource(
    name="versions",
    noun="version",
    source=MemorySource(fetch, lambda version: version.key, SHOWN, facts, SCHEMA, chosen_column, choices),
    actions=ACTIONS,
    kinds=frozenset({"version"}),
    empty=(
        "No versions yet.",
        "Register one from a run:  R in the list of runs, or  qd models register MODEL --run ID",
    ),
    key_of=lambda event: None if event.change in ("created", "deleted") else event.key,
)


def view(location: Location) -> View:
    """The list of versions; a name is a model's."""
    return ListView(VERSIONS, location)
