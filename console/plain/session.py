"""The conversation: a line in, what it comes to out, until there is no more."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from console.actions import Action, Needs, find, why_not
from console.everywhere import EVERYWHERE
from console.plain.app import FAILED
from console.plain.asking import Asking
from console.plain.stream import Interrupted
from console.plain.telling import PAGE, Told, headline, needs_number, table_of, tell_page, tell_rows
from console.plain.words import HELP, Act, Plain, Word, read_act, read_line
from console.screens.dialogs import Dialog
from console.screens.list import ListView
from console.widgets.document import Document
from console.widgets.table import VirtualTable
from engine.core.errors import InvalidInput, QuarterdeckError

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from console.plain.app import PlainApp
    from console.plain.stream import Lines
    from console.plain.telling import Place
    from console.views import View

PATIENCE_SECONDS = 30.0
"""How long a line may take before the next one is read all the same."""

TURN_SECONDS, PAUSE_SECONDS = 0.01, 0.25
"""Between two looks at whether all is done: of a line, and of what goes on for minutes."""

SPOKEN = frozenset({"back", "forward", "last", "leave", "refresh", "home", "copy-cli", "undo", "redo", "quit"})
"""Actions of every screen that mean something in lines."""


class Session:
    """A conversation.

    Args:
        app: The console without a picture.
        lines: The two ends.
        pilot: Says when the console has done all it was told.
    """

    def __init__(self, app: PlainApp, lines: Lines, pilot: Pilot[object]) -> None:
        self._app = app
        self._lines = lines
        self._pilot = pilot
        self._told = Told([], {})
        self._first = 0
        self._news = asyncio.Event()
        app.tell, app.complain, app.heard = lines.say, lines.complain, self._news.set

    async def run(self) -> int:
        """Talk until somebody quits or the input ends.

        Returns:
            The exit code: 0, or that of the line which failed where nobody types: what follows it was written in the
            belief that it worked.
        """
        code = await self._guarded(self._begin())
        while not code and self._app.is_running:
            try:
                line = await self._lines.ask()
            except Interrupted:
                if not self._lines.interactive:
                    return 130
                continue
            if line is None:
                await self._finish()
                return self._app.take_code()
            code = await self._guarded(self._obey(line))
            if self._lines.interactive:
                code = 0
            if self._app.leaving:
                return 0
        return code

    async def _guarded(self, doing: object) -> int:
        """Do something with all it sets off; returns the exit code of what went wrong."""
        app = self._app
        app.attentive = True
        try:
            await doing  # type: ignore[misc]  # a coroutine of this class
        except QuarterdeckError as error:
            app.fail(error)
        except Interrupted:
            app.code = app.code or FAILED
            self._close_dialogs()
            self._lines.complain("Given up.")
        finally:
            app.attentive = False
        return app.take_code()

    async def _begin(self) -> None:
        engine = self._app.engine
        access = engine.access
        self._lines.say(
            f"Quarterdeck, workspace {engine.workspace.path}; {access.actor.name}, {access.role.label}"
            f"{'; read-only' if access.read_only else ''}. Type help for help."
        )
        await self._settle()
        self._show()

    async def _finish(self) -> None:
        """The input has ended: what was begun is finished."""
        if self._app.tasks.running:
            self._app.attentive = True
            self._lines.say("Finishing what was begun.")
            while self._app.tasks.running:
                await self._pilot.pause(PAUSE_SECONDS)
            await self._settle()

    # --- waiting

    async def _settle(self) -> None:
        """Wait until all has been read and done that the last line set off, and the dialogs it opened are there."""
        limit = time.monotonic() + PATIENCE_SECONDS
        quiet = 0
        while quiet < 2 and time.monotonic() < limit and not self._app.leaving:
            await self._pilot.pause(0)
            view = self._app.view
            counting = isinstance(view, ListView) and not view.complete and not self._app.code
            quiet = 0 if self._app.busy or counting else quiet + 1
            if not quiet:
                await asyncio.sleep(TURN_SECONDS)

    async def _answer_dialogs(self, given: dict[str, str]) -> None:
        await self._settle()
        while isinstance(dialog := self._app.screen, Dialog) and not self._app.leaving:
            await Asking(self._app, self._lines, self._settle).converse(dialog, given)
            given = {}
            await self._settle()

    def _close_dialogs(self) -> None:
        while isinstance(dialog := self._app.screen, Dialog):
            with contextlib.suppress(Exception):
                dialog.give_up()
            if self._app.screen is dialog:
                self._app.pop_screen()

    # --- doing

    async def _obey(self, line: str) -> None:
        view = self._app.view
        before, opened = self._app.navigator.here, _opened(view)
        heard = self._lines.count
        plain = read_line(line)
        if plain is not None:
            await self._do(plain)
        elif (act := read_act(line, [action.name for action in self._actions()])) is not None and self._is_act(act):
            await self._act(act)
        else:
            from console.commands import run_command

            run_command(self._app, line.strip().removeprefix(":"))
            await self._answer_dialogs({})
            if heard == self._lines.count and self._app.navigator.here == before and not self._app.leaving:
                await self._show_anew()  # the same screen was asked for again
                return
        moved = self._app.navigator.here != before or self._app.view is not view
        if moved and not self._app.leaving and not (self._app.code and heard != self._lines.count):
            self._first = 0
            self._show()
        elif view is not None and view is self._app.view and opened != _opened(view):
            await self._show_from_cursor(view)

    def _is_act(self, act: Act) -> bool:
        """Whether a line is an action here rather than a resource of the same name."""
        from console.registry import GRAMMAR

        return bool(act.numbers or act.answers) or GRAMMAR.resource(act.name) is None

    def _actions(self) -> list[Action]:
        return [*self._app.offered(), *(action for action in EVERYWHERE if action.name in SPOKEN)]

    async def _do(self, plain: Plain) -> None:
        if plain.word is Word.OPEN:
            await self._open(int(plain.text))
        elif plain.word is Word.FILTER:
            await self._filter(plain.text)
        elif plain.word in (Word.NEXT, Word.PREVIOUS):
            await self._turn(PAGE if plain.word is Word.NEXT else -PAGE)
        elif plain.word is Word.SHOW:
            await self._show_anew()
        elif plain.word is Word.ACTIONS:
            self._say_actions()
        elif plain.word is Word.HELP:
            self._help()
        elif plain.word is Word.NEWS:
            self._say_news("Nothing is new.")
        elif plain.word is Word.WATCH:
            await self._watch(plain.text)
        elif plain.word is Word.QUIT:
            self._app.quit()
            await self._answer_dialogs({})

    async def _open(self, number: int) -> None:
        await self._point(number)
        if not self._app.press("Enter"):
            raise InvalidInput("Nothing opens here.", hint="Type actions for what can be done.")
        await self._answer_dialogs({})

    async def _filter(self, text: str) -> None:
        view = self._app.view
        if view is None or not view.filterable:
            raise InvalidInput("This screen has nothing to filter.")
        view.set_filter(text)
        await self._settle()

    async def _act(self, act: Act) -> None:
        app = self._app
        action = self._named(act)
        subject: object = None
        if action.needs is Needs.MANY:
            subject = tuple([await self._thing(number) for number in act.numbers]) or None
        elif len(act.numbers) > 1:
            raise InvalidInput(f"{action.name} takes one row at a time.")
        elif act.numbers:
            subject = await self._thing(act.numbers[0])
        if action.needs is not Needs.NOTHING and subject is None:
            self._must_not_guess(action)
        if act.answers and why_not(action, subject, app.engine.access, stale=app.stale) is None:
            self._must_ask(action, act)
        app.invoke(action, subject)
        await self._answer_dialogs(act.answers)

    def _named(self, act: Act) -> Action:
        """The action of a name; with numbers it is about rows, so that of the screen."""
        from console.commanding.typed import meant

        named = [each for each in self._actions() if each.name == act.name]
        return named[0] if act.numbers or len(named) == 1 else meant(named[0], named[-1]) or named[0]

    def _must_not_guess(self, action: Action) -> None:
        view = self._app.view
        if view is not None and needs_number(view):
            raise InvalidInput(f"{action.name} needs the number of a row.", hint=f"Type {action.name} 1.")

    def _must_ask(self, action: Action, act: Act) -> None:
        """Refuse options of an action that asks for nothing, rather than drop them."""
        view = self._app.view
        subject = None if view is None else view.subject()
        if not action.dialog and not action.changes and not action.ask(subject):
            raise InvalidInput(f"{action.name} asks for nothing; there is no --{next(iter(act.answers))}.")

    async def _thing(self, number: int) -> object:
        """Put the cursor on a thing, which a group is not."""
        thing = await self._point(number)
        if isinstance(view := self._app.view, ListView) and view.grouping.here is not None:
            raise InvalidInput(f"Row {number} is a group.", hint=f"open {number} says its rows; name those.")
        return thing

    async def _point(self, number: int) -> object:
        """Put the cursor on what a number means; returns the thing.

        Raises:
            InvalidInput: the number was not said, or the thing is elsewhere now.
        """
        place = self._told.places.get(number)
        view = self._app.view
        if place is None or view is None:
            raise InvalidInput(f"No row {number} was said.", hint="Type show to hear the numbers.")
        if not await self._reached(place, number):
            raise InvalidInput(f"Row {number} is not there any more.", hint="Type show to hear the list anew.")
        return view.subject()

    async def _reached(self, place: Place, number: int) -> bool:
        if isinstance(place.widget, VirtualTable):
            place.widget.go_to(number - 1)
            await self._settle()
            return place.widget.cursor_key == place.key
        place.widget.choose(str(place.key))
        line = place.widget.line
        if line is None or line.key != place.key:
            return False
        place.widget.post_message(Document.Moved(place.widget, line))
        await self._settle()
        return True

    # --- saying

    async def _show_anew(self) -> None:
        """Say the screen from its first row, as it is now."""
        view = self._app.view
        if view is not None:
            view.load()
            await self._settle()
        table = table_of(view) if view is not None else None
        if table is not None:
            table.go_to(0)
            await self._settle()
        self._first = 0
        self._show()

    def _show(self) -> None:
        """Say the screen."""
        view = self._app.view
        if view is None:
            return
        table = table_of(view)
        self._told = tell_rows(table, self._first) if table is not None else tell_page(view)
        self._lines.say(headline(view))
        for line in self._told.lines:
            self._lines.say(line)

    async def _turn(self, step: int) -> None:
        view = self._app.view
        table = table_of(view) if view is not None else None
        if table is None:
            raise InvalidInput("This screen has one page.", hint="Type show to hear it again.")
        first = self._first + step
        if not 0 <= first < table.row_count:
            raise InvalidInput("There are no more rows." if step > 0 else "These are the first rows.")
        await self._show_from(table, first)

    async def _show_from_cursor(self, view: View) -> None:
        """Say the page of a list from the row of the cursor on: a group was opened or closed there."""
        table = table_of(view)
        if table is not None:
            await self._show_from(table, max(table.cursor_index, 0))

    async def _show_from(self, table: VirtualTable, first: int) -> None:
        """Say a page of a list."""
        self._first = first
        table.go_to(min(first + PAGE, table.row_count) - 1)
        await self._settle()
        table.go_to(first)
        await self._settle()
        self._show()

    def _say_actions(self) -> None:
        view = self._app.view
        numbered = view is not None and needs_number(view)
        for action in self._app.offered():
            if find([action], action.key) is not None or action.key == "":
                row = " NUMBER" if numbered and action.needs is not Needs.NOTHING else ""
                self._lines.say(f"{action.name}{row}: {action.about or action.label}")
        self._lines.say("Everywhere: " + ", ".join(sorted(SPOKEN)))

    def _help(self) -> None:
        from console.registry import GRAMMAR

        for line in HELP:
            self._lines.say(line)
        self._lines.say("Resources: " + ", ".join(GRAMMAR.resources))

    def _say_news(self, none: str = "") -> None:
        news = self._app.take_news()
        for line in news or ([none] if none else []):
            self._lines.say(line)

    async def _watch(self, text: str) -> None:
        """Say what happens as it happens."""
        if text and not (text.isascii() and text.isdigit() and len(text) < 7):
            raise InvalidInput("watch takes a number of seconds.", hint="Type watch 30.")
        end = time.monotonic() + int(text) if text else None
        if self._lines.interactive:
            self._lines.say("Watching; Enter ends it.")
        self._say_news()
        waiting = asyncio.ensure_future(self._lines.pause(None if end is None else end - time.monotonic()))
        while not waiting.done():
            self._news.clear()
            heard = asyncio.ensure_future(self._news.wait())
            await asyncio.wait((waiting, heard), return_when=asyncio.FIRST_COMPLETED)
            heard.cancel()
            self._say_news()


def _opened(view: View | None) -> object:
    """Which groups of a list are opened."""
    return view.grouping.opened if isinstance(view, ListView) else None
