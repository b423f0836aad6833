"""What can be done with a whole list: copy it, save it. Declared apart from the doing, which few sessions need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.actions import Action, Answers, Field, Needs

if TYPE_CHECKING:
    from console.app import ConsoleApp

FORMS = ("tsv", "markdown", "csv", "json")
"""How a table can be copied."""


def _copy(app: ConsoleApp, _subject: Any, answers: Answers) -> None:
    from console.exporting.acts import copy_table

    copy_table(app, answers["form"])


def _save(app: ConsoleApp, _subject: Any, answers: Answers) -> None:
    from console.exporting.acts import save

    save(app, answers["file"])


EXPORT_ACTIONS: tuple[Action, ...] = (
    Action(
        "copy-table",
        "Y",
        "copy table",
        _copy,
        "Copy all rows or the marked ones, as tsv, markdown, csv or json.",
        needs=Needs.NOTHING,
        ask=lambda _subject: (Field("form", "format", FORMS[0], among=FORMS),),
        hint=False,
    ),
    Action(
        "save-list",
        "ctrl-e",
        "save list",
        _save,
        "Save all rows or the marked ones as .csv .json .txt .md .tsv or .svg.",
        needs=Needs.NOTHING,
        ask=lambda _subject: (Field("file", "file", "list.csv"),),
        hint=False,
    ),
)
"""In the order help lists them."""
