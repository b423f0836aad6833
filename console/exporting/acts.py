"""Copying and saving a whole list: all rows that the filter leaves, or those that are marked."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.exporting.formats import COPIES, FILES
from console.exporting.reading import Whole
from console.formats import plural
from engine.core.errors import AlreadyExists, InvalidInput
from engine.core.saving import new_file
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from console.app import ConsoleApp
    from console.exporting.formats import Rows
    from console.exporting.reading import Tell
    from console.screens.list import ListView
    from engine.api import Engine

AT_SIGHT = 5_000
"""Rows that are read while one waits; more are a task, which says how far it is."""


def _list(app: ConsoleApp) -> ListView[Any] | None:
    from console.screens.list import ListView

    return app.view if isinstance(app.view, ListView) else None


def _do(
    app: ConsoleApp,
    title: str,
    compute: Callable[[Tell], Any],
    done: Callable[[Any], None],
    failed: Callable[[Exception], None] | None = None,
) -> None:
    """Read a list that is shown: while one waits, or as a task when it is long."""
    view = _list(app)
    if view is not None and view.complete and len(view.table.marks or view.keys) <= AT_SIGHT:
        app.read("export", lambda: compute(_silent), done, failed)
    else:
        engine = app.engine
        app.work(title, lambda progress: app.pasts.under(engine, lambda: compute(progress)), done, failed=failed)


def _silent(_words: str, _done: int, _all: int) -> None:
    """Says nothing: it is over in a moment."""


def _counted(rows: Rows, counted: list[int]) -> Iterator[Any]:
    for row in rows:
        counted[0] += 1
        yield row


# --- copying


def copy_table(app: ConsoleApp, form: str) -> None:
    """Copy the list that is shown.

    Args:
        app: The console; its view is a list.
        form: One of `COPIES`.
    """
    view = _list(app)
    if view is None:
        return
    whole, engine, noun = Whole.of(view), app.engine, view.resource.noun

    def compute(tell: Tell) -> tuple[str, int]:
        counted = [0]
        rows = _counted(whole.rows(engine, tell), counted)
        return "".join(COPIES[form](whole.headings, rows)), counted[0]

    def done(found: tuple[str, int]) -> None:
        text, count = found
        app.copy(text, f"{plural(count, noun)}, {plural(len(whole.shown), 'column')}, as {form}")

    _do(app, f"copy {plural(len(view.keys), noun)}", compute, done)


# --- saving


def save(app: ConsoleApp, file: str) -> None:
    """Save the list that is shown; asks before a file is replaced.

    Args:
        app: The console; its view is a list.
        file: Where; its suffix says the format.
    """
    view = _list(app)
    if view is None:
        return
    try:
        target = Path(file).expanduser().absolute()
    except RuntimeError as error:  # a ~user that nobody knows
        app.fail(InvalidInput(f"{clean(file)} names nobody's folder: {error}", hint="Name a whole path."))
        return
    if target.suffix.lower() not in FILES:
        known = ", ".join(FILES)
        app.fail(InvalidInput(f"{clean(target.name)} says no format.", hint=f"Let the name end in one of {known}."))
        return
    _write(app, Whole.of(view), target, replace=False)


def _write(app: ConsoleApp, whole: Whole[Any], target: Path, *, replace: bool) -> None:
    engine = app.engine

    def failed(error: Exception) -> None:
        if isinstance(error, AlreadyExists):
            _ask_to_replace(app, whole, target, error)
        else:
            app.fail(error)

    title, said = f"save {clean(target.name)}", clean(str(target), limit=300)
    compute = partial(save_list, engine, whole, target, replace=replace)
    _do(app, title, compute, lambda count: app.say(f"Saved {plural(count, 'row')} to {said}"), failed)


def save_list(engine: Engine, whole: Whole[Any], target: Path, tell: Tell, *, replace: bool = False) -> int:
    """Write a list into a file, whole or not at all.

    Args:
        engine: The open workspace.
        whole: The list.
        target: The file; its suffix says the format.
        tell: Told after every piece; may end it by raising.
        replace: Replace what is there.

    Returns:
        How many rows there are in it.

    Raises:
        AlreadyExists: a file is there already.
        InvalidInput: it cannot be written there.
        QuarterdeckError: the workspace cannot be read.
    """
    counted, write = [0], FILES[target.suffix.lower()]
    with new_file(target, replace=replace) as stream:
        for piece in write(whole.headings, _counted(whole.rows(engine, tell), counted)):
            stream.write(piece.encode("utf-8", "replace"))
    return counted[0]


def _ask_to_replace(app: ConsoleApp, whole: Whole[Any], target: Path, error: AlreadyExists) -> None:
    from console.screens.dialogs import Confirm

    def answered(yes: bool | None) -> None:
        if yes:
            _write(app, whole, target, replace=True)
        else:
            app.say("Nothing was written.", "dim")

    app.open_dialog(Confirm("Save", f"{error.message} Replace it?", "Replace"), answered)
