"""What moved: promotions, overrides and rollbacks of a model, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.formats import age, moment
from console.location import Location
from console.text import Part, table, wrap
from console.views import Page
from console.widgets.document import Line, blank, heading
from engine.core.timetext import format_time
from engine.deployment.model import Kind, Promotion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp

MOST = 500
"""Promotions shown."""

_LOOKS = {Kind.PROMOTE: "good", Kind.ROLLBACK: "warn", Kind.OVERRIDE: "loud"}


def _open(app: ConsoleApp, promotion: Promotion, _answers: Answers) -> None:
    app.enter(Location("version", f"{promotion.model}/{promotion.version}"))


def _then(app: ConsoleApp, promotion: Promotion, _answers: Answers) -> None:
    app.enter(Location("state", promotion.model, at=format_time(promotion.time_ms)))


def _json(app: ConsoleApp, promotion: Promotion, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, f"promotion {promotion.id}", promotion)


class History(Page["tuple[Promotion, ...]"]):
    """Promotions of the model that the location names."""

    kinds = frozenset({"version"})
    actions = (
        Action("open", "Enter", "version", _open, "The version that moved."),
        Action("state", "s", "state then", _then, "What was where right after it."),
        Action("json", "y", "json", _json, "Everything about it, as JSON."),
    )

    def fetch(self) -> tuple[Promotion, ...]:
        """The promotions.

        Raises:
            NotFound: there is no such model.
        """
        return self.deck.engine.promotions.history(self.location.name, limit=MOST).items

    def lines(self, data: tuple[Promotion, ...], width: int) -> Sequence[Line]:
        """One promotion a line, its reason below."""
        lines = [heading(f"History of {self.location.name}", f"{len(data)} moves"), blank()]
        if not data:
            return [*lines, Line([("  Nothing has moved yet. p on a version plans its promotion.", "dim")])]
        now_ms = self.deck.now_ms()
        for row, promotion in zip(table([_row(each, now_ms) for each in data]), data, strict=True):
            lines.append(Line(row, str(promotion.id), promotion))
            words = [*(f"also {move.words}" for move in promotion.replaced), promotion.reason]
            words += [f"went past: {each}" for each in promotion.overridden]
            lines += [Line([(f"        {part}", "dim")]) for each in words for part in wrap(each, max(width - 10, 20))]
        return lines


def _row(promotion: Promotion, now_ms: int) -> list[Part]:
    return [
        (f"  {age(promotion.time_ms, now_ms):>4}", "dim"),
        (promotion.kind.value, _LOOKS[promotion.kind]),
        (f"{promotion.model}/{promotion.version}", "name"),
        (f"{promotion.from_stage.value} → {promotion.to_stage.value}", ""),
        (f"by {promotion.by.name}", ""),
        (moment(promotion.time_ms), "dim"),
    ]
