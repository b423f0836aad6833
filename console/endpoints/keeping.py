"""Making, describing and deleting endpoints."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field, Needs
from console.commanding.shell_words import given, option, qd, tagged, why
from console.endpoints.acts import standing_of
from console.location import Location
from engine.core.access import Role
from engine.core.percent import parse_percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from console.endpoints.detail import Detail
    from console.endpoints.standing import Standing
    from engine.endpoints.model import Endpoint


def _create(app: ConsoleApp, _subject: object, answers: Answers) -> None:
    name, model = answers["name"], answers["model"]

    def done(endpoint: Endpoint) -> None:
        app.say(f"Endpoint {endpoint.name} made; D deploys a version to it. Undo: X deletes it.")
        app.enter(Location("endpoint", endpoint.name))

    app.act(
        lambda: app.engine.endpoints.create(name, model, owner=answers["owner"], description=answers["description"]),
        done,
        f"qd endpoints create {quote(name)} {quote(model)}",
    )


def _edit(app: ConsoleApp, subject: Standing | Detail, answers: Answers) -> None:
    endpoint = standing_of(subject).endpoint
    share = answers["capture"]

    def change() -> Endpoint:
        return app.engine.endpoints.update(
            endpoint.name,
            description=answers["description"],
            owner=answers["owner"],
            key=answers["key"],
            capture=parse_percent(share) / 1_000,
        )

    shell = f"qd endpoints update {quote(endpoint.name)} --key {quote(answers['key'])} --capture {quote(share)}"
    app.act(change, lambda _: app.say(f"{endpoint.name} edited."), shell)


def _tag(app: ConsoleApp, subject: Standing | Detail, answers: Answers) -> None:
    name, key, value = standing_of(subject).name, answers["key"], answers["value"]
    app.act(
        lambda: app.engine.endpoints.set_tag(name, key, value or None),
        lambda _: app.say(f"Tag {key} {'set' if value else 'taken away'}."),
        f"qd endpoints tag {quote(name)} {quote(f'{key}={value}') if value else f'--remove {quote(key)}'}",
    )


def _delete(app: ConsoleApp, subject: Standing | Detail, answers: Answers) -> None:
    name, routed = standing_of(subject).name, _routed(subject)

    def done(_nothing: None) -> None:
        if app.navigator.here == Location("endpoint", name):
            app.replace(Location("endpoints"))
        app.say(f"{name} is deleted.")

    app.act(
        lambda: app.engine.endpoints.delete(name, reason=answers["reason"], force=bool(routed)),
        done,
        f"qd endpoints delete {quote(name)}{' --force' if routed else ''} --reason {quote(answers['reason'])}",
    )


def _routed(subject: Standing | Detail) -> list[str]:
    return [each.key for each in standing_of(subject).endpoint.deployments if each.share is not None]


def _deletion(subject: Standing | Detail) -> Sequence[str]:
    name, routed = standing_of(subject).name, _routed(subject)
    said = [f"{name} goes, with its history; the audit log keeps what it was."]
    return [*said, f"It serves {', '.join(routed)} now: its callers will get 404."] if routed else said


def _settings(subject: Standing | Detail) -> Sequence[Field]:
    endpoint = standing_of(subject).endpoint
    return (
        Field("description", "description", endpoint.description, required=False),
        Field("owner", "owner", endpoint.owner, required=False),
        Field("key", "sticky by", endpoint.key),
        Field("capture", "capture %", f"{endpoint.capture * 100:g}"),
    )


def _predictions(app: ConsoleApp, subject: Standing | Detail, _answers: Answers) -> None:
    app.enter(Location("predictions", standing_of(subject).name))


CREATE = Action(
    "create",
    "n",
    "new",
    _create,
    "Make an endpoint for a model; it serves nothing yet.",
    danger=Danger.REVERSIBLE,
    needs=Needs.NOTHING,
    role=Role.OPERATOR,
    ask=lambda _nothing: (
        Field("name", "name"),
        Field("model", "model"),
        Field("owner", "owner", required=False),
        Field("description", "description", required=False),
    ),
    hint=False,
    twin=lambda _it, said: qd(
        "endpoints",
        "create",
        said["name"],
        said["model"],
        option("owner", said["owner"]),
        option("description", said["description"]),
    ),
)


def _lineage(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    from console.ancestry import show_lineage

    show_lineage(app)


KEEPING: tuple[Action, ...] = (
    Action("lineage", "L", "lineage", _lineage, "What it serves, where that came from, its alerts.", hint=False),
    Action("predictions", "l", "log", _predictions, "Captured requests: inputs, answers, latencies, labels."),
    Action(
        "edit",
        "E",
        "edit",
        _edit,
        "Description, owner, what keeps callers on a version, capture.",
        danger=Danger.PRODUCTION,
        warning="LIVE TRAFFIC",
        role=Role.OPERATOR,
        ask=_settings,
        consequences=lambda _subject: ("Another key moves callers between versions.",),
        hint=False,
        twin=lambda it, said: qd(
            "endpoints",
            "update",
            standing_of(it).name,
            given("description", said["description"]),
            given("owner", said["owner"]),
            given("key", said["key"]),
            given("capture", said["capture"]),
        ),
    ),
    Action(
        "tag",
        "T",
        "tag",
        _tag,
        "Set a tag; an empty value takes it away.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        ask=lambda _subject: (Field("key", "tag"), Field("value", "value", required=False)),
        hint=False,
        twin=lambda it, said: qd("endpoints", "tag", standing_of(it).name, tagged(said)),
    ),
    Action(
        "delete",
        "X",
        "delete",
        _delete,
        "Delete the endpoint and its history.",
        danger=Danger.IRREVERSIBLE,
        role=Role.OPERATOR,
        ask=lambda _subject: (Field("reason", "reason"),),
        object_name=lambda subject: standing_of(subject).name,
        consequences=_deletion,
        hint=False,
        twin=lambda it, said: qd(
            "endpoints", "delete", standing_of(it).name, ["--force"] if _routed(it) else [], why(said), ["--yes"]
        ),
    ),
)
