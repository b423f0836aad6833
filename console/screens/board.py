"""The stage board: four columns, one a stage; every version a card."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical

from console.actions import Action, Answers, Needs
from console.formats import STAGES, age, number, pill
from console.resources.versions import ACTIONS as VERSION_ACTIONS
from console.resources.versions import fetch
from console.text import Part
from console.views import PageDocument, View
from console.widgets.bar import Bar
from console.widgets.document import Document, Line
from engine.registry.model import Stage, Version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from console.app import ConsoleApp
    from console.location import Location

COLUMNS = (Stage.REGISTERED, Stage.STAGING, Stage.PRODUCTION, Stage.ARCHIVED)


def _side(step: int) -> Action:
    def run(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
        if isinstance(app.view, Board):
            app.view.step(step)

    key, about = ("right", "The column to the right.") if step > 0 else ("left", "The column to the left.")
    return Action(key, key, key, run, about, needs=Needs.NOTHING, hint=False)


class Lane(Vertical):
    """One stage.

    Args:
        stage: Which.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.heading = Bar()
        self.document = LaneDocument()

    def compose(self) -> ComposeResult:
        """The stage's name over its versions."""
        yield self.heading
        yield self.document

    def show(self, versions: Sequence[Version], now_ms: int) -> None:
        """Show the versions of the stage."""
        name, look = pill(STAGES, self.stage.value)
        self.heading.show([(name, look), (f" {len(versions)}", "dim")])
        lines: list[Line] = []
        for version in versions:
            look = "production" if self.stage is Stage.PRODUCTION else "name"
            lines.append(Line([(version.key, look), *_aliases(version)], version.key, version))
            first = next(iter(sorted(version.metrics.items())), None)
            metric = f"{first[0]} {number(first[1], 4)} · " if first else ""
            lines.append(Line([(f" {metric}{age(version.stage_ms, now_ms)}", "dim")]))
        self.document.set_lines(lines or [Line([("none", "dim")])])


class LaneDocument(PageDocument):
    """A lane's cards; left and right belong to the board."""

    KEYS: ClassVar[Mapping[str, str]] = dict(PageDocument.KEYS)


def _aliases(version: Version) -> list[Part]:
    return [(f" @{alias}", "link") for alias in version.aliases]


class Board(View):
    """Versions of a model, or of all models, by stage.

    Args:
        location: A name is a model's.
    """

    DEFAULT_CSS = "Board Lane { width: 1fr; padding: 0 1; }"

    kinds = frozenset({"version"})
    actions = (*VERSION_ACTIONS, _side(-1), _side(1), replace(_side(1), name="next", key="tab"))

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._lanes = [Lane(stage) for stage in COLUMNS]
        self._at = COLUMNS.index(Stage.PRODUCTION)
        self._count: int | None = None

    def compose(self) -> ComposeResult:
        """The lanes side by side."""
        with Horizontal():
            yield from self._lanes

    def on_mount(self) -> None:
        """Read at once."""
        self.load()

    def load(self) -> None:
        """Read the versions."""
        engine, location = self.deck.engine, self.location
        self.deck.read(f"board.{id(self)}", lambda: list(fetch(engine, location)), self._show)

    def _show(self, versions: list[Version]) -> None:
        now_ms = self.deck.now_ms()
        for lane in self._lanes:
            lane.show([version for version in versions if version.stage is lane.stage], now_ms)
        self._count = len(versions)
        if self._lanes[self._at].document.line is None:
            filled = [place for place, lane in enumerate(self._lanes) if lane.document.line is not None]
            self._at = filled[0] if filled else self._at
            if self.display and not self.deck.frame.typing:
                self.take_focus()
        self.deck.frame_changed()

    def status(self) -> Sequence[Part]:
        """How many versions there are; what makes the first one when there is none."""
        if self._count == 0:
            return [("no versions yet: R on a run registers one", "dim")]
        return [(f"{self._count} versions", "")] if self._count is not None else ()

    def step(self, by: int) -> None:
        """Go to a neighbouring lane."""
        self._at = max(0, min(self._at + by, len(self._lanes) - 1))
        self.take_focus()

    def take_focus(self) -> None:
        """The lane the cursor is in."""
        self.screen.set_focus(self._lanes[self._at].document)

    def subject(self) -> object | None:
        """The version under the cursor."""
        line = self._lanes[self._at].document.line
        return line.subject if line is not None else None

    def copy_text(self, *, whole: bool) -> str:
        """The version's key."""
        del whole
        line = self._lanes[self._at].document.line
        return line.key if line is not None else ""

    def on_document_moved(self, message: Document.Moved) -> None:
        """A click may have gone to another lane."""
        message.stop()
        self._at = next(place for place, lane in enumerate(self._lanes) if lane.document is message.document)
