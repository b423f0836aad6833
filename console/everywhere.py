"""What can be done in every view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import past
from console.actions import Action, Answers, Field, Needs
from console.jobs import START as START_JOB
from console.undoing.acts import REDO, UNDO

if TYPE_CHECKING:
    from console.app import ConsoleApp


def _command(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    from console.commands import type_command

    type_command(app)


def _filter(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    from console.commands import type_filter

    type_filter(app)


def _help(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    from console.screens.help import HelpDialog

    app.open_dialog(HelpDialog(app.view))


def _keys(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    from console.screens.focused import show_focused

    show_focused(app)


def _palette(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    from console.screens.palette import open_palette

    open_palette(app)


def _leave(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    app.leave()


def _back(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    app.step(app.navigator.back, "There is nothing before this.")


def _forward(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    app.step(app.navigator.forward, "There is nothing after this.")


def _last(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    app.step(app.navigator.last, "You have been nowhere else yet.")


def _refresh(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    if app.view is not None:
        app.view.load()


def _copy_cell(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    if app.view is not None and (text := app.view.copy_text(whole=False)):
        app.copy(text)


def _copy_row(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    if app.view is not None and (text := app.view.copy_text(whole=True)):
        app.copy(text)


def _copy_cli(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    from console.commanding.copying import copy_here

    copy_here(app)


def _lineage(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    from console.ancestry import show_lineage

    show_lineage(app)


def _view(app: ConsoleApp, _subject: Any, answers: Answers) -> None:
    from console.arranging.saved import open_view

    open_view(app, answers["name"])


def _home(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    from console.registry import START

    app.jump(START)


def _log(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    from console.location import Location

    app.enter(Location("log"))


def _theme(app: ConsoleApp, _subject: Any, answers: Answers) -> None:
    from console.theming.choosing import change

    change(app, answers["theme"])


def _tutorial(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    from console.tutorial import toggle

    toggle(app)


def _quit(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    app.quit()


def _suspend(app: ConsoleApp, _subject: Any, _answers: Answers) -> None:
    app.action_suspend_process()


EVERYWHERE: tuple[Action, ...] = (
    Action("filter", "/", "filter", _filter, "Filter: words, !word, /regex/, auc>0.9.", needs=Needs.NOTHING),
    Action("command", ":", "command", _command, "Type a command; Tab completes.", needs=Needs.NOTHING),
    Action("help", "?", "help", _help, "Keys of this view and of every view.", needs=Needs.NOTHING),
    Action("keys", "F1", "keys", _keys, "Keys of what is focused: a line, a dialog, the view.", needs=Needs.NOTHING),
    Action("palette", "ctrl-p", "palette", _palette, "Find any action, resource or model.", needs=Needs.NOTHING),
    Action("leave", "Esc", "out", _leave, "Give up the filter, then the marks, then the view.", needs=Needs.NOTHING),
    Action("back", "[", "back", _back, "The view before.", needs=Needs.NOTHING),
    Action("forward", "]", "forward", _forward, "The view after.", needs=Needs.NOTHING),
    Action("last", "-", "last", _last, "To the last view and back.", needs=Needs.NOTHING),
    Action("lineage", "l", "lineage", _lineage, "What led to it, and what came of it.", needs=Needs.NOTHING),
    Action("at", "@", "moment", past.type_moment, "See this as it was: 2026-11-03T09:00, 5m ago.", needs=Needs.NOTHING),
    Action("earlier", "{", "change before", past.earlier, "As the change before left it.", needs=Needs.NOTHING),
    Action("later", "}", "change after", past.later, "As the next change left it; at last, now.", needs=Needs.NOTHING),
    Action("copy", "c", "copy", _copy_cell, "Copy the cell or line under the cursor.", needs=Needs.NOTHING),
    Action("copy-row", "C", "copy row", _copy_row, "Copy the whole row or page.", needs=Needs.NOTHING),
    Action("refresh", "ctrl-r", "refresh", _refresh, "Read anew; new rows take their place.", needs=Needs.NOTHING),
    UNDO,
    REDO,
    Action("home", "H", "pulse", _home, "The first screen.", needs=Needs.NOTHING),
    Action("copy-cli", "", "copy as command", _copy_cli, "Copy the shell command of this.", needs=Needs.NOTHING),
    Action("log", "F2", "log", _log, "What the console has said so far.", needs=Needs.NOTHING),
    Action("tutorial", "", "tutorial", _tutorial, "Learn it on the real screens; again ends it.", needs=Needs.NOTHING),
    Action(
        "theme",
        "",
        "theme",
        _theme,
        "How it looks: ansi, dark, light, contrast, safe, mono, or one of your own.",
        needs=Needs.NOTHING,
        ask=lambda _subject: (Field("theme", "theme", required=False),),
    ),
    START_JOB,
    Action(
        "view",
        "",
        "open view",
        _view,
        "Open a view that ctrl-s saved.",
        needs=Needs.NOTHING,
        ask=lambda _subject: (Field("name", "view"),),
    ),
    Action("quit", "q", "quit", _quit, "Leave; asks only while something is being done.", needs=Needs.NOTHING),
    Action("quit-now", "ctrl-c", "quit", _quit, "Leave safely.", needs=Needs.NOTHING),
    Action("suspend", "ctrl-z", "suspend", _suspend, "Back to the shell; fg comes back.", needs=Needs.NOTHING),
)
"""In the order help lists them."""
