"""One endpoint: who answers and how well, the canary against the live version, data planes, and what was before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.endpoints import past, trial, versions, words
from console.endpoints.acts import ROUTING
from console.endpoints.detail import CURVE_SECONDS, Detail, Moved, read_detail, read_moved
from console.endpoints.keeping import KEEPING
from console.endpoints.measuring import OF_ENDPOINT
from console.formats import pill
from console.text import Part, crop, measure
from console.views import Page
from console.widgets.document import Line, blank
from engine.endpoints.model import Deployment, Generation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from console.serving import Beat
    from engine.core.events import Changes

WIDE = 130
"""Columns from which sections stand in two columns."""

GAP = 3


def _json(app: ConsoleApp, detail: Detail, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, detail.standing.name, detail)


def _open(app: ConsoleApp, detail: Detail, _answers: Answers) -> None:
    if isinstance(app.view, EndpointView):
        app.view.open_line(detail)


class EndpointView(Page[Detail]):
    """The endpoint that the location names."""

    kinds = frozenset({"endpoint", "rollout"})
    actions = (
        Action("open", "Enter", "open", _open, "The version or the generation under the cursor.", hint=False),
        *ROUTING,
        OF_ENDPOINT,
        *KEEPING,
        Action("json", "y", "json", _json, "Everything about it, as JSON.", hint=False),
    )

    def fetch(self) -> Detail:
        """Read all of it.

        Raises:
            NotFound: there is no such endpoint.
            QuarterdeckError: the workspace cannot be read.
        """
        return read_detail(self.deck.engine, self.location.name)

    def changed(self, changes: Changes) -> None:
        """Only news of this endpoint count."""
        if changes.missed or any(
            event.key == self.location.name for event in changes.events if event.kind in self.kinds
        ):
            self.load()

    def beat(self, beat: Beat) -> None:
        """Read what moves while it does: a minute after the last report the curve is flat."""
        detail, engine, name = self.data, self.deck.engine, self.location.name
        rolling = detail is not None and detail.standing.rollout is not None
        if detail is not None and (beat.planes_moved or rolling or beat.quiet_seconds < CURVE_SECONDS + 2):
            self.deck.read(f"moved.{id(self)}", lambda: read_moved(engine, name), self._moved, self.failed)

    def _moved(self, moved: Moved) -> None:
        if self.data is not None:
            self._show(moved.onto(self.data))

    def tick(self) -> None:
        """Ages."""
        if self.data is not None:
            self.load()

    def status(self) -> Sequence[Part]:
        """How it does, where it can be seen while the page is scrolled."""
        if self.data is None:
            return ()
        standing = self.data.standing
        return [pill(words.HEALTH, standing.health.value), ("  gen ", "dim"), words.generation(standing)]

    def subject(self) -> object | None:
        """The endpoint, wherever the cursor is."""
        return self.data

    @property
    def chosen(self) -> Deployment | None:
        """The deployment under the cursor; `None` elsewhere."""
        line = self.document.line
        return line.subject if line is not None and isinstance(line.subject, Deployment) else None

    def open_line(self, detail: Detail) -> None:
        """Show what is under the cursor: the version that is deployed, or the whole generation."""
        from console.location import Location
        from console.screens.record import show_json

        line = self.document.line
        if line is not None and isinstance(line.subject, Deployment):
            self.deck.enter(Location("version", line.subject.key))
        elif line is not None and isinstance(line.subject, Generation):
            show_json(self.deck, f"{detail.standing.name} generation {line.subject.number}", line.subject)

    def lines(self, data: Detail, width: int) -> Sequence[Line]:
        """Section after section; two columns where there is room."""
        now_ms, unicode = self.deck.now_ms(), self.deck.unicode
        top = [
            *versions.head_lines(data, width),
            blank(),
            *versions.version_lines(data, now_ms, width, unicode=unicode),
        ]
        wide = width >= WIDE
        left_width = (width - GAP) * 5 // 9 if wide else width
        right_width = width - GAP - left_width if wide else width
        left = [
            trial.rollout_lines(data, now_ms, left_width, unicode=unicode),
            trial.shadow_lines(data),
            past.history_lines(data, now_ms),
        ]
        right = [
            versions.latency_lines(data, right_width, unicode=unicode),
            past.plane_lines(data, now_ms, right_width),
            past.capture_lines(data),
            past.failure_lines(data, now_ms),
        ]
        if wide:
            return [*top, blank(), *beside(_stacked(left), _stacked(right), left_width)]
        order = [left[0], left[1], right[0], right[1], right[3], left[2], right[2]]
        return [*top, blank(), *_stacked(order)]


def _stacked(sections: Sequence[Sequence[Line]]) -> list[Line]:
    return [line for section in sections if section for line in (*section, blank())]


def beside(left: Sequence[Line], right: Sequence[Line], left_width: int) -> list[Line]:
    """Two columns of lines as one; what can be chosen is on the left, else on the right.

    Args:
        left: The left column.
        right: The right one.
        left_width: Cells of the left one.
    """
    lines = []
    for place in range(max(len(left), len(right))):
        here = left[place] if place < len(left) else Line()
        there = right[place] if place < len(right) else Line()
        kept = crop(here.parts, left_width)
        space = " " * (left_width - measure(kept) + GAP)
        chosen = here if here.key else there
        lines.append(Line([*kept, (space, ""), *there.parts], chosen.key, chosen.subject))
    return lines
