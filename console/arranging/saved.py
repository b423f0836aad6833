"""Saving the present view of a list under a name, and opening those that were saved."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from console.arranging.keeping import SavedView
from console.arranging.views_file import ViewsFile
from console.location import Location, filter_words
from engine.core.errors import InvalidInput, NotFound
from engine.core.text import clean

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.screens.list import ListView

LONGEST_NAME = 80


def view_names(app: ConsoleApp) -> list[str]:
    """The names of all saved views, those of several resources as `runs/NAME`. Reads a file: call it in a worker.

    Raises:
        InvalidInput: the file is broken.
    """
    if app.own is None:
        return []
    keys = list(ViewsFile(app.own.config).views())
    names = [name for _, name in keys]
    return [name if names.count(name) == 1 else f"{resource}/{name}" for resource, name in keys]


def save_view(app: ConsoleApp, name: str) -> None:
    """Save the list that is shown under a name.

    Args:
        app: The console; its view is a list.
        name: What to call it; one of the same name and resource is replaced.
    """
    view, called = _list(app), clean(name, limit=LONGEST_NAME).strip()
    if view is None or not called:
        return
    if app.own is None:
        app.fail(InvalidInput("This console keeps nothing of its own.", hint="Start it with `qd`."))
        return
    file, saved = ViewsFile(app.own.config), SavedView.of_list(view.location, view.columns.arrangement)
    resource = view.resource.name
    words = f"Saved. Open it with  :view {quote(called)}"
    app.read("view.save", lambda: file.put(resource, called, saved), lambda _: app.say(words))


def open_view(app: ConsoleApp, name: str) -> None:
    """Go to a saved view.

    Args:
        app: The console.
        name: Its name, or `resource/name` where several have it.
    """
    own = app.own
    if own is None:
        app.fail(NotFound("This console keeps no views.", hint="Start it with `qd`."))
        return
    here = app.navigator.here.resource
    app.read("view.open", lambda: _found(ViewsFile(own.config), name, here), lambda found: _show(app, *found))


def _found(file: ViewsFile, name: str, here: str) -> tuple[str, SavedView]:
    """The view meant by a name: of the resource that is named or shown, else of the only one that has it.

    Raises:
        InvalidInput: several resources have it, or the file is broken.
        NotFound: there is none.
    """
    views = file.views()
    found = {key: view for key, view in views.items() if name in (key[1], f"{key[0]}/{key[1]}")}
    if len(found) > 1:
        found = {key: view for key, view in found.items() if key[0] == here} or found
    if not found:
        names = ", ".join(title for _, title in views) or "none yet; ctrl-s on a list saves one"
        raise NotFound(f"No view is called {clean(name, limit=80)}.", hint=f"There are {clean(names, limit=300)}.")
    if len(found) > 1:
        names = ", ".join(f"{resource}/{title}" for resource, title in found)
        raise InvalidInput(f"Several views are called {clean(name, limit=80)}.", hint=f"Say which: {names}.")
    [((resource, _), view)] = found.items()
    return resource, view


def _show(app: ConsoleApp, resource: str, saved: SavedView) -> None:
    terms = filter_words(saved.filter)
    app.jump(Location(resource, saved.of, terms, saved.sort, saved.columns, group=saved.group))
    view = _list(app)
    if view is not None:
        view.lay_out(saved.arrangement)


def _list(app: ConsoleApp) -> ListView[Any] | None:
    from console.screens.list import ListView

    return app.view if isinstance(app.view, ListView) else None
