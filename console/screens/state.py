"""What was where: every version's stage and aliases, now or at any past moment, from the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.formats import STAGES, moment, pill, plural
from console.location import Location
from console.text import Part, table
from console.views import Page
from console.widgets.document import Line, blank, heading
from engine.endpoints.model import Generation
from engine.registry.model import Stage, VersionState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp


@dataclass(frozen=True, slots=True)
class Then:
    """The registry at a moment.

    Args:
        time_ms: The moment, in milliseconds since the epoch.
        versions: Every version that existed then.
        routed: What endpoints routed then, by name.
    """

    time_ms: int
    versions: tuple[VersionState, ...]
    routed: tuple[Generation, ...] = ()


def _open(app: ConsoleApp, state: VersionState, _answers: Answers) -> None:
    app.enter(Location("version", f"{state.model}/{state.version}"))


class State(Page[Then]):
    """The registry at a moment; a name narrows it to one model."""

    kinds = frozenset({"version", "model"})
    actions = (Action("open", "Enter", "version", _open, "The version."),)

    def fetch(self) -> Then:
        """Replay the log.

        Raises:
            IntegrityError: a record has been damaged.
        """
        engine = self.deck.engine
        time_ms = engine.clock.now_ms()
        routed = () if self.location.name else engine.endpoints.at(time_ms)
        return Then(time_ms, engine.promotions.at(self.location.name or None, time_ms), routed)

    def lines(self, data: Then, width: int) -> Sequence[Line]:
        """Production first, then stage by stage."""
        del width
        lines = [heading("What was where", f"at {moment(data.time_ms)}"), blank()]
        if not data.versions:
            return [*lines, Line([("  No version existed then.", "dim")])]
        for stage in (Stage.PRODUCTION, Stage.STAGING, Stage.REGISTERED, Stage.ARCHIVED):
            states = [state for state in data.versions if state.stage is stage]
            if states:
                lines.append(Line([(" ", ""), pill(STAGES, stage.value), (f"  {len(states)}", "dim")]))
                rows = table([_row(state) for state in sorted(states)])
                lines += [
                    Line(row, f"{state.model}/{state.version}", state)
                    for row, state in zip(rows, sorted(states), strict=True)
                ]
                lines.append(blank())
        return [*lines, *_routed(data.routed)]


def _routed(generations: Sequence[Generation]) -> list[Line]:
    if not generations:
        return []
    rows: list[list[Part]] = [
        [
            (f"    {each.endpoint}", "name"),
            (f"generation {each.number}", ""),
            ("KILLED" if each.killed else plural(len(each.routes), "version"), "bad" if each.killed else "dim"),
            (f"{each.cause.value} by {each.by}", "dim"),
            (each.reason, "dim"),
        ]
        for each in generations
    ]
    return [Line([(" Endpoints", "head")]), *(Line(row) for row in table(rows))]


def _row(state: VersionState) -> list[Part]:
    aliases = " ".join(f"@{alias}" for alias in state.aliases)
    look = "production" if state.stage is Stage.PRODUCTION else "name"
    return [(f"    {state.model}/{state.version}", look), (aliases, "link")]
