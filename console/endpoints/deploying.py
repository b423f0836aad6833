"""Deploying a version: choose it, make it ready, give it a share, look, confirm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual.containers import Vertical

from console.actions import Answers, Field
from console.endpoints.changing import apply
from console.endpoints.making import make_ready
from console.endpoints.standing import Standing, read_one
from console.formats import STAGES, number, pill
from console.screens.dialogs import Dialog
from console.text import table
from console.widgets.bar import Bar
from console.widgets.document import Document, Line
from engine.core.errors import InvalidInput
from engine.core.percent import parse_percent
from engine.endpoints.model import Cause, RouteWish, Share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from console.app import ConsoleApp
    from console.endpoints.plan_dialog import Planned
    from console.text import Part
    from engine.registry.model import Version

MOST = 200
"""Versions to choose from, the newest first; the command line takes any."""

SHARES = (Share.CANARY.value, Share.SHADOW.value, Share.LIVE.value)


class ChooseVersion(Dialog["Version"]):
    """Versions of a model to choose from.

    Args:
        endpoint: The endpoint's name.
        versions: The versions, the newest first.
        ready: Digests of those that are made ready already.
        shares: What versions get now, by number.
    """

    def __init__(
        self, endpoint: str, versions: Sequence[Version], ready: frozenset[str], shares: Mapping[int, str]
    ) -> None:
        super().__init__(f"Deploy to {endpoint}: which version?")
        rows = table([_row(each, ready, shares) for each in versions])
        lines = [Line(row, each.key, each) for row, each in zip(rows, versions, strict=True)]
        self._list = Document(lambda _width: lines)

    def compose(self) -> ComposeResult:
        """Title, versions, keys."""
        with Vertical():
            yield self._heading
            yield self._list
            hint = Bar()
            hint.show([("Enter", "key"), (" make ready  ", "dim"), ("Esc", "key"), (" cancel", "dim")])
            yield hint

    def on_mount(self) -> None:
        """The list has the keyboard."""
        self._list.focus()

    def on_document_chosen(self, message: Document.Chosen) -> None:
        """This one."""
        message.stop()
        self.dismiss(message.line.subject)  # type: ignore[arg-type]  # the lines above carry versions


def _row(version: Version, ready: frozenset[str], shares: Mapping[int, str]) -> list[Part]:
    metric = next(iter(sorted(version.metrics)), "")
    return [
        (version.key, "name"),
        pill(STAGES, version.stage.value),
        (shares.get(version.version, ""), "production"),
        ("ready" if version.digest in ready else "to be built", "good" if version.digest in ready else "dim"),
        (f"{metric} {number(version.metrics[metric])}" if metric else "", "dim"),
    ]


def choose_version(app: ConsoleApp, standing: Standing, typed: Answers) -> None:
    """Begin a deployment: read the versions, let one be chosen, make it ready, then ask for its share.

    Args:
        app: The application.
        standing: The endpoint.
        typed: What a command said already: `version`, `share`, `weight`, `reason`.

    Raises:
        InvalidInput: the version that was said is no number.
    """
    engine, endpoint = app.engine, standing.endpoint
    if number := typed.get("version"):
        if not (number.isascii() and number.isdigit()):
            raise InvalidInput("The version is a number, such as 7.")
        app.read(
            "deploy.versions",
            lambda: engine.models.version(endpoint.model, int(number)),
            lambda version: _make_ready(app, endpoint.name, version, typed),
        )
        return

    def read() -> tuple[list[Version], frozenset[str]]:
        found = engine.models.versions(endpoint.model, order_by=["version DESC"], limit=MOST).items
        versions = [each for each in found if each.stage.value != "Archived"]
        return versions, frozenset(each.digest for each in versions if engine.builds.get(each.digest) is not None)

    def came(found: tuple[list[Version], frozenset[str]]) -> None:
        versions, ready = found
        if not versions:
            app.say(f"{endpoint.model} has no version that can be deployed; R on a run registers one.", "warn")
            return
        shares = {each.version: each.share.value for each in endpoint.deployments if each.share is not None}
        app.open_dialog(
            ChooseVersion(endpoint.name, versions, ready, shares),
            lambda version: None if version is None else _make_ready(app, endpoint.name, version, typed),
        )

    app.read("deploy.versions", read, came)


def _make_ready(app: ConsoleApp, endpoint: str, version: Version, typed: Answers) -> None:
    engine = app.engine

    def ready(*, awaited: bool) -> None:
        if not awaited:
            app.say(f"{version.key} is ready; D on {endpoint} gives it a share.")
            return
        app.read(
            "deploy.standing",
            lambda: read_one(engine, endpoint),
            lambda found: _ask_share(app, found, version, typed),
        )

    make_ready(app, version, ready)


def _ask_share(app: ConsoleApp, standing: Standing, version: Version, typed: Answers) -> None:
    from console.endpoints.plan_dialog import PlanDialog, Proposal

    def answered(planned: Planned | None) -> None:
        if planned is None:
            app.say(f"{version.key} is ready, and gets nothing.", "dim")
        else:
            apply(app, planned)

    first = Share.LIVE.value if standing.live is None else Share.CANARY.value
    fields = [
        Field("share", "share", first),
        Field("weight", "% of a canary", "5" if first == Share.CANARY.value else "", required=False),
        Field("reason", "reason"),
    ]
    fields = [replace(field, value=typed.get(field.name, field.value)) for field in fields]
    name, endpoints = standing.name, app.engine.endpoints
    proposal = Proposal(
        f"Deploy {version.key} to {name}: canary, shadow or live?",
        "deploy",
        fields,
        lambda answers: deploy_wish(answers, version.version),
        lambda asked: endpoints.plan(name, asked),
        name,
        "share",
    )
    app.open_dialog(PlanDialog(proposal), answered)


def deploy_wish(answers: Mapping[str, str], version: int) -> RouteWish:
    """What was typed, as a wish.

    Args:
        answers: `share` and, for a canary, `weight` in per cent.
        version: The version's number.

    Raises:
        InvalidInput: there is no such share, or the weight is no percentage.
    """
    word = answers.get("share", "").lower()
    if word not in SHARES:
        raise InvalidInput(f"The share is one of {', '.join(SHARES)}.")
    share = Share(word)
    weight = parse_percent(answers.get("weight", "")) if share is Share.CANARY else 0
    return RouteWish(Cause.DEPLOY, version, share, weight)
