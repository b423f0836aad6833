"""The line after `:`: completion with a menu, history with a search, and errors that point at the word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.commanding.grammar import grammar_of, is_ready
from console.commanding.names import known_names, own_values
from console.registry import GRAMMAR
from console.typing import Stage, Typed, common_start
from engine.core.completion import Completion, Names, complete
from engine.core.errors import FilterSyntaxError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.app import ConsoleApp
    from console.text import Part

MOST_SHOWN = 8
"""Completions shown at once."""


class CommandLine:
    """One command being typed.

    Args:
        app: The application.
        run: Does what was typed; raises `FilterSyntaxError` when it means nothing, and then the line stays.
        text: What stands in it at first.
    """

    def __init__(self, app: ConsoleApp, run: Callable[[str], None], text: str = "") -> None:
        self._app = app
        self._run = run
        self._grammar = grammar_of(app) if is_ready() else GRAMMAR
        self._names = Names()
        self._back = 0
        self._menu: Sequence[Completion] = ()
        self._chosen = 0
        self._before = ""
        self._put_last = ""
        self._search: str | None = None
        self._found = 0
        self._last: Typed | None = None
        app.frame.ask(":", text, self.typed)
        app.read("command.names", lambda: known_names(app.engine, own_values(app)), self._take_names)

    def _take_names(self, names: Names) -> None:
        """Every resource is imported by now, off this thread: the whole grammar costs nothing any more."""
        self._names, self._grammar = names, grammar_of(self._app)
        if self._last is not None and not self._menu and self._search is None:
            self._changed(self._last)  # typed before anything was known to offer

    def typed(self, typed: Typed) -> None:
        """A key in the line."""
        if typed.stage is Stage.CHANGED:
            self._last = typed
            self._changed(typed)
        elif typed.stage in (Stage.COMPLETE, Stage.COMPLETE_BACK):
            self._complete(typed, 1 if typed.stage is Stage.COMPLETE else -1)
        elif typed.stage in (Stage.OLDER, Stage.NEWER):
            self._recall(1 if typed.stage is Stage.OLDER else -1)
        elif typed.stage is Stage.SEARCH:
            self._search_older(typed.text)
        elif typed.stage is Stage.GIVEN_UP:
            self._last = None
            self._end()
        else:
            self._last = None
            self._done(typed.text)

    def _changed(self, typed: Typed) -> None:
        if typed.text == self._put_last:  # this line changed it, and has said why
            return
        self._menu, self._search, self._put_last = (), None, ""
        self._show(complete(typed.text, typed.cursor, self._grammar, self._names), None)

    def _done(self, text: str) -> None:
        if not text.strip():
            self._end()
            return
        try:
            self._run(text)
        except FilterSyntaxError as error:
            self._point(text, error)

    def _point(self, text: str, error: FilterSyntaxError) -> None:
        """Say what is wrong, and put the cursor on the word."""
        column = error.details.get("column", 1)
        place = column - 1 if isinstance(column, int) else len(text)
        self._put_last = text
        self._app.frame.put_typing(text, min(max(place, 0), len(text)))
        problem = error.message.partition(": ")[2] or error.message
        mark = "✗ " if self._app.unicode else "! "
        self._app.frame.suggest([(mark, "bad"), (problem, "bad"), (f"  {error.hint}", "")])

    def _end(self) -> None:
        end_typing(self._app)

    # --- completion

    def _complete(self, typed: Typed, step: int) -> None:
        if self._menu and typed.text == self._put_last:
            self._chosen = (self._chosen + step) % len(self._menu)
            self._choose()
            return
        found = complete(typed.text, typed.cursor, self._grammar, self._names)
        if not found:
            return
        first, after = found[0], typed.text[found[0].end :]
        self._before = typed.text[: first.start]
        word = typed.text[first.start : first.end].lower()
        begun = [each.text for each in found if each.text.lower().startswith(word)] or [each.text for each in found]
        shared = begun[0] + _behind(found, begun[0]) if len(begun) == 1 else common_start(begun)
        if len(shared) > first.end - first.start:
            self._put(self._before + shared + after)
            self._show(complete(self._put_last, len(self._put_last), self._grammar, self._names), None)
        else:
            self._menu, self._chosen = found, 0 if step > 0 else len(found) - 1
            self._choose()

    def _choose(self) -> None:
        """Put the chosen completion into the line, and show it among the others."""
        self._put(self._before + self._menu[self._chosen].text)
        self._show(self._menu, self._chosen)

    def _show(self, found: Sequence[Completion], chosen: int | None) -> None:
        """Show what the word could become; with a choice, the page it is on and what it is."""
        page = (chosen or 0) // MOST_SHOWN * MOST_SHOWN
        parts: list[Part] = []
        for place, each in enumerate(found[page : page + MOST_SHOWN], page):
            parts += [(each.text, "selected" if place == chosen else "dim"), ("  ", "")]
        if len(found) > page + MOST_SHOWN:
            parts.append((f"+{len(found) - page - MOST_SHOWN}  ", "dim"))
        if chosen is not None:
            parts.append((found[chosen].summary, ""))
        self._app.frame.suggest(parts)

    # --- history

    def _recall(self, step: int) -> None:
        lines = self._app.history.lines()
        self._back = max(0, min(self._back + step, len(lines)))
        self._put(lines[-self._back] if self._back else "")

    def _search_older(self, text: str) -> None:
        """Find the next older line that holds what was typed before the search began."""
        if self._search is None:
            self._search, self._found = text, -1
        lines = self._app.history.matching(self._search)
        if not lines:
            self._put_last = text
            self._app.frame.suggest([(f"nothing typed before holds {self._search}", "warn")])
            return
        self._found = (self._found + 1) % len(lines)
        self._put(lines[self._found])
        said = f"  {self._found + 1} of {len(lines)}  ctrl-r older"
        self._app.frame.suggest([("history ", "dim"), (self._search, "match"), (said, "dim")])

    def _put(self, text: str) -> None:
        self._put_last = text
        self._app.frame.put_typing(text)


def _behind(found: Sequence[Completion], text: str) -> str:
    """A space behind a whole word; nothing where a value or an operator follows, as behind `sort:` and `auc`."""
    column = next(each.summary for each in found if each.text == text) == "column"
    return "" if column or text[-1] in ":@=" else " "


def end_typing(app: ConsoleApp) -> None:
    """Give the last line back to messages, and the keyboard to the view."""
    app.frame.stop_typing()
    app.frame_changed()
    if app.view is not None:
        app.view.take_focus()
