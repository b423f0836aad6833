"""Help: the keys of the present view, of every view, and the commands. All of it from the registries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from console.actions import Action, Danger
from console.commanding.catalog import SINGULAR
from console.everywhere import EVERYWHERE
from console.registry import RESOURCES
from console.screens.dialogs import TextDialog
from console.text import Part, table
from console.views import Page
from console.widgets.document import Line, blank, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.views import View

DANGERS = {
    Danger.VIEW: ("", ""),
    Danger.REVERSIBLE: ("changes", "dim"),
    Danger.PRODUCTION: ("asks y", "warn"),
    Danger.IRREVERSIBLE: ("asks the name", "bad"),
}

TYPING = (
    (":runs /word metrics.auc>0.9 sort:-auc cols:auc,lr", "a list, filtered, sorted, with columns of choice"),
    (":versions churn    :run 3f2a    :state @2026-11-03T09:00", "one thing; the past"),
    (":promote churn 7 --to production", "a change; it is planned and shown before anything happens"),
    (":tag runs 3f2a team=risk    :delete versions churn/3 --reason old", "any action, on things by their names"),
    (":copy-cli tag runs 3f2a team=risk", "the same for the shell, copied and not done"),
    ("Tab  completes    ↑ ↓  what was typed before    ctrl-r  searches it", "in the line after :"),
    ("/word  -word  /regex/  cfg.lr>=1e-3  note:debug  auc=0.8..0.9  start_time>2h", "filters; all must hold"),
)


def _rows(actions: Sequence[Action]) -> list[list[Part]]:
    rows: list[list[Part]] = []
    for action in actions:
        danger = ("by what it is done to", "warn") if callable(action.danger) else DANGERS[action.danger]
        rows.append([(f"  {action.key or ':' + action.name}", "key"), (action.about or action.label, ""), danger])
    return rows


def _everywhere(view: View | None) -> list[Action]:
    """What every view does; where the present one means something else by its key, it is typed."""
    taken = {action.key for action in view.offered()} if view is not None else set()
    return [replace(action, key="") if action.key in taken else action for action in EVERYWHERE]


def _explained(notes: Sequence[tuple[str, str]]) -> list[Line]:
    """The whole names of the columns whose headings are cut."""
    rows: list[list[Part]] = [[(f"  {shown}", "key"), (whole, "")] for shown, whole in notes]
    return [heading("Columns"), *(Line(row) for row in table(rows)), blank()] if rows else []


def help_lines(view: View | None) -> list[Line]:
    """All of help; the present view's keys come first.

    Args:
        view: The present view, if there is one.

    Returns:
        The lines.
    """
    lines: list[Line] = []
    if view is not None:
        lines += _explained(view.notes())
        lines.append(heading(f"In {view.title}"))
        moves = [[(f"  {keys}", "key"), (what, ""), ("", "")] for keys, what in view.movements]
        lines += [Line(row) for row in table([*_rows(view.offered()), *moves])]
        lines.append(blank())
    lines += _from_the_file(view)
    lines.append(heading("Everywhere"))
    lines += [Line(row) for row in table(_rows(_everywhere(view)))]
    lines += [blank(), heading("Resources", "typed after :")]
    rows: list[list[Part]] = [
        [(f"  {name}", "key"), (", ".join(entry.aliases), "dim"), (entry.summary, "")]
        for name, entry in RESOURCES.items()
    ]
    lines += [Line(row) for row in table(rows)]
    lines += [blank(), heading("Typing")]
    for example, meaning in TYPING:
        lines += [Line([(f"  {example}", "key")]), Line([(f"      {meaning}", "dim")])]
    lines += [blank(), heading("Verbs", "typed after :")]
    return lines + _verbs()


def _from_the_file(view: View | None) -> list[Line]:
    """What `quarterdeck.toml` adds to the present view, and its short words."""
    if view is None or not view.is_attached:
        return []
    custom = view.deck.custom
    rows = _rows(custom.actions(view.location.resource))
    rows += [[(f"  :{alias}", "key"), (f":{text}", ""), ("", "")] for alias, text in custom.settings.aliases.items()]
    return [heading("From quarterdeck.toml"), *(Line(row) for row in table(rows)), blank()] if rows else []


def _verbs() -> list[Line]:
    """Every verb, and what it can be done to."""
    from console.commanding.grammar import verbs_by_name

    rows: list[list[Part]] = []
    for verb in sorted(verbs_by_name().values(), key=lambda each: each.name):
        words = [name for name in verb.resources if name not in SINGULAR]
        rows.append([(f"  {verb.name}", "key"), (", ".join(words), "dim"), (verb.summary, "")])
    return [Line(row) for row in table(rows)]


class Wide(TextDialog):
    """Lines to read in a box as large as the screen allows."""

    DEFAULT_CSS = "Wide Document { max-height: 70vh; } Wide > Vertical { width: 110; }"


class HelpDialog(Wide):
    """Help over the present view.

    Args:
        view: The present view.
    """

    def __init__(self, view: View | None) -> None:
        super().__init__("Help", help_lines(view))


class Help(Page[list[Line]]):
    """Help as a view, for `:help`."""

    def fetch(self) -> list[Line]:
        """Nothing to read: help is made from the registries."""
        return help_lines(None)

    def lines(self, data: list[Line], width: int) -> Sequence[Line]:
        """The lines."""
        del width
        return data
