"""The log: what the console has said in this session and in those before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers
from console.formats import moment
from console.text import Part, wrap
from console.views import Page
from console.widgets.document import Line, blank, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from console.journal import Entry

_MARKS: dict[str, Part] = {"bad": ("✗ error  ", "bad"), "warn": ("! warning", "warn"), "good": ("✓ done   ", "good")}
_MOST_LINES = 2
_LEAD = 32
_NARROWEST = 20


def entry_lines(entry: Entry) -> list[Line]:
    """Everything that is known of one entry."""
    facts = (("when", moment(entry.at_ms)), ("where", entry.place), ("code", entry.code), ("next", entry.hint))
    lines = [Line([(entry.text, _MARKS.get(entry.look, ("", ""))[1])]), blank()]
    return lines + [Line([(f"{name:<6} ", "dim"), (text, "")]) for name, text in facts if text]


def _show(app: ConsoleApp, entry: Entry, _answers: Answers) -> None:
    from console.screens.help import Wide

    app.open_dialog(Wide("Said", entry_lines(entry)))


class LogView(Page["tuple[Entry, ...]"]):
    """What was said, newest first."""

    actions = (Action("open", "Enter", "show", _show, "Show the whole of it, with what to do next."),)

    def fetch(self) -> tuple[Entry, ...]:
        """The entries there are."""
        return tuple(self.deck.journal.entries())

    def lines(self, data: tuple[Entry, ...], width: int) -> Sequence[Line]:
        """One entry after the other, cut to two lines."""
        path = self.deck.journal.path
        where = "nothing is kept in a file" if path is None else str(path)
        lines = [heading("Said", where), blank()]
        if not data:
            return [*lines, Line([("  Nothing yet: errors, warnings and what was done stand here.", "dim")])]
        for place, entry in enumerate(data):
            text = list(wrap(f"{entry.text} {entry.hint}".strip(), max(width - _LEAD, _NARROWEST)))[:_MOST_LINES]
            mark = _MARKS.get(entry.look, (" " * 9, ""))
            lead: list[Part] = [(f"  {moment(entry.at_ms)}  ", "dim"), mark, ("  ", "")]
            lines.append(Line([*lead, (text[0] if text else "", "")], key=f"{place}.{entry.at_ms}", subject=entry))
            lines += [Line([(" " * _LEAD, ""), (more, "")]) for more in text[1:]]
        return lines
